//! Streams that moved while the others were folded: folded again, from their first event.

use consent_domain::Instant;
use futures_util::TryStreamExt as _;
use sqlx::PgConnection;

use super::{
    RebuildError, Rebuilt,
    folding::{COLUMNS, Folded, Folder},
};
use crate::store::{Projected, Statement};

/// Rows that are written at once.
const BATCH: usize = 500;

/// A transaction id below which everything is decided: whoever looks after this is taken sees all of it.
pub(super) struct Gate(String);

impl Gate {
    /// Of now.
    pub(super) async fn now(connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let xmin: String =
            sqlx::query_scalar("SELECT pg_snapshot_xmin(pg_current_snapshot())::text")
                .fetch_one(connection)
                .await?;
        Ok(Self(xmin))
    }
}

/// The streams with events since the gate that the table does not know. By the events' order of commits: no
/// event from before the gate is read.
pub(super) async fn moved<S: Projected>(
    connection: &mut PgConnection,
    table: &str,
    since: &Gate,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(&format!(
        "SELECT e.aggregate_id FROM
            (SELECT aggregate_id, max(sequence) AS version FROM events
             WHERE transaction_id >= $2::xid8 AND aggregate_type = $1 GROUP BY aggregate_id) e
         LEFT JOIN {table} r ON r.stream_id = e.aggregate_id
         WHERE r.version IS DISTINCT FROM e.version"
    ))
    .bind(S::TYPE)
    .bind(&since.0)
    .fetch_all(connection)
    .await
}

/// Folds those streams and writes their rows.
pub(super) async fn fold_again<S: Projected>(
    (reader, writer): (&mut PgConnection, &mut PgConnection),
    table: &str,
    streams: Vec<String>,
    rebuilt: &mut Rebuilt,
) -> Result<(), RebuildError> {
    let select = format!(
        "SELECT {COLUMNS} FROM events WHERE aggregate_type = $1 AND aggregate_id = ANY($2)
         ORDER BY aggregate_id, sequence"
    );
    let mut events = sqlx::query(&select)
        .bind(S::TYPE)
        .bind(streams)
        .fetch(reader);
    let mut folder = Folder::<S>::new();
    let mut rows = Rows::default();
    while let Some(row) = events.try_next().await? {
        if let Some(done) = folder.take(&row)? {
            rows.push(done)?;
            if rows.ids.len() >= BATCH {
                rows.write::<S>(writer, table).await?;
            }
        }
    }
    if let Some(last) = folder.finish() {
        rows.push(last)?;
    }
    rows.write::<S>(writer, table).await?;
    rebuilt.streams += folder.streams;
    rebuilt.events += folder.events;
    Ok(())
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
    fn push<S: Projected>(&mut self, folded: Folded<S>) -> Result<(), RebuildError> {
        self.states.push(folded.json()?);
        self.ids.push(folded.id);
        self.versions.push(folded.version);
        self.began.push(folded.began_at);
        self.changed.push(folded.changed_at);
        Ok(())
    }

    async fn write<S: Projected>(
        &mut self,
        writer: &mut PgConnection,
        table: &str,
    ) -> Result<(), sqlx::Error> {
        let Self {
            ids,
            versions,
            states,
            began,
            changed,
        } = std::mem::take(self);
        if ids.is_empty() {
            return Ok(());
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
        Ok(())
    }
}
