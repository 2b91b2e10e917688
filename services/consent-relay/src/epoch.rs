//! Begins an epoch of the log after a restore. Transaction ids of a restored database have nothing to
//! do with those of before, so what the log has not taken yet is taken in another order that holds
//! within each stream, and the order of commits begins anew behind it.

use sqlx::{Connection as _, PgConnection};

use crate::parking::Order;

/// What an epoch began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Its number.
    pub epoch: i32,
    /// The first number that it may give.
    pub first_global_sequence: i64,
    /// Events that the log had not taken and took now.
    pub taken: i64,
}

/// Begins an epoch, as the owner. `published`: the last number in Kafka, which is given to no other
/// event. Whoever leads is fenced out; writers wait while it runs.
///
/// # Errors
/// The database's; nothing was changed then.
pub async fn advance(owner_url: &str, published: i64, order: &Order) -> Result<Begun, sqlx::Error> {
    let mut owner = PgConnection::connect(owner_url).await?;
    let mut transaction = owner.begin().await?;
    // Waits for every open writer, and keeps new ones out: all events are there, and committed.
    sqlx::query("LOCK TABLE events IN SHARE MODE")
        .execute(&mut *transaction)
        .await?;
    let (epoch, first): (i32, i64) = sqlx::query_as(
        "UPDATE sequencer SET epoch = epoch + 1, fence = fence + 1, expires_at = '-infinity',
             holder = 'epoch advance'
         RETURNING epoch, greatest(global_sequence, $1) + 1",
    )
    .bind(published)
    .fetch_one(&mut *transaction)
    .await?;
    // What was archived had its number, and lies before every position that the log still has.
    let missing = "FROM events e WHERE NOT EXISTS (SELECT FROM event_log l WHERE
        l.aggregate_type = e.aggregate_type AND l.aggregate_id = e.aggregate_id AND l.sequence = e.sequence)
        AND e.position > (SELECT coalesce(max(last_position), 0) FROM event_log_archives)";
    sqlx::query(&format!(
        "SELECT make_event_log_partition(n) FROM (SELECT count(*) AS missing {missing}) m,
             generate_series($1, $1 + m.missing + 5000000, 5000000) n"
    ))
    .bind(first)
    .execute(&mut *transaction)
    .await?;
    // A later event of a stream has the greater position: it is written after the earlier was read.
    let taken = sqlx::query(&format!(
        "INSERT INTO event_log (global_sequence, epoch, event_id, aggregate_type, aggregate_id, sequence,
             transaction_id, position, bank, partner)
         SELECT $1 - 1 + row_number() OVER (ORDER BY e.position), $2, e.event_id, e.aggregate_type,
             e.aggregate_id, e.sequence, e.transaction_id, e.position, e.bank, e.partner {missing}
         ORDER BY e.position"
    ))
    .bind(first)
    .bind(epoch)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    let taken = i64::try_from(taken).unwrap_or(i64::MAX);
    // Every transaction below this snapshot's xmin has ended, and its events are taken.
    sqlx::query(
        "UPDATE sequencer SET global_sequence = $1,
             transaction_id = (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text::xid8,
             position = 9223372036854775807,
             position_floor = (SELECT coalesce(max(position), 0) FROM events),
             system_identifier = (SELECT system_identifier FROM pg_control_system()),
             timeline = left(pg_walfile_name(pg_current_wal_lsn()), 8),
             database_oid = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .bind(first - 1 + taken)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "INSERT INTO event_log_epochs (epoch, first_global_sequence, begun_by, reason)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(epoch)
    .bind(first)
    .bind(&order.by)
    .bind(&order.reason)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    owner.close().await?;
    Ok(Begun {
        epoch,
        first_global_sequence: first,
        taken,
    })
}
