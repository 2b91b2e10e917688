//! The transactional producer. Its calls block, so they run on threads made for that.

use std::{collections::BTreeSet, time::Duration};

use futures_util::future::join_all;
use public_events::topics::TopicNames;
use rdkafka::{
    ClientConfig,
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _},
    types::RDKafkaErrorCode,
};
use tokio::{task::spawn_blocking, time::sleep};

use super::{
    client::Listening,
    position::Mark,
    problem::{Problem, of_client, of_every_event, refusal, remedy},
};
use crate::{parking::Cause, settings::KafkaSettings};

/// For the brokers to find the coordinator and end an older instance's transaction.
const INIT_WITHIN: Duration = Duration::from_secs(30);
/// To what the client says meanwhile.
const LISTEN_EVERY: Duration = Duration::from_millis(200);
/// For one topic's metadata.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(5);

/// One record of a fact.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub global_sequence: i64,
    pub topic: String,
    pub key: String,
    pub headers: Vec<(&'static str, String)>,
    pub value: Option<Vec<u8>>,
}

/// A record that was refused for good; nothing of its transaction was committed.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub global_sequence: i64,
    pub cause: Cause,
    pub detail: String,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Committed,
    Refused(Vec<Refused>),
}

/// A producer whose transactional id is its alone.
pub(super) struct Transactions {
    producer: Option<FutureProducer<Listening>>,
    listening: Listening,
    bootstrap: String,
    topics: TopicNames,
    commit_within: Duration,
}

impl Transactions {
    /// Makes a producer and takes the transactional id over: an older instance is fenced, and what it
    /// left open is aborted, before this returns.
    pub async fn begin_life(
        kafka: &KafkaSettings,
        transactional_id: &str,
        topics: &TopicNames,
    ) -> Result<Self, Problem> {
        let listening = Listening::default();
        let bootstrap = kafka.bootstrap.clone();
        let producer: FutureProducer<Listening> = config(kafka, transactional_id)
            .create_with_context(listening.clone())
            .map_err(|error| of_client(error, None, &bootstrap))?;
        let life = Self {
            producer: Some(producer),
            listening,
            bootstrap,
            topics: topics.clone(),
            commit_within: Duration::from_millis(kafka.transaction_timeout_milliseconds.into())
                + Duration::from_secs(5),
        };
        // The client would try wrong credentials until the time is up, and longer.
        tokio::select! {
            taken_over = life.call(|producer| producer.init_transactions(INIT_WITHIN)) => taken_over?,
            problem = life.turned_away() => return Err(problem),
        }
        Ok(life)
    }

    /// Waits until the client says that the brokers don't take it for whom it says it is.
    async fn turned_away(&self) -> Problem {
        loop {
            sleep(LISTEN_EVERY).await;
            let timed_out = KafkaError::Global(RDKafkaErrorCode::OperationTimedOut);
            let problem = self.problem(timed_out);
            if matches!(problem, Problem::Credentials(_) | Problem::Tls(_)) {
                return problem;
            }
        }
    }

    /// Has the client look at the records' topics anew: it keeps for minutes that one was missing.
    pub async fn look_up_topics(&self, records: &[Outgoing]) -> Result<(), Problem> {
        let topics: BTreeSet<String> = records.iter().map(|record| record.topic.clone()).collect();
        self.call(move |producer| {
            for topic in topics {
                producer
                    .client()
                    .fetch_metadata(Some(&topic), LOOK_UP_WITHIN)?;
            }
            Ok(())
        })
        .await
    }

    /// Publishes records and marks, all or none.
    pub async fn commit(&self, records: &[Outgoing], marks: &[Mark]) -> Result<Outcome, Problem> {
        self.call(|producer| producer.begin_transaction()).await?;
        let marks: Vec<Outgoing> = marks.iter().map(|mark| self.of_mark(mark)).collect();
        let mut reports = Vec::with_capacity(records.len() + marks.len());
        for record in records.iter().chain(&marks) {
            match self.send(record) {
                Ok(report) => reports.push((record, report)),
                Err(error) => {
                    self.abort().await?;
                    return self.judge([(record, error)]);
                }
            }
        }
        // Every record is acknowledged before the commit: what failed is known by its own report, and
        // the commit has nothing to wait for (its flush looks at the queue ten times a second only).
        let failed = failed_reports(reports).await;
        if !failed.is_empty() {
            self.abort().await?;
            return self.judge(failed);
        }
        let within = self.commit_within;
        match self
            .call_raw(move |producer| producer.commit_transaction(within))
            .await?
        {
            Ok(()) => Ok(Outcome::Committed),
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                self.abort().await?;
                Err(self.problem(KafkaError::Transaction(error)))
            }
            Err(error) => Err(self.unknown(error)),
        }
    }

    /// The offset topic has one partition.
    fn of_mark(&self, mark: &Mark) -> Outgoing {
        Outgoing {
            global_sequence: 0,
            topic: self.topics.offsets(),
            key: mark.key(),
            headers: Vec::new(),
            value: mark.value(),
        }
    }

    /// What a commit that neither succeeded nor asks to be aborted means.
    fn unknown(&self, error: KafkaError) -> Problem {
        match of_client(error, None, &self.bootstrap) {
            fenced @ Problem::Fenced(_) => fenced,
            other => Problem::UnknownOutcome(other.to_string()),
        }
    }

    /// Records that were refused for good; any other failure is a problem of the session.
    fn judge<'r>(
        &self,
        failed: impl IntoIterator<Item = (&'r Outgoing, KafkaError)>,
    ) -> Result<Outcome, Problem> {
        let mut refused = Vec::new();
        let mut passing = None;
        for (record, error) in failed {
            let code = error.rdkafka_error_code();
            let Some(cause) = code.and_then(refusal) else {
                passing = Some(error);
                continue;
            };
            if let Some(problem) = of_every_event(&self.topics, &record.topic, cause) {
                return Err(problem);
            }
            let bytes = record.value.as_ref().map_or(0, Vec::len);
            refused.push(Refused {
                global_sequence: record.global_sequence,
                cause,
                detail: format!(
                    "topic {}, {bytes} bytes: {error}; {}",
                    record.topic,
                    remedy(cause)
                ),
            });
        }
        match passing {
            // The rest of a transaction that fails is purged: that is said of every other record.
            Some(error) if refused.is_empty() => Err(self.problem(error)),
            _ => Ok(Outcome::Refused(refused)),
        }
    }

    fn send(&self, record: &Outgoing) -> Result<DeliveryFuture, KafkaError> {
        let headers = record.headers.iter().fold(
            OwnedHeaders::new_with_capacity(record.headers.len()),
            |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            },
        );
        let mut outgoing = FutureRecord::to(&record.topic)
            .key(record.key.as_bytes())
            .headers(headers);
        if let Some(value) = &record.value {
            outgoing = outgoing.payload(value.as_slice());
        }
        self.producer()?
            .send_result(outgoing)
            .map_err(|(error, _)| error)
    }

    async fn abort(&self) -> Result<(), Problem> {
        let within = self.commit_within;
        self.call(move |producer| producer.abort_transaction(within))
            .await
    }

    fn producer(&self) -> Result<&FutureProducer<Listening>, KafkaError> {
        self.producer.as_ref().ok_or(KafkaError::Canceled)
    }

    fn problem(&self, error: KafkaError) -> Problem {
        of_client(error, self.listening.last_words(), &self.bootstrap)
    }

    async fn call<F>(&self, act: F) -> Result<(), Problem>
    where
        F: FnOnce(&FutureProducer<Listening>) -> Result<(), KafkaError> + Send + 'static,
    {
        let done = self.call_raw(act).await?;
        done.map_err(|error| self.problem(error))
    }

    async fn call_raw<F>(&self, act: F) -> Result<Result<(), KafkaError>, Problem>
    where
        F: FnOnce(&FutureProducer<Listening>) -> Result<(), KafkaError> + Send + 'static,
    {
        let producer = self.producer()?.clone();
        Ok(spawn_blocking(move || act(&producer)).await?)
    }
}

impl Drop for Transactions {
    fn drop(&mut self) {
        // Ending the client joins its threads, which may wait for a broker.
        if let (Some(producer), Ok(runtime)) =
            (self.producer.take(), tokio::runtime::Handle::try_current())
        {
            drop(runtime.spawn_blocking(move || drop(producer)));
        }
    }
}

/// Waits for every report, which the client gives within the records' own time, and keeps the bad ones.
async fn failed_reports(reports: Vec<(&Outgoing, DeliveryFuture)>) -> Vec<(&Outgoing, KafkaError)> {
    let all = join_all(reports.into_iter().map(async |(record, report)| {
        match report.await {
            Ok(Ok(_)) => None,
            Ok(Err((error, _))) => Some((record, error)),
            // The producer ended, which it does not while it is used.
            Err(_) => Some((record, KafkaError::Canceled)),
        }
    }))
    .await;
    all.into_iter().flatten().collect()
}

fn config(kafka: &KafkaSettings, transactional_id: &str) -> ClientConfig {
    let timeout = kafka.transaction_timeout_milliseconds;
    let mut config = kafka.client();
    config
        .set("transactional.id", transactional_id)
        .set("transaction.timeout.ms", timeout.to_string())
        // Within the transaction's time, or the broker would have ended it.
        .set("message.timeout.ms", timeout.to_string())
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("message.max.bytes", kafka.record_bytes_max.to_string())
        .set("compression.type", "zstd")
        // A key's partition as Java's clients choose it.
        .set("partitioner", "murmur2_random")
        // A batch is one transaction: there is nothing to wait for.
        .set("linger.ms", "1")
        .set("queue.buffering.max.messages", "20000")
        .set("queue.buffering.max.kbytes", "262144")
        // A new topic is made before it is written to.
        .set("topic.metadata.propagation.max.ms", "5000");
    config
}
