//! On a real PostgreSQL: what was loaded is what the service would have left behind.

use consent::{
    provision::{Provisioned, provision},
    rebuild::{Purpose, rebuild},
};
use sqlx::PgPool;

use super::*;

const EVENTS: u32 = 20_000;

async fn loaded(name: &str, seed: u64) -> (Provisioned, Loaded) {
    let admin_url = demo::postgres::test_server_url().expect("a server");
    demo::postgres::drop_database(&admin_url, name)
        .await
        .expect("no such database any more");
    let urls = provision(&admin_url, name).await.expect("a database");
    let load = Load {
        until: "2026-10-01T00:00:00Z".parse().expect("a time"),
        ..Load::of(EVENTS, seed)
    };
    let loaded = load.into_database(&urls.owner_url, |_| ()).await;
    (urls, loaded.expect("a load"))
}

async fn count(pool: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(pool)
        .await
        .expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_projections_are_what_a_rebuild_makes_of_the_events() {
    let (urls, loaded) = loaded("load_test_rebuild", 1).await;

    let rebuilt = rebuild(&urls.owner_url, Purpose::Verify)
        .await
        .expect("a rebuild");

    for projection in &rebuilt {
        assert_eq!(projection.differences, 0, "{projection:?}");
        assert!(projection.streams > 0, "{projection:?}");
    }
    let folded: u64 = rebuilt.iter().map(|projection| projection.events).sum();
    assert_eq!(i64::try_from(folded).expect("a count"), loaded.events);
    assert!(loaded.events > i64::from(EVENTS) * 9 / 10, "{loaded:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_every_event_in_the_order_of_its_time_and_the_sequencer_knows() {
    let (urls, loaded) = loaded("load_test_log", 2).await;
    let owner = PgPool::connect(&urls.owner_url)
        .await
        .expect("the owner connects");

    let in_order = count(
        &owner,
        "SELECT count(*) FROM (
            SELECT l.global_sequence, row_number() OVER (ORDER BY e.transaction_id, e.position) AS nth,
                e.recorded_at >= lag(e.recorded_at, 1, '-infinity')
                    OVER (ORDER BY l.global_sequence) AS later
            FROM event_log l JOIN events e USING (aggregate_type, aggregate_id, sequence, event_id)) x
         WHERE x.global_sequence = x.nth AND x.later",
    );
    assert_eq!(in_order.await, loaded.events);
    let behind = "SELECT count(*) FROM events e, sequencer s
         WHERE (e.transaction_id, e.position) <= (s.transaction_id, s.position)";
    assert_eq!(count(&owner, behind).await, loaded.events);
    let to_come = "SELECT count(*) FROM events WHERE transaction_id >= pg_current_xact_id()";
    assert_eq!(count(&owner, to_come).await, 0);
    let next = count(
        &owner,
        "SELECT nextval(pg_get_serial_sequence('events', 'position'))",
    )
    .await;
    assert_eq!(next, loaded.events + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lives_are_as_various_as_in_the_field() {
    let (urls, _) = loaded("load_test_variety", 3).await;
    let owner = PgPool::connect(&urls.owner_url)
        .await
        .expect("the owner connects");

    let ends = "SELECT count(DISTINCT coalesce(payload #>> '{JourneyCancelled,step}',
            payload #>> '{JourneyTimedOut,step}', payload #>> '{JourneyFailed,step}',
            payload #>> '{AccessDeclined,step}')) FROM events WHERE aggregate_type = 'journey'";
    assert_eq!(count(&owner, ends).await, 5, "journeys end at every step");
    let types = count(
        &owner,
        "SELECT count(DISTINCT event_type) FROM events WHERE aggregate_type = 'consent'",
    );
    assert_eq!(types.await, 12, "every fact of a consent is there");
    let banks = count(&owner, "SELECT count(DISTINCT bank) FROM consent_current").await;
    assert_eq!(banks, 13);
    let biggest = count(
        &owner,
        "SELECT max(n) * 100 / sum(n)::bigint FROM
            (SELECT count(*) AS n FROM consent_current GROUP BY bank) b",
    );
    assert!(
        (20..45).contains(&biggest.await),
        "one bank has a third of all"
    );
    let standing = count(
        &owner,
        "SELECT count(DISTINCT status) FROM consent_current
         WHERE status IN ('live', 'expired', 'revoked', 'superseded')",
    );
    assert_eq!(standing.await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_makes_the_same_events_and_another_makes_others() {
    let digest = "SELECT sum(hashtextextended(concat_ws('|', aggregate_id, sequence, payload,
            metadata, event_id, recorded_at, position), 0)::numeric)::text FROM events";
    let mut digests = Vec::new();
    for (name, seed) in [("load_test_a", 7), ("load_test_b", 7), ("load_test_c", 8)] {
        let (urls, _) = loaded(name, seed).await;
        let owner = PgPool::connect(&urls.owner_url)
            .await
            .expect("the owner connects");
        let digest: String = sqlx::query_scalar(digest)
            .fetch_one(&owner)
            .await
            .expect("a sum");
        digests.push(digest);
    }
    let [first, again, other] = &digests[..] else {
        unreachable!()
    };
    assert_eq!(first, again);
    assert_ne!(first, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_events_is_not_loaded_into() {
    let (urls, _) = loaded("load_test_twice", 4).await;

    let again = Load::of(EVENTS, 4)
        .into_database(&urls.owner_url, |_| ())
        .await;

    let refusal = again.expect_err("the second load is refused").to_string();
    assert!(refusal.contains("holds events already"), "{refusal}");
}
