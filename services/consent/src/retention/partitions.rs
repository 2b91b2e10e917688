//! Whether the partitions that are needed next are there: without one, appends to the log or reads of data
//! would be refused.

use sqlx::PgPool;
use tracing::Instrument as _;

use crate::{
    metrics,
    store::{StoreError, sql_span},
};

/// The log's next partition must be there when so many numbers are left; the relay makes it earlier.
const NUMBERS_LEFT: i64 = 1_000_000;

/// Looks for partitions that are missing, and tells by a metric and a line of the log. Making them is the
/// relay's and the access record's own work. Gives the tables.
///
/// # Errors
/// [`StoreError`].
pub async fn watch_partitions(pool: &PgPool) -> Result<Vec<&'static str>, StoreError> {
    let (log, access): (bool, bool) = sqlx::query_as(
        "SELECT is_partition_missing('event_log', (global_sequence + $1)::text),
             is_partition_missing('access_records', (now() + interval '1 month')::text)
         FROM sequencer",
    )
    .bind(NUMBERS_LEFT)
    .fetch_one(pool)
    .instrument(sql_span("look for partitions"))
    .await?;
    let mut tables = Vec::new();
    for (table, missing) in [("event_log", log), ("access_records", access)] {
        metrics::partition_missing(table, missing);
        if missing {
            tracing::error!(table, "the partition that is needed next is missing");
            tables.push(table);
        }
    }
    Ok(tables)
}
