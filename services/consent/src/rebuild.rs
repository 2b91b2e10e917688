//! Rebuilds the authoritative projections from the events while writes go on.
//!
//! The rebuilt rows go into tables of their own beside the live ones. Streams that move meanwhile are
//! folded again, until few are left; the last of them, the comparison row for row and, where asked
//! for, the switch happen under a lock that holds writers up for that moment only.

use consent_domain::{
    Instant, Stream,
    bank::BankStream,
    consent::ConsentStream,
    contract::ContractStream,
    journey::JourneyStream,
    partner::{PartnerAtBankStream, PartnerStream},
};
use cqrs_es::persist::EventUpcaster;
use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Row as _, types::Json};

use crate::store::{Projected, Rows as RowsOf, Statement, StoredEvent};

/// What becomes of the rebuilt tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Compared with the live ones, and dropped.
    Verify,
    /// Compared with the live ones, and put in their place: the old ones are dropped.
    Replace,
}

/// What a rebuild of one projection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The projection's table.
    pub table: &'static str,
    /// Streams folded.
    pub streams: u64,
    /// Events folded, those of streams that moved counted again.
    pub events: u64,
    /// Rows that differed: another state or version, missing, or without events.
    pub differences: i64,
}

/// Why a rebuild failed; the live tables are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A stored event that can't be read.
    #[error("event {sequence} of {stream} can't be read: {source}")]
    Event {
        /// The stream.
        stream: String,
        /// Which of its events.
        sequence: i64,
        /// Why.
        source: serde_json::Error,
    },
    /// A state that can't be written.
    #[error("a state can't be written as JSON: {0}")]
    State(serde_json::Error),
}

/// Rows that are written at once.
const BATCH: usize = 500;
/// Rounds of catching up before the lock; later ones would find as many movers as this one.
const ROUNDS: usize = 5;

/// Rebuilds every projection, one after the other. Needs the owner's address: the service role may
/// not create tables.
///
/// # Errors
/// [`RebuildError`].
pub async fn rebuild(owner_url: &str, purpose: Purpose) -> Result<Vec<Rebuilt>, RebuildError> {
    let mut reader = PgConnection::connect(owner_url).await?;
    let mut writer = PgConnection::connect(owner_url).await?;
    let mut connections = Connections {
        reader: &mut reader,
        writer: &mut writer,
    };
    Ok(vec![
        rebuild_one::<JourneyStream>(&mut connections, purpose).await?,
        rebuild_one::<ConsentStream>(&mut connections, purpose).await?,
        rebuild_one::<ContractStream>(&mut connections, purpose).await?,
        rebuild_one::<PartnerStream>(&mut connections, purpose).await?,
        rebuild_one::<PartnerAtBankStream>(&mut connections, purpose).await?,
        rebuild_one::<BankStream>(&mut connections, purpose).await?,
    ])
}

struct Connections<'c> {
    reader: &'c mut PgConnection,
    writer: &'c mut PgConnection,
}

async fn rebuild_one<S: Projected>(
    connections: &mut Connections<'_>,
    purpose: Purpose,
) -> Result<Rebuilt, RebuildError> {
    let live = S::TABLE;
    let table = format!("{live}_rebuilt");
    let mut rebuilt = Rebuilt {
        table: live,
        streams: 0,
        events: 0,
        differences: 0,
    };
    execute(connections.writer, &format!("DROP TABLE IF EXISTS {table}")).await?;
    // No other index yet: a unique one holds for the streams together, and while they are caught up
    // with they are not all of one moment.
    let columns = "INCLUDING DEFAULTS INCLUDING GENERATED";
    execute(
        connections.writer,
        &format!("CREATE TABLE {table} (LIKE {live} {columns}, PRIMARY KEY (stream_id))"),
    )
    .await?;
    fold_streams::<S>(connections, &table, None, &mut rebuilt).await?;
    for _ in 0..ROUNDS {
        if catch_up::<S>(connections, &table, &mut rebuilt).await? == 0 {
            break;
        }
    }
    // Readers go on; writers wait from here to the end.
    execute(connections.writer, "BEGIN").await?;
    let mode = match purpose {
        Purpose::Verify => "SHARE",
        Purpose::Replace => "ACCESS EXCLUSIVE",
    };
    execute(
        connections.writer,
        &format!("LOCK TABLE {live} IN {mode} MODE"),
    )
    .await?;
    let finished = finish::<S>(connections, &table, purpose, &mut rebuilt).await;
    let end = if finished.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    execute(connections.writer, end).await?;
    finished.map(|()| rebuilt)
}

async fn finish<S: Projected>(
    connections: &mut Connections<'_>,
    table: &str,
    purpose: Purpose,
    rebuilt: &mut Rebuilt,
) -> Result<(), RebuildError> {
    let live = S::TABLE;
    while catch_up::<S>(connections, table, rebuilt).await? > 0 {}
    // A row that left stays away; every other is compared.
    if let RowsOf::Leave(condition) = S::ROWS {
        execute(
            connections.writer,
            &format!(
                "DELETE FROM {table} r WHERE {condition}
                    AND NOT EXISTS (SELECT FROM {live} l WHERE l.stream_id = r.stream_id)"
            ),
        )
        .await?;
    }
    rebuilt.differences = sqlx::query_scalar(&format!(
        "SELECT count(*) FROM {live} l FULL JOIN {table} r USING (stream_id)
         WHERE (l.version, l.state_version, l.state, l.began_at, l.changed_at) IS DISTINCT FROM
            (r.version, r.state_version, r.state, r.began_at, r.changed_at)"
    ))
    .fetch_one(&mut *connections.writer)
    .await?;
    match purpose {
        Purpose::Verify => execute(connections.writer, &format!("DROP TABLE {table}")).await,
        Purpose::Replace => replace(connections.writer, live, table).await,
    }
}

/// The rebuilt table takes the live one's name, rights and indexes.
async fn replace(writer: &mut PgConnection, live: &str, table: &str) -> Result<(), RebuildError> {
    let grants: Vec<String> = sqlx::query_scalar(
        "SELECT format('GRANT %s ON %s TO %I', privilege_type, $2, grantee)
         FROM information_schema.role_table_grants
         WHERE table_name = $1 AND table_schema = 'public' AND grantee <> current_user",
    )
    .bind(live)
    .bind(table)
    .fetch_all(&mut *writer)
    .await?;
    for grant in grants {
        execute(writer, &grant).await?;
    }
    let indexes: Vec<String> = sqlx::query_scalar(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index
         WHERE indrelid = $1::regclass AND NOT indisprimary",
    )
    .bind(live)
    .fetch_all(&mut *writer)
    .await?;
    execute(writer, &format!("DROP TABLE {live}")).await?;
    execute(writer, &format!("ALTER TABLE {table} RENAME TO {live}")).await?;
    execute(
        writer,
        &format!("ALTER INDEX {table}_pkey RENAME TO {live}_pkey"),
    )
    .await?;
    for index in indexes {
        execute(writer, &index).await?;
    }
    Ok(())
}

/// Folds again what moved since it was folded. Gives how many streams that were.
async fn catch_up<S: Projected>(
    connections: &mut Connections<'_>,
    table: &str,
    rebuilt: &mut Rebuilt,
) -> Result<usize, RebuildError> {
    let moved: Vec<String> = sqlx::query_scalar(&format!(
        "SELECT e.aggregate_id FROM
            (SELECT aggregate_id, max(sequence) AS version FROM events
             WHERE aggregate_type = $1 GROUP BY aggregate_id) e
         LEFT JOIN {table} r ON r.stream_id = e.aggregate_id
         WHERE r.version IS DISTINCT FROM e.version"
    ))
    .bind(S::TYPE)
    .fetch_all(&mut *connections.writer)
    .await?;
    if !moved.is_empty() {
        let count = moved.len();
        fold_streams::<S>(connections, table, Some(moved), rebuilt).await?;
        return Ok(count);
    }
    Ok(0)
}

/// Folds all streams of a type, or those named, and writes their rows.
async fn fold_streams<S: Projected>(
    connections: &mut Connections<'_>,
    table: &str,
    only: Option<Vec<String>>,
    rebuilt: &mut Rebuilt,
) -> Result<(), RebuildError> {
    let upcasters = S::upcasters();
    let mut events = sqlx::query(
        "SELECT aggregate_id, sequence, event_type, event_version, payload, recorded_at FROM events
         WHERE aggregate_type = $1 AND ($2::text[] IS NULL OR aggregate_id = ANY($2))
         ORDER BY aggregate_id, sequence",
    )
    .bind(S::TYPE)
    .bind(only)
    .fetch(&mut *connections.reader);
    let mut rows = Rows::default();
    let mut current: Option<Folding<S>> = None;
    while let Some(row) = events.try_next().await? {
        let stream: String = row.try_get("aggregate_id")?;
        let sequence: i64 = row.try_get("sequence")?;
        let recorded_at: Instant = row.try_get("recorded_at")?;
        if current.as_ref().is_none_or(|folding| folding.id != stream) {
            if let Some(done) = current.take() {
                rows.push::<S>(done).map_err(RebuildError::State)?;
            }
            if rows.ids.len() >= BATCH {
                rebuilt.streams += rows.write::<S>(connections.writer, table).await?;
            }
            current = Some(Folding {
                id: stream.clone(),
                version: 0,
                state: S::State::default(),
                began_at: recorded_at,
                changed_at: recorded_at,
            });
        }
        let event = read::<S>(&upcasters, &stream, sequence, &row)?;
        if let Some(folding) = &mut current {
            S::evolve(&mut folding.state, &event);
            folding.version = sequence;
            folding.changed_at = recorded_at;
        }
        rebuilt.events += 1;
    }
    drop(events);
    if let Some(done) = current.take() {
        rows.push::<S>(done).map_err(RebuildError::State)?;
    }
    rebuilt.streams += rows.write::<S>(connections.writer, table).await?;
    Ok(())
}

fn read<S: Projected>(
    upcasters: &[Box<dyn EventUpcaster>],
    stream: &str,
    sequence: i64,
    row: &sqlx::postgres::PgRow,
) -> Result<S::Event, RebuildError> {
    let Json(payload): Json<Value> = row.try_get("payload")?;
    let stored = StoredEvent {
        stream,
        sequence,
        event_type: row.try_get("event_type")?,
        event_version: row.try_get("event_version")?,
        payload,
    };
    stored
        .read::<S>(upcasters)
        .map_err(|source| RebuildError::Event {
            stream: stream.to_owned(),
            sequence,
            source,
        })
}

/// A stream while its events are folded.
struct Folding<S: Stream> {
    id: String,
    version: i64,
    state: S::State,
    began_at: Instant,
    changed_at: Instant,
}

#[derive(Default)]
struct Rows {
    ids: Vec<String>,
    versions: Vec<i64>,
    states: Vec<String>,
    began: Vec<Instant>,
    changed: Vec<Instant>,
}

impl Rows {
    fn push<S: Stream>(&mut self, folded: Folding<S>) -> Result<(), serde_json::Error> {
        self.states.push(serde_json::to_string(&folded.state)?);
        self.ids.push(folded.id);
        self.versions.push(folded.version);
        self.began.push(folded.began_at);
        self.changed.push(folded.changed_at);
        Ok(())
    }

    async fn write<S: Stream>(
        &mut self,
        writer: &mut PgConnection,
        table: &str,
    ) -> Result<u64, sqlx::Error> {
        let Self {
            ids,
            versions,
            states,
            began,
            changed,
        } = std::mem::take(self);
        let count = u64::try_from(ids.len()).unwrap_or(u64::MAX);
        if ids.is_empty() {
            return Ok(0);
        }
        let mut statement = Statement::default();
        let ids = statement.bind(ids);
        let versions = statement.bind(versions);
        let states = statement.bind(states);
        let began = statement.bind(began);
        let changed = statement.bind(changed);
        let state_version = statement.bind(S::STATE_VERSION);
        statement.with(
            "written",
            &format!(
                "INSERT INTO {table} AS t
                    (stream_id, version, state_version, state, began_at, changed_at)
                 SELECT r.id, r.version, {state_version}, r.state::jsonb, r.began_at, r.changed_at
                 FROM UNNEST({ids}::text[], {versions}::bigint[], {states}::text[],
                        {began}::timestamptz[], {changed}::timestamptz[])
                    AS r (id, version, state, began_at, changed_at)
                 ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version,
                    state_version = excluded.state_version, state = excluded.state,
                    began_at = excluded.began_at, changed_at = excluded.changed_at
                 WHERE t.version < excluded.version"
            ),
        );
        let (sql, arguments) = statement.finish("SELECT 1")?;
        sqlx::query_with(&sql, arguments).execute(writer).await?;
        Ok(count)
    }
}

async fn execute(connection: &mut PgConnection, sql: &str) -> Result<(), RebuildError> {
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}
