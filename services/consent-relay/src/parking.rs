//! Events that can't be published now, and those of their streams behind them.
//!
//! A row is committed here before the Kafka transaction that passes its event over, and whatever has a
//! row is never published by the ordinary way. So a crash between the two leaves nothing to be guessed.

use chrono::{DateTime, Utc};
use public_events::LoggedFact;
use sqlx::PgPool;
use uuid::Uuid;

use crate::lease::Term;

/// Why an event stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// This release can't read it.
    Untranslatable,
    /// Its record is larger than is taken.
    TooLarge,
    /// The broker takes it for invalid.
    Invalid,
    /// There is no topic for it.
    MissingTopic,
    /// The relay may not write to its topic.
    Forbidden,
}

impl Cause {
    /// As it is stored and counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Untranslatable => "untranslatable",
            Self::TooLarge => "too_large",
            Self::Invalid => "invalid",
            Self::MissingTopic => "missing_topic",
            Self::Forbidden => "forbidden",
        }
    }
}

/// One event to be parked.
#[derive(Debug, Clone)]
pub struct ToPark {
    /// Its number.
    pub global_sequence: i64,
    /// Its id.
    pub event_id: Uuid,
    /// Its stream.
    pub stream: (String, String),
    /// Why, with words for the operator; `None` where it only waits behind another.
    pub why: Option<(Cause, String)>,
}

impl ToPark {
    /// Of a fact.
    pub fn new(fact: &LoggedFact, why: Option<(Cause, String)>) -> Self {
        Self {
            global_sequence: fact.global_sequence,
            event_id: fact.event_id,
            stream: (fact.stream_type.clone(), fact.stream_id.clone()),
            why,
        }
    }
}

/// The term is over: somebody else decides now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermOver;

/// The leader's row, locked against a takeover until the statement's end.
const LEADS: &str = "SELECT 1 FROM sequencer WHERE holder = $1 AND fence = $2
     AND expires_at > clock_timestamp() FOR SHARE";

/// Parks events.
///
/// # Errors
/// The database's.
pub async fn park(
    pool: &PgPool,
    term: &Term,
    events: &[ToPark],
) -> Result<Result<(), TermOver>, sqlx::Error> {
    if events.is_empty() {
        return Ok(Ok(()));
    }
    let numbers: Vec<i64> = events.iter().map(|e| e.global_sequence).collect();
    let ids: Vec<Uuid> = events.iter().map(|e| e.event_id).collect();
    let types: Vec<&str> = events.iter().map(|e| e.stream.0.as_str()).collect();
    let streams: Vec<&str> = events.iter().map(|e| e.stream.1.as_str()).collect();
    let causes: Vec<Option<&str>> = events
        .iter()
        .map(|e| e.why.as_ref().map(|(cause, _)| cause.as_str()))
        .collect();
    let details: Vec<Option<&str>> = events
        .iter()
        .map(|e| e.why.as_ref().map(|(_, detail)| detail.as_str()))
        .collect();
    // A waiting event that fails when its turn comes is parked by the same statement.
    let (leads,): (bool,) = sqlx::query_as(&format!(
        "WITH leader AS MATERIALIZED ({LEADS}), parked AS (
             INSERT INTO parked_events (global_sequence, event_id, aggregate_type, aggregate_id, state,
                 cause, detail, tries)
             SELECT number, id, type, stream, CASE WHEN cause IS NULL THEN 'waiting' ELSE 'parked' END,
                 cause, detail, CASE WHEN cause IS NULL THEN 0 ELSE 1 END
             FROM leader, UNNEST($3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
                 AS e (number, id, type, stream, cause, detail)
             ON CONFLICT (global_sequence) DO UPDATE
                 SET state = excluded.state, cause = excluded.cause, detail = excluded.detail,
                     tries = parked_events.tries + 1
                 WHERE parked_events.state = 'waiting' AND excluded.state = 'parked'
         )
         SELECT EXISTS (SELECT FROM leader)"
    ))
    .bind(&term.holder)
    .bind(term.fence)
    .bind(&numbers)
    .bind(&ids)
    .bind(&types)
    .bind(&streams)
    .bind(&causes)
    .bind(&details)
    .fetch_one(pool)
    .await?;
    Ok(if leads { Ok(()) } else { Err(TermOver) })
}

/// What of a batch is parked already: its events that have a row, and its streams that stand still.
#[derive(Debug, Default)]
pub struct Standing {
    /// Numbers that have a row, in whatever state.
    pub numbers: Vec<i64>,
    /// Streams with an event that is parked or waits.
    pub streams: Vec<(String, String)>,
}

/// Looks a batch up.
///
/// # Errors
/// The database's.
pub async fn standing(pool: &PgPool, facts: &[LoggedFact]) -> Result<Standing, sqlx::Error> {
    let numbers: Vec<i64> = facts.iter().map(|fact| fact.global_sequence).collect();
    let types: Vec<&str> = facts.iter().map(|fact| fact.stream_type.as_str()).collect();
    let streams: Vec<&str> = facts.iter().map(|fact| fact.stream_id.as_str()).collect();
    let numbers = sqlx::query_scalar(
        "SELECT global_sequence FROM parked_events WHERE global_sequence = ANY($1)",
    )
    .bind(&numbers)
    .fetch_all(pool);
    let streams = sqlx::query_as(
        "SELECT DISTINCT aggregate_type, aggregate_id FROM parked_events
         WHERE state IN ('parked', 'waiting') AND (aggregate_type, aggregate_id) IN (
             SELECT * FROM UNNEST($1::text[], $2::text[]))",
    )
    .bind(&types)
    .bind(&streams)
    .fetch_all(pool);
    let (numbers, streams) = tokio::try_join!(numbers, streams)?;
    Ok(Standing { numbers, streams })
}

/// Numbers up to `published` whose turn it is: they wait, and nothing before them in their stream is
/// parked. In order, at most `max`.
///
/// # Errors
/// The database's.
pub async fn released(pool: &PgPool, published: i64, max: u32) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT global_sequence FROM parked_events w
         WHERE state = 'waiting' AND global_sequence <= $1 AND NOT EXISTS (
             SELECT FROM parked_events b
             WHERE b.aggregate_type = w.aggregate_type AND b.aggregate_id = w.aggregate_id
               AND b.state = 'parked' AND b.global_sequence < w.global_sequence)
         ORDER BY global_sequence LIMIT $2",
    )
    .bind(published)
    .bind(i64::from(max))
    .fetch_all(pool)
    .await
}

/// Records that these were published after all. Kafka's offset topic is what knows; this follows it.
///
/// # Errors
/// The database's.
pub async fn settle(pool: &PgPool, numbers: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE parked_events SET state = 'published', settled_at = clock_timestamp()
         WHERE global_sequence = ANY($1) AND state IN ('parked', 'waiting')",
    )
    .bind(numbers)
    .execute(pool)
    .await
    .map(drop)
}

/// How many stand still, and how many wait behind them.
///
/// # Errors
/// The database's.
pub async fn count(pool: &PgPool) -> Result<(i64, i64), sqlx::Error> {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE state = 'parked'), count(*) FILTER (WHERE state = 'waiting')
         FROM parked_events WHERE state IN ('parked', 'waiting')",
    )
    .fetch_one(pool)
    .await
}

/// One row for the operator.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, serde::Serialize)]
pub struct Parked {
    /// Its number.
    pub global_sequence: i64,
    /// Its id.
    pub event_id: Uuid,
    /// The stream's type.
    pub aggregate_type: String,
    /// The stream's id.
    pub aggregate_id: String,
    /// `parked` or `waiting`.
    pub state: String,
    /// See [`Cause`].
    pub cause: Option<String>,
    /// In words.
    pub detail: Option<String>,
    /// Since when.
    pub parked_at: DateTime<Utc>,
    /// How often it was tried.
    pub tries: i32,
}

/// What is not settled, in order.
///
/// # Errors
/// The database's.
pub async fn list(pool: &PgPool) -> Result<Vec<Parked>, sqlx::Error> {
    sqlx::query_as(
        "SELECT global_sequence, event_id, aggregate_type, aggregate_id, state, cause, detail, parked_at,
             tries
         FROM parked_events WHERE state IN ('parked', 'waiting') ORDER BY global_sequence",
    )
    .fetch_all(pool)
    .await
}

/// Who orders, and why.
#[derive(Debug, Clone)]
pub struct Order {
    /// The operator.
    pub by: String,
    /// For the record.
    pub reason: String,
}

/// Has parked events tried again: those of the numbers, or all of them where there are none. Gives how
/// many.
///
/// # Errors
/// The database's.
pub async fn retry(pool: &PgPool, numbers: &[i64], order: &Order) -> Result<u64, sqlx::Error> {
    let retried = sqlx::query(
        "UPDATE parked_events SET state = 'waiting', ordered_by = $2, order_reason = $3
         WHERE state = 'parked' AND (cardinality($1::bigint[]) = 0 OR global_sequence = ANY($1))",
    )
    .bind(numbers)
    .bind(&order.by)
    .bind(&order.reason)
    .execute(pool)
    .await?;
    Ok(retried.rows_affected())
}

/// Gives an event up for good: it is never published, and its stream goes on. False where it is not
/// parked.
///
/// # Errors
/// The database's.
pub async fn skip(pool: &PgPool, number: i64, order: &Order) -> Result<bool, sqlx::Error> {
    let skipped = sqlx::query(
        "UPDATE parked_events SET state = 'skipped', settled_at = clock_timestamp(), ordered_by = $2,
             order_reason = $3
         WHERE state = 'parked' AND global_sequence = $1",
    )
    .bind(number)
    .bind(&order.by)
    .bind(&order.reason)
    .execute(pool)
    .await?;
    Ok(skipped.rows_affected() == 1)
}
