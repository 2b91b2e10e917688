//! PostgreSQL's own load generator: what the database does for a client that does nothing else.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use async_trait::async_trait;
use demo::postgres::PrivateServer;
use tokio::process::Command;
use url::Url;

use crate::{error::BenchError, line::Contender};

/// pgbench with one script and a number of clients.
pub struct Pgbench {
    program: PathBuf,
    url: Url,
    script: String,
    clients: u32,
    /// Of a row that the script writes, where it writes.
    facts: BTreeMap<&'static str, f64>,
}

/// Where the server's pgbench is.
///
/// # Errors
/// [`BenchError::NoPgbench`].
pub fn find(server: &PrivateServer) -> Result<PathBuf, BenchError> {
    let program = server.binaries().program("pgbench");
    if program.is_file() {
        Ok(program)
    } else {
        Err(BenchError::NoPgbench(program))
    }
}

impl Pgbench {
    /// `url`: of a role that may do what the script says. A colon before a letter begins one of
    /// pgbench's variables, in strings too.
    pub fn new(program: PathBuf, url: Url, script: String, clients: u32) -> Self {
        Self {
            program,
            url,
            script,
            clients,
            facts: BTreeMap::new(),
        }
    }

    /// With a fact to report.
    pub fn with_fact(mut self, name: &'static str, value: f64) -> Self {
        self.facts.insert(name, value);
        self
    }

    async fn run(&self, seconds: u64) -> Result<String, BenchError> {
        let directory = demo::places::target_directory()?.join("bench");
        std::fs::create_dir_all(&directory)?;
        let script = directory.join(format!("script-{}.sql", uuid::Uuid::new_v4()));
        std::fs::write(&script, &self.script)?;
        let output = Command::new(&self.program)
            .args(["-h", self.url.host_str().unwrap_or_default()])
            .args(["-p", &self.url.port().unwrap_or(5432).to_string()])
            .args(["-U", self.url.username()])
            .args(["-n", "-M", "prepared"])
            .args(["-c", &self.clients.to_string()])
            .args(["-j", &self.clients.min(threads()).to_string()])
            .args(["-T", &seconds.to_string()])
            .arg("-f")
            .arg(&script)
            .arg(self.url.path().trim_start_matches('/'))
            .env("PGPASSWORD", self.url.password().unwrap_or_default())
            .kill_on_drop(true)
            .output()
            .await;
        std::fs::remove_file(&script)?;
        let output = output?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let printed = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(BenchError::Pgbench(printed))
        }
    }
}

/// One per core, as is usual.
fn threads() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(cores).unwrap_or(1)
}

#[async_trait(?Send)]
impl Contender for Pgbench {
    /// pgbench knows whole seconds only.
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        let printed = self.run(period.as_secs().max(1)).await?;
        parse_rate(&printed).ok_or(BenchError::Pgbench(printed))
    }

    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        let mut facts = self.facts.clone();
        facts.insert("clients", f64::from(self.clients));
        Ok(facts)
    }
}

/// From `tps = 1234.5 (without initial connection time)`.
fn parse_rate(printed: &str) -> Option<f64> {
    let line = printed.lines().find(|line| line.starts_with("tps = "))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_read_from_what_pgbench_prints() {
        let printed = "number of failed transactions: 0 (0.000%)\n\
                       latency average = 0.029 ms\n\
                       tps = 34748.604619 (without initial connection time)\n";
        assert_eq!(parse_rate(printed), Some(34748.604619));
        assert_eq!(parse_rate("pgbench (PostgreSQL) 15.18"), None);
    }
}
