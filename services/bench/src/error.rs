use std::path::PathBuf;

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Figures of this machine, now, would mean nothing.
    #[error("no figures, for the machine is not quiet:\n{}", .0.iter().map(|why| format!("  {why}")).collect::<Vec<_>>().join("\n"))]
    Noisy(Vec<String>),
    /// Built for debugging.
    #[error("build with --release: figures of a debug build mean nothing")]
    DebugBuild,
    /// PostgreSQL's own load generator is not there.
    #[error(
        "{} is missing. It belongs to PostgreSQL's programs (Debian: the package postgresql-15 or \
         later; Homebrew: postgresql@17); PG_BINDIR names a directory that has it.", .0.display()
    )]
    NoPgbench(PathBuf),
    /// pgbench failed.
    #[error("pgbench: {0}")]
    Pgbench(String),
    /// The server would not write durably.
    #[error("PostgreSQL's {0} is {1}: nothing durable would be measured")]
    NotDurable(&'static str, String),
    /// The server could not be started.
    #[error(transparent)]
    Postgres(#[from] demo::postgres::PostgresError),
    /// The database could not be made.
    #[error(transparent)]
    Provision(#[from] consent::provision::ProvisionError),
    /// The service could not start.
    #[error(transparent)]
    Start(#[from] consent::startup::StartError),
    /// The broker could not be started.
    #[error(transparent)]
    Broker(#[from] demo::kafka::KafkaError),
    /// The relay could not start.
    #[error(transparent)]
    Relay(#[from] consent_relay::relay::StartError),
    /// The relay's topics could not be made.
    #[error(transparent)]
    Topics(#[from] consent_relay::topics::TopicsError),
    /// What Kafka's client says.
    #[error("Kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// A statement failed.
    #[error("PostgreSQL: {0}")]
    Database(#[from] sqlx::Error),
    /// A file or a process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The table could not be written.
    #[error(transparent)]
    Format(#[from] std::fmt::Error),
    /// What was measured did not do what it should.
    #[error("{0}")]
    Wrong(String),
}

impl BenchError {
    /// Of something that went wrong while it was measured.
    pub fn wrong(error: impl std::fmt::Display) -> Self {
        Self::Wrong(error.to_string())
    }
}
