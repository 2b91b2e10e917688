//! What keeps the publisher from publishing, told so that the setting to mend is in it.

use public_events::topics::TopicNames;
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

use crate::parking::Cause;

/// Why a session of the publisher ended. Nothing is lost by any of them: the log stays, and the next
/// session begins at what the offset topic says.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// No broker answers.
    #[error("kafka.bootstrap: no broker of {bootstrap} answers ({why})")]
    Unreachable {
        /// The setting.
        bootstrap: String,
        /// The client's last words.
        why: String,
    },
    /// The broker does not believe us.
    #[error("kafka.sasl: the broker refuses these credentials ({0})")]
    Credentials(String),
    /// The connection can't be encrypted.
    #[error("kafka.tls: {0}")]
    Tls(String),
    /// A topic that every event needs.
    #[error("topics.prefix: there is no topic {0}; run `consent-relay topics apply`")]
    MissingTopic(String),
    /// The offset topic has a wrong shape.
    #[error(
        "the topic {topic} has {partitions} partitions and must have exactly 1: the relay's position would have no order"
    )]
    OffsetPartitions {
        /// The topic.
        topic: String,
        /// How many it has.
        partitions: usize,
    },
    /// The relay may not do that.
    #[error(
        "kafka.sasl: the cluster does not allow the relay to {0}; `consent-relay topics print` shows the rights that it needs"
    )]
    Forbidden(String),
    /// The offset topic holds something that we did not write.
    #[error("the topic {topic} holds a record that is no position of a relay: {why}")]
    Position {
        /// The topic.
        topic: String,
        /// Where and why.
        why: String,
    },
    /// What was published is not in this database.
    #[error(
        "number {number} was published as event {published}, and this database's log has {logged} there: \
         it was restored to before that, or the settings name another system's topics. See docs/relay.md, \
         Restore, and then `consent-relay epoch advance`"
    )]
    Diverged {
        /// The last number that was published.
        number: i64,
        /// Its event.
        published: uuid::Uuid,
        /// What the log has.
        logged: String,
    },
    /// What comes next is in the database no more.
    #[error(
        "the log is archived up to {archived_to}, and Kafka has it up to {published}: what is between can be \
         read from the archive's files only. publisher.begin_after = {archived_to} goes on without it. See \
         docs/relay.md, Archiving"
    )]
    Archived {
        /// The last number that is in Kafka; 0: none.
        published: i64,
        /// The last number that the log has no more.
        archived_to: i64,
    },
    /// Another producer took the transactional id.
    #[error(
        "kafka.transactional_id: another producer with the same id took over ({0}); only one system may \
         use it"
    )]
    Fenced(String),
    /// Nobody knows whether the transaction was committed; the offset topic will tell.
    #[error(
        "the outcome of a Kafka transaction is unknown ({0}); beginning anew from the offset topic"
    )]
    UnknownOutcome(String),
    /// The term ended.
    #[error("the lease is over")]
    TermOver,
    /// The database's.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// A thread of ours ended before its time.
    #[error("a blocking task failed: {0}")]
    Task(#[from] tokio::task::JoinError),
    /// Anything else that Kafka's client says.
    #[error("Kafka: {0}")]
    Kafka(#[from] KafkaError),
}

impl Problem {
    /// More was produced at once than the client's bounded queue holds.
    pub(super) fn is_full_queue(&self) -> bool {
        matches!(self, Self::Kafka(error) if error.rdkafka_error_code() == Some(Code::QueueFull))
    }

    /// For the metric.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Credentials(_) => "credentials",
            Self::Tls(_) => "tls",
            Self::MissingTopic(_) => "missing_topic",
            Self::OffsetPartitions { .. } | Self::Position { .. } => "offset_topic",
            Self::Forbidden(_) => "forbidden",
            Self::Diverged { .. } => "diverged",
            Self::Archived { .. } => "archived",
            Self::Fenced(_) => "fenced",
            Self::UnknownOutcome(_) => "unknown_outcome",
            Self::TermOver => "term_over",
            Self::Database(_) => "database",
            Self::Task(_) => "task",
            Self::Kafka(_) => "kafka",
        }
    }
}

/// Whether a record was refused for good, and so why its event stands still.
pub(super) fn refusal(code: Code) -> Option<Cause> {
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge => {
            Some(Cause::TooLarge)
        }
        Code::InvalidMessage
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::PolicyViolation => Some(Cause::Invalid),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            Some(Cause::MissingTopic)
        }
        Code::TopicAuthorizationFailed => Some(Cause::Forbidden),
        _ => None,
    }
}

/// What an operator changes so that the record is taken.
pub(super) fn remedy(cause: Cause) -> &'static str {
    match cause {
        Cause::TooLarge => {
            "more than kafka.record_bytes_max or the topic's max.message.bytes allows"
        }
        Cause::MissingTopic => "run `consent-relay topics apply`",
        Cause::Forbidden => "`consent-relay topics print` shows the rights that the relay needs",
        Cause::Invalid | Cause::Untranslatable => "another release may be needed",
    }
}

/// A refusal at a topic that every event needs is nobody's poison: the whole relay waits.
pub(super) fn of_every_event(topics: &TopicNames, topic: &str, cause: Cause) -> Option<Problem> {
    let shared = [topics.platform(), topics.offsets(), topics.registrations()];
    match cause {
        Cause::MissingTopic if shared.iter().any(|name| name == topic) => {
            Some(Problem::MissingTopic(topic.to_owned()))
        }
        Cause::Forbidden if shared.iter().any(|name| name == topic) => {
            Some(Problem::Forbidden(format!("write to {topic}")))
        }
        _ => None,
    }
}

/// The client's word for it, sorted by what an operator would change.
pub(super) fn of_client(
    error: KafkaError,
    last_words: Option<(Code, String)>,
    bootstrap: &str,
) -> Problem {
    let code = error.rdkafka_error_code();
    let text = error.to_string();
    let (asked, why) = match (code, last_words) {
        // A time-out says nothing; what the client met meanwhile does.
        (
            Some(Code::OperationTimedOut | Code::BrokerTransportFailure | Code::AllBrokersDown)
            | None,
            Some((met, why)),
        ) => (Some(met), why),
        (code, _) => (code, text),
    };
    match asked {
        Some(Code::Authentication | Code::SaslAuthenticationFailed) => Problem::Credentials(why),
        Some(Code::SSL) => Problem::Tls(why),
        Some(
            Code::OperationTimedOut
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve,
        ) => Problem::Unreachable {
            bootstrap: bootstrap.to_owned(),
            why,
        },
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
            Problem::Fenced(why)
        }
        Some(Code::TransactionalIdAuthorizationFailed) => {
            Problem::Forbidden("use its transactional id".to_owned())
        }
        Some(Code::ClusterAuthorizationFailed) => {
            Problem::Forbidden("write idempotently".to_owned())
        }
        Some(Code::GroupAuthorizationFailed) => {
            Problem::Forbidden("read with its group".to_owned())
        }
        Some(Code::TopicAuthorizationFailed) => Problem::Forbidden(format!("use a topic ({why})")),
        _ => Problem::Kafka(error),
    }
}
