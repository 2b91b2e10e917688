//! What the tests of retention share: times moved back, and a log with small parts.

use consent::{
    operator::Order,
    rebuild::{Purpose, rebuild},
    retention::{
        RetentionSettings,
        destruction::{self, DestructionError, Preview},
    },
    sweeper,
};
use demo::agent::walk::allow;
use sqlx::{Connection as _, PgConnection, raw_sql};

use crate::{
    bench::{BANK, Bench, browser},
    guesses_counter::until,
};

pub fn order() -> Order {
    Order {
        by: "records-office".to_owned(),
        reason: "the yearly review".to_owned(),
    }
}

pub async fn owner(bench: &Bench) -> PgConnection {
    PgConnection::connect(&bench.owner_url()).await.unwrap()
}

/// What a destruction by the default times would do.
pub async fn preview(bench: &Bench) -> Preview {
    let (mut owner, kept) = (owner(bench).await, RetentionSettings::default());
    let criteria = destruction::criteria(&mut owner, &bank(), &kept).await;
    destruction::preview(&mut owner, &bank(), &criteria.unwrap())
        .await
        .unwrap()
}

/// Orders it.
pub async fn begin(bench: &Bench, count: i64) -> Result<uuid::Uuid, DestructionError> {
    let (mut owner, kept) = (owner(bench).await, RetentionSettings::default());
    let criteria = destruction::criteria(&mut owner, &bank(), &kept).await;
    destruction::begin(&mut owner, &bank(), &criteria.unwrap(), count, &order()).await
}

/// What only the owner may do, e.g. to move a time back.
pub async fn as_owner(bench: &Bench, sql: &str) {
    raw_sql(sql).execute(&mut owner(bench).await).await.unwrap();
}

/// Every fact was recorded so much earlier.
pub async fn let_time_pass(bench: &Bench, interval: &str) {
    as_owner(
        bench,
        &format!(
            "ALTER TABLE events DISABLE TRIGGER events_are_facts;
             UPDATE events SET recorded_at = recorded_at - interval '{interval}';
             ALTER TABLE events ENABLE TRIGGER events_are_facts;
             ALTER TABLE event_log DISABLE TRIGGER event_log_is_fact;
             UPDATE event_log SET appended_at = appended_at - interval '{interval}';
             ALTER TABLE event_log ENABLE TRIGGER event_log_is_fact;"
        ),
    )
    .await;
}

/// Partner's consent, allowed and then ended by its time. Gives the grant's stream and the journey's.
pub async fn ended_consent(bench: &Bench, partner: usize) -> (String, String) {
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, partner).await;
    allow(&browser, &authorize).await.expect("the end page");
    let (stream, journey): (String, String) = sqlx::query_as(
        "SELECT aggregate_id, split_part(aggregate_id, ':', 1) || ':'
             || (payload #>> '{AccessGranted,journey}')
         FROM events WHERE event_type = 'AccessGranted' ORDER BY position DESC LIMIT 1",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    as_owner(
        bench,
        &format!(
            "ALTER TABLE events DISABLE TRIGGER events_are_facts;
             UPDATE events SET payload = jsonb_set(payload::jsonb, '{{AccessGranted,terms,valid_until}}',
                 '\"2020-01-01T00:00:00Z\"')::json
             WHERE event_type = 'AccessGranted' AND aggregate_id = '{stream}';
             ALTER TABLE events ENABLE TRIGGER events_are_facts;"
        ),
    )
    .await;
    rebuild(&bench.owner_url(), Purpose::Replace).await.unwrap();
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    assert_eq!(status_of(bench, &stream).await.as_deref(), Some("expired"));
    (stream, journey)
}

pub async fn status_of(bench: &Bench, consent: &str) -> Option<String> {
    sqlx::query_scalar("SELECT status FROM consent_current WHERE stream_id = $1")
        .bind(consent)
        .fetch_optional(&bench.pool)
        .await
        .unwrap()
}

pub async fn count(bench: &Bench, sql: &str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&mut owner(bench).await)
        .await
        .unwrap()
}

/// Until a statement waits for what another holds; `waiting` is that statement, and does not end before.
pub async fn waits_for_a_lock<T>(bench: &Bench, waiting: impl Future<Output = T>) {
    let waiters = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN
        (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    tokio::select! {
        _ = waiting => panic!("it did not wait"),
        () = until(async || count(bench, waiters).await > 0) => {}
    }
}

pub async fn events_of(bench: &Bench, stream: &str) -> i64 {
    count(
        bench,
        &format!("SELECT count(*) FROM events WHERE aggregate_id = '{stream}'"),
    )
    .await
}

/// Gives every event a number, and has them all published.
pub async fn number_everything(bench: &Bench) -> i64 {
    bench.sequence().await;
    as_owner(
        bench,
        "INSERT INTO relay_positions (published_to) SELECT global_sequence FROM sequencer
         ON CONFLICT (one) DO UPDATE SET published_to = excluded.published_to;
         UPDATE journey_counts_until SET global_sequence = (SELECT global_sequence FROM sequencer)",
    )
    .await;
    count(bench, "SELECT global_sequence FROM sequencer").await
}

/// Ends the log's part at its last number, and begins another: as if ten million were reached.
pub async fn close_part(bench: &Bench) -> i64 {
    let last = number_everything(bench).await;
    let (name, first): (String, i64) = sqlx::query_as(
        "SELECT c.relname::text, (regexp_match(pg_get_expr(c.relpartbound, c.oid), '([0-9]+)'))[1]::bigint
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'event_log'::regclass ORDER BY 2 DESC LIMIT 1",
    )
    .fetch_one(&mut owner(bench).await)
    .await
    .unwrap();
    as_owner(
        bench,
        &format!(
            "ALTER TABLE event_log DETACH PARTITION {name};
             ALTER TABLE event_log ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({next});
             CREATE TABLE event_log_after_{last} PARTITION OF event_log
                 FOR VALUES FROM ({next}) TO (100000000)",
            next = last + 1
        ),
    )
    .await;
    last
}

/// One more event with a number, so that the part before is not the last.
pub async fn go_on(bench: &Bench) {
    bench.begin(&browser(), 0).await;
    number_everything(bench).await;
}

/// A directory that goes with the test.
pub struct Directory(pub std::path::PathBuf);

impl Directory {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("archive-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

pub fn bank() -> consent_domain::BankCode {
    consent_domain::BankCode::parse(BANK).unwrap()
}
