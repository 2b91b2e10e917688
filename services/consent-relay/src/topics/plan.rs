//! Which topics there should be, and with what settings.

use std::collections::BTreeMap;
use std::fmt;

use public_events::topics::TopicNames;

use super::{PartnerAtBankId, TopicSettings};

const DAY_MILLISECONDS: u64 = 86_400_000;

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedTopic {
    /// Its name.
    pub name: String,
    /// Its number of partitions.
    pub partitions: u16,
    /// Brokers that hold each.
    pub replication_factor: u16,
    /// Kafka's settings of a topic that are not left to the cluster.
    pub config: BTreeMap<&'static str, String>,
}

/// A topic as the cluster has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundTopic {
    pub(super) partitions: usize,
    /// Of the partition with the fewest.
    pub(super) replicas: usize,
    pub(super) config: BTreeMap<String, String>,
}

/// Every topic that the relay writes to.
pub fn plan(
    settings: &TopicSettings,
    names: &TopicNames,
    partners: &[PartnerAtBankId],
) -> Vec<PlannedTopic> {
    let topic = |name, partitions, config| PlannedTopic {
        name,
        partitions,
        replication_factor: settings.replication_factor,
        config,
    };
    let mut topics = vec![
        topic(
            names.platform(),
            settings.platform_partitions,
            kept(settings, settings.platform_retention_days),
        ),
        topic(
            names.registrations(),
            settings.registrations_partitions,
            compacted(settings),
        ),
        // One partition: the record of how far the relay has come has one key and one order.
        topic(names.offsets(), 1, compacted(settings)),
    ];
    topics.extend(partners.iter().map(|at| {
        topic(
            names.partner(&at.bank, &at.partner),
            settings.partner_partitions,
            kept(settings, settings.partner_retention_days),
        )
    }));
    topics
}

fn milliseconds(days: u16) -> String {
    (u64::from(days) * DAY_MILLISECONDS).to_string()
}

fn kept(settings: &TopicSettings, days: u16) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("cleanup.policy", "delete".to_owned()),
        ("retention.ms", milliseconds(days)),
        (
            "min.insync.replicas",
            settings.min_insync_replicas.to_string(),
        ),
        // A replica that lags may not lead: what was acknowledged would be gone.
        ("unclean.leader.election.enable", "false".to_owned()),
    ])
}

fn compacted(settings: &TopicSettings) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("cleanup.policy", "compact".to_owned()),
        (
            "delete.retention.ms",
            milliseconds(settings.tombstone_retention_days),
        ),
        // What a grant said before it changed or ended is gone within days, however quiet the topic.
        ("max.compaction.lag.ms", milliseconds(1)),
        (
            "min.insync.replicas",
            settings.min_insync_replicas.to_string(),
        ),
        ("unclean.leader.election.enable", "false".to_owned()),
    ])
}

impl PlannedTopic {
    /// How the topic that is there differs, each with what to do; nothing is done by itself.
    pub(super) fn differences(&self, found: &FoundTopic) -> Vec<String> {
        let mut differences = Vec::new();
        if found.partitions != usize::from(self.partitions) {
            differences.push(format!(
                "{} partitions, planned {}. A change moves keys to other partitions; make a new \
                 topic, or set what is there in the settings",
                found.partitions, self.partitions
            ));
        }
        if found.replicas < usize::from(self.replication_factor) {
            differences.push(format!(
                "{} replicas, planned {}: kafka-reassign-partitions",
                found.replicas, self.replication_factor
            ));
        }
        for (key, planned) in &self.config {
            let found = found.config.get(*key).map(String::as_str);
            if found != Some(planned.as_str()) {
                differences.push(format!(
                    "{key}={}, planned {planned}: kafka-configs --bootstrap-server \"$BOOTSTRAP\" \
                     --alter --entity-type topics --entity-name {} --add-config {key}={planned}",
                    found.unwrap_or("not set"),
                    self.name
                ));
            }
        }
        differences
    }
}

impl fmt::Display for PlannedTopic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} partitions={} replication.factor={}",
            self.name, self.partitions, self.replication_factor
        )?;
        for (key, value) in &self.config {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use consent_domain::{BankCode, PartnerId};

    use super::*;

    fn planned() -> Vec<PlannedTopic> {
        let partners = ["2951", "2963"].map(|bank| PartnerAtBankId {
            bank: BankCode::parse(bank).unwrap(),
            partner: PartnerId::parse("minato").unwrap(),
        });
        plan(&TopicSettings::default(), &TopicNames::default(), &partners)
    }

    fn as_planned(topic: &PlannedTopic) -> FoundTopic {
        let config = topic.config.iter();
        FoundTopic {
            partitions: topic.partitions.into(),
            replicas: topic.replication_factor.into(),
            config: config
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect(),
        }
    }

    #[test]
    fn a_partner_has_a_topic_at_each_of_its_banks() {
        let topics = planned();
        let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "renkei.platform",
                "renkei.registrations",
                "renkei.relay-offsets",
                "renkei.partner.2951.minato",
                "renkei.partner.2963.minato",
            ]
        );
    }

    #[test]
    fn a_topic_that_is_as_planned_differs_in_nothing() {
        for topic in planned() {
            assert_eq!(topic.differences(&as_planned(&topic)), Vec::<String>::new());
        }
    }

    #[test]
    fn each_difference_is_told_with_what_to_do() {
        let topic = planned().remove(1);
        let mut found = as_planned(&topic);
        found.partitions = 1;
        found.replicas = 1;
        found
            .config
            .insert("cleanup.policy".to_owned(), "delete".to_owned());
        found.config.remove("max.compaction.lag.ms");
        let differences = topic.differences(&found).join("\n");
        for told in [
            "1 partitions, planned 12.",
            "1 replicas, planned 3: kafka-reassign-partitions",
            "cleanup.policy=delete, planned compact: kafka-configs",
            "max.compaction.lag.ms=not set, planned 86400000:",
            "--entity-name renkei.registrations --add-config cleanup.policy=compact",
        ] {
            assert!(
                differences.contains(told),
                "{told} is not in:\n{differences}"
            );
        }
    }
}
