//! Writes down which consents a filter means, as of one moment.
//!
//! One statement reads them, so that they are the consents of one snapshot, and takes no transaction id;
//! short statements on another connection write them: a long writing transaction would hold back
//! everything that reads the log in commit order.

use consent_domain::{
    BankCode, Instant,
    consent::{RevocationReason, RevokedBy},
};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, PgPool, Postgres, Row as _, Transaction, types::Json};
use uuid::Uuid;

use super::{BulkError, BulkRevocation, COLUMNS, Filter, State};
use crate::{entropy::opaque_id, partners::bank_record, protocol::digest::sha256};

/// Items that one statement writes.
const CHUNK: usize = 2_000;

/// A bulk revocation as an operator asks for it.
#[derive(Debug, Clone)]
pub struct Request {
    /// The bank.
    pub bank: BankCode,
    /// Which consents.
    pub filter: Filter,
    /// Why.
    pub reason: RevocationReason,
    /// For whom the operator acts.
    pub by: RevokedBy,
    /// The operator.
    pub operator: String,
    /// A repeat under the same key finds the first.
    pub key: String,
}

impl Request {
    /// What a key may be used for again.
    fn content(&self) -> Result<String, serde_json::Error> {
        let filter = serde_json::to_string(&self.filter)?;
        let (bank, by, reason) = (&self.bank, self.by.as_str(), self.reason.as_str());
        Ok(format!("{bank}\n{filter}\n{reason}\n{by}\n"))
    }
}

/// Takes a request and freezes what it means; nothing is revoked yet.
///
/// # Errors
/// [`BulkError`].
pub async fn request(pool: &PgPool, request: &Request) -> Result<BulkRevocation, BulkError> {
    if request.filter.is_empty() {
        return Err(BulkError::EmptyFilter);
    }
    let content = request
        .content()
        .map_err(|error| sqlx::Error::Encode(error.into()))?;
    let row = take(pool, request, &content).await?;
    if row.state == State::Preparing {
        freeze(pool, request, &row, &content).await?;
    }
    super::get(pool, &request.bank, row.bulk_id).await
}

/// The row of the request: a new one, or the one of its first time.
async fn take(
    pool: &PgPool,
    request: &Request,
    content: &str,
) -> Result<BulkRevocation, BulkError> {
    let Some(record) = bank_record(pool, &request.bank).await? else {
        return Err(BulkError::UnknownBank);
    };
    let rules = record.settings.operator_rules;
    let digest = sha256(content.as_bytes());
    // An operator's keys are apart from another's.
    let key = format!("{}:{}", request.operator, request.key);
    sqlx::query(
        "WITH taken AS (
             INSERT INTO bulk_revocations (bank, bulk_id, filter, reason, by_whom, requested_by, request_key,
                 request_digest, needs_approval, per_second)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (bank, request_key) DO NOTHING RETURNING bank, bulk_id, requested_by)
         INSERT INTO bulk_revocation_acts (bank, bulk_id, act, operator)
         SELECT bank, bulk_id, 'requested', requested_by FROM taken",
    )
    .bind(request.bank.as_str())
    .bind(opaque_id())
    .bind(Json(&request.filter))
    .bind(request.reason.as_str())
    .bind(request.by.as_str())
    .bind(&request.operator)
    .bind(&key)
    .bind(digest.as_slice())
    .bind(rules.bulk_revocation_needs_approval)
    .bind(i32::try_from(rules.bulk_revocations_per_second).unwrap_or(1))
    .execute(pool)
    .await?;
    let row: BulkRevocation = sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM bulk_revocations WHERE bank = $1 AND request_key = $2"
    ))
    .bind(request.bank.as_str())
    .bind(&key)
    .fetch_one(pool)
    .await?;
    if row.request_digest == digest {
        Ok(row)
    } else {
        Err(BulkError::KeyReused)
    }
}

/// What was frozen.
struct Frozen {
    at: Instant,
    count: i64,
    digest: [u8; 32],
}

async fn freeze(
    pool: &PgPool,
    request: &Request,
    row: &BulkRevocation,
    content: &str,
) -> Result<(), BulkError> {
    let mut read = lock(pool, row.bulk_id).await?;
    // Whoever held the lock before may have finished it.
    let now = super::get(pool, &request.bank, row.bulk_id).await?;
    if now.state != State::Preparing {
        return Ok(());
    }
    let mut write = pool.acquire().await?;
    // What a crash left half written.
    sqlx::query("DELETE FROM bulk_revocation_items WHERE bank = $1 AND bulk_id = $2")
        .bind(request.bank.as_str())
        .bind(row.bulk_id)
        .execute(&mut *write)
        .await?;
    let frozen = copy(&mut read, &mut write, request, row.bulk_id, content).await?;
    sqlx::query(
        "UPDATE bulk_revocations SET state = 'previewed', frozen_at = $3, item_count = $4,
             content_digest = $5, valid_until = now() + make_interval(secs => $6)
         WHERE bank = $1 AND bulk_id = $2 AND state = 'preparing'",
    )
    .bind(request.bank.as_str())
    .bind(row.bulk_id)
    .bind(frozen.at)
    .bind(frozen.count)
    .bind(frozen.digest.as_slice())
    .bind(super::steps::VALID_SECONDS)
    .execute(&mut *write)
    .await?;
    Ok(read.commit().await?)
}

/// A reading transaction that nobody else has for this id; its lock takes no transaction id.
async fn lock(pool: &PgPool, id: Uuid) -> Result<Transaction<'static, Postgres>, BulkError> {
    let mut read = pool.begin().await?;
    let locked: bool =
        sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))")
            .bind(format!("bulk-revocation:{id}"))
            .fetch_one(&mut *read)
            .await?;
    if !locked {
        return Err(BulkError::BeingPrepared);
    }
    // A filter may mean a large part of the table.
    sqlx::query("SET LOCAL statement_timeout = '10min'")
        .execute(&mut *read)
        .await?;
    Ok(read)
}

async fn copy(
    read: &mut PgConnection,
    write: &mut PgConnection,
    request: &Request,
    id: Uuid,
    content: &str,
) -> Result<Frozen, BulkError> {
    let mut frozen_at: Option<Instant> = None;
    let mut digest = Sha256::new_with_prefix(content.as_bytes());
    let mut count = 0_i64;
    let mut chunk = Chunk::default();
    {
        let mut select = request.filter.select(&request.bank);
        let mut rows = select.build().fetch(&mut *read);
        while let Some(row) = rows.try_next().await? {
            frozen_at = Some(row.try_get("frozen_at")?);
            let stream: String = row.try_get("stream_id")?;
            let (_, grant) = stream.split_once(':').unwrap_or_default();
            digest.update(grant.as_bytes());
            digest.update(b"\n");
            count += 1;
            chunk.ordinals.push(count);
            chunk.grants.push(grant.to_owned());
            chunk.contracts.push(row.try_get("contract")?);
            chunk.partners.push(row.try_get("partner")?);
            if chunk.grants.len() >= CHUNK {
                chunk.write(write, &request.bank, id).await?;
                chunk = Chunk::default();
            }
        }
    }
    chunk.write(write, &request.bank, id).await?;
    let at = match frozen_at {
        Some(at) => at,
        None => {
            sqlx::query_scalar("SELECT statement_timestamp()")
                .fetch_one(&mut *write)
                .await?
        }
    };
    Ok(Frozen {
        at,
        count,
        digest: digest.finalize().into(),
    })
}

#[derive(Default)]
struct Chunk {
    ordinals: Vec<i64>,
    grants: Vec<String>,
    contracts: Vec<String>,
    partners: Vec<String>,
}

impl Chunk {
    async fn write(
        &self,
        write: &mut PgConnection,
        bank: &BankCode,
        id: Uuid,
    ) -> Result<(), sqlx::Error> {
        if self.grants.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO bulk_revocation_items (bank, bulk_id, ordinal, grant_id, contract, partner)
             SELECT $1, $2, * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[])",
        )
        .bind(bank.as_str())
        .bind(id)
        .bind(&self.ordinals)
        .bind(&self.grants)
        .bind(&self.contracts)
        .bind(&self.partners)
        .execute(write)
        .await
        .map(drop)
    }
}
