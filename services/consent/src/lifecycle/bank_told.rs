//! What a bank told of a contract, and all that follows from it, once per notice: the contract's fact
//! first, with which consents it concerns, then one command per consent. What a crash leaves open the sweeper
//! completes; what had nothing to do leaves its key as well, so that no repetition finds something later.

use std::convert::Infallible;

use consent_domain::{
    BankCode, ContractId, GrantId, Instant,
    bank_notice::{BankNotice, NoticeEffects},
    consent::ConsentRefusal,
    contract::{ContractRefusal, ContractStream},
};
use sqlx::{PgPool, Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use super::{ActError, OnConsent, Order};
use crate::{
    journey::{guess_scope, stream_id},
    partners::bank_record,
    store::{Actor, Bus, CommandContext, CommandError, Companion, StoreError},
};

/// Notices that are still open are taken up again after this many seconds: by then nobody is at them.
const OPEN_AFTER_SECONDS: f64 = 30.0;
/// Most of them that one round takes up.
const BATCH: i64 = 50;

/// One thing that a bank told.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The bank.
    pub bank: BankCode,
    /// The bank's id of the notice.
    pub id: Uuid,
    /// The contract.
    pub contract: ContractId,
    /// What.
    pub notice: BankNotice,
    /// When it happened, as the bank says.
    pub occurred_at: Instant,
}

/// Why a notice is not complete.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// The bank is not on the platform.
    #[error("no such bank")]
    UnknownBank,
    /// Its id was used for something else.
    #[error("this notice id was used for something else")]
    IdReused,
    /// The contract's fact could not be recorded.
    #[error(transparent)]
    Contract(#[from] CommandError<Infallible>),
    /// A consent's could not.
    #[error(transparent)]
    Consent(#[from] ActError<ConsentRefusal>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NotTaken {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Takes a notice, and does all that follows from it.
///
/// # Errors
/// [`NotTaken`]; what was taken is completed later.
pub async fn take(pool: &PgPool, bus: &Bus, told: &Told) -> Result<(), NotTaken> {
    let Some(record) = bank_record(pool, &told.bank).await? else {
        return Err(NotTaken::UnknownBank);
    };
    match keep(pool, told).await? {
        Kept::Complete => Ok(()),
        Kept::Open => effect(pool, bus, told, &record.settings.notice_effects).await,
    }
}

/// How far a notice is, whoever took it first.
enum Kept {
    /// Nothing follows from it any more, or ever did.
    Complete,
    /// Something may still have to follow.
    Open,
}

/// Stores it under its id, unless it is there. One of a contract that has nothing here leaves its id and a digest:
/// known, and complete.
async fn keep(pool: &PgPool, told: &Told) -> Result<Kept, NotTaken> {
    let insert = if concerns_us(pool, told).await? {
        "INSERT INTO bank_notices (bank, notice_id, contract, content, occurred_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (bank, notice_id) DO NOTHING"
    } else {
        "INSERT INTO bank_notices (bank, notice_id, content_sha256, effected_at)
         VALUES ($1, $2, bank_notice_sha256($1, $2, $3, $4, $5), now())
         ON CONFLICT (bank, notice_id) DO NOTHING"
    };
    bound(sqlx::query(insert), told).execute(pool).await?;
    let found = sqlx::query(
        "SELECT effected_at IS NULL AS open, bank_notice_sha256($1, $2, $3, $4, $5) =
            coalesce(content_sha256, bank_notice_sha256(bank, notice_id, contract, content, occurred_at))
            AS same
         FROM bank_notices WHERE bank = $1 AND notice_id = $2",
    );
    let found = bound(found, told).fetch_one(pool).await?;
    if !found.try_get::<bool, _>("same")? {
        return Err(NotTaken::IdReused);
    }
    Ok(if found.try_get("open")? {
        Kept::Open
    } else {
        Kept::Complete
    })
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// `$1` to `$5`.
fn bound<'q>(query: Query<'q>, told: &'q Told) -> Query<'q> {
    query
        .bind(told.bank.as_str())
        .bind(told.id)
        .bind(told.contract.as_str())
        .bind(Json(&told.notice))
        .bind(told.occurred_at)
}

/// Completes what is still open.
///
/// # Errors
/// [`StoreError`]; a notice that can't be completed now waits for the next round.
pub(crate) async fn complete_open(pool: &PgPool, bus: &Bus) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT bank, notice_id, contract, content, occurred_at FROM bank_notices
         WHERE effected_at IS NULL
           AND received_at < now() - make_interval(secs => $1) ORDER BY received_at LIMIT $2",
    )
    .bind(OPEN_AFTER_SECONDS)
    .bind(BATCH)
    .fetch_all(pool)
    .await?;
    for row in rows {
        let told = read(&row)?;
        let settings = match bank_record(pool, &told.bank).await? {
            None => continue,
            Some(record) => record.settings.notice_effects,
        };
        if let Err(error) = effect(pool, bus, &told, &settings).await {
            tracing::warn!(notice = %told.id, %error, "a bank's notice is not complete yet");
        }
    }
    Ok(())
}

/// A bank tells of all its contracts. Of those that never linked anything only what holds for later
/// linkages is kept.
async fn concerns_us(pool: &PgPool, told: &Told) -> Result<bool, sqlx::Error> {
    if matches!(
        told.notice,
        BankNotice::ContractSuspended { .. }
            | BankNotice::ContractRestored { .. }
            | BankNotice::ContractClosed
    ) {
        return Ok(true);
    }
    // A journey under way may be about to make its first.
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM contract_current WHERE stream_id = $1)
            OR EXISTS (SELECT FROM journey_current WHERE status = 'in_progress'
                AND ends_at > now() AND starts_with(stream_id, $2 || ':')
                AND state #>> '{stage,login,contract}' = $3)",
    )
    .bind(stream_id(&told.bank, told.contract.as_str()))
    .bind(told.bank.as_str())
    .bind(told.contract.as_str())
    .fetch_one(pool)
    .await
}

fn read(row: &PgRow) -> Result<Told, StoreError> {
    let Json(notice): Json<BankNotice> = row.try_get("content")?;
    Ok(Told {
        bank: BankCode::parse(row.try_get::<String, _>("bank")?)?,
        id: row.try_get("notice_id")?,
        contract: ContractId::parse(row.try_get::<String, _>("contract")?)?,
        notice,
        occurred_at: row.try_get("occurred_at")?,
    })
}

async fn effect(
    pool: &PgPool,
    bus: &Bus,
    told: &Told,
    settings: &NoticeEffects,
) -> Result<(), NotTaken> {
    on_contract(bus, told).await?;
    for grant in concerned(pool, told).await? {
        let grant = GrantId::parse(grant).map_err(StoreError::from)?;
        on_consent(pool, bus, told, settings, &grant).await?;
    }
    sqlx::query(
        "UPDATE bank_notices SET effected_at = now() WHERE bank = $1 AND notice_id = $2
           AND effected_at IS NULL",
    )
    .bind(told.bank.as_str())
    .bind(told.id)
    .execute(pool)
    .await?;
    Ok(())
}

/// The order of everything that follows from a notice: by this service, once per notice and stream.
fn order(told: &Told, stream: &str) -> Order {
    Order {
        key: Some(format!("bank-notice:{}:{stream}", told.id)),
        causation_id: Some(told.id),
        ..Order::of(Actor::System)
    }
}

async fn on_contract(bus: &Bus, told: &Told) -> Result<(), NotTaken> {
    let stream = stream_id(&told.bank, told.contract.as_str());
    let context = CommandContext {
        contract: Some(told.contract.to_string()),
        ..order(told, "contract").context(&told.bank, "")
    };
    let (notice, occurred_at) = (told.notice.clone(), told.occurred_at);
    let mut companions = cleared_guesses(told);
    companions.push(Companion::NoteConcerned {
        bank: told.bank.to_string(),
        notice: told.id,
        contract: told.contract.to_string(),
    });
    bus.execute::<ContractStream, Infallible>(
        stream,
        context,
        move |contract, _| {
            Ok(match notice.on_contract(occurred_at, contract) {
                Ok(outcome) => outcome.into_events(),
                // A closed contract stays closed; what else the bank does with it changes nothing here.
                Err(ContractRefusal::Closed) => Vec::new(),
            })
        },
        move |_, _, _| companions.clone(),
    )
    .await?;
    Ok(())
}

/// The grants that were live when the notice became a fact of its contract. One that began later is not
/// concerned, however late the notice is completed.
async fn concerned(pool: &PgPool, told: &Told) -> Result<Vec<String>, sqlx::Error> {
    // A release before wrote none down.
    sqlx::query_scalar(
        "SELECT coalesce(n.concerned, ARRAY(
            SELECT split_part(c.stream_id, ':', 2) FROM consent_current c
            WHERE c.bank = $1 AND c.contract = $3 AND c.status = 'live'))
         FROM bank_notices n WHERE n.bank = $1 AND n.notice_id = $2",
    )
    .bind(told.bank.as_str())
    .bind(told.id)
    .bind(told.contract.as_str())
    .fetch_one(pool)
    .await
}

/// Guesses at a PIN that is no more count no longer: its counter holds the lock, not the fact.
fn cleared_guesses(told: &Told) -> Vec<Companion> {
    match &told.notice {
        BankNotice::PinReset { pin_scope } => vec![Companion::ClearGuesses {
            bank: told.bank.to_string(),
            guess_scope: guess_scope(&told.contract, pin_scope),
        }],
        _ => Vec::new(),
    }
}

async fn on_consent(
    pool: &PgPool,
    bus: &Bus,
    told: &Told,
    settings: &NoticeEffects,
    grant: &GrantId,
) -> Result<(), NotTaken> {
    let on = OnConsent {
        pool,
        bus,
        bank: &told.bank,
        grant,
    };
    let (notice, settings) = (told.notice.clone(), *settings);
    let order = order(told, grant.as_str());
    on.act(order, "", move |consent, now| {
        Ok(notice.on_consent(&settings, consent, now))
    })
    .await?;
    Ok(())
}
