//! The cluster, asked by Kafka's own admin calls.

use std::collections::BTreeMap;
use std::time::Duration;

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
        for (name, config) in self.configs(found.keys()).await? {
            if let Some(topic) = found.get_mut(&name) {
                topic.config = config;
            }
        }
        Ok(found)
    }

    async fn configs(
        &self,
        names: impl Iterator<Item = &String>,
    ) -> Result<Vec<(String, BTreeMap<String, String>)>, TopicsError> {
        let asked: Vec<_> = names.map(|name| ResourceSpecifier::Topic(name)).collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let mut configs = Vec::new();
        for answer in self.0.describe_configs(&asked, &options()).await? {
            let resource = answer.map_err(KafkaError::AdminOp)?;
            if let OwnedResourceSpecifier::Topic(name) = resource.specifier {
                let entries = resource.entries.into_iter();
                let config = entries.filter_map(|entry| Some((entry.name, entry.value?)));
                configs.push((name, config.collect()));
            }
        }
        Ok(configs)
    }

    /// Makes the topics; one that somebody else has made in the meantime is left as it is.
    pub(super) async fn create(&self, missing: &[&PlannedTopic]) -> Result<(), TopicsError> {
        if missing.is_empty() {
            return Ok(());
        }
        let new: Vec<NewTopic<'_>> = missing.iter().map(|topic| new_topic(topic)).collect();
        for answer in self.0.create_topics(&new, &options()).await? {
            match answer {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, why)) => return Err(TopicsError::NotCreated { topic, why }),
            }
        }
        Ok(())
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
