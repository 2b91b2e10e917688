//! Archives the oldest part of the log whole: exports it with its events, reads the file back, and then drops
//! the part and records the act in one transaction. By the database's owner alone.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::{Connection as _, FromRow, PgConnection, Row as _};
use tokio::task::spawn_blocking;

use super::archive_file::{
    self, ArchiveFileError, ArchiveWriter, Contents, FORMAT, Header, Lineage,
};
use crate::operator::Order;

/// Of the session that archives: two at once would write the same file.
const ONE_AT_A_TIME: i64 = 7_221_450_164;
/// How long the drop waits for readers of the log, at each try: whoever appends waits behind it.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '3s'";
/// Tries of the drop.
const TRIES: u32 = 5;
/// SQLSTATE `lock_not_available`.
const LOCKED: &str = "55P03";

/// What is ordered.
#[derive(Debug, Clone)]
pub struct ArchiveOrder {
    /// Who and why.
    pub order: Order,
    /// Where the file goes.
    pub directory: PathBuf,
    /// The part's last number was given so many months ago, at least.
    pub months: i32,
    /// `bank:partner` of readers who go without what they have not taken.
    pub leave_behind: Vec<String>,
}

/// A part that was archived.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct Archived {
    /// Its first number.
    pub first_global_sequence: i64,
    /// Its last number: the log begins after it.
    pub last_global_sequence: i64,
    /// How many numbers it had.
    pub numbers: i64,
    /// The greatest position among its events.
    pub last_position: i64,
    /// When its last number was given.
    pub last_appended_at: DateTime<Utc>,
    /// The file's name, without its directory.
    pub file_name: String,
    /// Of the file, lower-case hex.
    pub file_sha256: String,
    /// Who.
    pub archived_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub archived_at: DateTime<Utc>,
    /// Readers who went without.
    pub left_behind: Vec<String>,
}

/// Why nothing was archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The file's.
    #[error(transparent)]
    File(#[from] ArchiveFileError),
    /// It is not time yet, or somebody still needs the part.
    #[error("numbers {first} to {last} can't be archived yet: {}", .why.join("; "))]
    NotYet {
        /// The part's first number.
        first: i64,
        /// Its last.
        last: i64,
        /// Everything that stands against it.
        why: Vec<String>,
    },
    /// Another session archives.
    #[error("another session archives now")]
    UnderWay,
    /// The file is not what the database has. It is left for a look; nothing was dropped.
    #[error("{path} is not what the log has ({what}); nothing was dropped")]
    Differs {
        /// The file.
        path: String,
        /// What differs.
        what: &'static str,
    },
    /// The reading thread ended before its time.
    #[error("the file could not be read back: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// The oldest partition of the log.
#[derive(FromRow)]
struct Part {
    name: String,
    first: i64,
    last: i64,
}

/// Archives the oldest part of the log, if nothing stands against it.
///
/// # Errors
/// [`ArchiveError`]; nothing was dropped then, and it may be tried again.
pub async fn archive_oldest(
    owner_url: &str,
    order: &ArchiveOrder,
) -> Result<Archived, ArchiveError> {
    let mut owner = PgConnection::connect(owner_url).await?;
    let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(ONE_AT_A_TIME)
        .fetch_one(&mut owner)
        .await?;
    if !locked {
        return Err(ArchiveError::UnderWay);
    }
    let archived = archive(&mut owner, order).await;
    // The server might see only later that the connection has ended, and whoever tries again would find this
    // one under way. One that is broken has no lock.
    let unlocked = sqlx::query("SELECT pg_advisory_unlock($1)")
        .bind(ONE_AT_A_TIME)
        .execute(&mut owner)
        .await;
    if let Err(error) = unlocked {
        tracing::debug!(%error, "the lock of archiving ends with its connection");
    }
    archived
}

async fn archive(owner: &mut PgConnection, order: &ArchiveOrder) -> Result<Archived, ArchiveError> {
    let part = oldest_part(owner).await?;
    let behind = against(owner, &part, order).await?;
    let path = order.directory.join(format!(
        "event_log-{:016}-{:016}.ndjson.gz",
        part.first, part.last
    ));
    let contents = if path.exists() {
        // An earlier attempt wrote it and could not drop the part: what counts is whether it is right.
        read_back(&path).await?
    } else {
        export(owner, &part, &path).await?;
        read_back(&path).await?
    };
    same_as_log(owner, &part, &path, &contents).await?;
    let mut tries = 1;
    loop {
        match drop_part(owner, &part, &path, &contents, order, &behind).await {
            Err(ArchiveError::Database(sqlx::Error::Database(error)))
                if error.code().as_deref() == Some(LOCKED) && tries < TRIES =>
            {
                tries += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            dropped => return dropped,
        }
    }
}

async fn oldest_part(owner: &mut PgConnection) -> Result<Part, ArchiveError> {
    let part: Option<Part> = sqlx::query_as(
        "SELECT name, (bounds)[1]::bigint AS first, (bounds)[2]::bigint - 1 AS last FROM (
             SELECT c.relname::text AS name, regexp_match(pg_get_expr(c.relpartbound, c.oid),
                 'FROM \\(''?([0-9]+)''?\\) TO \\(''?([0-9]+)''?\\)') AS bounds
             FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'event_log'::regclass) parts
         WHERE bounds IS NOT NULL ORDER BY 2 LIMIT 1",
    )
    .fetch_optional(owner)
    .await?;
    part.ok_or_else(|| sqlx::Error::RowNotFound.into())
}

#[derive(FromRow)]
struct State {
    log_end: i64,
    published_to: i64,
    counted_to: i64,
    last_given_at: Option<DateTime<Utc>>,
    old_enough: bool,
    parked: i64,
    unlogged: bool,
}

/// Gives the readers who go without, in the order's words, or what stands against archiving.
async fn against(
    owner: &mut PgConnection,
    part: &Part,
    order: &ArchiveOrder,
) -> Result<Vec<String>, ArchiveError> {
    let Part { name, first, last } = part;
    let state: State = sqlx::query_as(&format!(
        "SELECT s.global_sequence AS log_end, newest.appended_at AS last_given_at,
             coalesce(newest.appended_at < now() - make_interval(months => $2), false) AS old_enough,
             coalesce((SELECT published_to FROM relay_positions), 0) AS published_to,
             (SELECT global_sequence FROM journey_counts_until) AS counted_to,
             (SELECT count(*) FROM parked_events
              WHERE global_sequence <= $1 AND state IN ('parked', 'waiting')) AS parked,
             EXISTS (SELECT FROM events e
                 WHERE (e.transaction_id, e.position) > (s.transaction_id, s.position)
                   AND e.position > s.position_floor
                   AND e.position <= (SELECT max(position) FROM {name})) AS unlogged
         FROM sequencer s LEFT JOIN LATERAL (SELECT appended_at FROM {name}
             ORDER BY global_sequence DESC LIMIT 1) newest ON true"
    ))
    .bind(last)
    .bind(order.months)
    .fetch_one(&mut *owner)
    .await?;
    let behind = readers_behind(owner, *last).await?;
    let mut why = Vec::new();
    if state.log_end <= *last {
        why.push(format!(
            "the log is at {} and still writes to this part",
            state.log_end
        ));
    } else if !state.old_enough {
        let at = state
            .last_given_at
            .map_or_else(|| "never".to_owned(), |at| at.to_rfc3339());
        why.push(format!(
            "its last number was given {at}, and retention.event_log_months is {}",
            order.months
        ));
    }
    // One more than the part: the relay compares the last event that it published with the log's.
    if state.published_to <= *last {
        why.push(format!(
            "the relay has published up to {}",
            state.published_to
        ));
    }
    if state.counted_to < *last {
        why.push(format!("journeys are counted up to {}", state.counted_to));
    }
    if state.parked > 0 {
        why.push(format!("{} of its events are parked", state.parked));
    }
    if state.unlogged {
        why.push("an older event has no number yet".to_owned());
    }
    let waiting: Vec<&str> = behind
        .iter()
        .filter(|reader| !order.leave_behind.contains(reader))
        .map(String::as_str)
        .collect();
    if !waiting.is_empty() {
        why.push(format!(
            "not all of its events were taken by {} (--leave-behind names those who go without)",
            waiting.join(", ")
        ));
    }
    if why.is_empty() {
        Ok(behind)
    } else {
        Err(ArchiveError::NotYet {
            first: *first,
            last: *last,
            why,
        })
    }
}

/// Partners to whom events up to that number are to be given yet, as `bank:partner`. Of those who read by
/// `after` nothing is known here; they are told when they come.
async fn readers_behind(owner: &mut PgConnection, last: i64) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "WITH places AS (
             SELECT bank, partner, handed_out_to AS place FROM event_polls
             UNION ALL SELECT bank, partner, delivered_to FROM push_targets
         )
         SELECT bank || ':' || partner FROM places p
         WHERE p.place < $1 AND EXISTS (SELECT FROM event_log l
             WHERE (l.bank, l.partner, l.global_sequence) > (p.bank, p.partner, p.place)
               AND (l.bank, l.partner, l.global_sequence) <= (p.bank, p.partner, $1)
               AND l.aggregate_type NOT IN ('journey', 'contract', 'partner', 'bank'))
         UNION SELECT bank || ':' || partner FROM unacknowledged_events WHERE global_sequence <= $1
         ORDER BY 1",
    )
    .bind(last)
    .fetch_all(owner)
    .await
}

/// Writes the part with its events to the file. It blocks on the file: nothing else runs in this program.
async fn export(owner: &mut PgConnection, part: &Part, path: &Path) -> Result<(), ArchiveError> {
    let row = sqlx::query(
        "SELECT system_identifier, timeline, database_oid::bigint AS database_oid, now() AS now
         FROM sequencer",
    )
    .fetch_one(&mut *owner)
    .await?;
    let header = Header {
        format: FORMAT.to_owned(),
        first: part.first,
        last: part.last,
        lineage: Lineage {
            system_identifier: row.try_get("system_identifier")?,
            timeline: row.try_get("timeline")?,
            database_oid: row.try_get("database_oid")?,
        },
        made_at: row.try_get("now")?,
    };
    let mut file = ArchiveWriter::begin(path, &header)?;
    let sql = format!(
        "SELECT row_to_json(l)::text, coalesce(row_to_json(e)::text, 'null') FROM {} l
         LEFT JOIN events e USING (aggregate_type, aggregate_id, sequence)
         ORDER BY l.global_sequence",
        part.name
    );
    let mut rows = sqlx::query_as::<_, (String, String)>(&sql).fetch(owner);
    while let Some((log, event)) = rows.try_next().await? {
        file.add(&log, &event)?;
    }
    drop(rows);
    Ok(file.finish()?)
}

async fn read_back(path: &Path) -> Result<Contents, ArchiveError> {
    let path = path.to_owned();
    Ok(spawn_blocking(move || archive_file::verify(&path)).await??)
}

async fn same_as_log(
    owner: &mut PgConnection,
    part: &Part,
    path: &Path,
    contents: &Contents,
) -> Result<(), ArchiveError> {
    let (numbers, position): (i64, Option<i64>) = sqlx::query_as(&format!(
        "SELECT count(*), max(position) FROM {}",
        part.name
    ))
    .fetch_one(owner)
    .await?;
    let header = &contents.header;
    let what = if (header.first, header.last) != (part.first, part.last) {
        "the range"
    } else if contents.numbers != numbers {
        "how many numbers"
    } else if Some(contents.last_position) != position {
        "the events"
    } else {
        return Ok(());
    };
    Err(ArchiveError::Differs {
        path: path.display().to_string(),
        what,
    })
}

/// Drops the part, puts readers who go without behind it, and records the act: all or nothing.
async fn drop_part(
    owner: &mut PgConnection,
    part: &Part,
    path: &Path,
    contents: &Contents,
    order: &ArchiveOrder,
    behind: &[String],
) -> Result<Archived, ArchiveError> {
    let Part { name, first, last } = part;
    let mut transaction = owner.begin().await?;
    sqlx::query(LOCK_TIMEOUT).execute(&mut *transaction).await?;
    // Nobody begins to read further back while it is looked again who is behind.
    sqlx::query("LOCK TABLE event_polls, push_targets, unacknowledged_events IN SHARE MODE")
        .execute(&mut *transaction)
        .await?;
    let now_behind = against(&mut transaction, part, order).await?;
    let left: Vec<String> = now_behind
        .into_iter()
        .filter(|reader| behind.contains(reader) || order.leave_behind.contains(reader))
        .collect();
    for sql in [
        "UPDATE event_polls SET handed_out_to = $1
         WHERE handed_out_to < $1 AND bank || ':' || partner = ANY($2)",
        "UPDATE push_targets SET delivered_to = $1
         WHERE delivered_to < $1 AND bank || ':' || partner = ANY($2)",
        "DELETE FROM unacknowledged_events
         WHERE global_sequence <= $1 AND bank || ':' || partner = ANY($2)",
    ] {
        sqlx::query(sql)
            .bind(last)
            .bind(&left)
            .execute(&mut *transaction)
            .await?;
    }
    for sql in [
        format!("ALTER TABLE event_log DETACH PARTITION {name}"),
        format!("DROP TABLE {name}"),
    ] {
        sqlx::query(&sql).execute(&mut *transaction).await?;
    }
    let archived: Archived = sqlx::query_as(
        "INSERT INTO event_log_archives (first_global_sequence, last_global_sequence, numbers,
             last_position, last_appended_at, file_name, file_sha256, archived_by, reason, left_behind)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *",
    )
    .bind(first)
    .bind(last)
    .bind(contents.numbers)
    .bind(contents.last_position)
    .bind(contents.last_appended_at)
    .bind(path.file_name().map(|name| name.to_string_lossy().into_owned()))
    .bind(&contents.file_sha256)
    .bind(&order.order.by)
    .bind(&order.order.reason)
    .bind(left)
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(archived)
}

/// Every part that was archived, the oldest first.
///
/// # Errors
/// The database's.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Archived>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM event_log_archives ORDER BY last_global_sequence")
        .fetch_all(connection)
        .await
}
