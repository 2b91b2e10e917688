//! What the clock decides: warnings and ends, recorded by whichever replica sweeps, once.

use chrono::TimeDelta;
use consent::sweeper;
use consent_domain::{
    GrantId,
    consent::{Consent, ConsentEvent},
};
use serde_json::Value;

use crate::{bench::Bench, lifecycle_given::terms};

async fn sweep_on_both(bench: &Bench) {
    let (one, other) = tokio::join!(
        sweeper::round(&bench.replicas[0].app),
        sweeper::round(&bench.replicas[1].app)
    );
    one.and(other).expect("two sweeps at once");
}

/// The days of the warnings of a consent, in order.
async fn warnings(bench: &Bench, grant: &GrantId) -> Vec<u32> {
    let payloads: Vec<Value> = sqlx::query_scalar(
        "SELECT payload FROM events WHERE event_type = 'ExpiryWarned' AND aggregate_id = $1
         ORDER BY sequence",
    )
    .bind(format!("{}:{grant}", crate::bench::BANK))
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    let days = payloads.into_iter().map(|payload| {
        match serde_json::from_value(payload).expect("a fact") {
            ConsentEvent::ExpiryWarned { days_left, .. } => days_left,
            other => panic!("{other:?}"),
        }
    });
    days.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_sweep_at_once_warn_once() {
    let bench = Bench::replicas(2).await;
    let mut grants = Vec::new();
    for _ in 0..20 {
        grants.push(bench.consent_for(TimeDelta::days(20)).await);
    }
    let later = bench.consent_for(TimeDelta::days(40)).await;
    for _ in 0..2 {
        sweep_on_both(&bench).await;
    }
    for grant in &grants {
        assert_eq!(warnings(&bench, grant).await, [30]);
    }
    assert!(warnings(&bench, &later).await.is_empty());
    assert_eq!(bench.events("ExpiryWarned").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_warning_comes_once_as_the_end_comes_near() {
    let bench = Bench::replicas(2).await;
    for (left, expected) in [
        (TimeDelta::days(31), vec![]),
        (TimeDelta::days(29), vec![30]),
        (TimeDelta::days(10), vec![14]),
        (TimeDelta::days(3), vec![7]),
        (TimeDelta::hours(5), vec![1]),
    ] {
        let grant = bench.consent_for(left).await;
        sweep_on_both(&bench).await;
        sweep_on_both(&bench).await;
        assert_eq!(warnings(&bench, &grant).await, expected, "{left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_that_was_changed_is_warned_of_anew() {
    let bench = Bench::replicas(2).await;
    let grant = bench.consent_for(TimeDelta::days(20)).await;
    sweep_on_both(&bench).await;
    bench.shorten(&grant, TimeDelta::days(5)).await;
    sweep_on_both(&bench).await;
    assert_eq!(warnings(&bench, &grant).await, [30, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_recorded_once_with_its_own_time_and_the_customer_is_told_once() {
    let bench = Bench::replicas(2).await;
    let ended = bench
        .consent_with(|now| terms(now - TimeDelta::minutes(10)))
        .await;
    for _ in 0..2 {
        sweep_on_both(&bench).await;
    }
    let (effective, recorded): (chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as(
            "SELECT effective_at, recorded_at FROM events WHERE event_type = 'AccessExpired'",
        )
        .fetch_one(&bench.pool)
        .await
        .expect("one end");
    let late = recorded - effective;
    assert!(late >= TimeDelta::minutes(10), "{late}");
    let Consent::Expired { effective_at, .. } = bench.consent(&ended).await else {
        panic!("not expired");
    };
    assert_eq!(effective_at, effective);
    assert_eq!(bench.notices().await, ["ended"]);
    assert_eq!(bench.bank.notices().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_consent_is_warned_of_and_ends_too() {
    use consent::lifecycle::Level;
    use consent_domain::suspension::SuspensionCause;

    let bench = Bench::replicas(2).await;
    let grant = bench.consent_for(TimeDelta::days(40)).await;
    let app = &bench.replicas[0].app;
    let (bank, level) = (
        crate::lifecycle_given::bank(),
        Level::Consent(grant.clone()),
    );
    let cause = SuspensionCause::UserRemoved;
    let order = crate::lifecycle_given::by_operator();
    let suspended = level.suspend((&app.pool, &app.bus), &bank, cause, order);
    suspended.await.expect("suspended");
    bench.shorten(&grant, TimeDelta::days(20)).await;
    sweep_on_both(&bench).await;
    let told = bench.notices().await;
    let ends_at = match bench.consent(&grant).await {
        Consent::Live { terms, .. } => terms.valid_until.timestamp(),
        other => panic!("{other:?}"),
    };
    bench.shorten(&grant, TimeDelta::milliseconds(1)).await;
    sweep_on_both(&bench).await;
    assert_eq!(told, ["suspended", "expiring"]);
    let sent = bench.bank.notices();
    let of_expiry = sent.iter().filter_map(|notice| notice.ends_at);
    assert_eq!(
        of_expiry.map(|at| at.seconds).collect::<Vec<_>>(),
        [ends_at]
    );
    assert_eq!(
        bench.facts_of(&grant).await,
        [
            "AccessGranted",
            "AccessSuspended",
            "AccessAmended",
            "ExpiryWarned",
            "AccessAmended",
            "AccessExpired"
        ]
    );
}
