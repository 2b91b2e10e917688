use consent_relay::{
    committed_tail::{Appended, CommittedTail as _},
    epoch,
    lineage::{self, Broken, Lineage, LineageError},
    parking::Order,
};

use crate::bench::{Bench, append, log};

async fn pretend(bench: &Bench, sql: &str) {
    sqlx::raw_sql(sql)
        .execute(&mut bench.owner().await)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_as_it_was_is_known() {
    let bench = Bench::new().await;
    assert_eq!(
        lineage::compare(&bench.relay).await.unwrap(),
        Lineage::Known
    );
    bench.lead().await;
    assert_eq!(
        lineage::compare(&bench.relay).await.unwrap(),
        Lineage::Known
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_into_another_cluster_is_refused_and_appends_nothing() {
    let bench = Bench::new().await;
    let term = bench.lead().await;
    append(&bench.service, "s", 1).await;
    pretend(
        &bench,
        "UPDATE sequencer SET system_identifier = system_identifier - 1",
    )
    .await;

    let compared = lineage::compare(&bench.relay).await;

    assert!(
        matches!(
            compared,
            Err(LineageError::Broken(Broken::OtherCluster { .. }))
        ),
        "{compared:?}"
    );
    assert_eq!(
        bench.tail().append(&term, 10).await.unwrap(),
        Appended::Fenced
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_timeline_stops_the_running_term_until_somebody_looked() {
    let bench = Bench::new().await;
    let term = bench.lead().await;
    append(&bench.service, "s", 1).await;
    pretend(&bench, "UPDATE sequencer SET timeline = '0000002A'").await;

    assert_eq!(
        bench.tail().append(&term, 10).await.unwrap(),
        Appended::Fenced
    );
    assert_eq!(
        lineage::compare(&bench.relay).await.unwrap(),
        Lineage::Moved
    );
    assert!(lineage::confirm(&bench.relay, &term).await.unwrap());
    assert_eq!(bench.append_all(&term).await, 1);
}

/// Events of another cluster, loaded before a relay ever led here: their ids lie ahead of this one's.
#[tokio::test(flavor = "multi_thread")]
async fn transaction_ids_that_went_backwards_are_noticed() {
    let bench = Bench::new().await;
    pretend(
        &bench,
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata, transaction_id) VALUES ('t', 's', 1, 'x', '1', '{}', '{}', '9000000000000')",
    )
    .await;

    let compared = lineage::compare(&bench.relay).await;

    assert!(
        matches!(compared, Err(LineageError::Broken(Broken::WentBack { .. }))),
        "{compared:?}"
    );
}

/// The real thing: `pg_dump`, and `psql` into a cluster whose transaction ids have not come so far.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_was_loaded_elsewhere_loses_nothing_once_an_epoch_is_begun() {
    let before = Bench::alone().await;
    let term = before.lead().await;
    for sequence in 1..=5 {
        append(&before.service, "s", sequence).await;
    }
    assert_eq!(before.append_all(&term).await, 5);
    for sequence in 6..=8 {
        append(&before.service, "s", sequence).await;
    }
    for _ in 0..500 {
        append(&before.service, &uuid::Uuid::new_v4().to_string(), 1).await;
    }
    let restored = Bench::restored_from(&before).await;
    let order = Order {
        by: "tester".to_owned(),
        reason: "loaded elsewhere".to_owned(),
    };

    let compared = lineage::compare(&restored.relay).await;
    append(&restored.service, "s", 9).await;
    let begun = epoch::advance(&restored.urls.owner_url, 0, &order)
        .await
        .unwrap();
    append(&restored.service, "s", 10).await;
    let lineage = lineage::compare(&restored.relay).await.unwrap();
    let term = restored.lead().await;
    restored.append_all(&term).await;

    assert!(
        matches!(
            compared,
            Err(LineageError::Broken(Broken::OtherCluster { .. }))
        ),
        "{compared:?}"
    );
    assert_eq!(lineage, Lineage::Known);
    assert_eq!((begun.first_global_sequence, begun.taken), (6, 504));
    let log = log(&restored.relay).await;
    let numbers: Vec<i64> = log.iter().map(|(number, ..)| *number).collect();
    assert_eq!(numbers, (1..=510).collect::<Vec<_>>());
    let stream: Vec<i64> = log
        .iter()
        .filter(|(_, stream, ..)| stream == "s")
        .map(|(_, _, sequence, _)| *sequence)
        .collect();
    assert_eq!(stream, (1..=10).collect::<Vec<_>>());
}
