//! The one statement that writes records and their sums.

use consent_domain::{AccountId, Instant};
use sqlx::PgConnection;

use super::data_read::DataRead;

/// The records first, then their sums: both in the order of their keys, so that any number of replicas
/// take the rows' locks in one order. The sums count what was added, so a report that was repeated counts
/// once. A record takes contract and partner from the grant, and without the grant there is none.
const SQL: &str = "
    WITH reported AS (
        SELECT r.*, c.contract, c.partner
        FROM UNNEST($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::uuid[],
                $7::text[], $8::text[], $9::int[], $10::date[], $11::date[], $12::date[], $13::text[],
                $14::text[])
            WITH ORDINALITY AS r (record_id, occurred_at, bank, grant_id, client, jti, task, account,
                rows, from_date, to_date, last_served_on, request_id, traceparent, number)
        JOIN consent_current c ON c.stream_id = r.bank || ':' || r.grant_id AND c.client = r.client
        WHERE r.occurred_at BETWEEN now() - interval '5 minutes' AND now() + interval '5 minutes'
    ), added AS (
        INSERT INTO access_records (record_id, occurred_at, bank, grant_id, contract, client, partner, task,
            account, rows, from_date, to_date, last_served_on, jti, request_id, traceparent)
        SELECT record_id, occurred_at, bank, grant_id, contract, client, partner, task,
            account, rows, from_date, to_date, last_served_on, jti, request_id, traceparent
        FROM reported ORDER BY occurred_at, record_id
        ON CONFLICT (record_id, occurred_at) DO NOTHING
        RETURNING bank, grant_id, account, task, occurred_at, rows, last_served_on
    ), summed AS (
        INSERT INTO access_totals AS t
            (bank, grant_id, account, task, first_read_at, last_read_at, reads, rows, last_served_on)
        SELECT bank, grant_id, coalesce(account, ''), task, min(occurred_at), max(occurred_at), count(*),
            sum(rows), max(last_served_on)
        FROM added GROUP BY bank, grant_id, coalesce(account, ''), task
        ORDER BY bank, grant_id, coalesce(account, ''), task
        ON CONFLICT (bank, grant_id, account, task) DO UPDATE SET
            first_read_at = least(t.first_read_at, excluded.first_read_at),
            last_read_at = greatest(t.last_read_at, excluded.last_read_at),
            reads = t.reads + excluded.reads,
            rows = t.rows + excluded.rows,
            last_served_on = greatest(t.last_served_on, excluded.last_served_on)
    )
    SELECT number FROM reported";

/// What came of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is committed, now or by an earlier report.
    Recorded,
    /// There is no such grant of that client, or the time of the record's id is minutes away from now.
    Refused,
}

/// Writes them, and says what came of each, in their order.
pub(super) async fn write(
    connection: &mut PgConnection,
    reads: &[DataRead],
) -> Result<Vec<Outcome>, sqlx::Error> {
    fn of<'a, T>(reads: &'a [DataRead], field: impl Fn(&'a DataRead) -> T) -> Vec<T> {
        reads.iter().map(field).collect()
    }
    let numbers: Vec<i64> = sqlx::query_scalar(SQL)
        .bind(of(reads, |read| read.id.as_uuid()))
        .bind(of(reads, |read| read.id.occurred_at()))
        .bind(of(reads, |read| read.bank.as_str()))
        .bind(of(reads, |read| read.grant.as_str()))
        .bind(of(reads, |read| read.client.as_str()))
        .bind(of(reads, |read| read.jti))
        .bind(of(reads, |read| read.what.kind().as_str()))
        .bind(of(reads, |read| read.what.account().map(AccountId::as_str)))
        .bind(of(reads, |read| read.rows))
        .bind(of(reads, |read| read.what.days().map(|days| days.from)))
        .bind(of(reads, |read| read.what.days().map(|days| days.to)))
        .bind(of(reads, |read| read.what.last_served_on()))
        .bind(of(reads, |read| read.request_id.as_str()))
        .bind(of(reads, |read| read.traceparent.as_deref()))
        .fetch_all(connection)
        .await?;
    let mut outcomes = vec![Outcome::Refused; reads.len()];
    for number in numbers {
        let place = usize::try_from(number - 1).ok();
        if let Some(outcome) = place.and_then(|place| outcomes.get_mut(place)) {
            *outcome = Outcome::Recorded;
        }
    }
    Ok(outcomes)
}

/// The moments of these records.
pub(super) fn moments(reads: &[DataRead]) -> Vec<Instant> {
    reads.iter().map(|read| read.id.occurred_at()).collect()
}
