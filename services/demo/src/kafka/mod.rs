//! Apache Kafka for the tests: a broker that is given, else a private one.
//!
//! A broker that is given always wins, and then none is started. A private one is the real thing:
//! Apache's own jars, fetched by Maven and pinned by their hashes, on the machine's Java; else
//! Apache's image, where Docker runs; else Debian's packages of Java and Maven are installed.

mod committed;
mod error;
mod jars;
mod java;
mod private;
mod protocol;
mod security;
mod settings;

use std::env;
use std::sync::OnceLock;

pub use self::committed::{CommittedRecord, read_committed};
pub use self::error::KafkaError;
pub use self::java::Java;
pub use self::private::{PrivateKafka, PrivateOptions};
pub use self::security::User;

/// Names the broker for the tests: `host:port` of a listener that asks for no credentials.
pub const BOOTSTRAP_VARIABLE: &str = "KAFKA_BOOTSTRAP";

/// A broker to use.
#[derive(Debug)]
pub enum Kafka {
    /// Given by its `host:port`; never stopped from here.
    Given(String),
    /// Started from here.
    Private(Box<PrivateKafka>),
}

impl Kafka {
    /// The broker of `KAFKA_BOOTSTRAP`, else a private one.
    ///
    /// # Errors
    /// Where none is given and none can be started.
    pub fn for_tests() -> Result<Self, KafkaError> {
        match env::var(BOOTSTRAP_VARIABLE) {
            Ok(given) if !given.is_empty() => Ok(Kafka::Given(given)),
            _ => {
                let options = PrivateOptions {
                    name: "test".to_owned(),
                    users: Vec::new(),
                };
                PrivateKafka::start(&options).map(|broker| Kafka::Private(Box::new(broker)))
            }
        }
    }

    /// `host:port` of the listener that asks for no credentials.
    pub fn bootstrap(&self) -> String {
        match self {
            Kafka::Given(bootstrap) => bootstrap.clone(),
            Kafka::Private(broker) => broker.bootstrap(),
        }
    }
}

/// The one broker of this test process, started at the first call unless `KAFKA_BOOTSTRAP` names
/// one: its `host:port`. Tests share it and keep apart by the names of their topics.
///
/// It stops and its files go when the process ends. The first call blocks for some seconds.
///
/// # Errors
/// What starting it failed with, the same at every call.
pub fn test_bootstrap() -> Result<String, &'static KafkaError> {
    // A static is never dropped: the broker's watchdog stops it.
    static BROKER: OnceLock<Result<Kafka, KafkaError>> = OnceLock::new();
    BROKER
        .get_or_init(Kafka::for_tests)
        .as_ref()
        .map(Kafka::bootstrap)
}
