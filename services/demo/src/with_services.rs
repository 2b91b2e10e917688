//! `demo with-kafka -- COMMAND` and `demo with-services -- COMMAND`: a command with a Kafka, or
//! with a Kafka and a PostgreSQL, of its own.

use std::process::ExitCode;

use crate::command::{CommandError, run_to_end_with};
use crate::kafka::{BOOTSTRAP_VARIABLE, Kafka, KafkaError};
use crate::postgres::{PostgresError, Server, TEST_URL_VARIABLE};

/// Why the command could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum WithServicesError {
    /// There is no PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// There is no Kafka.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// The command can't be run.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Runs `command` with `KAFKA_BOOTSTRAP` set to a broker's `host:port`: the one already in the
/// environment, else that of a private broker, which is stopped afterwards.
///
/// Returns the command's exit code; 128 and the signal's number where a signal ended it.
///
/// # Errors
/// Where there is no Kafka, or the command can't be run.
pub async fn with_kafka(command: &[String]) -> Result<ExitCode, WithServicesError> {
    let kafka = Kafka::for_tests()?;
    Ok(run_to_end_with(command, &[(BOOTSTRAP_VARIABLE, kafka.bootstrap().as_ref())]).await?)
}

/// The same with `RENKEI_TEST_DATABASE_URL`, too.
///
/// # Errors
/// Where there is no PostgreSQL or no Kafka, or the command can't be run.
pub async fn with_services(command: &[String]) -> Result<ExitCode, WithServicesError> {
    let server = Server::for_tests()?;
    let kafka = Kafka::for_tests()?;
    let variables = [
        (TEST_URL_VARIABLE, server.admin_url()),
        (BOOTSTRAP_VARIABLE, kafka.bootstrap()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_ref()));
    Ok(run_to_end_with(command, &variables).await?)
}
