//! A command of the caller's, run to its end in the midst of what was started for it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use crate::watchdog::{Signal, Target, Watchdog};

/// Why the command could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line is empty.
    #[error("no command given")]
    Missing,
    /// The command can't be started or waited for.
    #[error("{command}: {source}")]
    Failed {
        /// The program.
        command: String,
        /// The system's error.
        source: io::Error,
    },
}

/// Runs a command with one environment variable set. Ctrl-C and SIGTERM are passed on to it and
/// all that it started; it ends with this process at the latest.
///
/// Returns its exit code; 128 and the signal's number where a signal ended it.
///
/// # Errors
/// Where it can't be run.
pub async fn run_to_end(
    command: &[String],
    variable: &str,
    value: impl AsRef<OsStr>,
) -> Result<ExitCode, CommandError> {
    run_to_end_with(command, &[(variable, value.as_ref())]).await
}

/// The same with any number of variables, as pairs of name and value.
///
/// # Errors
/// Where it can't be run.
pub async fn run_to_end_with(
    command: &[String],
    variables: &[(&str, &OsStr)],
) -> Result<ExitCode, CommandError> {
    let (program, arguments) = command.split_first().ok_or(CommandError::Missing)?;
    wait_for(program, arguments, variables)
        .await
        .map(exit_code)
        .map_err(|source| CommandError::Failed {
            command: program.clone(),
            source,
        })
}

async fn wait_for(
    program: &str,
    arguments: &[String],
    variables: &[(&str, &OsStr)],
) -> io::Result<ExitStatus> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let watchdog = Watchdog::start()?;
    // A group of its own: one signal reaches the test programs that cargo started, too.
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .process_group(0)
        .spawn()?;
    let target = child.id().map(Target::Group);
    if let Some(target) = target {
        watchdog.watch(target, Signal::Terminate)?;
    }
    let status = loop {
        let passed_on = tokio::select! {
            status = child.wait() => break status?,
            _ = interrupts.recv() => Signal::Interrupt,
            _ = terminations.recv() => Signal::Terminate,
        };
        if let Some(target) = target {
            watchdog.signal(target, passed_on)?;
        }
    };
    if let Some(target) = target {
        // What it left running has no use for what was started for it.
        watchdog.signal(target, Signal::Terminate)?;
        watchdog.forget(target)?;
    }
    Ok(status)
}

/// As a shell reports it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
