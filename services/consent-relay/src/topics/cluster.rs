//! The cluster, asked by Kafka's own admin calls.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::{PlannedTopic, TopicsError, plan::FoundTopic};

/// For each call, on the broker and on the way.
const TIMEOUT: Duration = Duration::from_secs(30);
const ASK_AGAIN: Duration = Duration::from_millis(100);

pub(super) struct Cluster(AdminClient<DefaultClientContext>);

impl Cluster {
    pub(super) fn connect(kafka: &ClientConfig) -> Result<Self, KafkaError> {
        Ok(Self(kafka.create()?))
    }

    /// Those of the planned topics that are there.
    pub(super) async fn describe(
        &self,
        planned: &[PlannedTopic],
    ) -> Result<BTreeMap<String, FoundTopic>, TopicsError> {
        // Of all topics: asking for one by name could make it.
        let metadata =
            tokio::task::block_in_place(|| self.0.inner().fetch_metadata(None, TIMEOUT))?;
        let mut found: BTreeMap<String, FoundTopic> = metadata
            .topics()
            .iter()
            .filter(|topic| planned.iter().any(|one| one.name == topic.name()))
            .map(|topic| {
                let replicas = topic.partitions().iter().map(|one| one.replicas().len());
                let topic_found = FoundTopic {
                    partitions: topic.partitions().len(),
                    replicas: replicas.min().unwrap_or_default(),
                    config: BTreeMap::new(),
                };
                (topic.name().to_owned(), topic_found)
            })
            .collect();
        let mut configs = self.configs(found.keys()).await?;
        found.retain(|name, topic| match configs.remove(name) {
            Some(config) => {
                topic.config = config;
                true
            }
            None => false,
        });
        Ok(found)
    }

    /// All of the planned topics. A broker learns of one that was just made a moment later.
    pub(super) async fn describe_all(
        &self,
        planned: &[PlannedTopic],
    ) -> Result<BTreeMap<String, FoundTopic>, TopicsError> {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let found = self.describe(planned).await?;
            match planned.iter().find(|one| !found.contains_key(&one.name)) {
                None => return Ok(found),
                Some(topic) if Instant::now() >= deadline => {
                    return Err(TopicsError::NotShown {
                        topic: topic.name.clone(),
                    });
                }
                Some(_) => tokio::time::sleep(ASK_AGAIN).await,
            }
        }
    }

    /// The settings of each; without those that this broker does not know (yet).
    async fn configs(
        &self,
        names: impl Iterator<Item = &String>,
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, TopicsError> {
        let asked: Vec<_> = names.map(|name| ResourceSpecifier::Topic(name)).collect();
        let mut configs = BTreeMap::new();
        if asked.is_empty() {
            return Ok(configs);
        }
        for answer in self.0.describe_configs(&asked, &options()).await? {
            let resource = match answer {
                Ok(resource) => resource,
                Err(RDKafkaErrorCode::UnknownTopicOrPartition) => continue,
                Err(code) => return Err(KafkaError::AdminOp(code).into()),
            };
            if let OwnedResourceSpecifier::Topic(name) = resource.specifier {
                let entries = resource.entries.into_iter();
                let config = entries.filter_map(|entry| Some((entry.name, entry.value?)));
                configs.insert(name, config.collect());
            }
        }
        Ok(configs)
    }

    /// Makes the topics and gives the names of those; one that somebody else has made in the meantime
    /// is left as it is, and is not among them.
    pub(super) async fn create(
        &self,
        missing: &[&PlannedTopic],
    ) -> Result<BTreeSet<String>, TopicsError> {
        if missing.is_empty() {
            return Ok(BTreeSet::new());
        }
        let new: Vec<NewTopic<'_>> = missing.iter().map(|topic| new_topic(topic)).collect();
        let mut made = BTreeSet::new();
        for answer in self.0.create_topics(&new, &options()).await? {
            match answer {
                Ok(name) => {
                    made.insert(name);
                }
                Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, why)) => return Err(TopicsError::NotCreated { topic, why }),
            }
        }
        Ok(made)
    }
}

fn new_topic(topic: &PlannedTopic) -> NewTopic<'_> {
    let replication = TopicReplication::Fixed(topic.replication_factor.into());
    let new = NewTopic::new(&topic.name, topic.partitions.into(), replication);
    topic
        .config
        .iter()
        .fold(new, |new, (key, value)| new.set(key, value))
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(TIMEOUT))
        .operation_timeout(Some(TIMEOUT))
}
