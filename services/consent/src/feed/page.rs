//! A page of a partner's events: its facts from the log, translated.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use consent_domain::consent::Consent;
use public_events::{
    Audience, LoggedFact, Names, Needs, PublicEvent, Untranslatable, advance, translate,
};
use sqlx::{PgConnection, PgPool, types::Json};
use uuid::Uuid;

use super::{arrivals::Whose, metrics};

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

impl Page {
    /// Whether the very first fact can't be read: the partner's events stand still.
    pub fn is_held(&self) -> bool {
        self.held_at.is_some() && self.events.is_empty()
    }
}

impl Whose {
    /// Tells operators that the partner's events stand still.
    pub(crate) fn tell_held(&self, page: &Page) {
        tracing::error!(
            global_sequence = page.held_at,
            bank = %self.bank,
            partner = %self.partner,
            "an event can't be read by this release: the partner's feed stands still"
        );
        metrics::held();
    }
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
/// busy one can't choose the log's primary key and pass over everybody else's rows.
const AFTER: &str = "
    SELECT global_sequence, aggregate_type, aggregate_id, sequence FROM event_log
    WHERE (bank, partner, global_sequence) > ($1, $2, $3)
        AND (bank, partner, global_sequence) <= ($1, $2, 9223372036854775807)
        AND global_sequence > $3
        AND aggregate_type NOT IN ('journey', 'contract', 'partner', 'bank')
    ORDER BY bank, partner, global_sequence LIMIT $4";

/// Of certain numbers, the partner's only.
const OF_NUMBERS: &str = "
    SELECT global_sequence, aggregate_type, aggregate_id, sequence FROM event_log
    WHERE bank = $1 AND partner = $2 AND global_sequence = ANY($3)
    ORDER BY global_sequence";

const COLUMNS: &str = "e.event_id, e.aggregate_type AS stream_type, e.aggregate_id AS stream_id,
    e.sequence, e.event_type, e.event_version, e.payload, e.recorded_at, e.traceparent";

/// The facts of rows of the log. The outer join: a number whose event is missing gives NULLs and so an
/// error; it must never be passed over.
fn facts_of(log: &str) -> String {
    format!(
        "SELECT l.global_sequence, {COLUMNS} FROM ({log}) l LEFT JOIN LATERAL (
             SELECT * FROM events e WHERE e.aggregate_type = l.aggregate_type
                 AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence LIMIT 1
         ) e ON true ORDER BY l.global_sequence"
    )
}

/// The facts of consents before one of each.
fn facts_before() -> String {
    format!(
        "SELECT 0::bigint AS global_sequence, {COLUMNS}
         FROM unnest($1::text[], $2::bigint[]) AS w (stream, before) CROSS JOIN LATERAL (
             SELECT * FROM events e WHERE e.aggregate_type = 'consent' AND e.aggregate_id = w.stream
                 AND e.sequence < w.before ORDER BY e.sequence LIMIT w.before
         ) e"
    )
}

/// Reads at most `limit` of a partner's facts after a number.
///
/// # Errors
/// The database's.
pub async fn read(
    connection: &mut PgConnection,
    names: &Names,
    whose: Whose,
    after: i64,
    limit: u32,
) -> Result<Page, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(&facts_of(AFTER))
        .bind(whose.bank.as_str())
        .bind(whose.partner.as_str())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|read| read == limit);
    let facts: Vec<LoggedFact> = rows.into_iter().map(LoggedFact::from).collect();
    // The page has all of a grant's facts from the first one on.
    let before = first_of_each(&facts);
    let told = Told::new(connection, names, whose, before).await?;
    Ok(told.page(facts, after, is_full))
}

/// Reads facts of a partner by their numbers, ascending.
///
/// # Errors
/// The database's.
pub async fn read_numbers(
    connection: &mut PgConnection,
    names: &Names,
    whose: Whose,
    numbers: &[i64],
) -> Result<Page, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(&facts_of(OF_NUMBERS))
        .bind(whose.bank.as_str())
        .bind(whose.partner.as_str())
        .bind(numbers)
        .fetch_all(&mut *connection)
        .await?;
    let facts: Vec<LoggedFact> = rows.into_iter().map(LoggedFact::from).collect();
    // There may be others between them.
    let before = last_of_each(&facts);
    let told = Told::new(connection, names, whose, before).await?;
    Ok(told.page(facts, 0, false))
}

type Bounds = BTreeMap<String, i64>;

fn consents(facts: &[LoggedFact]) -> impl DoubleEndedIterator<Item = (String, i64)> {
    facts
        .iter()
        .filter(|fact| fact.needs() == Needs::ConsentBefore)
        .map(|fact| (fact.stream_id.clone(), fact.sequence))
}

fn first_of_each(facts: &[LoggedFact]) -> Bounds {
    consents(facts).rev().collect()
}

fn last_of_each(facts: &[LoggedFact]) -> Bounds {
    consents(facts).collect()
}

/// The last number that was archived: the log begins after it. 0: it has all.
///
/// Asked after a page was read, since a part may be archived in between: what is missing from the page has
/// been archived by then.
///
/// # Errors
/// The database's.
pub async fn archived_to(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT archived_to()")
        .fetch_one(connection)
        .await
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
    /// By consent: the fold of its facts, and the number within the stream of the one that is next.
    states: HashMap<String, (i64, Consent)>,
    /// Facts that may have to be folded, by consent and number within it.
    known: HashMap<(String, i64), LoggedFact>,
}

impl<'n> Told<'n> {
    /// With the facts before the bounds.
    async fn new(
        connection: &mut PgConnection,
        names: &'n Names,
        whose: Whose,
        before: Bounds,
    ) -> Result<Self, sqlx::Error> {
        let (streams, bounds): (Vec<String>, Vec<i64>) =
            before.into_iter().filter(|(_, bound)| *bound > 1).unzip();
        let rows: Vec<Row> = if streams.is_empty() {
            Vec::new()
        } else {
            sqlx::query_as(&facts_before())
                .bind(streams)
                .bind(bounds)
                .fetch_all(connection)
                .await?
        };
        let known = rows.into_iter().map(LoggedFact::from);
        Ok(Self {
            names,
            audience: Audience::Partner {
                bank: whose.bank,
                partner: whose.partner,
            },
            states: HashMap::new(),
            known: known
                .map(|fact| ((fact.stream_id.clone(), fact.sequence), fact))
                .collect(),
        })
    }

    /// Up to the first fact that can't be read.
    fn page(mut self, facts: Vec<LoggedFact>, after: i64, is_full: bool) -> Page {
        let mut page = Page {
            events: Vec::with_capacity(facts.len()),
            next: after,
            held_at: None,
            is_full,
        };
        for fact in facts {
            let number = fact.global_sequence;
            match self.of(fact) {
                Ok(event) => page.events.extend(event),
                Err(error) => {
                    tracing::error!(%error, "a fact has no public form");
                    page.held_at = Some(number);
                    break;
                }
            }
            page.next = number;
        }
        page
    }

    /// What the partner learns of a fact, if anything.
    fn of(&mut self, fact: LoggedFact) -> Result<Option<PublicEvent>, Unreadable> {
        let names = self.names;
        let events = match fact.needs() {
            Needs::Nothing => translate(&fact, &Consent::default(), names)?,
            Needs::ConsentBefore => {
                let before = self.fold_before(&fact)?;
                let events = translate(&fact, before, names)?;
                self.known
                    .insert((fact.stream_id.clone(), fact.sequence), fact);
                events
            }
        };
        Ok(events
            .into_iter()
            .find(|event| event.audience == self.audience))
    }

    fn fold_before(&mut self, fact: &LoggedFact) -> Result<&Consent, Unreadable> {
        let stream = &fact.stream_id;
        let (next, consent) = self
            .states
            .entry(stream.clone())
            .or_insert_with(|| (1, Consent::default()));
        while *next < fact.sequence {
            let between = self
                .known
                .remove(&(stream.clone(), *next))
                .ok_or(Unreadable::Gap(fact.global_sequence))?;
            advance(consent, &between)?;
            *next += 1;
        }
        Ok(consent)
    }
}

#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Untranslatable(#[from] Untranslatable),
    #[error("number {0} of the log: the facts of its stream before it are not all there")]
    Gap(i64),
}
