//! Journeys that never finished leave the read models; their facts stay, and say what they said.

use consent::{
    rebuild::{Purpose, rebuild},
    store::{fold, state_of},
    sweeper,
};
use consent_domain::journey::{Journey, JourneyStream};
use demo::agent::walk::allow;

use crate::{
    bench::{Bench, browser},
    journey_customer::{login_form, send},
    retention_given::{as_owner, count},
};

async fn look(bench: &Bench) {
    let app = &bench.replicas[0].app;
    sweeper::round(app).await.unwrap();
    sweeper::look_for_what_is_over(app).await.unwrap();
}

async fn rows(bench: &Bench) -> i64 {
    count(bench, "SELECT count(*) FROM journey_current").await
}

async fn differences(bench: &Bench, purpose: Purpose) -> i64 {
    let rebuilt = rebuild(&bench.owner_url(), purpose).await.unwrap();
    rebuilt
        .iter()
        .map(|projection| projection.differences)
        .sum()
}

/// All journeys' time was over so long ago. The facts say it as well, so that a rebuild agrees.
async fn out_of_time(bench: &Bench, interval: &str) {
    as_owner(
        bench,
        &format!(
            "ALTER TABLE events DISABLE TRIGGER events_are_facts;
             UPDATE events SET payload = jsonb_set(payload::jsonb, '{{ConsentRequested,requested_at}}',
                 to_jsonb(now() - interval '{interval}'))::json WHERE event_type = 'ConsentRequested';
             ALTER TABLE events ENABLE TRIGGER events_are_facts;"
        ),
    )
    .await;
    rebuild(&bench.owner_url(), Purpose::Replace).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_form_of_a_journey_whose_row_left_gets_the_page_that_it_got_before() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    out_of_time(&bench, "89 days").await;
    look(&bench).await;
    assert_eq!(rows(&bench).await, 1, "it ended less than 90 days ago");
    let before = send(&browser, &login_form(&login)).await;

    out_of_time(&bench, "91 days").await;
    look(&bench).await;
    assert_eq!(rows(&bench).await, 0);
    let after = send(&browser, &login_form(&login)).await;

    assert_eq!(
        (after.status, after.location()),
        (before.status, before.location())
    );
    assert_eq!(after.title(), before.title());
    assert_eq!(after.error_code(), before.error_code());
    assert_eq!(rows(&bench).await, 0, "a page does not bring the row back");
    assert_eq!(bench.events("JourneyTimedOut").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_journeys_that_ended_without_a_consent_leave() {
    let bench = Bench::new().await;
    let (customer, leaving, staying) = (browser(), browser(), browser());
    let (authorize, _) = bench.to_authorize(&customer, 0).await;
    allow(&customer, &authorize).await.expect("the end page");
    bench.begin(&leaving, 0).await;
    out_of_time(&bench, "91 days").await;
    bench.begin(&staying, 1).await;

    look(&bench).await;

    let left: Vec<String> =
        sqlx::query_scalar("SELECT status FROM journey_current ORDER BY status")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    assert_eq!(
        left,
        ["ended", "in_progress"],
        "the consent's, and the one under way"
    );
    let refused = sqlx::query("SELECT remove_unfinished_journeys(interval '1 hour', 10)")
        .execute(&bench.pool)
        .await;
    assert!(refused.is_err(), "the service can't be made to forget more");
    let refused = sqlx::query("DELETE FROM journey_current")
        .execute(&bench.pool)
        .await;
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_without_a_row_is_read_from_its_facts() {
    let bench = Bench::new().await;
    bench.begin(&browser(), 0).await;
    out_of_time(&bench, "91 days").await;
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    let stream: String = sqlx::query_scalar("SELECT stream_id FROM journey_current")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    look(&bench).await;
    assert_eq!(rows(&bench).await, 0);

    let state = state_of::<JourneyStream>(&bench.pool, &stream)
        .await
        .unwrap();

    assert!(matches!(state, Journey::Ended(_)), "{state:?}");
    let folded = fold::<JourneyStream>(&bench.pool, &stream).await.unwrap();
    assert_eq!(folded.version, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_leaves_away_what_left_and_misses_everything_else() {
    let bench = Bench::new().await;
    let (customer, leaving) = (browser(), browser());
    let (authorize, _) = bench.to_authorize(&customer, 0).await;
    allow(&customer, &authorize).await.expect("the end page");
    bench.begin(&leaving, 0).await;
    out_of_time(&bench, "91 days").await;
    look(&bench).await;
    assert_eq!(rows(&bench).await, 1);

    assert_eq!(differences(&bench, Purpose::Verify).await, 0);
    assert_eq!(differences(&bench, Purpose::Replace).await, 0);
    assert_eq!(rows(&bench).await, 1);

    // The row of a journey with a consent may not be missing, nor that of one that ended a moment ago.
    as_owner(&bench, "DELETE FROM journey_current").await;
    assert_eq!(differences(&bench, Purpose::Verify).await, 1);
    let another = browser();
    bench.begin(&another, 1).await;
    as_owner(&bench, "DELETE FROM journey_current").await;
    assert_eq!(differences(&bench, Purpose::Verify).await, 2);
    assert_eq!(differences(&bench, Purpose::Replace).await, 2);
    assert_eq!(rows(&bench).await, 2);
}
