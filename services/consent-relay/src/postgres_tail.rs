//! PostgreSQL's order of commits: rows below `pg_snapshot_xmin(pg_current_snapshot())`, by
//! (`transaction_id`, `position`). Below that gate every transaction has ended, so no row can appear
//! there any more. Positions alone would lose events: they are taken before the commit.

use std::time::Duration;

use sqlx::PgPool;

use crate::{
    committed_tail::{Appended, CommittedTail, HeldBack, Waiting},
    lease::Term,
    lineage::SAME_LINEAGE,
};

/// Partitions of the log are made this far ahead, half of one's size.
const PARTITION_AHEAD: i64 = 5_000_000;
/// SQLSTATE `check_violation`: what a row without a partition is refused with.
const NO_PARTITION: &str = "23514";

/// The tail of one PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresTail {
    pool: PgPool,
}

impl PostgresTail {
    /// Reads and appends over this pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Makes the log's partitions for the numbers to come.
    ///
    /// # Errors
    /// The database's.
    pub async fn make_partitions(&self) -> Result<(), sqlx::Error> {
        sqlx::query(
            "SELECT make_event_log_partition(global_sequence + 1),
                    make_event_log_partition(global_sequence + 1 + $1) FROM sequencer",
        )
        .bind(PARTITION_AHEAD)
        .execute(&self.pool)
        .await
        .map(drop)
    }

    async fn try_append(&self, term: &Term, max: u32) -> Result<Appended, sqlx::Error> {
        let (led, count, last): (bool, i64, i64) = sqlx::query_as(&append_statement())
            .bind(&term.holder)
            .bind(term.fence)
            .bind(i64::from(max))
            .fetch_one(&self.pool)
            .await?;
        Ok(if led {
            Appended::Events {
                count: u32::try_from(count).unwrap_or(u32::MAX),
                last,
            }
        } else {
            Appended::Fenced
        })
    }
}

/// One statement, so one transaction: a process that is stopped in the middle holds no lock, and the
/// fence, the rows and the checkpoint can't come apart. `$1` holder, `$2` fence, `$3` most rows.
///
/// The gate and the rows are of one snapshot. Where the row of the sequencer had to be waited for, its
/// newest version counts and the snapshot is older than that: then fewer rows are taken, never others.
fn append_statement() -> String {
    format!(
        "WITH leader AS MATERIALIZED (
             SELECT s.* FROM sequencer s
             WHERE s.holder = $1 AND s.fence = $2 AND s.expires_at > clock_timestamp()
               AND {SAME_LINEAGE}
             FOR UPDATE
         ), batch AS MATERIALIZED (
             SELECT e.*, l.epoch, l.global_sequence
                 + row_number() OVER (ORDER BY e.transaction_id, e.position) AS number
             FROM leader l, LATERAL (
                 SELECT event_id, aggregate_type, aggregate_id, sequence, transaction_id, position,
                        bank, partner
                 FROM events
                 WHERE (transaction_id, position) > (l.transaction_id, l.position)
                   AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
                   AND position > l.position_floor
                 ORDER BY transaction_id, position LIMIT $3
             ) e
         ), appended AS (
             INSERT INTO event_log (global_sequence, epoch, event_id, aggregate_type, aggregate_id,
                 sequence, transaction_id, position, bank, partner)
             SELECT number, epoch, event_id, aggregate_type, aggregate_id, sequence, transaction_id,
                 position, bank, partner FROM batch ORDER BY number
             RETURNING global_sequence, transaction_id, position
         ), last AS (
             SELECT * FROM appended ORDER BY global_sequence DESC LIMIT 1
         ), moved AS (
             UPDATE sequencer s SET global_sequence = last.global_sequence,
                 transaction_id = last.transaction_id, position = last.position
             FROM last WHERE s.holder = $1 AND s.fence = $2
             RETURNING 1
         )
         SELECT EXISTS (SELECT FROM leader), (SELECT count(*) FROM appended),
             coalesce((SELECT global_sequence FROM last), (SELECT global_sequence FROM leader), 0)
         WHERE CASE WHEN EXISTS (SELECT FROM last) AND NOT EXISTS (SELECT FROM moved)
             THEN append_conflict() IS NULL ELSE true END"
    )
}

impl CommittedTail for PostgresTail {
    type Error = sqlx::Error;

    async fn waiting(&self) -> Result<Waiting, sqlx::Error> {
        let row: Option<(bool, f64)> = sqlx::query_as(
            "SELECT e.transaction_id < pg_snapshot_xmin(pg_current_snapshot()),
                    extract(epoch FROM clock_timestamp() - e.recorded_at)::float8
             FROM sequencer s, LATERAL (
                 SELECT transaction_id, recorded_at FROM events
                 WHERE (transaction_id, position) > (s.transaction_id, s.position)
                   AND position > s.position_floor
                 ORDER BY transaction_id, position LIMIT 1
             ) e",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(Waiting {
            ready: row.is_some_and(|(ready, _)| ready),
            oldest: row.map(|(_, seconds)| Duration::from_secs_f64(seconds.max(0.0))),
        })
    }

    async fn append(&self, term: &Term, max: u32) -> Result<Appended, sqlx::Error> {
        match self.try_append(term, max).await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(NO_PARTITION) => {
                self.make_partitions().await?;
                self.try_append(term, max).await
            }
            appended => appended,
        }
    }

    async fn held_back(&self) -> Result<Option<HeldBack>, sqlx::Error> {
        let row: Option<(f64, String)> = sqlx::query_as(
            "SELECT extract(epoch FROM clock_timestamp() - since)::float8, who FROM (
                 SELECT backend_xid::text AS xid, age(backend_xid) AS older, xact_start AS since,
                     format('process %s, database %s, user %s, application %s, %s', pid,
                         coalesce(datname, '?'), coalesce(usename, '?'),
                         coalesce(nullif(application_name, ''), '?'), coalesce(state, '?')) AS who
                 FROM pg_stat_activity
                 WHERE backend_xid IS NOT NULL AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
                 UNION ALL
                 SELECT transaction::text, age(transaction), prepared,
                     format('prepared transaction %L, database %s', gid, database)
                 FROM pg_prepared_xacts
             ) open ORDER BY older DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(seconds, by)| HeldBack {
            age: Duration::from_secs_f64(seconds.max(0.0)),
            by,
        }))
    }
}
