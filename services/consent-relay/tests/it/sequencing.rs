use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use consent_relay::{
    committed_tail::{Appended, CommittedTail as _},
    sequencer,
};
use sqlx::{Connection as _, PgConnection};
use tokio::{sync::watch, task::JoinSet, time::sleep};
use uuid::Uuid;

use crate::bench::{Bench, PACE, append, eventually, log};

const WRITERS: u64 = 32;
const ROUNDS: u64 = 40;

/// One writer: a stream of its own and one that it shares, transactions of different lengths, some held
/// open for seconds, some rolled back.
async fn write(bench_pool: sqlx::PgPool, writer: u64) -> Vec<Uuid> {
    let mut committed = Vec::new();
    let mut sequence = 0;
    for round in 0..ROUNDS {
        let mut transaction = bench_pool.begin().await.unwrap();
        let first = append(&mut *transaction, &format!("w{writer}"), sequence + 1).await;
        let second = append(&mut *transaction, &format!("w{writer}"), sequence + 2).await;
        let dice = (writer * 7919 + round * 104_729) % 97;
        match dice {
            0 | 1 => sleep(Duration::from_millis(2_000)).await,
            2..20 => sleep(Duration::from_millis(dice)).await,
            _ => {}
        }
        if dice % 10 == 9 {
            transaction.rollback().await.unwrap();
        } else {
            transaction.commit().await.unwrap();
            committed.extend([first, second]);
            sequence += 2;
        }
    }
    committed
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_of_32_writers_is_lost_and_every_stream_keeps_its_order() {
    let bench = Bench::alone().await;
    let (tail, term) = (bench.tail(), bench.lead().await);
    let (log_end, _) = watch::channel(0);
    let sequencing = {
        let (tail, term) = (tail.clone(), term.clone());
        tokio::spawn(async move { sequencer::run(&tail, &term, PACE, &log_end).await })
    };

    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(bench.service.clone(), writer));
    }
    let committed: BTreeSet<Uuid> = writers.join_all().await.into_iter().flatten().collect();
    bench.settle().await;
    sequencing.abort();

    let log = log(&bench.relay).await;
    let logged: BTreeSet<Uuid> = log.iter().map(|(.., id)| *id).collect();
    let different = logged.symmetric_difference(&committed).count();
    assert_eq!(different, 0, "lost or invented, of {}", committed.len());
    assert_eq!(log.len(), committed.len(), "twice");
    let dense = (1..)
        .zip(&log)
        .all(|(number, (logged, ..))| number == *logged);
    assert!(dense, "the numbers have a gap");
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for (_, stream, sequence, _) in &log {
        let before = last.insert(stream, *sequence).unwrap_or(0);
        assert_eq!(*sequence, before + 1, "the order of {stream}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_late_comes_late_and_holds_later_events_back() {
    let bench = Bench::alone().await;
    let (tail, term) = (bench.tail(), bench.lead().await);
    let mut slow = bench.service.begin().await.unwrap();
    let early = append(&mut *slow, "slow", 1).await;
    let late = append(&bench.service, "quick", 1).await;

    let behind_the_gate = tail.append(&term, 10).await.unwrap();
    let held = tail.held_back().await.unwrap().expect("somebody is open");
    slow.commit().await.unwrap();
    eventually("the gate opens", async || {
        tail.waiting().await.unwrap().ready
    })
    .await;
    let opened = tail.append(&term, 10).await.unwrap();

    assert_eq!(behind_the_gate, Appended::Events { count: 0, last: 0 });
    assert!(
        held.by.contains(&format!("user {}_service", bench.name)),
        "{held:?}"
    );
    assert_eq!(opened, Appended::Events { count: 2, last: 2 });
    let ids: Vec<Uuid> = log(&bench.relay)
        .await
        .into_iter()
        .map(|(.., id)| id)
        .collect();
    assert_eq!(ids, [early, late]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_in_another_database_holds_the_log_back_and_is_named() {
    let bench = Bench::alone().await;
    let mut open = PgConnection::connect(&bench.admin_url).await.unwrap();
    sqlx::raw_sql("SET application_name = 'a-report'; BEGIN; SELECT pg_current_xact_id()")
        .execute(&mut open)
        .await
        .unwrap();
    append(&bench.service, "s", 1).await;

    let waiting = bench.tail().waiting().await.unwrap();
    let held = bench.tail().held_back().await.unwrap().expect("it is open");

    assert!(!waiting.ready && waiting.oldest.is_some(), "{waiting:?}");
    for named in [
        "database postgres",
        "application a-report",
        "idle in transaction",
    ] {
        assert!(held.by.contains(named), "{held:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_changed_by_nobody_and_the_relay_writes_no_event() {
    let bench = Bench::new().await;
    let term = bench.lead().await;
    append(&bench.service, "s", 1).await;
    assert_eq!(bench.append_all(&term).await, 1);
    let changes = [
        "UPDATE event_log SET epoch = 2",
        "DELETE FROM event_log",
        "TRUNCATE event_log",
        "TRUNCATE event_log_p00000",
    ];

    for url in [
        &bench.urls.owner_url,
        &bench.urls.relay_url,
        &bench.urls.service_url,
    ] {
        let mut connection = PgConnection::connect(url).await.unwrap();
        for sql in changes {
            let refused = sqlx::raw_sql(sql)
                .execute(&mut connection)
                .await
                .unwrap_err();
            let code = refused
                .as_database_error()
                .and_then(|e| e.code())
                .map(|c| c.into_owned());
            let expected = if url == &bench.urls.owner_url {
                "RK002"
            } else {
                "42501"
            };
            assert_eq!(code.as_deref(), Some(expected), "{sql}");
        }
    }
    for sql in [
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata) VALUES ('t', 's', 9, 'x', '1', '{}', '{}')",
        "UPDATE events SET payload = '{}'",
        "SELECT * FROM shared_keys",
        "SELECT * FROM consent_current",
        "INSERT INTO event_log_epochs VALUES (2, 1, now(), 'me', 'why')",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&bench.relay).await.unwrap_err();
        let code = refused.as_database_error().and_then(|e| e.code()).map(|c| c.into_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{sql}");
    }
    let service = sqlx::raw_sql("UPDATE sequencer SET fence = 9")
        .execute(&bench.service)
        .await;
    assert!(service.is_err(), "the service leads nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_goes_on_in_the_next_partition() {
    let bench = Bench::new().await;
    let term = bench.lead().await;
    let mut owner = bench.owner().await;
    sqlx::raw_sql("UPDATE sequencer SET global_sequence = 9999999")
        .execute(&mut owner)
        .await
        .unwrap();
    for sequence in 1..=3 {
        append(&bench.service, "s", sequence).await;
    }

    assert_eq!(bench.append_all(&term).await, 3);

    let parts: Vec<(String, i64)> = sqlx::query_as(
        "SELECT tableoid::regclass::text, count(*) FROM event_log GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&bench.relay)
    .await
    .unwrap();
    assert_eq!(
        parts,
        [
            ("event_log_p00000".to_owned(), 1),
            ("event_log_p00001".to_owned(), 2)
        ]
    );
}
