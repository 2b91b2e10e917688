//! Counting: facts of journeys, as they come in the log, become counts by day.

use sqlx::PgPool;
use tracing::Instrument as _;

use crate::store::sql_span;

/// Numbers of the log that one transaction counts.
const BATCH: i64 = 5_000;
/// Transactions of one round: a sweep that has a whole log before it lets the rest of the round go on.
const BATCHES: usize = 20;

/// The facts that are counted, each with the journey's own first fact, which says when and for whom. The step of an
/// end is where the customer stood.
const COUNT: &str = "
    INSERT INTO journey_counts AS c (bank, day, partner, fact, step, reason, count)
    SELECT split_part(f.journey, ':', 1), (b.recorded_at AT TIME ZONE 'Asia/Tokyo')::date,
        b.payload #>> '{ConsentRequested,partner}', f.fact, f.step, f.reason, count(*)
    FROM (
        SELECT
            CASE WHEN e.event_type = 'PartnerConnected'
                THEN l.bank || ':' || (e.payload #>> '{PartnerConnected,journey}')
                ELSE l.aggregate_id END AS journey,
            CASE e.event_type
                WHEN 'AccessAuthorized' THEN 'authorized'
                WHEN 'JourneyCancelled' THEN 'cancelled'
                WHEN 'AccessDeclined' THEN 'declined'
                WHEN 'JourneyTimedOut' THEN 'timed_out'
                WHEN 'JourneyFailed' THEN 'failed'
                WHEN 'PartnerConnected' THEN 'connected'
                ELSE 'row_rejected' END AS fact,
            coalesce(e.payload -> e.event_type ->> 'step',
                CASE e.event_type WHEN 'AccountRegistrationRejected' THEN 'accounts' ELSE 'authorize' END) AS step,
            coalesce(e.payload -> e.event_type ->> 'cause', e.payload -> e.event_type ->> 'code',
                CASE e.event_type WHEN 'AccountRegistrationRejected'
                    THEN e.payload #>> '{AccountRegistrationRejected,reason}' END, '') AS reason
        FROM event_log l CROSS JOIN LATERAL (
            SELECT event_type, payload FROM events e WHERE e.aggregate_type = l.aggregate_type
                AND e.aggregate_id = l.aggregate_id AND e.sequence = l.sequence LIMIT 1
        ) e
        WHERE l.global_sequence > $1 AND l.global_sequence <= $2 AND l.aggregate_type IN ('journey', 'consent')
            AND e.event_type IN ('AccessAuthorized', 'JourneyCancelled', 'AccessDeclined', 'JourneyTimedOut',
                'JourneyFailed', 'PartnerConnected', 'AccountRegistrationRejected')
    ) f CROSS JOIN LATERAL (
        SELECT recorded_at, payload FROM events b WHERE b.aggregate_type = 'journey'
            AND b.aggregate_id = f.journey AND b.sequence = 1 LIMIT 1
    ) b
    GROUP BY 1, 2, 3, 4, 5, 6
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (bank, day, partner, fact, step, reason) DO UPDATE SET count = c.count + excluded.count";

/// Counts what the log has gained, however many replicas do so at once: the number up to which is counted is locked
/// before the log is read, and moves with the counts.
///
/// # Errors
/// The database's; then nothing of the batch is counted.
pub async fn count_ended(pool: &PgPool) -> Result<(), sqlx::Error> {
    for _ in 0..BATCHES {
        let span = sql_span("count ended journeys");
        if count_batch(pool).instrument(span).await? < BATCH {
            break;
        }
    }
    Ok(())
}

/// Gives how many numbers of the log it went over.
async fn count_batch(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let after: Option<i64> = sqlx::query_scalar(
        "SELECT global_sequence FROM journey_counts_until FOR UPDATE SKIP LOCKED",
    )
    .fetch_optional(&mut *transaction)
    .await?;
    // Another replica counts.
    let Some(after) = after else {
        return Ok(0);
    };
    // A statement of its own, and so a snapshot after the lock.
    let until: i64 = sqlx::query_scalar("SELECT least(global_sequence, $1) FROM sequencer")
        .bind(after.saturating_add(BATCH))
        .fetch_one(&mut *transaction)
        .await?;
    // After a restore the log may be behind what was counted.
    if until <= after {
        return Ok(0);
    }
    sqlx::query(COUNT)
        .bind(after)
        .bind(until)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("UPDATE journey_counts_until SET global_sequence = $1, moved_at = now()")
        .bind(until)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(until - after)
}
