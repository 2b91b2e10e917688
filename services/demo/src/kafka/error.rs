//! What can go wrong between "nothing installed" and a broker that answers.

use std::io;
use std::path::PathBuf;

/// Why there is no Apache Kafka to use.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// Neither Java with Maven nor Docker, and no way to get them.
    #[error(
        "Apache Kafka for the tests needs Java 17 or later with Maven, or Docker ({tried}).\n\
         Install them and try again:\n  \
         Debian, Ubuntu:  sudo apt-get install -y --no-install-recommends maven default-jre-headless\n  \
         macOS:           brew install openjdk maven\n\
         or point KAFKA_BOOTSTRAP at a running broker (host:port)."
    )]
    NotFound {
        /// What was tried, and how it ended.
        tried: String,
    },
    /// A jar is not the one that this repository names, or is missing.
    #[error("{jar} is not what services/demo/kafka/SHA256SUMS says: {reason}")]
    Jar {
        /// Its file name.
        jar: String,
        /// What is different.
        reason: String,
    },
    /// A command of the operating system or of Kafka failed.
    #[error("`{command}` failed: {output}")]
    Command {
        /// The program, or Kafka's Java class.
        command: String,
        /// The end of what it printed, or why it could not be run.
        output: String,
    },
    /// The broker ended, or did not get ready in time.
    #[error("Apache Kafka did not start; the end of {}:\n{tail}", log.display())]
    Start {
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A program of Kafka's printed what is not its format.
    #[error("{program} printed `{line}`")]
    Printed {
        /// The program.
        program: &'static str,
        /// The line.
        line: String,
    },
    /// A file or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The system's error.
        source: io::Error,
    },
}

/// Says what was being done when the system returned an error.
pub(super) trait While<T> {
    /// `what`: the sentence before the colon.
    fn while_(self, what: impl FnOnce() -> String) -> Result<T, KafkaError>;
}

impl<T> While<T> for io::Result<T> {
    fn while_(self, what: impl FnOnce() -> String) -> Result<T, KafkaError> {
        self.map_err(|source| KafkaError::Io {
            what: what(),
            source,
        })
    }
}
