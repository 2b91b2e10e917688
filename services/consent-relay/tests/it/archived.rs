//! The relay where the log's beginning was archived: nothing is passed over in silence, and nothing is taken
//! twice.

use consent_relay::{epoch, parking::Order};

use crate::{
    bench::eventually,
    relaying::{World, fails_with, publishes},
};

/// Archives everything that has a number, as `consent archive` would. Gives the last number.
async fn archive_everything(world: &World) -> i64 {
    let last = i64::try_from(world.log_events().await.len()).unwrap();
    let sql = format!(
        "ALTER TABLE event_log DETACH PARTITION event_log_p00000;
         INSERT INTO event_log_archives (first_global_sequence, last_global_sequence, numbers, last_position,
             last_appended_at, file_name, file_sha256, archived_by, reason)
         SELECT 1, {last}, {last}, max(position), max(appended_at), 'f', '', 'tester', 'test'
         FROM event_log_p00000;
         DROP TABLE event_log_p00000;
         CREATE TABLE event_log_p00000 PARTITION OF event_log FOR VALUES FROM ({}) TO (10000001);",
        last + 1
    );
    sqlx::raw_sql(&sql)
        .execute(&mut world.bench.owner().await)
        .await
        .unwrap();
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kafka_that_never_had_the_archived_part_is_told_and_gone_on_with_by_order_only() {
    let world = World::new().await;
    world.register_bank("2963", "中央労働金庫").await;
    world.bench.append_all(&world.bench.lead().await).await;
    let last = archive_everything(&world).await;
    sqlx::query("UPDATE sequencer SET expires_at = '-infinity'")
        .execute(&mut world.bench.owner().await)
        .await
        .unwrap();

    let relay = world.start("").await;
    fails_with(&relay, &format!("publisher.begin_after = {last}")).await;
    relay.stop().await;
    assert_eq!(world.platform_events().await, Vec::<String>::new());

    let mut settings = world.settings("");
    settings.publisher.begin_after = Some(last);
    let relay = world.start_with(settings).await;
    publishes(&relay).await;
    world.register_bank("2951", "北海道労働金庫").await;
    eventually("what is new is published", async || {
        world.platform_events().await == world.log_events().await
            && !world.log_events().await.is_empty()
    })
    .await;
    relay.stop().await;
    // From here on Kafka has what comes after, and the setting is not needed.
    let relay = world.start("").await;
    publishes(&relay).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_epoch_that_begins_after_a_restore_takes_no_archived_event_again() {
    let world = World::new().await;
    world.register_bank("2963", "中央労働金庫").await;
    world.bench.append_all(&world.bench.lead().await).await;
    let last = archive_everything(&world).await;
    world.register_bank("2951", "北海道労働金庫").await;
    let order = Order {
        by: "tester".to_owned(),
        reason: "restored".to_owned(),
    };

    let begun = epoch::advance(&world.bench.urls.owner_url, last, &order)
        .await
        .unwrap();

    assert_eq!(
        (begun.first_global_sequence, begun.taken),
        (last + 1, 1),
        "the one event without a number"
    );
}
