//! What the topics hold, as Kafka's own Java consumer reads it, compared with the log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use demo::kafka::{CommittedRecord, read_committed};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sqlx::PgPool;

const END: &str = "end-of-the-test";
const WITHIN: Duration = Duration::from_secs(90);

/// One committed event of the log.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Logged {
    pub global_sequence: i64,
    pub event_id: String,
    pub aggregate_type: String,
    pub aggregate_id: String,
    pub sequence: i64,
    pub partner: Option<String>,
}

/// The log in its order.
pub async fn log(pool: &PgPool) -> Vec<Logged> {
    sqlx::query_as(
        "SELECT global_sequence, event_id::text AS event_id, aggregate_type, aggregate_id, sequence, partner
         FROM event_log ORDER BY global_sequence",
    )
    .fetch_all(pool)
    .await
    .expect("the log")
}

/// A topic's committed records, partition by partition in their order.
///
/// Writes a last record to every partition and reads up to them all: an open transaction before one
/// of them would hold the reader back.
pub async fn committed(bootstrap: &str, topic: &str) -> Vec<CommittedRecord> {
    let (bootstrap, topic) = (bootstrap.to_owned(), topic.to_owned());
    let reading = tokio::task::spawn_blocking(move || {
        let mut missing = mark_the_end(&bootstrap, &topic);
        let records = read_committed(&bootstrap, &topic, WITHIN, |record| {
            if record.key == END {
                missing -= 1;
            }
            missing == 0
        });
        records.expect("the topic is read to its end")
    });
    let records = reading.await.expect("reading");
    records
        .into_iter()
        .filter(|record| record.key != END)
        .collect()
}

/// Writes a last record to each partition; returns how many there are.
fn mark_the_end(bootstrap: &str, topic: &str) -> usize {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap);
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let metadata = consumer
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .expect("metadata");
    let partitions = metadata.topics()[0].partitions().len();
    let producer: BaseProducer = config.create().expect("a producer");
    for partition in 0..partitions {
        let record = BaseRecord::<str, str>::to(topic)
            .partition(i32::try_from(partition).expect("few"))
            .key(END)
            .payload("");
        producer.send(record).expect("queued");
    }
    producer
        .flush(Duration::from_secs(10))
        .expect("acknowledged");
    partitions
}

/// A topic holds exactly these events, each once, and each partition in the order of the log.
pub fn assert_holds(topic: &str, records: &[CommittedRecord], expected: &[&Logged]) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records {
        *times.entry(&record.headers["ce_id"]).or_default() += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{topic}: published twice: {twice:?}");
    let found: BTreeSet<&str> = times.into_keys().collect();
    let wanted: BTreeSet<&str> = expected
        .iter()
        .map(|event| event.event_id.as_str())
        .collect();
    let lost: Vec<_> = wanted.difference(&found).collect();
    let invented: Vec<_> = found.difference(&wanted).collect();
    assert!(lost.is_empty(), "{topic}: {} lost: {lost:?}", lost.len());
    assert!(
        invented.is_empty(),
        "{topic}: {} not in the log: {invented:?}",
        invented.len()
    );
    assert_order(topic, records, expected);
}

/// Every stream has one partition, and every partition is in the order of the log.
fn assert_order(topic: &str, records: &[CommittedRecord], expected: &[&Logged]) {
    let by_id: BTreeMap<&str, &Logged> = expected
        .iter()
        .map(|event| (event.event_id.as_str(), *event))
        .collect();
    let mut partition_of: BTreeMap<&str, i32> = BTreeMap::new();
    let mut last: BTreeMap<i32, i64> = BTreeMap::new();
    for record in records {
        let event = by_id[record.headers["ce_id"].as_str()];
        assert_eq!(
            record.headers["ce_sequence"],
            format!("{:019}", event.global_sequence),
            "{topic}: the number of {event:?}"
        );
        let partition = *partition_of
            .entry(&event.aggregate_id)
            .or_insert(record.partition);
        assert_eq!(
            partition, record.partition,
            "{topic}: the stream of {event:?}"
        );
        let before = last.insert(record.partition, event.global_sequence);
        assert!(
            before.is_none_or(|before| before < event.global_sequence),
            "{topic}: {before:?} stands before {event:?}"
        );
    }
}

/// The log holds every event once, dense from 1, each stream in its sequence.
pub async fn assert_log_is_whole(pool: &PgPool) {
    let missing: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM events FULL JOIN event_log USING (event_id)
         WHERE events.position IS NULL OR event_log.global_sequence IS NULL",
    )
    .fetch_one(pool)
    .await
    .expect("a count");
    assert_eq!(missing, 0, "in the log or in the events only");
    let (events, last): (i64, i64) =
        sqlx::query_as("SELECT count(*), coalesce(max(global_sequence), 0) FROM event_log")
            .fetch_one(pool)
            .await
            .expect("a count");
    assert_eq!(events, last, "the numbers are dense");
    let turned: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT sequence, row_number() OVER (
                 PARTITION BY aggregate_type, aggregate_id ORDER BY global_sequence) AS place
             FROM event_log) ordered WHERE sequence <> place",
    )
    .fetch_one(pool)
    .await
    .expect("a count");
    assert_eq!(turned, 0, "out of their stream's order");
}

/// Of the log, what a partner is told.
pub fn of_partner<'a>(log: &'a [Logged], partner: &str) -> Vec<&'a Logged> {
    log.iter()
        .filter(|event| matches!(event.aggregate_type.as_str(), "consent" | "partner_at_bank"))
        .filter(|event| event.partner.as_deref() == Some(partner))
        .collect()
}

/// How many records a topic holds for readers who read aborted transactions, too; not counting the
/// last record of each partition.
pub fn written(bootstrap: &str, topic: &str) -> usize {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("group.id", topic)
        .set("isolation.level", "read_uncommitted")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let metadata = consumer
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .expect("metadata");
    let mut assigned = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        assigned
            .add_partition_offset(topic, partition.id(), Offset::Beginning)
            .expect("a place to begin at");
    }
    consumer.assign(&assigned).expect("assigned");
    let (mut records, mut unfinished) = (0, assigned.count());
    while unfinished > 0 {
        match consumer.poll(Duration::from_secs(30)) {
            Some(Ok(record)) => records += usize::from(record.key() != Some(END.as_bytes())),
            Some(Err(KafkaError::PartitionEOF(_))) => unfinished -= 1,
            other => panic!("{topic}: {other:?}"),
        }
    }
    records
}
