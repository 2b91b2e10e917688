use std::time::Duration;

use consent_relay::{epoch, parking::Order};
use tokio::time::Instant;

use crate::{
    bench::{append, eventually},
    relaying::{World, fails_with, publishes},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_the_log_is_on_the_platforms_topic_once_and_stays_so_over_restarts() {
    let world = World::new().await;
    world.register_bank("2963", "中央労働金庫").await;
    for restart in 0..3 {
        let relay = world.start("").await;
        world
            .register_bank("2951", &format!("北海道労働金庫{restart}"))
            .await;
        world
            .register_partner(&format!("partner{restart}"), "2963")
            .await;
        world.make_topics().await;
        world.published().await;
        relay.stop().await;
    }

    let log = world.log_events().await;
    assert!(log.len() >= 7, "{log:?}");
    assert_eq!(world.platform_events().await, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_in_less_than_five_seconds_after_the_leader_vanished() {
    let world = World::new().await;
    // A leader that says nothing more, with the lease of the field.
    let vanished = world.bench.lease("vanished", Duration::from_secs(3));
    vanished.acquire().await.unwrap().expect("free");
    let since = Instant::now();

    let standby = world.start("").await;
    publishes(&standby).await;
    let took = since.elapsed();

    standby.stop().await;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stops_gives_the_lease_back() {
    let world = World::new().await;
    let first = world.start("").await;
    publishes(&first).await;

    first.stop().await;

    let next = world.bench.lease("next", Duration::from_secs(3));
    assert!(next.acquire().await.unwrap().is_some());
}

/// The cluster kept what the restored database no longer has.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_what_was_published_is_refused_until_an_operator_begins_an_epoch() {
    let world = World::new().await;
    world.register_bank("2963", "中央労働金庫").await;
    world.register_bank("2951", "北海道労働金庫").await;
    let relay = world.start("").await;
    world.published().await;
    relay.stop().await;
    let published = world.position().await.unwrap();
    let before = world.platform_events().await;
    // As a restore to before the last event leaves it.
    let mut owner = world.bench.owner().await;
    sqlx::raw_sql(
        "ALTER TABLE event_log DISABLE TRIGGER USER; ALTER TABLE event_log_p00000 DISABLE TRIGGER USER;
         ALTER TABLE events DISABLE TRIGGER USER;
         DELETE FROM events WHERE event_id IN (SELECT event_id FROM event_log
             ORDER BY global_sequence DESC LIMIT 1);
         DELETE FROM event_log WHERE global_sequence = (SELECT max(global_sequence) FROM event_log);
         UPDATE sequencer SET (global_sequence, transaction_id, position) =
             (SELECT global_sequence, transaction_id, position FROM event_log
              ORDER BY global_sequence DESC LIMIT 1), timeline = '0000002A'",
    )
    .execute(&mut owner)
    .await
    .unwrap();
    world.register_bank("2966", "長野県労働金庫").await;

    let relay = world.start("").await;
    fails_with(&relay, "epoch advance").await;
    relay.stop().await;
    let refused = world.platform_events().await;
    let order = Order {
        by: "tester".to_owned(),
        reason: "restored".to_owned(),
    };
    let begun = epoch::advance(&world.bench.urls.owner_url, published, &order)
        .await
        .unwrap();
    world.register_bank("2968", "静岡県労働金庫").await;
    let relay = world.start("").await;
    world.bench.settle().await;
    eventually("the new events are published", async || {
        world.platform_events().await.len() == before.len() + 2
    })
    .await;
    relay.stop().await;

    assert_eq!(refused, before, "it published on");
    assert_eq!(
        (begun.epoch, begun.first_global_sequence),
        (2, published + 1)
    );
    assert_eq!(
        begun.taken, 1,
        "the bank that was registered before the epoch"
    );
    let log = world.log_events().await;
    let published_now = world.platform_events().await;
    assert_eq!(published_now[before.len()..], log[log.len() - 2..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_takes_what_was_left_in_each_streams_order_and_fences_the_old_leader() {
    let world = World::new().await;
    let bench = &world.bench;
    let term = bench.lead().await;
    for sequence in 1..=3 {
        append(&bench.service, "a", sequence).await;
    }
    assert_eq!(bench.append_all(&term).await, 3);
    for sequence in 4..=6 {
        append(&bench.service, "a", sequence).await;
        append(&bench.service, "b", sequence - 3).await;
    }
    // Another cluster gives lower ids than the events carry.
    sqlx::raw_sql("UPDATE sequencer SET transaction_id = '9000000000000'")
        .execute(&mut bench.owner().await)
        .await
        .unwrap();

    let order = Order {
        by: "tester".to_owned(),
        reason: "restored".to_owned(),
    };
    let begun = epoch::advance(&bench.urls.owner_url, 0, &order)
        .await
        .unwrap();
    let mut sequence = 7;
    append(&bench.service, "a", sequence).await;
    let fenced = consent_relay::committed_tail::CommittedTail::append(&bench.tail(), &term, 10)
        .await
        .unwrap();
    let term = bench.lead().await;
    bench.append_all(&term).await;

    assert_eq!(
        (begun.epoch, begun.first_global_sequence, begun.taken),
        (2, 4, 6)
    );
    assert_eq!(fenced, consent_relay::committed_tail::Appended::Fenced);
    let log = crate::bench::log(&bench.relay).await;
    assert_eq!(log.len(), 10);
    for (number, (logged, ..)) in (1..).zip(&log) {
        assert_eq!(number, *logged);
    }
    sequence = 0;
    for (_, stream, logged, _) in &log {
        if stream == "a" {
            assert_eq!(*logged, sequence + 1);
            sequence = *logged;
        }
    }
    assert_eq!(sequence, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_it_has_published_is_told_in_the_database() {
    let world = World::new().await;
    let relay = world.start("").await;
    world.register_bank("2963", "中央労働金庫").await;
    world.published().await;
    for name in ["中央労働金庫", "中央労金"] {
        world.register_bank("2963", name).await;
        world.published().await;
        eventually("the position", async || {
            sqlx::query_scalar(
                "SELECT published_to = global_sequence FROM relay_positions, sequencer",
            )
            .fetch_optional(&world.bench.service)
            .await
            .unwrap()
            .unwrap_or(false)
        })
        .await;
    }
    relay.stop().await;
}
