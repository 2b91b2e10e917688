//! What was read, for the customer, the partner and operators.

use chrono::NaiveDate;
use consent_domain::{AccountId, BankCode, ClientId, ContractId, GrantId, Instant, PartnerId};
use sqlx::{PgPool, Row as _, postgres::PgRow};
use tracing::Instrument as _;
use uuid::Uuid;

use super::data_read::{Days, ReadKind, RecordId, What};
use crate::store::{StoreError, sql_span};

/// All reads of one kind, of one account under one grant; without an account the lists of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessTotal {
    /// The grant.
    pub grant: GrantId,
    /// The bank's id of the account; none of [`ReadKind::Accounts`].
    pub account: Option<AccountId>,
    /// What was read.
    pub task: ReadKind,
    /// When first.
    pub first_read_at: Instant,
    /// When last.
    pub last_read_at: Instant,
    /// How often; a page of transactions is a read.
    pub reads: i64,
    /// Accounts, balances or transactions, all together.
    pub rows: i64,
    /// The last day (Japan) that was over and of which every transaction was served; none of balances
    /// and lists of accounts, and until such a day was served.
    pub last_served_on: Option<NaiveDate>,
}

/// The sums of these grants, by grant, account and task. Grants that were never read have none.
///
/// # Errors
/// [`StoreError`].
pub async fn totals_of(
    pool: &PgPool,
    bank: &BankCode,
    grants: &[GrantId],
) -> Result<Vec<AccessTotal>, StoreError> {
    let grants: Vec<&str> = grants.iter().map(GrantId::as_str).collect();
    let rows = sqlx::query(
        "SELECT grant_id, account, task, first_read_at, last_read_at, reads, rows, last_served_on
         FROM access_totals WHERE bank = $1 AND grant_id = ANY($2)
         ORDER BY grant_id, account, task",
    )
    .bind(bank.as_str())
    .bind(grants)
    .fetch_all(pool)
    .instrument(sql_span("sums of the access record"))
    .await?;
    rows.iter().map(total).collect()
}

fn total(row: &PgRow) -> Result<AccessTotal, StoreError> {
    let account: &str = row.try_get("account")?;
    Ok(AccessTotal {
        grant: GrantId::parse(row.try_get::<&str, _>("grant_id")?)?,
        account: (!account.is_empty())
            .then(|| AccountId::parse(account))
            .transpose()?,
        task: kind(row)?,
        first_read_at: row.try_get("first_read_at")?,
        last_read_at: row.try_get("last_read_at")?,
        reads: row.try_get("reads")?,
        rows: row.try_get("rows")?,
        last_served_on: row.try_get("last_served_on")?,
    })
}

/// One read, as it was recorded.
#[derive(Debug, Clone)]
pub struct AccessRecord {
    /// Its id, which is also the place of the next page.
    pub id: RecordId,
    /// The contract that the grant belongs to.
    pub contract: ContractId,
    /// By which client.
    pub client: ClientId,
    /// Whose the client is.
    pub partner: PartnerId,
    /// What.
    pub what: What,
    /// How many accounts, balances or transactions.
    pub rows: i32,
    /// The access token's id.
    pub jti: Uuid,
    /// The account API's id of the request.
    pub request_id: String,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// The reads under a grant, newest first: those before `before`, or the newest; at most `limit`.
///
/// # Errors
/// [`StoreError`].
pub async fn page_of(
    pool: &PgPool,
    bank: &BankCode,
    grant: &GrantId,
    before: Option<RecordId>,
    limit: u32,
) -> Result<Vec<AccessRecord>, StoreError> {
    let rows = sqlx::query(
        "SELECT record_id, contract, client, partner, task, account, rows, from_date, to_date,
             last_served_on, jti, request_id, traceparent
         FROM access_records
         WHERE bank = $1 AND grant_id = $2
           AND occurred_at <= coalesce($3, 'infinity'::timestamptz)
           AND (occurred_at, record_id) < (coalesce($3, 'infinity'::timestamptz),
               coalesce($4, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid))
         ORDER BY occurred_at DESC, record_id DESC LIMIT $5",
    )
    .bind(bank.as_str())
    .bind(grant.as_str())
    .bind(before.map(RecordId::occurred_at))
    .bind(before.map(RecordId::as_uuid))
    .bind(i64::from(limit))
    .fetch_all(pool)
    .instrument(sql_span("a page of the access record"))
    .await?;
    rows.iter().map(record).collect()
}

fn record(row: &PgRow) -> Result<AccessRecord, StoreError> {
    let unreadable = |what: &'static str| sqlx::Error::Decode(what.into());
    let id: Uuid = row.try_get("record_id")?;
    Ok(AccessRecord {
        id: RecordId::of(id).map_err(|_| unreadable("no id of a record"))?,
        contract: ContractId::parse(row.try_get::<&str, _>("contract")?)?,
        client: ClientId::parse(row.try_get::<&str, _>("client")?)?,
        partner: PartnerId::parse(row.try_get::<&str, _>("partner")?)?,
        what: what(row)?,
        rows: row.try_get("rows")?,
        jti: row.try_get("jti")?,
        request_id: row.try_get("request_id")?,
        traceparent: row.try_get("traceparent")?,
    })
}

fn what(row: &PgRow) -> Result<What, StoreError> {
    let account = || -> Result<AccountId, StoreError> {
        Ok(AccountId::parse(row.try_get::<&str, _>("account")?)?)
    };
    let (from, to): (Option<NaiveDate>, Option<NaiveDate>) =
        (row.try_get("from_date")?, row.try_get("to_date")?);
    Ok(match kind(row)? {
        ReadKind::Accounts => What::Accounts,
        ReadKind::Balance => What::Balance(account()?),
        ReadKind::Transactions => What::Transactions {
            account: account()?,
            days: from.zip(to).map(|(from, to)| Days { from, to }),
            last_served_on: row.try_get("last_served_on")?,
        },
    })
}

fn kind(row: &PgRow) -> Result<ReadKind, StoreError> {
    let word: &str = row.try_get("task")?;
    let unknown = || sqlx::Error::Decode(format!("nothing is read as {word}").into());
    Ok(ReadKind::find(word).ok_or_else(unknown)?)
}
