//! The offset topic: how far the log is in Kafka. Its records are part of the transactions that they
//! tell of, so they can't be wrong; the database keeps no position that matters.
//!
//! Keys: `published` (the last number of the ordinary way) and `parked/<number>` (an event that was
//! parked and went later; removed when the database has noted it).

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use public_events::topics::TopicNames;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    client::Listening,
    problem::{Problem, of_client},
    transactions::BARRIER,
};

const PUBLISHED: &str = "published";
const PARKED: &str = "parked/";
/// For the brokers to answer at all.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const ASK_EVERY: Duration = Duration::from_millis(100);
/// For the whole topic, which compaction keeps small.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// Where the log was published to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The last number.
    pub global_sequence: i64,
    /// The number of the log's epoch.
    pub epoch: i32,
    /// The event of that number, to tell another log from this one.
    pub event_id: Uuid,
}

/// A record of the offset topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    Published(Position),
    /// A parked event went.
    Replayed(i64),
    /// The database has noted it.
    Forgotten(i64),
}

impl Mark {
    pub fn key(&self) -> String {
        match self {
            Self::Published(_) => PUBLISHED.to_owned(),
            Self::Replayed(number) | Self::Forgotten(number) => format!("{PARKED}{number}"),
        }
    }

    pub fn value(&self) -> Option<Vec<u8>> {
        match self {
            Self::Published(position) => {
                let Position {
                    global_sequence,
                    epoch,
                    event_id,
                } = position;
                let value = serde_json::json!({
                    "global_sequence": global_sequence, "epoch": epoch, "event_id": event_id });
                Some(value.to_string().into_bytes())
            }
            Self::Replayed(_) => Some(b"{}".to_vec()),
            Self::Forgotten(_) => None,
        }
    }
}

/// All that the offset topic says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The last number of the ordinary way; none where nothing was published.
    pub position: Option<Position>,
    /// Parked events that went.
    pub replayed: BTreeSet<i64>,
}

/// Reads the offset topic to its end. It blocks.
///
/// # Errors
/// [`Problem`].
pub fn read(client: &ClientConfig, bootstrap: &str, topics: &TopicNames) -> Result<Known, Problem> {
    let topic = topics.offsets();
    let listening = Listening::default();
    let mut client = client.clone();
    client
        .set("group.id", format!("{topic}-reader"))
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        // The end of the topic is said at once.
        .set("fetch.wait.max.ms", "10")
        .set("allow.auto.create.topics", "false")
        .set("auto.offset.reset", "error");
    let problem = |error| of_client(error, listening.last_words(), bootstrap);
    let reader: BaseConsumer<Listening> = client
        .create_with_context(listening.clone())
        .map_err(problem)?;
    check_topics(&reader, topics, &problem)?;
    wait_until_nothing_is_open(&reader, &client, &topic, &problem)?;
    let mut from_the_start = TopicPartitionList::new();
    from_the_start
        .add_partition_offset(&topic, 0, Offset::Beginning)
        .map_err(problem)?;
    reader.assign(&from_the_start).map_err(problem)?;

    let mut known = Known::default();
    let until = Instant::now() + READ_WITHIN;
    while Instant::now() < until {
        match reader.poll(Duration::from_millis(200)) {
            None => {}
            Some(Ok(record)) => {
                known
                    .take(record.key(), record.payload())
                    .map_err(|why| Problem::Position {
                        topic: topic.clone(),
                        why: format!("offset {}: {why}", record.offset()),
                    })?
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(known),
            Some(Err(error)) => return Err(problem(error)),
        }
    }
    Err(Problem::Unreachable {
        bootstrap: bootstrap.to_owned(),
        why: format!("{topic} could not be read to its end"),
    })
}

/// Waits until what is committed ends where the topic ends. Nobody else writes to it, and the
/// transactional id is ours by now, so all of it is committed or given up; but a broker that started anew
/// may not know yet. To take an earlier end for the end would publish again what is there.
fn wait_until_nothing_is_open(
    reader: &BaseConsumer<Listening>,
    client: &ClientConfig,
    topic: &str,
    problem: &impl Fn(KafkaError) -> Problem,
) -> Result<(), Problem> {
    let mut client = client.clone();
    client.set("isolation.level", "read_uncommitted");
    let asking: BaseConsumer = client.create().map_err(problem)?;
    let until = Instant::now() + READ_WITHIN;
    loop {
        let (_, written) = asking
            .fetch_watermarks(topic, 0, ANSWER_WITHIN)
            .map_err(problem)?;
        let (_, committed) = reader
            .fetch_watermarks(topic, 0, ANSWER_WITHIN)
            .map_err(problem)?;
        if committed >= written {
            return Ok(());
        }
        if Instant::now() >= until {
            return Err(Problem::Position {
                topic: topic.to_owned(),
                why: format!("a transaction is open from offset {committed} on"),
            });
        }
        std::thread::sleep(ASK_EVERY);
    }
}

/// The topics that every event needs, before anything is begun.
fn check_topics(
    reader: &BaseConsumer<Listening>,
    topics: &TopicNames,
    problem: &impl Fn(KafkaError) -> Problem,
) -> Result<(), Problem> {
    for name in [topics.offsets(), topics.platform(), topics.registrations()] {
        let metadata = reader
            .fetch_metadata(Some(&name), ANSWER_WITHIN)
            .map_err(problem)?;
        let found = metadata.topics().iter().find(|topic| topic.name() == name);
        let error = found.and_then(|topic| topic.error().map(RDKafkaErrorCode::from));
        let partitions = found.map_or(0, |topic| topic.partitions().len());
        match error {
            Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                return Err(Problem::Forbidden(format!("describe {name}")));
            }
            None if name == topics.offsets() && partitions > 1 => {
                return Err(Problem::OffsetPartitions {
                    topic: name,
                    partitions,
                });
            }
            None if partitions > 0 => {}
            _ => return Err(Problem::MissingTopic(name)),
        }
    }
    Ok(())
}

impl Known {
    fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), &'static str> {
        let key = key.and_then(|key| std::str::from_utf8(key).ok());
        match (key, value) {
            (Some(PUBLISHED), Some(value)) => {
                let position =
                    serde_json::from_slice(value).map_err(|_| "its value is no position")?;
                self.position = Some(position);
            }
            // Aborted, but a reader of a mock of Kafka sees it.
            (Some(BARRIER), _) => {}
            (Some(key), value) => {
                let number = key.strip_prefix(PARKED).and_then(|text| text.parse().ok());
                let number = number.ok_or("its key is unknown")?;
                match value {
                    Some(_) => self.replayed.insert(number),
                    None => self.replayed.remove(&number),
                };
            }
            (None, _) => return Err("it has no key"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_were_written() {
        let position = Position {
            global_sequence: 7,
            epoch: 1,
            event_id: Uuid::from_u128(7),
        };
        let mut known = Known::default();
        for mark in [
            Mark::Replayed(3),
            Mark::Published(position),
            Mark::Replayed(5),
            Mark::Forgotten(3),
        ] {
            let value = mark.value();
            known
                .take(Some(mark.key().as_bytes()), value.as_deref())
                .unwrap();
        }
        assert_eq!(known.position, Some(position));
        assert_eq!(known.replayed, BTreeSet::from([5]));
    }

    #[test]
    fn a_record_of_somebody_else_is_not_taken_for_a_position() {
        let mut known = Known::default();
        assert!(known.take(Some(b"published"), Some(b"{}")).is_err());
        assert!(known.take(Some(b"other"), Some(b"{}")).is_err());
        assert!(known.take(None, Some(b"{}")).is_err());
        assert_eq!(known, Known::default());
    }
}
