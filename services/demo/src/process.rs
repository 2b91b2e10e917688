//! A service as a child process.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::places::service_executable;
use crate::private_file::write_private;
use crate::watchdog::{Signal, Target, Watchdog};

/// A service that has not ended by then is killed.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// How a service is started, and started again.
#[derive(Debug, Clone)]
pub struct ServiceCommand {
    /// The executable's name.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Added to its environment: what must not stand in a process list.
    pub environment: Vec<(&'static str, String)>,
    /// Its log, appended to: a service that is started again must not hide why the last one ended.
    pub log: PathBuf,
    /// The file with its process id.
    pub pid_file: PathBuf,
}

impl ServiceCommand {
    /// Runs it to its end; returns what it printed.
    ///
    /// # Errors
    /// Where it can't be run or fails: then with the end of its standard error.
    pub async fn run_to_end(&self) -> io::Result<Vec<u8>> {
        let output = Command::new(service_executable(self.name)?)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let command = format!("{} {}", self.name, self.arguments.join(" "));
        Err(io::Error::other(format!(
            "`{command}` {}: {}",
            output.status,
            errors.trim()
        )))
    }

    /// Starts it; it ends with this process at the latest.
    ///
    /// # Errors
    /// Where it has not been built or can't be started.
    pub fn start(&self, watchdog: &Arc<Watchdog>) -> io::Result<Service> {
        let (output, errors) = self.open_log()?;
        let child = Command::new(service_executable(self.name)?)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C is for this process, which then stops the services in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child
            .id()
            .ok_or_else(|| io::Error::other("it ended at once"))?;
        let target = Target::Group(pid);
        watchdog.watch(target, Signal::Terminate)?;
        write_private(&self.pid_file, &pid.to_string())?;
        Ok(Service {
            command: self.clone(),
            child,
            target,
            watchdog: Arc::clone(watchdog),
        })
    }

    fn open_log(&self) -> io::Result<(File, File)> {
        let output = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let errors = output.try_clone()?;
        Ok((output, errors))
    }
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    command: ServiceCommand,
    child: Child,
    target: Target,
    watchdog: Arc<Watchdog>,
}

impl Service {
    /// How it was started.
    pub fn command(&self) -> &ServiceCommand {
        &self.command
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// Where the system can't tell.
    pub fn find_end(&mut self) -> io::Result<Option<ExitStatus>> {
        let ended = self.child.try_wait()?;
        if ended.is_some() {
            self.watchdog.forget(self.target)?;
        }
        Ok(ended)
    }

    /// Asks it to end and waits; kills it after 10 seconds.
    pub async fn stop(mut self) {
        let asked = self.watchdog.signal(self.target, Signal::Terminate);
        let stopped = asked.is_ok() && timeout(STOPPED_WITHIN, self.child.wait()).await.is_ok();
        if !stopped {
            drop(self.child.kill().await);
        }
        drop(self.watchdog.forget(self.target));
        drop(fs::remove_file(&self.command.pid_file));
    }
}
