//! Writes what the simulation gives: COPY into the tables as they are, with their indexes, in the order of
//! the commits, by some connections at once, as a service's replicas write.

use std::collections::BTreeMap;

use consent::store::CopyBuffer;
use consent_domain::Instant;
use sqlx::{Connection as _, PgConnection};

use super::{
    commit::{Commit, Fact, Part, Row},
    simulation::Batch,
};
use crate::error::BenchError;

const EVENTS: &str = "COPY events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
     metadata, event_id, position, transaction_id, recorded_at, effective_at, bank, partner, contract,
     actor_kind, actor_id, causation_id, request_id, release) FROM STDIN (FORMAT binary)";
const EVENT_COLUMNS: i16 = 20;
const LOG: &str =
    "COPY event_log (global_sequence, epoch, event_id, aggregate_type, aggregate_id, sequence,
     transaction_id, position, bank, partner, appended_at) FROM STDIN (FORMAT binary)";
const LOG_COLUMNS: i16 = 11;
const ROW_COLUMNS: i16 = 6;
/// The sequencer looks every 50 ms.
const APPENDED_AFTER: chrono::TimeDelta = chrono::TimeDelta::milliseconds(50);

/// A batch with its place in the order of all commits.
pub struct Numbered {
    /// The first commit's transaction id; the others' follow.
    pub transaction_id: u64,
    /// The first event's position, and its number in the log; the others' follow.
    pub position: i64,
    /// What is written.
    pub batch: Batch,
}

impl Numbered {
    /// How many events it has.
    pub fn events(&self) -> usize {
        self.batch.commits.iter().map(Commit::events).sum()
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The database's; [`BenchError::Wrong`] where something is no JSON.
    pub async fn write(&self, connection: &mut PgConnection) -> Result<(), BenchError> {
        let (mut events, mut log) = (CopyBuffer::default(), CopyBuffer::default());
        let mut place = Place {
            transaction_id: self.transaction_id,
            position: self.position,
        };
        for commit in &self.batch.commits {
            let metadata: BTreeMap<_, _> = commit.context.metadata().into_iter().collect();
            let metadata = serde_json::to_string(&metadata).map_err(BenchError::wrong)?;
            for part in &commit.parts {
                for fact in &part.facts {
                    add_event(&mut events, &place, commit, part, fact, &metadata);
                    add_to_log(&mut log, &place, commit, part, fact);
                    place.position += 1;
                }
            }
            place.transaction_id += 1;
        }
        copy(connection, EVENTS, events).await?;
        copy(connection, LOG, log).await?;
        let mut tables: BTreeMap<&'static str, CopyBuffer> = BTreeMap::new();
        for row in &self.batch.rows {
            let buffer = tables.entry(row.table).or_default();
            add_row(buffer, row);
        }
        for (table, buffer) in tables {
            let statement = format!(
                "COPY {table} (stream_id, version, state_version, state, began_at, changed_at)
                 FROM STDIN (FORMAT binary)"
            );
            copy(connection, &statement, buffer).await?;
        }
        Ok(())
    }
}

struct Place {
    transaction_id: u64,
    position: i64,
}

fn add_event(
    to: &mut CopyBuffer,
    place: &Place,
    commit: &Commit,
    part: &Part,
    fact: &Fact,
    metadata: &str,
) {
    let context = &commit.context;
    to.row(EVENT_COLUMNS);
    to.text(part.kind);
    to.text(&part.stream);
    to.bigint(fact.sequence);
    to.text(fact.event_type);
    to.text(fact.event_version);
    to.text(&fact.payload);
    to.text(metadata);
    to.uuid(fact.id);
    to.bigint(place.position);
    to.transaction_id(place.transaction_id);
    to.instant(commit.at);
    match fact.effective_at {
        Some(at) => to.instant(at),
        None => to.null(),
    }
    to.optional_text(context.bank.as_deref());
    to.optional_text(part.partner.as_deref().or(context.partner.as_deref()));
    to.optional_text(context.contract.as_deref());
    to.text(context.actor.kind());
    to.optional_text(context.actor.id());
    match context.causation_id {
        Some(id) => to.uuid(id),
        None => to.null(),
    }
    to.optional_text(context.request_id.as_deref());
    to.text(env!("CARGO_PKG_VERSION"));
}

fn add_to_log(to: &mut CopyBuffer, place: &Place, commit: &Commit, part: &Part, fact: &Fact) {
    let context = &commit.context;
    to.row(LOG_COLUMNS);
    to.bigint(place.position);
    to.int(1);
    to.uuid(fact.id);
    to.text(part.kind);
    to.text(&part.stream);
    to.bigint(fact.sequence);
    to.transaction_id(place.transaction_id);
    to.bigint(place.position);
    to.optional_text(context.bank.as_deref());
    to.optional_text(part.partner.as_deref().or(context.partner.as_deref()));
    to.instant(commit.at + APPENDED_AFTER);
}

fn add_row(to: &mut CopyBuffer, row: &Row) {
    to.row(ROW_COLUMNS);
    to.text(&row.stream);
    to.bigint(row.version);
    to.int(row.state_version);
    to.jsonb(&row.state);
    to.instant(row.began_at);
    to.instant(row.changed_at);
}

async fn copy(
    connection: &mut PgConnection,
    statement: &str,
    rows: CopyBuffer,
) -> Result<(), BenchError> {
    let mut copying = connection.copy_in_raw(statement).await?;
    copying.send(rows.finish()).await?;
    copying.finish().await?;
    Ok(())
}

/// Takes that many transaction ids, one after the other, as so many commits would have. Gives the first.
///
/// # Errors
/// The database's.
pub async fn take_transaction_ids(owner_url: &str, count: u64) -> Result<u64, BenchError> {
    let mut owner = PgConnection::connect(owner_url).await?;
    let before: String = sqlx::query_scalar("SELECT pg_current_xact_id()::text")
        .fetch_one(&mut owner)
        .await?;
    let before: u64 = before.parse().map_err(BenchError::wrong)?;
    sqlx::raw_sql("SET synchronous_commit = off")
        .execute(&mut owner)
        .await?;
    let statement = format!(
        "DO $$ BEGIN FOR i IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
    );
    sqlx::raw_sql(&statement).execute(&mut owner).await?;
    owner.close().await?;
    Ok(before + 1)
}

/// What the relay and the identity column know when the log is as long as that, and statistics.
///
/// # Errors
/// The database's.
pub async fn settle(owner_url: &str, last: &Last) -> Result<(), BenchError> {
    let mut owner = PgConnection::connect(owner_url).await?;
    sqlx::query("SELECT setval(pg_get_serial_sequence('events', 'position'), $1)")
        .bind(last.position)
        .execute(&mut owner)
        .await?;
    sqlx::query(
        "UPDATE sequencer SET global_sequence = $1, position = $1, transaction_id = $2::text::xid8",
    )
    .bind(last.position)
    .bind(last.transaction_id.to_string())
    .execute(&mut owner)
    .await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut owner).await?;
    Ok(owner.close().await?)
}

/// The last event of all.
pub struct Last {
    /// Its position, and its number in the log.
    pub position: i64,
    /// Its transaction.
    pub transaction_id: u64,
    /// When it was recorded.
    pub at: Instant,
}

/// Makes the log's partitions for so many events.
///
/// # Errors
/// The database's.
pub async fn make_log_partitions(owner_url: &str, events: i64) -> Result<(), BenchError> {
    /// As many numbers as a partition has.
    const NUMBERS: usize = 10_000_000;
    let mut owner = PgConnection::connect(owner_url).await?;
    for containing in (1..=events + 1).step_by(NUMBERS) {
        sqlx::query("SELECT make_event_log_partition($1)")
            .bind(containing)
            .execute(&mut owner)
            .await?;
    }
    sqlx::query("SELECT make_event_log_partition($1)")
        .bind(events + 1)
        .execute(&mut owner)
        .await?;
    Ok(owner.close().await?)
}
