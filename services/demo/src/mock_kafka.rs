//! librdkafka's mock cluster inside this process: brokers enough for a demonstration without Java.
//!
//! It takes transactions without doing them, keeps everything in memory and fences nobody. Nothing
//! about transactions is shown or tested on it; [`crate::kafka`] starts a real one for that.

use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::banks::BANKS;
use crate::partners::Partners;

/// The beginning of every topic's name, as the relay's settings have it by default.
const PREFIX: &str = "renkei";

/// The brokers; they end with this value.
pub struct MockKafka {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl MockKafka {
    /// Starts one broker on a free loopback port, without topics.
    ///
    /// # Errors
    /// librdkafka's.
    pub fn start() -> Result<Self, KafkaError> {
        MockCluster::new(1).map(|cluster| Self { cluster })
    }

    /// Makes the topics that `consent-relay topics apply` makes on a cluster: the mock has no answer to
    /// those requests. docs/events.md says what is in which.
    ///
    /// # Errors
    /// librdkafka's.
    pub fn make_topics(&self, partners: &Partners) -> Result<(), KafkaError> {
        for name in ["relay-offsets", "platform", "registrations"] {
            self.make_topic(&format!("{PREFIX}.{name}"))?;
        }
        for partner in partners.all() {
            for bank in BANKS {
                let (code, id) = (bank.code, partner.partner_id);
                self.make_topic(&format!("{PREFIX}.partner.{code}.{id}"))?;
            }
        }
        Ok(())
    }

    /// In one partition, on the one broker.
    fn make_topic(&self, name: &str) -> Result<(), KafkaError> {
        self.cluster.create_topic(name, 1, 1)
    }

    /// `host:port`.
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
