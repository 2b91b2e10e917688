//! The order in which a reader behind the xmin gate meets the events.

use std::{collections::BTreeMap, time::Duration};

use consent::store::Bus;
use futures_util::future::join_all;
use sqlx::PgPool;

use crate::{
    bench::Bench,
    store_facts::{append, append_pair, fact, keyless, pool, stream},
};

const WRITERS: usize = 16;
const COMMANDS: usize = 30;
const STREAMS: usize = 24;

/// One event as the sequencer meets it.
struct Met {
    stream: String,
    sequence: i64,
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_the_xmin_gate_no_event_is_missed_and_each_stream_keeps_its_order() {
    let bench = Bench::new().await;
    let url = bench.service_url();
    let reader = tokio::spawn(read_behind_the_gate(pool(&url, 1).await));
    let bus = Bus::new(pool(&url, WRITERS as u32).await);
    let writers = (0..WRITERS).map(|writer| tokio::spawn(write(bus.clone(), writer)));
    let mut written = 0;
    for writer in join_all(writers).await {
        written += writer.unwrap();
    }
    append(&bus, &stream(LAST), keyless(), fact("last"))
        .await
        .unwrap();

    let met = reader.await.unwrap();
    assert_eq!(met.len(), written + 1, "missed, or met twice");
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for Met { stream, sequence } in &met {
        let before = last.insert(stream, *sequence).unwrap_or(0);
        assert_eq!(*sequence, before + 1, "{stream} out of order");
    }
}

const LAST: &str = "last";

/// Writes to streams that others write to as well; gives how many events were committed.
async fn write(bus: Bus, writer: usize) -> usize {
    let mut events = 0;
    for number in 0..COMMANDS {
        let name = format!("s-{writer}-{number}");
        let a = stream(&format!("c-{}", (writer * 7 + number) % STREAMS));
        let b = stream(&format!("c-{}", (writer * 5 + number * 3 + 1) % STREAMS));
        let outcome = if a == b || number % 2 == 0 {
            append(&bus, &a, keyless(), fact(&name)).await.map(|_| 1)
        } else {
            let facts = (fact(&name), fact(&name));
            append_pair(&bus, (&a, &b), keyless(), facts, || {})
                .await
                .map(|_| 2)
        };
        events += outcome.unwrap_or(0);
    }
    events
}

/// Reads on from where it was, as the sequencer does, until it has met the last event.
async fn read_behind_the_gate(pool: PgPool) -> Vec<Met> {
    let mut met = Vec::new();
    // Nothing that was there before the writers is of interest.
    let mut cursor: (String, i64) = sqlx::query_as(
        "SELECT transaction_id::text, position FROM events
         ORDER BY transaction_id DESC, position DESC LIMIT 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let mut pace = tokio::time::interval(Duration::from_millis(2));
    loop {
        pace.tick().await;
        let rows: Vec<(String, i64, String, i64)> = sqlx::query_as(
            "SELECT transaction_id::text, position, aggregate_id, sequence FROM events
             WHERE transaction_id < pg_snapshot_xmin(pg_current_snapshot())
               AND (transaction_id, position) > ($1::xid8, $2)
             ORDER BY events.transaction_id, position",
        )
        .bind(&cursor.0)
        .bind(cursor.1)
        .fetch_all(&pool)
        .await
        .unwrap();
        for (transaction, position, stream, sequence) in rows {
            cursor = (transaction, position);
            met.push(Met { stream, sequence });
        }
        if met.last().is_some_and(|met| met.stream.ends_with(LAST)) {
            return met;
        }
    }
}
