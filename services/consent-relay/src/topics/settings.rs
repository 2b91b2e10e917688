use public_events::topics::{InvalidPrefix, TopicNames};
use serde::Deserialize;

/// The table `[topics]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TopicSettings {
    /// What stands before every topic's name: 1 to 32 characters of `a-z`, `0-9` and `-`.
    pub prefix: String,
    /// Brokers that hold each partition.
    pub replication_factor: u16,
    /// Brokers that must have a record before it counts as written; below the factor, so that one
    /// broker may be down.
    pub min_insync_replicas: u16,
    /// Partitions of a partner's topic. As with the next two: not to be changed once the topic is
    /// there, because a key's order ends where its partition does.
    pub partner_partitions: u16,
    /// Partitions of the platform's topic.
    pub platform_partitions: u16,
    /// Partitions of the compacted registrations.
    pub registrations_partitions: u16,
    /// Days that a partner's topic keeps an event: how long a reader may be away.
    pub partner_retention_days: u16,
    /// Days that the platform's topic keeps one.
    pub platform_retention_days: u16,
    /// Days that a registration's end stays readable; a reader that begins anew must be through by then.
    pub tombstone_retention_days: u16,
    /// Whom the cluster takes the relay for.
    pub relay_principal: String,
    /// Whom it takes a partner for; `{partner}` stands for the partner's id.
    pub partner_principal: String,
}

impl Default for TopicSettings {
    fn default() -> Self {
        Self {
            prefix: "renkei".to_owned(),
            replication_factor: 3,
            min_insync_replicas: 2,
            partner_partitions: 3,
            platform_partitions: 12,
            registrations_partitions: 12,
            partner_retention_days: 30,
            platform_retention_days: 30,
            tombstone_retention_days: 7,
            relay_principal: "User:consent-relay".to_owned(),
            partner_principal: "User:{partner}".to_owned(),
        }
    }
}

/// What the settings say can't be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTopicSettings {
    /// The prefix.
    #[error("topics.prefix: {0}")]
    Prefix(#[from] InvalidPrefix),
    /// Something that is counted from 1 is 0.
    #[error("topics: partitions, replicas and days are at least 1")]
    Zero,
    /// More replicas must answer than there are.
    #[error("topics.min_insync_replicas is more than topics.replication_factor")]
    MoreInSyncThanReplicas,
    /// Every partner would be the same to the cluster.
    #[error("topics.partner_principal must hold {{partner}}")]
    OnePrincipalForAll,
    /// A name that a shell would take apart.
    #[error("topics: a principal holds no quotation mark and no control character")]
    UnquotablePrincipal,
}

impl TopicSettings {
    /// The names of the topics, where everything said can be.
    ///
    /// # Errors
    /// [`BadTopicSettings`].
    pub fn names(&self) -> Result<TopicNames, BadTopicSettings> {
        let counts = [
            self.replication_factor,
            self.min_insync_replicas,
            self.partner_partitions,
            self.platform_partitions,
            self.registrations_partitions,
            self.partner_retention_days,
            self.platform_retention_days,
            self.tombstone_retention_days,
        ];
        if counts.contains(&0) {
            return Err(BadTopicSettings::Zero);
        }
        if self.min_insync_replicas > self.replication_factor {
            return Err(BadTopicSettings::MoreInSyncThanReplicas);
        }
        if !self.partner_principal.contains("{partner}") {
            return Err(BadTopicSettings::OnePrincipalForAll);
        }
        let unquotable = |c: char| c == '\'' || c.is_control();
        if self.partner_principal.contains(unquotable) || self.relay_principal.contains(unquotable)
        {
            return Err(BadTopicSettings::UnquotablePrincipal);
        }
        Ok(TopicNames::try_new(&self.prefix)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut TopicSettings)) -> BadTopicSettings {
        let mut settings = TopicSettings::default();
        change(&mut settings);
        settings.names().unwrap_err()
    }

    #[test]
    fn settings_that_make_no_topics_are_refused() {
        assert!(TopicSettings::default().names().is_ok());
        assert_eq!(
            refused(|it| it.partner_partitions = 0),
            BadTopicSettings::Zero
        );
        assert_eq!(
            refused(|it| it.min_insync_replicas = 4),
            BadTopicSettings::MoreInSyncThanReplicas
        );
        assert_eq!(
            refused(|it| it.partner_principal = "User:all".to_owned()),
            BadTopicSettings::OnePrincipalForAll
        );
        assert_eq!(
            refused(|it| it.relay_principal = "User:'".to_owned()),
            BadTopicSettings::UnquotablePrincipal
        );
        assert!(matches!(
            refused(|it| it.prefix = "a.b".to_owned()),
            BadTopicSettings::Prefix(_)
        ));
    }
}
