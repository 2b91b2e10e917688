//! `demo with-postgres -- COMMAND`: a command with a PostgreSQL of its own.

use std::process::ExitCode;

use crate::command::{CommandError, run_to_end};
use crate::postgres::{PostgresError, Server, TEST_URL_VARIABLE};

/// Why the command could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum WithPostgresError {
    /// There is no PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The command can't be run.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Runs `command` with `RENKEI_TEST_DATABASE_URL` set to a superuser's URL: the one already in the
/// environment, else that of a private server, which is stopped afterwards.
///
/// Returns the command's exit code; 128 and the signal's number where a signal ended it.
///
/// # Errors
/// Where there is no PostgreSQL, or the command can't be run.
pub async fn run(command: &[String]) -> Result<ExitCode, WithPostgresError> {
    let server = Server::for_tests()?;
    Ok(run_to_end(command, TEST_URL_VARIABLE, server.admin_url()).await?)
}
