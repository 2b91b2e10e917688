//! The months of `access_records`. The service makes them through a function of the owner's, ahead of
//! need; where one is missing all the same, whoever misses it makes it.

use consent_domain::Instant;
use sqlx::{PgConnection, PgPool};
use tracing::Instrument as _;

use crate::store::{StoreError, sql_span};

/// Months that are ready beyond the current one: a sweeper that stands still for one is noticed before.
const AHEAD: i32 = 2;

/// Makes this month's partition and the next ones, where they are missing.
///
/// # Errors
/// [`StoreError`].
pub async fn make_partitions_ahead(pool: &PgPool) -> Result<(), StoreError> {
    let made: Vec<bool> = sqlx::query_scalar(
        "SELECT make_access_records_partition(now() + make_interval(months => ahead))
         FROM generate_series(0, $1) AS ahead",
    )
    .bind(AHEAD)
    .fetch_all(pool)
    .instrument(sql_span("make months of the access record"))
    .await?;
    let made = made.into_iter().filter(|made| *made).count();
    if made > 0 {
        tracing::info!(months = made, "the access record has room for more months");
    }
    Ok(())
}

/// Makes the partitions of these moments.
pub(super) async fn make_missing(
    connection: &mut PgConnection,
    moments: &[Instant],
) -> Result<(), sqlx::Error> {
    tracing::warn!("a month of the access record was missing; it is made now");
    sqlx::query("SELECT make_access_records_partition(at) FROM UNNEST($1::timestamptz[]) AS at")
        .bind(moments)
        .execute(connection)
        .await
        .map(drop)
}
