//! Folds every stream of a type: several parts of the events at once, each by one connection that reads in
//! order and another that writes by COPY.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::TryStreamExt as _;
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use super::{
    RebuildError, Rebuilt,
    folding::{COLUMNS, Folded, Folder},
};
use crate::store::{CopyBuffer, Projected};

/// Parts that are folded at once.
const WORKERS: usize = 4;
/// Bytes that are sent at once.
const CHUNK: usize = 256 * 1024;
/// For the sort of a part: it stays in memory up to some hundred thousand events.
const READER_SETTINGS: &str = "SET work_mem = '128MB'";

/// Parts that are still to be folded.
type Queue = Arc<Mutex<Vec<String>>>;

/// Folds all streams into the table, which has no row.
pub(super) async fn fold_all<S: Projected>(
    owner_url: &str,
    table: &str,
    rebuilt: &mut Rebuilt,
) -> Result<(), RebuildError> {
    let queue: Queue = Arc::new(Mutex::new(parts(owner_url).await?));
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (url, table) = (owner_url.to_owned(), table.to_owned());
        workers.spawn(work::<S>(url, table, Arc::clone(&queue)));
    }
    while let Some(done) = workers.join_next().await {
        let (streams, events) = done.map_err(|error| sqlx::Error::Io(error.into()))??;
        rebuilt.streams += streams;
        rebuilt.events += events;
    }
    Ok(())
}

/// The partitions of the events, where each holds whole streams; else all of them as one part.
async fn parts(owner_url: &str) -> Result<Vec<String>, sqlx::Error> {
    let mut owner = PgConnection::connect(owner_url).await?;
    let parts: Vec<String> = sqlx::query_scalar(
        "SELECT i.inhrelid::regclass::text FROM pg_inherits i
         JOIN pg_partitioned_table p ON p.partrelid = i.inhparent AND p.partstrat = 'h'
         WHERE i.inhparent = 'events'::regclass",
    )
    .fetch_all(&mut owner)
    .await?;
    owner.close().await?;
    if parts.is_empty() {
        return Ok(vec!["events".to_owned()]);
    }
    Ok(parts)
}

/// Folds one part after the other until none is left. Gives how many streams and events that were.
async fn work<S: Projected>(
    owner_url: String,
    table: String,
    queue: Queue,
) -> Result<(u64, u64), RebuildError> {
    let mut reader = PgConnection::connect(&owner_url).await?;
    sqlx::query(READER_SETTINGS).execute(&mut reader).await?;
    let mut writer = PgConnection::connect(&owner_url).await?;
    let (mut streams, mut events) = (0, 0);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(part) = next else { break };
        let folder = fold_part::<S>(&mut reader, &mut writer, &part, &table).await?;
        streams += folder.streams;
        events += folder.events;
    }
    reader.close().await?;
    writer.close().await?;
    Ok((streams, events))
}

async fn fold_part<S: Projected>(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    part: &str,
    table: &str,
) -> Result<Folder<S>, RebuildError> {
    let select = format!(
        "SELECT {COLUMNS} FROM {part} WHERE aggregate_type = $1 ORDER BY aggregate_id, sequence"
    );
    let mut events = sqlx::query(&select).bind(S::TYPE).fetch(reader);
    let mut folder = Folder::<S>::new();
    let Some(first) = events.try_next().await? else {
        return Ok(folder);
    };
    folder.take(&first)?;
    let mut copying = writer
        .copy_in_raw(&format!(
            "COPY {table} (stream_id, version, state_version, state, began_at, changed_at)
             FROM STDIN (FORMAT binary)"
        ))
        .await?;
    let mut rows = CopyBuffer::default();
    while let Some(row) = events.try_next().await? {
        if let Some(done) = folder.take(&row)? {
            add(&mut rows, &done)?;
            if rows.pending() >= CHUNK {
                copying.send(rows.take()).await?;
            }
        }
    }
    if let Some(last) = folder.finish() {
        add(&mut rows, &last)?;
    }
    copying.send(rows.finish()).await?;
    copying.finish().await?;
    Ok(folder)
}

fn add<S: Projected>(rows: &mut CopyBuffer, folded: &Folded<S>) -> Result<(), RebuildError> {
    rows.row(6);
    rows.text(&folded.id);
    rows.bigint(folded.version);
    rows.int(S::STATE_VERSION);
    rows.jsonb(&folded.json()?);
    rows.instant(folded.began_at);
    rows.instant(folded.changed_at);
    Ok(())
}
