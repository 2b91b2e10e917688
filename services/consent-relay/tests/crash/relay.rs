//! The relay as a process of its own, which a test kills, stops and asks.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Ends with its value at the latest.
pub struct Relay {
    process: Child,
    pub instance: String,
    log: PathBuf,
    operators: u16,
}

/// What the relay's settings file says.
#[derive(Debug, Clone)]
pub struct Settings {
    pub directory: PathBuf,
    pub database_url: String,
    pub bootstrap: String,
    pub prefix: String,
    pub lease: Duration,
    /// Further lines for the table `[kafka]`, and tables after it.
    pub kafka: String,
}

impl Settings {
    /// Writes the file of an instance.
    pub fn write(&self, instance: &str, operators: u16) -> PathBuf {
        let Self {
            database_url,
            bootstrap,
            prefix,
            kafka,
            ..
        } = self;
        let lease = self.lease.as_millis();
        let path = self.directory.join(format!("{instance}.toml"));
        let text = format!(
            "public_url = \"https://consent.example\"
             operator_listen = \"127.0.0.1:{operators}\"
             database_url = \"{database_url}\"
             key_encryption_key = \"{}\"
             instance = \"{instance}\"
             [sequencer]
             lease_milliseconds = {lease}
             poll_milliseconds = 5
             [publisher]
             batch_max = 100
             [topics]
             prefix = \"{prefix}\"
             replication_factor = 1
             min_insync_replicas = 1
             partner_partitions = 3
             platform_partitions = 3
             registrations_partitions = 3
             [kafka]
             bootstrap = \"{bootstrap}\"
             {kafka}
            ",
            super::bench::KEY_ENCRYPTION_KEY
        );
        fs::write(&path, text).expect("the settings are written");
        path
    }

    /// Runs a subcommand to its end; its status and what it printed.
    pub fn run(&self, arguments: &[&str]) -> (ExitStatus, String) {
        let path = self.write("command", 0);
        let output = command()
            .args(arguments)
            .env("RENKEI_RELAY_CONFIG", path)
            .output()
            .expect("runs");
        let printed = [output.stdout, output.stderr].concat();
        (
            output.status,
            String::from_utf8_lossy(&printed).into_owned(),
        )
    }

    pub fn start(&self, instance: &str) -> Relay {
        let operators = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let path = self.write(instance, operators);
        let log = self.directory.join(format!("{instance}.log"));
        // Appended to: the log of an instance that was killed before is of interest, too.
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log");
        let process = command()
            .args(["serve", "--config"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output)
            .spawn()
            .expect("the relay starts");
        Relay {
            process,
            instance: instance.to_owned(),
            log,
            operators,
        }
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consent-relay"));
    command.env("RUST_LOG", "info,librdkafka=warn");
    command
}

impl Relay {
    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().expect("kills");
        self.process.wait().expect("reaps");
    }

    /// SIGSTOP, SIGCONT or SIGTERM.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name])
            .arg(self.process.id().to_string())
            .status()
            .expect("sh runs");
        assert!(sent.success(), "SIG{name} is sent");
    }

    /// How it ended, if it has.
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("a child of this process")
    }

    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// The status of a path at the operators' listener, and the body.
    pub async fn ask(&self, path: &str) -> Option<(u16, String)> {
        tls::install();
        let answer = reqwest::get(format!("http://127.0.0.1:{}{path}", self.operators))
            .await
            .ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Waits for a condition that others bring about.
pub async fn until<F: Future<Output = bool>>(
    what: &str,
    within: Duration,
    condition: impl Fn() -> F,
) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < within, "not within {within:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
