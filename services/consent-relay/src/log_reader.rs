//! Reads the log with its events, in order.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use consent_domain::consent::Consent;
use public_events::{LoggedFact, Names, Needs, PublicEvent, Untranslatable, advance, translate};
use sqlx::{PgPool, types::Json};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    global_sequence: i64,
    event_id: Uuid,
    stream_type: String,
    stream_id: String,
    sequence: i64,
    event_type: String,
    event_version: String,
    payload: Json<serde_json::Value>,
    recorded_at: DateTime<Utc>,
    traceparent: Option<String>,
}

impl From<Row> for LoggedFact {
    fn from(row: Row) -> Self {
        Self {
            global_sequence: row.global_sequence,
            event_id: row.event_id,
            stream_type: row.stream_type,
            stream_id: row.stream_id,
            sequence: row.sequence,
            event_type: row.event_type,
            event_version: row.event_version,
            payload: row.payload.0,
            recorded_at: row.recorded_at,
            traceparent: row.traceparent,
        }
    }
}

const COLUMNS: &str =
    "e.event_id, e.aggregate_type AS stream_type, e.aggregate_id AS stream_id, e.sequence,
    e.event_type, e.event_version, e.payload, e.recorded_at, e.traceparent";
/// A number whose event is missing makes columns NULL and so an error: it must never be passed over.
const OF_LOG: &str =
    "FROM event_log l LEFT JOIN events e USING (aggregate_type, aggregate_id, sequence)";

/// Facts of consecutive numbers.
#[derive(Debug, Default)]
pub struct Batch {
    /// In order.
    pub facts: Vec<LoggedFact>,
    /// The epoch of the last one's number; 0 where there is none.
    pub epoch: i32,
}

#[derive(sqlx::FromRow)]
struct RowOfLog {
    epoch: i32,
    #[sqlx(flatten)]
    row: Row,
}

/// At most `max` facts after a number.
///
/// # Errors
/// The database's.
pub async fn after(pool: &PgPool, number: i64, max: u32) -> Result<Batch, sqlx::Error> {
    let rows: Vec<RowOfLog> = sqlx::query_as(&format!(
        "SELECT l.global_sequence, l.epoch, {COLUMNS} {OF_LOG}
         WHERE l.global_sequence > $1 ORDER BY l.global_sequence LIMIT $2"
    ))
    .bind(number)
    .bind(i64::from(max))
    .fetch_all(pool)
    .await?;
    Ok(Batch {
        epoch: rows.last().map_or(0, |last| last.epoch),
        facts: rows.into_iter().map(|it| it.row.into()).collect(),
    })
}

/// The facts of these numbers, in order.
///
/// # Errors
/// The database's.
pub async fn of_numbers(pool: &PgPool, numbers: &[i64]) -> Result<Vec<LoggedFact>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(&format!(
        "SELECT l.global_sequence, {COLUMNS} {OF_LOG}
         WHERE l.global_sequence = ANY($1) ORDER BY l.global_sequence"
    ))
    .bind(numbers)
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(LoggedFact::from).collect())
}

/// What the log has under a number.
///
/// # Errors
/// The database's.
pub async fn event_at(pool: &PgPool, number: i64) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar("SELECT event_id FROM event_log WHERE global_sequence = $1")
        .bind(number)
        .fetch_optional(pool)
        .await
}

/// The last number that was archived, and is in the log no more; 0: it has all.
///
/// # Errors
/// The database's.
pub async fn archived_to(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT archived_to()")
        .fetch_one(pool)
        .await
}

/// Whether an operator began an epoch after that number.
///
/// # Errors
/// The database's.
pub async fn epoch_begins_after(pool: &PgPool, number: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM event_log_epochs WHERE first_global_sequence > $1)",
    )
    .bind(number)
    .fetch_one(pool)
    .await
}

/// How many events of the log lie after a number, and for how many seconds the first of them has.
///
/// # Errors
/// The database's.
pub async fn lag(pool: &PgPool, number: i64) -> Result<(i64, f64), sqlx::Error> {
    sqlx::query_as(
        "SELECT greatest((SELECT global_sequence FROM sequencer) - $1, 0),
             coalesce((SELECT extract(epoch FROM clock_timestamp() - appended_at)::float8
                 FROM event_log WHERE global_sequence > $1 ORDER BY global_sequence LIMIT 1), 0)",
    )
    .bind(number)
    .fetch_one(pool)
    .await
}

/// Most streams whose state is kept between facts.
const STATES_MAX: usize = 10_000;

/// Translates facts. States of streams that a translation needs are folded from the events before the
/// fact, and carried on from fact to fact.
#[derive(Default)]
pub struct Translator {
    /// By stream: the fold up to, and without, the given sequence.
    states: HashMap<(String, String), (i64, Consent)>,
}

/// Why a fact has no public form, or not now.
#[derive(Debug, thiserror::Error)]
pub enum TranslationError {
    /// The fact can't be read by this release.
    #[error(transparent)]
    Untranslatable(#[from] Untranslatable),
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Translator {
    /// Has the states ready that these facts, of one batch and in order, need: one read for all.
    ///
    /// # Errors
    /// The database's.
    pub async fn look_ahead(
        &mut self,
        pool: &PgPool,
        facts: &[LoggedFact],
    ) -> Result<(), sqlx::Error> {
        if self.states.len() > STATES_MAX {
            self.states.clear();
        }
        let mut firsts: HashMap<(&str, &str), i64> = HashMap::new();
        for fact in facts.iter().filter(|fact| fact.needs() != Needs::Nothing) {
            let stream = (fact.stream_type.as_str(), fact.stream_id.as_str());
            firsts.entry(stream).or_insert(fact.sequence);
        }
        firsts.retain(|(kind, id), first| {
            let known = self.states.get(&((*kind).to_owned(), (*id).to_owned()));
            *first > 1 && known.is_none_or(|(next, _)| next != first)
        });
        if firsts.is_empty() {
            return Ok(());
        }
        let (mut types, mut ids, mut before) = (Vec::new(), Vec::new(), Vec::new());
        for ((kind, id), first) in firsts {
            types.push(kind);
            ids.push(id);
            before.push(first);
        }
        let rows: Vec<Row> = sqlx::query_as(&format!(
            "SELECT 0::bigint AS global_sequence, {COLUMNS}
             FROM UNNEST($1::text[], $2::text[], $3::bigint[]) AS wanted (kind, id, before)
             JOIN events e ON e.aggregate_type = wanted.kind AND e.aggregate_id = wanted.id
                 AND e.sequence < wanted.before
             ORDER BY e.aggregate_type, e.aggregate_id, e.sequence"
        ))
        .bind(&types)
        .bind(&ids)
        .bind(&before)
        .fetch_all(pool)
        .await?;
        for row in rows {
            let fact = LoggedFact::from(row);
            let stream = (fact.stream_type.clone(), fact.stream_id.clone());
            let (next, mut state) = match self.states.remove(&stream) {
                Some(known) if fact.sequence > 1 => known,
                _ => (1, Consent::default()),
            };
            // What does not fold is met again, and said, when its own fact is translated.
            if next == fact.sequence && advance(&mut state, &fact).is_ok() {
                self.states.insert(stream, (next + 1, state));
            }
        }
        Ok(())
    }

    /// What a fact tells, and whom.
    ///
    /// # Errors
    /// [`TranslationError`].
    pub async fn translate(
        &mut self,
        pool: &PgPool,
        names: &Names,
        fact: &LoggedFact,
    ) -> Result<Vec<PublicEvent>, TranslationError> {
        if fact.needs() == Needs::Nothing {
            return Ok(translate(fact, &Consent::default(), names)?);
        }
        let stream = (fact.stream_type.clone(), fact.stream_id.clone());
        let mut state = match self.states.remove(&stream) {
            Some((next, state)) if next == fact.sequence => state,
            _ => fold_before(pool, fact).await?,
        };
        let events = translate(fact, &state, names)?;
        advance(&mut state, fact)?;
        self.states.insert(stream, (fact.sequence + 1, state));
        Ok(events)
    }
}

async fn fold_before(pool: &PgPool, fact: &LoggedFact) -> Result<Consent, TranslationError> {
    let mut state = Consent::default();
    if fact.sequence == 1 {
        return Ok(state);
    }
    let rows: Vec<Row> = sqlx::query_as(&format!(
        "SELECT 0::bigint AS global_sequence, {COLUMNS} FROM events e
         WHERE e.aggregate_type = $1 AND e.aggregate_id = $2 AND e.sequence < $3 ORDER BY e.sequence"
    ))
    .bind(&fact.stream_type)
    .bind(&fact.stream_id)
    .bind(fact.sequence)
    .fetch_all(pool)
    .await?;
    for row in rows {
        advance(&mut state, &row.into())?;
    }
    Ok(state)
}
