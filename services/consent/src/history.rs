//! What happened, as it was recorded: a stream's facts, typed as the fold reads them, each with who acted,
//! when, and what led to it.

pub mod as_of;
pub mod life;
pub mod why;
pub mod words;

pub use life::Life;

use consent_domain::{
    BankCode, GrantId, Instant,
    consent::{ConsentEvent, ConsentStream},
};
use serde_json::Value;
use sqlx::{PgPool, Row as _, postgres::PgRow, types::Json};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    journey::stream_id,
    store::{Actor, Projected, StoredEvent, sql_span},
};

/// A fact with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told<E = ConsentEvent> {
    /// The fact.
    pub event: E,
    /// Its id.
    pub event_id: Uuid,
    /// Which of its stream's facts, from 1.
    pub sequence: i64,
    /// When it was recorded, by the database's clock.
    pub recorded_at: Instant,
    /// Since when it holds, where that is another time.
    pub effective_at: Option<Instant>,
    /// Who acted.
    pub actor: Actor,
    /// The event, attempt, notice or act that led to it.
    pub causation_id: Option<Uuid>,
    /// The request that brought it.
    pub request_id: Option<String>,
}

impl<E> Told<E> {
    /// Since when it holds: its effective time where it has one, else when it was recorded.
    pub fn holds_since(&self) -> Instant {
        self.effective_at.unwrap_or(self.recorded_at)
    }
}

/// A history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A stored event that this release can't read.
    #[error("event {sequence} of {stream} can't be read: {source}")]
    Event {
        /// The stream.
        stream: String,
        /// Which of its events.
        sequence: i64,
        /// Why.
        source: serde_json::Error,
    },
}

/// The columns that [`told`] reads, of a table or alias `e`.
pub(crate) const COLUMNS: &str = "e.aggregate_type, e.aggregate_id, e.sequence, e.event_type, e.event_version,
    e.payload, e.event_id, e.recorded_at, e.effective_at, e.actor_kind, e.actor_id, e.causation_id, e.request_id";

/// A fact by its row, with [`COLUMNS`].
///
/// # Errors
/// [`HistoryError`].
pub(crate) fn told<S: Projected>(row: &PgRow) -> Result<Told<S::Event>, HistoryError> {
    let stream: String = row.try_get("aggregate_id")?;
    let sequence: i64 = row.try_get("sequence")?;
    let Json(payload): Json<Value> = row.try_get("payload")?;
    let stored = StoredEvent {
        stream: &stream,
        sequence,
        event_type: row.try_get("event_type")?,
        event_version: row.try_get("event_version")?,
        payload,
    };
    let event = match stored.read::<S>(&S::upcasters()) {
        Ok(event) => event,
        Err(source) => {
            return Err(HistoryError::Event {
                stream,
                sequence,
                source,
            });
        }
    };
    let kind: String = row.try_get("actor_kind")?;
    Ok(Told {
        event,
        event_id: row.try_get("event_id")?,
        sequence,
        recorded_at: row.try_get("recorded_at")?,
        effective_at: row.try_get("effective_at")?,
        actor: Actor::of_columns(&kind, row.try_get("actor_id")?),
        causation_id: row.try_get("causation_id")?,
        request_id: row.try_get("request_id")?,
    })
}

/// Every fact of a stream in its order; none where there is no such stream. One statement.
///
/// # Errors
/// [`HistoryError`].
pub async fn of_stream<S: Projected>(
    pool: &PgPool,
    stream: &str,
) -> Result<Vec<Told<S::Event>>, HistoryError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events e WHERE e.aggregate_type = $1 AND e.aggregate_id = $2
         ORDER BY e.sequence"
    );
    let rows = sqlx::query(&sql)
        .bind(S::TYPE)
        .bind(stream)
        .fetch_all(pool)
        .instrument(sql_span("history"))
        .await?;
    rows.iter().map(told::<S>).collect()
}

/// Every fact of a consent.
///
/// # Errors
/// [`HistoryError`].
pub async fn of_consent(
    pool: &PgPool,
    bank: &BankCode,
    grant: &GrantId,
) -> Result<Vec<Told>, HistoryError> {
    of_stream::<ConsentStream>(pool, &stream_id(bank, grant.as_str())).await
}
