//! A page of a partner's events: its facts from the log, translated.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use consent_domain::Stream as _;
use consent_domain::consent::{Consent, ConsentStream};
use public_events::{
    Audience, LoggedFact, Names, Needs, PublicEvent, Untranslatable, advance, translate,
};
use sqlx::{PgPool, types::Json};
use uuid::Uuid;

use super::arrivals::Whose;

/// What one reading gives.
#[derive(Debug)]
pub struct Page {
    /// In the log's order.
    pub events: Vec<PublicEvent>,
    /// The last number that was looked at: where to go on. Facts that tell the partner nothing are passed
    /// over by it, so it may be ahead of the last event.
    pub next: i64,
    /// The number at which the page ends because this release can't read the fact.
    pub held_at: Option<i64>,
    /// Whether as many facts were there as were asked for: there may be more.
    pub is_full: bool,
}

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

/// Served by the index `event_log_of_partner`, whose condition this repeats. Rows are compared as a whole,
/// not `bank = $1 AND …`: then the order is the index's alone, and a planner that takes the partner for a
/// busy one can't choose the log's primary key and pass over everybody else's rows. The outer join: a number
/// whose event is missing gives NULLs and so an error; it must never be passed over.
const FACTS: &str = "
    SELECT l.global_sequence, e.event_id, e.aggregate_type AS stream_type,
        e.aggregate_id AS stream_id, e.sequence, e.event_type, e.event_version, e.payload,
        e.recorded_at, e.traceparent
    FROM (
        SELECT global_sequence, aggregate_type, aggregate_id, sequence FROM event_log
        WHERE (bank, partner, global_sequence) > ($1, $2, $3)
            AND (bank, partner, global_sequence) <= ($1, $2, 9223372036854775807)
            AND global_sequence > $3
            AND aggregate_type NOT IN ('journey', 'contract', 'partner', 'bank')
        ORDER BY bank, partner, global_sequence LIMIT $4
    ) l LEFT JOIN LATERAL (
        SELECT * FROM events e WHERE e.aggregate_type = l.aggregate_type
            AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence LIMIT 1
    ) e ON true
    ORDER BY l.global_sequence";

/// The facts before those of a page, of each of its consents.
const BEFORE: &str = "
    SELECT 0::bigint AS global_sequence, e.event_id, e.aggregate_type AS stream_type,
        e.aggregate_id AS stream_id, e.sequence, e.event_type, e.event_version, e.payload,
        e.recorded_at, e.traceparent
    FROM unnest($1::text[], $2::bigint[]) AS w (stream, first) CROSS JOIN LATERAL (
        SELECT * FROM events e WHERE e.aggregate_type = 'consent' AND e.aggregate_id = w.stream
            AND e.sequence < w.first ORDER BY e.sequence LIMIT w.first
    ) e ORDER BY e.aggregate_id, e.sequence";

/// Reads at most `limit` of a partner's facts after a number.
///
/// # Errors
/// The database's.
pub async fn read(
    pool: &PgPool,
    names: &Names,
    whose: Whose,
    after: i64,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(FACTS)
        .bind(whose.bank.as_str())
        .bind(whose.partner.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|read| read == limit);
    let facts: Vec<LoggedFact> = rows.into_iter().map(LoggedFact::from).collect();
    let mut told = Told {
        names,
        audience: Audience::Partner {
            bank: whose.bank,
            partner: whose.partner,
        },
        states: HashMap::new(),
    };
    told.read_states(pool, &facts).await?;
    let mut page = Page {
        events: Vec::with_capacity(facts.len()),
        next: after,
        held_at: None,
        is_full,
    };
    for fact in &facts {
        match told.of(fact) {
            Ok(event) => page.events.extend(event),
            Err(error) => {
                tracing::error!(%error, "a fact has no public form");
                page.held_at = Some(fact.global_sequence);
                break;
            }
        }
        page.next = fact.global_sequence;
    }
    Ok(page)
}

/// Whether the log has not come to a number yet.
///
/// # Errors
/// The database's.
pub async fn is_ahead(pool: &PgPool, number: i64) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT global_sequence < $1 FROM sequencer")
        .bind(number)
        .fetch_one(pool)
        .await
}

struct Told<'n> {
    names: &'n Names,
    audience: Audience,
    /// By consent: the number within the stream of the next fact, and the fold of those before it; none
    /// where a fact before it can't be read.
    states: HashMap<String, Option<(i64, Consent)>>,
}

impl Told<'_> {
    /// Folds what was before the page's first fact of each consent.
    async fn read_states(
        &mut self,
        pool: &PgPool,
        facts: &[LoggedFact],
    ) -> Result<(), sqlx::Error> {
        for fact in facts
            .iter()
            .filter(|fact| fact.needs() == Needs::ConsentBefore)
        {
            self.states
                .entry(fact.stream_id.clone())
                .or_insert_with(|| Some((fact.sequence, Consent::default())));
        }
        let (streams, firsts): (Vec<String>, Vec<i64>) = self
            .states
            .iter()
            .filter_map(|(stream, state)| Some((stream.clone(), state.as_ref()?.0)))
            .filter(|(_, first)| *first > 1)
            .unzip();
        if streams.is_empty() {
            return Ok(());
        }
        debug_assert_eq!(ConsentStream::TYPE, "consent", "the statement names it");
        let before: Vec<Row> = sqlx::query_as(BEFORE)
            .bind(streams)
            .bind(firsts)
            .fetch_all(pool)
            .await?;
        for fact in before.into_iter().map(LoggedFact::from) {
            if let Some(state) = self.states.get_mut(&fact.stream_id) {
                let folded = state.as_mut().map(|(_, consent)| advance(consent, &fact));
                if let Some(Err(error)) = folded {
                    tracing::error!(%error, "a fact can't be folded");
                    *state = None;
                }
            }
        }
        Ok(())
    }

    /// What the partner learns of a fact, if anything.
    fn of(&mut self, fact: &LoggedFact) -> Result<Option<PublicEvent>, Unreadable> {
        let events = if fact.needs() == Needs::Nothing {
            translate(fact, &Consent::default(), self.names)?
        } else {
            let state = self
                .states
                .get_mut(&fact.stream_id)
                .and_then(Option::as_mut);
            let (next, consent) = state
                .filter(|(next, _)| *next == fact.sequence)
                .ok_or(Unreadable::Gap(fact.global_sequence))?;
            let events = translate(fact, consent, self.names)?;
            advance(consent, fact)?;
            *next += 1;
            events
        };
        Ok(events
            .into_iter()
            .find(|event| event.audience == self.audience))
    }
}

#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Untranslatable(#[from] Untranslatable),
    #[error("number {0} of the log: the facts of its stream before it are not all there")]
    Gap(i64),
}
