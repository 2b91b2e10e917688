//! Why the demonstration could not run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::afterwards::AfterwardsError;
use crate::agent::browser::BrowserError;
use crate::agent::partner::PartnerError;
use crate::agent::walk::WalkError;
use crate::certificates::CertificateError;
use crate::command::CommandError;
use crate::postgres::PostgresError;

/// Why the demonstration could not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another one runs from the same directory.
    #[error(
        "a demonstration is running from {} already; DEMO_DIR=DIRECTORY and PORT_BASE=n let \
         another run beside it",
        .0.display()
    )]
    Running(PathBuf),
    /// Something else listens on its ports.
    #[error("in use already: {}; PORT_BASE=n adds n to every port", list(.0))]
    PortsTaken(Vec<SocketAddr>),
    /// There is no PostgreSQL, or it refuses.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The mock broker did not start.
    #[error("librdkafka's mock broker: {0}")]
    MockKafka(#[from] rdkafka::error::KafkaError),
    /// A service can't be started.
    #[error("{name}: {source}")]
    Service {
        /// Its name.
        name: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A service ended, or is not healthy in time.
    #[error("{name} {reason}; the end of {}:\n{tail}", log.display())]
    Unhealthy {
        /// Its name.
        name: &'static str,
        /// What happened.
        reason: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
    /// A file or a command.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The certificates can't be made or read.
    #[error("the certificates: {0}")]
    Certificates(#[from] CertificateError),
    /// An address that is no URL.
    #[error("an address: {0}")]
    Address(#[from] url::ParseError),
    /// A partner's client can't be made.
    #[error("a partner's client: {0}")]
    Partner(#[from] PartnerError),
    /// A browser can't be made.
    #[error("the browser: {0}")]
    Browser(#[from] BrowserError),
    /// The caller's command can't be run.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// A walk through the seven steps went wrong.
    #[error("the walk: {0}")]
    Walk(#[from] WalkError),
    /// What comes after the seven steps went wrong.
    #[error("after the walk: {0}")]
    Afterwards(#[from] AfterwardsError),
}

impl RunError {
    /// Says what was being done when the system returned an error.
    pub(crate) fn io(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| RunError::Io { what, source }
    }
}

fn list(addresses: &[SocketAddr]) -> String {
    addresses
        .iter()
        .map(SocketAddr::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
