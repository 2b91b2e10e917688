use consent_relay::{
    committed_tail::{Appended, CommittedTail as _},
    lineage::{self, Broken, Lineage, LineageError},
};

use crate::bench::{Bench, append};

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
