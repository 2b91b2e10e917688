//! Kafka is away: customers and partners notice nothing, and all is published afterwards.

use std::time::{Duration, Instant};

use demo::kafka::{PrivateKafka, PrivateOptions};

use super::bench::Bench;
use super::front_door::FrontDoor;
use super::number;
use super::published::{assert_holds, assert_log_is_whole, committed, log};
use super::relay::until;

/// In `make test`; `RELAY_OUTAGE_SECONDS` asks for more.
const OUTAGE_SECONDS: u64 = 6;

/// Statements of the service that wait for a session of the relay.
const WAITING_FOR_THE_RELAY: &str = "SELECT count(*) FROM pg_stat_activity waiting
    WHERE waiting.usename = 'renkei_service' AND EXISTS (
        SELECT FROM unnest(pg_blocking_pids(waiting.pid)) blocking
        JOIN pg_stat_activity relay ON relay.pid = blocking
        WHERE relay.usename = 'renkei_relay')";

#[tokio::test(flavor = "multi_thread")]
async fn while_kafka_is_away_no_request_fails_or_waits_and_afterwards_all_is_published_in_order() {
    let seconds = number("RELAY_OUTAGE_SECONDS", OUTAGE_SECONDS);
    let mut broker = PrivateKafka::start(&PrivateOptions {
        name: "outage".to_owned(),
        users: Vec::new(),
    })
    .expect("a broker");
    let bench = Bench::new(&broker.bootstrap()).await;
    bench.make_topics();
    let mut relay = bench.settings.start("relay");
    let door = FrontDoor::open(&bench).await;
    until(
        "events are published",
        Duration::from_secs(30),
        async || bench.published_by(&relay).await > Some(50),
    )
    .await;

    broker.stop();
    let away = Instant::now();
    let answered_before = door.counted().answered();
    let log_before = log(&bench.admin).await.len();
    let published_before = bench.published_by(&relay).await;
    let mut looks = 0;
    while away.elapsed() < Duration::from_secs(seconds) {
        assert_eq!(bench.count(WAITING_FOR_THE_RELAY).await, 0);
        looks += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let answered = door.counted().answered() - answered_before;
    let backlog = log(&bench.admin).await.len() - log_before;
    let published = bench.published_by(&relay).await;
    broker.start_again().expect("the broker starts again");
    let back = Instant::now();
    let counted = door.close().await;
    bench.drained(&[&relay], Duration::from_secs(60)).await;

    eprintln!(
        "Kafka away for {seconds} s: {answered} requests answered, {backlog} events appended to the \
         log, {looks} looks at what waits; published {published_before:?} before and {published:?} at \
         the end of it, all {:?} after it was back",
        back.elapsed(),
    );
    assert_eq!(counted.failed(), 0);
    assert!(answered > 0 && backlog > 0, "the front door was open");
    assert!(relay.end().is_none(), "{}", relay.log());
    assert_log_is_whole(&bench.admin).await;
    let log = log(&bench.admin).await;
    let platform = bench.topic("platform");
    let records = committed(&broker.bootstrap(), &platform).await;
    assert_holds(&platform, &records, &log.iter().collect::<Vec<_>>());
}
