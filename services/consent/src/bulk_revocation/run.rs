//! Works bulk revocations off: any replica, a batch at a time, within the pace that the bank set.
//!
//! A batch's items are claimed for a while; what a replica that crashed held comes up again when the
//! claim lapses. Each revocation is one command with a key of its own, and its fact names the bulk
//! revocation as its cause, so that a repeat finds it done, however late it comes.

use std::time::Duration;

use actix_web::web;
use consent_domain::{
    BankCode, GrantId,
    consent::{ConsentRefusal, RevocationReason, RevokedBy},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sqlx::{FromRow, PgPool};
use tracing::Instrument as _;
use uuid::Uuid;

use super::ItemOutcome;
use crate::{
    app::App,
    journey::stream_id,
    lifecycle::{ActError, Done, OnConsent, Order},
    store::{Actor, Bus, CommandError, StoreError},
};

/// Most items of a batch; fewer where the pace is slower than that per second.
const BATCH: i32 = 50;
/// How long a replica may take for a batch, in seconds, before others take its items up.
const CLAIM_SECONDS: f64 = 30.0;
/// Commands of a batch that run side by side.
const AT_ONCE: usize = 4;
/// An item that could not be settled so often has failed.
const TRIES_MAX: i32 = 5;

/// What one batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worked {
    /// Nothing is running, or nothing is due now.
    Nothing,
    /// That many items were taken on.
    Items(usize),
}

/// Works until the task is dropped; looks for work that often.
pub async fn run(app: web::Data<App>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        loop {
            let batch = work(&app.pool, &app.bus);
            match batch
                .instrument(tracing::info_span!("bulk revocation"))
                .await
            {
                Ok(Worked::Nothing) => match pause(&app.pool).await {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => break,
                },
                Ok(Worked::Items(_)) => {}
                Err(error) => {
                    tracing::warn!(%error, "a batch of a bulk revocation failed; it is taken up again");
                    break;
                }
            }
        }
    }
}

/// Until the next batch of something that runs: within a second, else the next look is soon enough.
async fn pause(pool: &PgPool) -> Option<Duration> {
    let seconds: Option<f64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM min(next_batch_at) - clock_timestamp())::float8
         FROM bulk_revocations WHERE state = 'running' AND next_batch_at < clock_timestamp() + interval '1 s'",
    )
    .fetch_one(pool)
    .await
    .ok()?;
    // Rivals for the same batch part by a little.
    seconds.map(|seconds| Duration::from_secs_f64(seconds.clamp(0.01, 1.0)))
}

/// One batch's item, with what it takes to revoke it.
#[derive(Debug, FromRow)]
struct Claimed {
    bank: String,
    bulk_id: Uuid,
    reason: String,
    by_whom: String,
    requested_by: String,
    ordinal: Option<i64>,
    grant_id: Option<String>,
    tries: Option<i32>,
}

/// Takes what is due for this replica: the pace is kept in one row, so it holds for all replicas together.
const CLAIM: &str = "
    WITH due AS (
        SELECT * FROM bulk_revocations WHERE state = 'running' AND next_batch_at <= clock_timestamp()
        ORDER BY next_batch_at LIMIT 1 FOR UPDATE SKIP LOCKED),
    paced AS (
        UPDATE bulk_revocations b SET next_batch_at = clock_timestamp()
            + make_interval(secs => least(due.per_second, $1)::float8 / due.per_second)
        FROM due WHERE b.bank = due.bank AND b.bulk_id = due.bulk_id),
    taken AS (
        UPDATE bulk_revocation_items SET tries = tries + 1,
            claimed_until = clock_timestamp() + make_interval(secs => $2)
        WHERE (bank, bulk_id, ordinal) IN (
            SELECT i.bank, i.bulk_id, i.ordinal FROM bulk_revocation_items i
            JOIN due ON i.bank = due.bank AND i.bulk_id = due.bulk_id
            WHERE i.outcome IS NULL AND i.claimed_until <= clock_timestamp()
            ORDER BY i.ordinal LIMIT (SELECT least(per_second, $1) FROM due) FOR UPDATE OF i SKIP LOCKED)
        RETURNING bank, bulk_id, ordinal, grant_id, tries)
    SELECT due.bank, due.bulk_id, due.reason, due.by_whom, due.requested_by, taken.ordinal, taken.grant_id,
        taken.tries
    FROM due LEFT JOIN taken ON true ORDER BY taken.ordinal";

/// One batch of one bulk revocation, whichever has waited longest.
///
/// # Errors
/// [`StoreError`]; what was claimed comes up again.
pub async fn work(pool: &PgPool, bus: &Bus) -> Result<Worked, StoreError> {
    let claimed: Vec<Claimed> = sqlx::query_as(CLAIM)
        .bind(BATCH)
        .bind(CLAIM_SECONDS)
        .fetch_all(pool)
        .await?;
    let Some(first) = claimed.first() else {
        return Ok(Worked::Nothing);
    };
    if first.ordinal.is_none() {
        complete(pool, &first.bank, first.bulk_id).await?;
        return Ok(Worked::Nothing);
    }
    let count = claimed.len();
    stream::iter(claimed)
        .map(|item| settle(pool, bus, item))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(Worked::Items(count))
}

/// Ends it where every item has its outcome; others may still be at some.
async fn complete(pool: &PgPool, bank: &str, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH done AS (
             UPDATE bulk_revocations b SET state = 'completed', ended_at = now()
             WHERE bank = $1 AND bulk_id = $2 AND state = 'running' AND NOT EXISTS (
                 SELECT FROM bulk_revocation_items i
                 WHERE i.bank = b.bank AND i.bulk_id = b.bulk_id AND i.outcome IS NULL)
             RETURNING bank, bulk_id)
         INSERT INTO bulk_revocation_acts (bank, bulk_id, act) SELECT bank, bulk_id, 'completed' FROM done",
    )
    .bind(bank)
    .bind(id)
    .execute(pool)
    .await
    .map(drop)
}

/// Revokes one consent and writes down what came of it.
async fn settle(pool: &PgPool, bus: &Bus, item: Claimed) -> Result<(), StoreError> {
    let (Some(ordinal), Some(grant), Some(tries)) = (item.ordinal, &item.grant_id, item.tries)
    else {
        return Ok(());
    };
    let bank = BankCode::parse(item.bank.as_str())?;
    let grant = GrantId::parse(grant.as_str())?;
    let on = OnConsent {
        pool,
        bus,
        bank: &bank,
        grant: &grant,
    };
    let (outcome, why) = match revoke(on, &item).await {
        Ok(outcome) => (outcome, None),
        Err(Failed::ForGood(why)) => (ItemOutcome::Failed, Some(why)),
        Err(Failed::ForNow(error)) => {
            tracing::warn!(bulk = %item.bulk_id, %grant, %error, "a consent is not revoked yet");
            if tries < TRIES_MAX {
                return Ok(());
            }
            (ItemOutcome::Failed, Some("not_stored"))
        }
    };
    sqlx::query(
        "UPDATE bulk_revocation_items SET outcome = $4, why = $5, settled_at = now()
         WHERE bank = $1 AND bulk_id = $2 AND ordinal = $3 AND outcome IS NULL",
    )
    .bind(bank.as_str())
    .bind(item.bulk_id)
    .bind(ordinal)
    .bind(outcome.as_str())
    .bind(why)
    .execute(pool)
    .await?;
    Ok(())
}

enum Failed {
    /// Another try would fail as well.
    ForGood(&'static str),
    /// Another try may do.
    ForNow(Box<dyn std::error::Error + Send + Sync>),
}

async fn revoke(on: OnConsent<'_>, item: &Claimed) -> Result<ItemOutcome, Failed> {
    let order = Order {
        key: Some(format!("bulk-revocation:{}:{}", item.bulk_id, on.grant)),
        causation_id: Some(item.bulk_id),
        ..Order::of(Actor::Operator(item.requested_by.clone()))
    };
    let by = RevokedBy::find(&item.by_whom).unwrap_or(RevokedBy::Bank);
    let reason = RevocationReason::find(&item.reason).unwrap_or(RevocationReason::Other);
    match on.revoke(by, reason, order).await {
        Ok(Done::Changed(_) | Done::Before) => Ok(ItemOutcome::Revoked),
        Ok(Done::Already)
        | Err(ActError::Command(CommandError::Refused(ConsentRefusal::AlreadyEnded))) => {
            whose_end(on, item.bulk_id)
                .await
                .map_err(|error| Failed::ForNow(error.into()))
        }
        Err(ActError::Command(CommandError::Refused(ConsentRefusal::Unknown))) => {
            Err(Failed::ForGood("unknown"))
        }
        Err(ActError::Command(CommandError::Refused(_))) => Err(Failed::ForGood("refused")),
        Err(ActError::KeyReused) => Err(Failed::ForGood("key_reused")),
        Err(error) => Err(Failed::ForNow(error.into())),
    }
}

/// An end of this very bulk revocation, whose outcome a crash kept from being written, is no other's.
async fn whose_end(on: OnConsent<'_>, bulk: Uuid) -> Result<ItemOutcome, sqlx::Error> {
    let ours: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM events WHERE aggregate_type = 'consent' AND aggregate_id = $1
             AND event_type = 'AccessRevoked' AND causation_id = $2)",
    )
    .bind(stream_id(on.bank, on.grant.as_str()))
    .bind(bulk)
    .fetch_one(on.pool)
    .await?;
    Ok(if ours {
        ItemOutcome::Revoked
    } else {
        ItemOutcome::AlreadyEnded
    })
}
