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

/// The key of a record that is aborted, always.
pub(super) const BARRIER: &str = "barrier";

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

    /// Writes one record to every partition of ours, and aborts. After a broker's outage a record of an
    /// earlier life can be left on a partition without the coordinator knowing of it: readers of what is
    /// committed would stand still before it, and our next commit there would commit it as well (what
    /// KIP-890 calls a hanging transaction). The abort's markers end it, as they are of the same
    /// producer id, and their epoch shuts out whatever of an earlier life is still on its way.
    pub async fn bar_earlier_lives(&self) -> Result<(), Problem> {
        let mut partitions = self.partitions().await?;
        loop {
            self.call(|producer| producer.begin_transaction()).await?;
            let failed = self.send_barriers(&partitions).await?;
            let passing = failed
                .iter()
                .find(|(_, error)| !is_purged(error) && refused_as(error).is_none());
            if let Some((_, error)) = passing {
                return Err(self.problem(error.clone()));
            }
            self.abort().await?;
            let refusing: BTreeSet<String> = failed
                .into_iter()
                .filter(|(_, error)| refused_as(error).is_some())
                .map(|(topic, _)| topic)
                .collect();
            if refusing.is_empty() {
                return Ok(());
            }
            // They take no commit of ours either; the others are barred without them.
            tracing::warn!(?refusing, "topics refuse what the relay writes");
            partitions.retain(|(topic, _)| !refusing.contains(topic));
        }
    }

    /// Those that failed, by topic.
    async fn send_barriers(
        &self,
        partitions: &[(String, i32)],
    ) -> Result<Vec<(String, KafkaError)>, Problem> {
        let mut reports = Vec::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            let barrier = FutureRecord::<_, [u8]>::to(topic)
                .partition(*partition)
                .key(BARRIER);
            let sent = self.producer()?.send_result(barrier);
            let report = sent.map_err(|(error, _)| self.problem(error))?;
            reports.push((topic.clone(), report));
        }
        Ok(failed_reports(reports).await)
    }

    /// Of every topic whose name begins as ours do; those without a leader take nothing, from nobody.
    async fn partitions(&self) -> Result<Vec<(String, i32)>, Problem> {
        let producer = self.producer()?.clone();
        let prefix = self.topics.common_prefix();
        let found = spawn_blocking(move || {
            let metadata = producer.client().fetch_metadata(None, INIT_WITHIN)?;
            let ours = metadata.topics().iter();
            let ours = ours.filter(|topic| topic.name().starts_with(&prefix));
            Ok(ours
                .flat_map(|topic| {
                    let led = topic.partitions().iter().filter(|one| one.leader() >= 0);
                    led.map(|one| (topic.name().to_owned(), one.id()))
                })
                .collect())
        })
        .await?;
        found.map_err(|error| self.problem(error))
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
            return self.give_up(failed).await;
        }
        let within = self.commit_within;
        match self
            .call_raw(move |producer| producer.commit_transaction(within))
            .await?
        {
            Ok(()) => Ok(Outcome::Committed),
            Err(error) => Err(self.unknown(error)),
        }
    }

    /// Aborts where the brokers refused records and said so. Where they did not answer, this producer is
    /// left as it is: the next one's takeover gives its transaction up under a newer epoch, which also
    /// shuts out whatever of it is still on the way. An abort of its own, after a broker came back, left
    /// a record on the offset topic that no transaction knew any more.
    async fn give_up(&self, failed: Vec<(&Outgoing, KafkaError)>) -> Result<Outcome, Problem> {
        let answered = failed
            .iter()
            .all(|(_, error)| is_purged(error) || refused_as(error).is_some());
        if answered {
            self.abort().await?;
        }
        self.judge(failed)
    }

    /// Ends the producer and waits for that: no retry of its own comes after the next one's takeover.
    pub async fn end(mut self) {
        if let Some(producer) = self.producer.take() {
            // It can't fail but by a panic of the client's own.
            drop(spawn_blocking(move || drop(producer)).await);
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
            let Some(cause) = refused_as(&error) else {
                // What did not pass outweighs what was purged for it.
                if passing.as_ref().is_none_or(is_purged) {
                    passing = Some(error);
                }
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
            Some(error) if refused.is_empty() || !is_purged(&error) => Err(self.problem(error)),
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

/// Why the brokers refuse the record for good, if they do.
fn refused_as(error: &KafkaError) -> Option<Cause> {
    error.rdkafka_error_code().and_then(refusal)
}

/// Whether it failed only because the client threw its queue away.
fn is_purged(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight)
    )
}

/// Waits for every report, which the client gives within the records' own time, and keeps the bad ones.
async fn failed_reports<T>(reports: Vec<(T, DeliveryFuture)>) -> Vec<(T, KafkaError)> {
    let all = join_all(reports.into_iter().map(async |(what, report)| {
        match report.await {
            Ok(Ok(_)) => None,
            Ok(Err((error, _))) => Some((what, error)),
            // The producer ended, which it does not while it is used.
            Err(_) => Some((what, KafkaError::Canceled)),
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
