use consent_relay::parking::{self, Order, Parked};

use crate::{
    bench::{append, eventually},
    relaying::World,
};

fn order() -> Order {
    Order {
        by: "tester".to_owned(),
        reason: "mended".to_owned(),
    }
}

async fn parked(world: &World) -> Vec<Parked> {
    parking::list(&world.bench.relay).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_nobody_can_read_stops_its_stream_only_until_it_is_given_up() {
    let world = World::new().await;
    append(&world.bench.service, "strange", 1).await;
    world.register_bank("2963", "中央労働金庫").await;
    append(&world.bench.service, "strange", 2).await;
    world.register_bank("2951", "北海道労働金庫").await;
    let relay = world.start("").await;
    world.published().await;

    let (standing, went) = (parked(&world).await, world.platform_events().await.len());
    let first = standing[0].global_sequence;
    assert!(
        parking::skip(&world.bench.relay, first, &order())
            .await
            .unwrap()
    );
    eventually("the next of the stream is tried", async || {
        let now = parked(&world).await;
        now.len() == 1 && now[0].state == "parked"
    })
    .await;
    relay.stop().await;

    assert_eq!(went, world.log_events().await.len() - 2);
    let states: Vec<(&str, Option<&str>)> = standing
        .iter()
        .map(|row| (row.state.as_str(), row.cause.as_deref()))
        .collect();
    assert_eq!(
        states,
        [("parked", Some("untranslatable")), ("waiting", None)]
    );
}

/// A partner that was enabled before its topic was made.
#[tokio::test(flavor = "multi_thread")]
async fn events_for_a_missing_topic_wait_and_are_published_once_in_order_after_a_retry() {
    let world = World::new().await;
    world.register_bank("2963", "中央労働金庫").await;
    let relay = world.start("").await;
    world.register_partner("minato", "2963").await;
    world.register_bank("2951", "北海道労働金庫").await;
    world.published().await;
    let standing = parked(&world).await;

    world.make_topics().await;
    parking::retry(&world.bench.relay, &[], &order())
        .await
        .unwrap();
    eventually("nothing is parked", async || {
        parked(&world).await.is_empty()
    })
    .await;
    // The marks of what was replayed are removed with the next transaction.
    world.register_bank("2966", "長野県労働金庫").await;
    world.published().await;
    relay.stop().await;
    let again = world.start("").await;
    world.register_bank("2968", "静岡県労働金庫").await;
    world.published().await;
    again.stop().await;

    assert!(!standing.is_empty());
    assert_eq!(standing[0].cause.as_deref(), Some("missing_topic"));
    assert_eq!(world.platform_events().await, world.log_events().await);
    assert_eq!(world.records("partner.2963.minato").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_is_parked_and_goes_when_larger_ones_are_allowed() {
    let world = World::new().await;
    world.register_bank("2963", "中央労働金庫").await;
    // The stream's id is the record's key.
    sqlx::query(
        r#"INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
               metadata, bank)
           VALUES ('journey', '2963:' || repeat('j', 2000), 1, 'JourneyCancelled', '1',
               '{"JourneyCancelled": {"step": "accounts"}}', '{}', '2963')"#,
    )
    .execute(&world.bench.service)
    .await
    .unwrap();
    world.register_bank("2951", "北海道労働金庫").await;
    let relay = world.start("record_bytes_max = 1000").await;
    world.published().await;
    relay.stop().await;
    let standing = parked(&world).await;

    let relay = world.start("").await;
    parking::retry(&world.bench.relay, &[], &order())
        .await
        .unwrap();
    eventually("nothing is parked", async || {
        parked(&world).await.is_empty()
    })
    .await;
    relay.stop().await;

    assert_eq!(standing.len(), 1, "{standing:?}");
    assert_eq!(standing[0].cause.as_deref(), Some("too_large"));
    assert_eq!(world.platform_events().await, world.log_events().await);
}
