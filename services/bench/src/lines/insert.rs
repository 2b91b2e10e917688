//! The reference of everything that writes: one row, one commit, on the disk.

use crate::{error::BenchError, ground::Ground, pgbench::Pgbench};

/// pgbench's clients, as many as commands are in flight.
pub const CLIENTS: u32 = 32;

/// One row into a table like `events`: partitions, indexes, constraints and defaults are the same, and
/// the row is as long as the flow's on the average.
///
/// # Errors
/// The database's.
pub async fn durable_insert(ground: &Ground) -> Result<Pgbench, BenchError> {
    let superuser = sqlx::PgPool::connect(ground.admin_url.as_str()).await?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS events_of_reference (
             LIKE events INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING CONSTRAINTS
                 INCLUDING INDEXES) PARTITION BY HASH (aggregate_id);
         DO $$ BEGIN FOR i IN 0..15 LOOP EXECUTE format(
             'CREATE TABLE IF NOT EXISTS events_of_reference_%s PARTITION OF events_of_reference
              FOR VALUES WITH (MODULUS 16, REMAINDER %s)', i, i); END LOOP; END $$",
    )
    .execute(&superuser)
    .await?;
    // What the flow's own events are, where it has run; else about that.
    let (payload, metadata): (i32, i32) = sqlx::query_as(
        "SELECT coalesce(avg(length(payload::text))::int, 204),
                coalesce(avg(length(metadata::text))::int, 108)
         FROM events WHERE aggregate_type IN ('contract', 'consent')",
    )
    .fetch_one(&superuser)
    .await?;
    superuser.close().await;
    let json = |length: i32| {
        let filler = usize::try_from(length)
            .unwrap_or_default()
            .saturating_sub(8);
        format!("{{\"a\" : \"{}\"}}", "x".repeat(filler))
    };
    let script = format!(
        "\\set id random(1, 9000000000000000000)\n\
         INSERT INTO events_of_reference (aggregate_type, aggregate_id, sequence, event_type, \
         event_version, payload, metadata, bank, partner, contract, actor_id, request_id, release) \
         VALUES ('consent', '2963' || '-' || :id::text, 1, 'AccessGranted', '1', '{}', '{}', '2963', \
         'id-of-bench-partner', 'c-1', 'u-1', 'r-1', '0.1.0');\n",
        json(payload),
        json(metadata)
    );
    Ok(Pgbench::new(
        ground.pgbench.clone(),
        ground.admin_url.clone(),
        script,
        CLIENTS,
    )
    .with_fact("payload_bytes", f64::from(payload))
    .with_fact("metadata_bytes", f64::from(metadata)))
}
