//! Two relays never both publish, and the second is not long in coming.

use std::time::{Duration, Instant};

use demo::kafka::test_bootstrap;

use super::bench::Bench;
use super::published::{assert_holds, assert_log_is_whole, committed, log};
use super::relay::until;
use super::writers::{Load, Writers};

const LOAD: Load = Load {
    writers: 8,
    pause: Duration::from_millis(20),
    one_held_open_in: 1_000_000,
    held_open: Duration::from_secs(1),
    seed: 1,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stood_still_past_its_lease_publishes_nothing_when_it_goes_on() {
    let bootstrap = test_bootstrap().expect("a broker");
    let bench = Bench::new(&bootstrap).await;
    bench.make_topics();
    let mut first = bench.settings.start("first");
    bench.leader_after(0, Duration::from_secs(20)).await;
    let second = bench.settings.start("second");
    let writers = Writers::start(&bench.service, LOAD);
    let events = "SELECT count(*) FROM event_log";
    until("events flow", Duration::from_secs(10), async || {
        bench.count(events).await > 50
    })
    .await;
    let before = bench.leader().await;
    assert_eq!(before.holder.as_deref(), Some("first"));

    first.signal("STOP");
    let after = bench
        .leader_after(before.fence, Duration::from_secs(20))
        .await;
    assert_eq!(after.holder.as_deref(), Some("second"));
    let at_takeover = bench.count(events).await;
    until("the second appends", Duration::from_secs(20), async || {
        bench.count(events).await > at_takeover + 50
    })
    .await;
    first.signal("CONT");
    // It is alive, and sees that it no longer leads.
    until("the first stands by", Duration::from_secs(20), async || {
        let metrics = first.ask("/metrics").await;
        metrics.is_some_and(|(_, text)| text.contains("\nrenkei_relay_leads 0\n"))
    })
    .await;

    writers.stop().await;
    // On a busy machine the lease may move again, by its own rules: whoever leads then, nothing is lost or doubled.
    bench
        .drained(&[&first, &second], Duration::from_secs(60))
        .await;
    assert!(first.end().is_none(), "{}", first.log());
    assert_log_is_whole(&bench.admin).await;
    let log = log(&bench.admin).await;
    let platform = bench.topic("platform");
    let records = committed(&bootstrap, &platform).await;
    assert_holds(&platform, &records, &log.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_publishes_within_5_seconds_of_the_leaders_death() {
    let bootstrap = test_bootstrap().expect("a broker");
    let bench = Bench::new(&bootstrap).await;
    bench.make_topics();
    let mut first = bench.settings.start("first");
    bench.leader_after(0, Duration::from_secs(20)).await;
    let second = bench.settings.start("second");
    until("the standby is up", Duration::from_secs(20), async || {
        second.ask("/health/live").await.is_some()
    })
    .await;
    let writers = Writers::start(&bench.service, LOAD);
    let published = bench.published_by(&first).await;
    until("the first publishes", Duration::from_secs(20), async || {
        bench.published_by(&first).await > published
    })
    .await;

    let killed = Instant::now();
    first.kill();
    until(
        "the second publishes",
        Duration::from_secs(20),
        async || bench.published_by(&second).await.is_some(),
    )
    .await;
    let took = killed.elapsed();

    writers.stop().await;
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}
