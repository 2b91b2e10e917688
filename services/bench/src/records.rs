//! Records of the relay's topics: read as any reader of committed records reads them, and written by
//! the client library alone, for the references.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
    producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer},
    types::RDKafkaErrorCode,
};
use uuid::Uuid;

use crate::error::BenchError;

/// Within this everything answers that answers at all.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
/// How long a producer's thread sleeps while it waits for the client's.
const BREATH: Duration = Duration::from_micros(200);
/// The header with the event's id.
const ID: &str = "ce_id";
/// The header with the event's place in the order.
const SEQUENCE: &str = "ce_sequence";

/// Microseconds since 1970 by the system's clock, which is the database's too.
pub fn now_microseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    })
}

/// A record as it was published.
#[derive(Clone)]
pub struct Record {
    /// Where.
    pub topic: String,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: OwnedHeaders,
    /// The event's place in the order of all.
    pub sequence: i64,
}

impl Record {
    fn of(message: &BorrowedMessage<'_>) -> Result<Self, BenchError> {
        let sequence = header(message, SEQUENCE).and_then(|text| text.parse().ok());
        Ok(Self {
            topic: message.topic().to_owned(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: message
                .headers()
                .map(rdkafka::message::BorrowedHeaders::detach)
                .unwrap_or_default(),
            sequence: sequence
                .ok_or_else(|| BenchError::wrong("a record without its event's number"))?,
        })
    }

    /// Key, value and headers in bytes.
    pub fn bytes(&self) -> usize {
        let of = |part: &Option<Vec<u8>>| part.as_ref().map_or(0, Vec::len);
        let headers = self.headers.iter();
        let of_headers = headers.map(|it| it.key.len() + it.value.map_or(0, <[u8]>::len));
        of(&self.key) + of(&self.value) + of_headers.sum::<usize>()
    }

    /// The same record of an event of that id.
    fn headers_of(&self, id: Uuid) -> OwnedHeaders {
        let id = id.to_string();
        let headers = OwnedHeaders::new_with_capacity(self.headers.count());
        self.headers.iter().fold(headers, |headers, header| {
            headers.insert(Header {
                key: header.key,
                value: match header.key {
                    ID => Some(id.as_bytes()),
                    _ => header.value,
                },
            })
        })
    }
}

fn header<'m>(message: &'m BorrowedMessage<'_>, name: &str) -> Option<&'m str> {
    let headers = message.headers()?;
    let found = headers.iter().find(|header| header.key == name)?;
    std::str::from_utf8(found.value?).ok()
}

/// A reader of what is committed, from where the topics are told to begin.
fn reader(
    bootstrap: &str,
    topics: &[String],
    begin: impl Fn(&BaseConsumer, &str, i32) -> Result<Offset, KafkaError>,
) -> Result<(BaseConsumer, usize), BenchError> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "bench")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut places = TopicPartitionList::new();
    for topic in topics {
        let metadata = consumer.fetch_metadata(Some(topic), ANSWER_WITHIN)?;
        let partitions = metadata.topics().iter().flat_map(|it| it.partitions());
        for partition in partitions {
            let offset = begin(&consumer, topic, partition.id())?;
            places.add_partition_offset(topic, partition.id(), offset)?;
        }
    }
    let partitions = places.count();
    consumer.assign(&places)?;
    Ok((consumer, partitions))
}

/// All committed records of these topics, in the events' order. It blocks.
///
/// # Errors
/// Kafka's.
pub fn read_all(bootstrap: &str, topics: &[String]) -> Result<Vec<Record>, BenchError> {
    let (consumer, partitions) = reader(bootstrap, topics, |_, _, _| Ok(Offset::Beginning))?;
    let (mut records, mut ended) = (Vec::new(), 0);
    while ended < partitions {
        match consumer.poll(ANSWER_WITHIN) {
            Some(Ok(message)) => records.push(Record::of(&message)?),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => return Err(error.into()),
            None => return Err(BenchError::wrong("a topic has no end")),
        }
    }
    records.sort_by_key(|record| record.sequence);
    Ok(records)
}

/// Waits until a committed record of that topic satisfies `is_last`. It blocks.
///
/// # Errors
/// Kafka's, or that none came in time.
pub fn await_committed(
    bootstrap: &str,
    topic: &str,
    within: Duration,
    mut is_last: impl FnMut(&BorrowedMessage<'_>) -> bool,
) -> Result<(), BenchError> {
    let begin = |_: &BaseConsumer, _: &str, _| Ok(Offset::Beginning);
    let (consumer, _) = reader(bootstrap, &[topic.to_owned()], begin)?;
    let until = Instant::now() + within;
    while Instant::now() < until {
        match consumer.poll(POLL) {
            Some(Ok(message)) if is_last(&message) => return Ok(()),
            Some(Ok(_)) | Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
    Err(BenchError::wrong(format!(
        "{topic}: the last record was not committed in time"
    )))
}

/// When each event's record arrived, in microseconds since 1970.
pub type Arrivals = HashMap<Uuid, i64>;

/// A reader of one topic on a thread of its own.
pub struct Listener {
    enough: Arc<AtomicBool>,
    listening: thread::JoinHandle<Result<Arrivals, BenchError>>,
}

impl Listener {
    /// Listens to what is committed from now on. It blocks until it does.
    ///
    /// # Errors
    /// Kafka's.
    pub fn begin(bootstrap: &str, topic: &str) -> Result<Self, BenchError> {
        let end = |consumer: &BaseConsumer, topic: &str, partition| {
            let (_, end) = consumer.fetch_watermarks(topic, partition, ANSWER_WITHIN)?;
            Ok(Offset::Offset(end))
        };
        let (consumer, _) = reader(bootstrap, &[topic.to_owned()], end)?;
        let enough = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&enough);
        Ok(Self {
            enough,
            listening: thread::spawn(move || listen(&consumer, &told)),
        })
    }

    /// What arrived, once nothing more comes. It blocks.
    ///
    /// # Errors
    /// Kafka's.
    pub fn end(self) -> Result<Arrivals, BenchError> {
        self.enough.store(true, Ordering::Relaxed);
        let listened = self.listening.join();
        listened.unwrap_or_else(|_| Err(BenchError::wrong("the listener ended before its time")))
    }
}

/// Silence after the last is as long as a session of a relay may take to begin anew, and more.
const SILENCE: Duration = Duration::from_secs(2);

fn listen(consumer: &BaseConsumer, enough: &AtomicBool) -> Result<Arrivals, BenchError> {
    let mut arrivals = Arrivals::new();
    let mut heard = Instant::now();
    while !enough.load(Ordering::Relaxed) || heard.elapsed() < SILENCE {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                let arrived = now_microseconds();
                heard = Instant::now();
                if let Some(id) = header(&message, ID).and_then(|id| id.parse().ok()) {
                    // A repetition would count for nothing.
                    arrivals.entry(id).or_insert(arrived);
                }
            }
            Some(Err(KafkaError::PartitionEOF(_))) | None => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
    Ok(arrivals)
}

/// The client library's transactional producer, and nothing around it. Its calls block.
pub struct Plain {
    producer: ThreadedProducer<DefaultProducerContext>,
}

impl Plain {
    /// With what the relay sets that concerns the records; else as the library is. `linger`: how long a
    /// record waits for more.
    ///
    /// # Errors
    /// Kafka's.
    pub fn begin(bootstrap: &str, linger: Duration) -> Result<Self, BenchError> {
        let producer: ThreadedProducer<DefaultProducerContext> = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("transactional.id", Uuid::new_v4().to_string())
            .set("linger.ms", linger.as_millis().to_string())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("compression.type", "zstd")
            .set("partitioner", "murmur2_random")
            .create()?;
        producer.init_transactions(ANSWER_WITHIN)?;
        Ok(Self { producer })
    }

    /// Publishes what `send` sends, all or nothing.
    ///
    /// # Errors
    /// Kafka's.
    pub fn transact(
        &self,
        send: impl FnOnce(&Self) -> Result<(), BenchError>,
    ) -> Result<(), BenchError> {
        self.producer.begin_transaction()?;
        send(self)?;
        // The commit's own wait looks ten times a second only.
        while self.producer.in_flight_count() > 0 {
            thread::sleep(BREATH);
        }
        Ok(self.producer.commit_transaction(ANSWER_WITHIN)?)
    }

    /// Sends a record, as one of the event `id` where it is given.
    ///
    /// # Errors
    /// Kafka's.
    pub fn send(&self, record: &Record, topic: &str, id: Option<Uuid>) -> Result<(), BenchError> {
        let headers = id.map_or_else(|| record.headers.clone(), |id| record.headers_of(id));
        let mut sending = BaseRecord::to(topic).headers(headers);
        if let Some(key) = &record.key {
            sending = sending.key(key.as_slice());
        }
        if let Some(value) = &record.value {
            sending = sending.payload(value.as_slice());
        }
        loop {
            match self.producer.send(sending) {
                Ok(()) => return Ok(()),
                Err((error, back))
                    if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) =>
                {
                    sending = back;
                    thread::sleep(BREATH);
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}
