//! A PostgreSQL server of our own: a child process on a free loopback port, with a random
//! superuser password, in a directory that only its account can enter.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::distr::Alphanumeric;

use super::account::Account;
use super::binaries::Binaries;
use super::error::{PostgresError, While};
use super::memory;
use super::provision::{find_or_install, last_lines, run};
use crate::places::target_directory;
use crate::private_file::write_private;
use crate::watchdog::{Signal, Target, Watchdog};

/// The server's superuser.
const SUPERUSER: &str = "postgres";
/// Without what makes a server outlive a loss of power, and with a bound to the log that is in memory.
const FLEETING: [&str; 3] = ["fsync=off", "full_page_writes=off", "max_wal_size=256MB"];
/// Crash recovery of a kept state is part of it.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// After a kill -9 the previous server may take this long to be gone (and reaped).
const PREDECESSOR_GONE_WITHIN: Duration = Duration::from_secs(20);
/// A fast shutdown writes a checkpoint.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// Another process may take the free port before the server does.
const PORT_ATTEMPTS: u32 = 5;
const POLL: Duration = Duration::from_millis(20);

/// What a server's data directory holds when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nothing; deleted at the end.
    Fresh,
    /// The same, in memory where there is enough of it, and never waiting for the disk: nobody reads the
    /// data after a loss of power. Who is connected sees no difference, and a session or a client that is
    /// killed loses nothing either way.
    Fleeting,
    /// What the last server of the same name and for the same directory left. The directory is
    /// only a name here; an absolute path.
    KeptFor(PathBuf),
}

/// How to start a private server.
#[derive(Debug, Clone)]
pub struct PrivateOptions {
    /// Part of its directory's name, `demo` for example.
    pub name: String,
    /// Fresh or kept.
    pub state: State,
    /// The server's log; in its own directory where `None`.
    pub log: Option<PathBuf>,
}

/// A running server; dropping it stops it, and the end of this process does too.
#[derive(Debug)]
pub struct PrivateServer {
    process: Child,
    watchdog: Watchdog,
    binaries: Binaries,
    port: u16,
    password: String,
    directory: PathBuf,
}

impl PrivateServer {
    /// Finds (or installs) PostgreSQL and starts it.
    ///
    /// Blocks for about a second, or for as long as an installation takes.
    ///
    /// # Errors
    /// Where there are no binaries to use, or the server does not get ready.
    pub fn start(options: &PrivateOptions) -> Result<Self, PostgresError> {
        Self::start_with(options, &[])
    }

    /// The same with settings, each `name=value`, which win over its own.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(options: &PrivateOptions, settings: &[&str]) -> Result<Self, PostgresError> {
        let target = target_directory().while_(|| "finding cargo's target directory".to_owned())?;
        let account = Account::find()?;
        let binaries = find_or_install(account, &target.join("tools"))?;
        let directory = directory_for(options, account, &target);
        let watchdog = Watchdog::start().while_(|| "starting sh".to_owned())?;
        let mut own = Vec::new();
        if options.state == State::Fleeting {
            own.extend(FLEETING);
        }
        let cluster = Cluster {
            account,
            binaries,
            directory,
            watchdog,
            state: options.state.clone(),
            settings: own
                .iter()
                .chain(settings)
                .map(|&one| one.to_owned())
                .collect(),
        };
        let password = cluster.initialise()?;
        let log = options
            .log
            .clone()
            .unwrap_or_else(|| cluster.directory.join("postgresql.log"));
        let (process, port) = cluster.start_process(&log)?;
        Ok(Self {
            process,
            watchdog: cluster.watchdog,
            binaries: cluster.binaries,
            port,
            password,
            directory: cluster.directory,
        })
    }

    /// The superuser's URL, with the database `postgres`.
    pub fn admin_url(&self) -> String {
        let Self { password, port, .. } = self;
        format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/postgres?sslmode=disable")
    }

    /// For example `15.20`.
    pub fn version(&self) -> &str {
        self.binaries.version()
    }

    /// The programs that it is of: `pg_dump` of its version, for example.
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The directory with everything the server keeps.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Stops the server (its fast shutdown) and waits until it is gone.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for PrivateServer {
    fn drop(&mut self) {
        let target = Target::Process(self.process.id());
        let asked = self.watchdog.signal(target, Signal::Interrupt);
        let stopped = asked.is_ok() && ended_within(&mut self.process, STOPPED_WITHIN);
        if !stopped {
            drop(self.process.kill());
            drop(self.process.wait());
        }
        drop(self.watchdog.forget(target));
        // A fresh state's directory is on the watchdog's list and goes when that is dropped.
    }
}

/// The directory of a server to be started, and what is needed to start it.
struct Cluster {
    account: Account,
    binaries: Binaries,
    directory: PathBuf,
    watchdog: Watchdog,
    state: State,
    settings: Vec<String>,
}

impl Cluster {
    /// Runs `initdb` where there is no data yet; returns the superuser's password.
    fn initialise(&self) -> Result<String, PostgresError> {
        let password_file = self.directory.join("password");
        if self.data().join("PG_VERSION").is_file() {
            return fs::read_to_string(&password_file)
                .while_(|| format!("reading {}", password_file.display()));
        }
        if matches!(self.state, State::Fresh | State::Fleeting) {
            self.watchdog
                .remove(&self.directory)
                .while_(|| "ordering the removal of the data".to_owned())?;
        } else if self.directory.exists() {
            // An initdb that was interrupted.
            fs::remove_dir_all(&self.directory)
                .while_(|| format!("removing {}", self.directory.display()))?;
        }
        if let Some(parent) = self.directory.parent() {
            fs::create_dir_all(parent).while_(|| format!("creating {}", parent.display()))?;
        }
        self.account.create_directory(&self.directory)?;
        let password: String = rand::rng()
            .sample_iter(Alphanumeric)
            .take(32)
            .map(char::from)
            .collect();
        write_private(&password_file, &password)
            .while_(|| format!("writing {}", password_file.display()))?;
        self.account.give(&password_file)?;
        run(self
            .account
            .command(&self.binaries.program("initdb"), &self.directory)
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", SUPERUSER, "--auth=scram-sha-256"])
            .arg("--pwfile")
            .arg(&password_file)
            .args(["--encoding=UTF8", "--locale=C", "--no-instructions"]))?;
        Ok(password)
    }

    /// Starts `postgres` and waits until it accepts connections; returns it and its port.
    fn start_process(&self, log: &Path) -> Result<(Child, u16), PostgresError> {
        let started = Instant::now();
        let mut ports_left = PORT_ATTEMPTS;
        loop {
            let port = free_port()?;
            let mut process = self.spawn(port, log)?;
            let target = Target::Process(process.id());
            self.watchdog
                .watch(target, Signal::Interrupt)
                .while_(|| "registering PostgreSQL with its watchdog".to_owned())?;
            if self.becomes_ready(&mut process)? {
                return Ok((process, port));
            }
            drop(process.kill());
            drop(process.wait());
            drop(self.watchdog.forget(target));
            let text = fs::read_to_string(log).unwrap_or_default();
            let predecessor = text.contains("lock file \"postmaster.pid\" already exists")
                || text.contains("pre-existing shared memory block");
            let port_taken = text.contains("Address already in use");
            if predecessor && started.elapsed() < PREDECESSOR_GONE_WITHIN {
                thread::sleep(Duration::from_millis(500));
            } else if port_taken && ports_left > 1 {
                ports_left -= 1;
            } else {
                return Err(PostgresError::Start {
                    log: log.to_owned(),
                    tail: last_lines(&text),
                });
            }
        }
    }

    fn spawn(&self, port: u16, log: &Path) -> Result<Child, PostgresError> {
        let opening = || format!("opening {}", log.display());
        let output = File::create(log).while_(opening)?;
        let errors = output.try_clone().while_(opening)?;
        self.account
            .command(&self.binaries.program("postgres"), &self.directory)
            .arg("-D")
            .arg(self.data())
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                &format!("port={port}"),
            ])
            // A socket's path is limited to 107 bytes; a checkout's may be longer.
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "max_connections=300", "-c", "shared_buffers=64MB"])
            .args(["-c", "timezone=UTC", "-c", "log_timezone=UTC"])
            // The last one of a name counts.
            .args(self.settings.iter().flat_map(|setting| ["-c", setting]))
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C is for this process, which then stops the server in its turn.
            .process_group(0)
            .spawn()
            .while_(|| "starting postgres".to_owned())
    }

    /// Whether the server accepts connections; `false` where it ended or took too long.
    fn becomes_ready(&self, process: &mut Child) -> Result<bool, PostgresError> {
        let started = Instant::now();
        let pid = process.id().to_string();
        let status_file = self.data().join("postmaster.pid");
        while started.elapsed() < READY_WITHIN {
            if process
                .try_wait()
                .while_(|| "waiting for postgres".to_owned())?
                .is_some()
            {
                return Ok(false);
            }
            // Line 1 is the process id, line 8 the status: what pg_ctl looks at, too.
            let status = fs::read_to_string(&status_file).unwrap_or_default();
            let mut lines = status.lines();
            if lines.next() == Some(&pid) && lines.nth(6).map(str::trim_end) == Some("ready") {
                return Ok(true);
            }
            thread::sleep(POLL);
        }
        Ok(false)
    }

    fn data(&self) -> PathBuf {
        self.directory.join("data")
    }
}

/// Under `target/`; but where root starts the server the server's account has to reach it, so
/// under `/var/tmp`, which survives a restart of the machine. What is fleeting is in memory, if it can be.
fn directory_for(options: &PrivateOptions, account: Account, target: &Path) -> PathBuf {
    let on_disk = || match account {
        Account::Own(_) => target.join("postgres"),
        Account::Ordinary { .. } => PathBuf::from("/var/tmp"),
    };
    let parent = match &options.state {
        State::Fleeting => memory::directory().unwrap_or_else(on_disk),
        State::Fresh | State::KeptFor(_) => on_disk(),
    };
    let suffix = match &options.state {
        State::Fresh | State::Fleeting => {
            format!("{}-{:08x}", std::process::id(), rand::rng().random::<u32>())
        }
        State::KeptFor(owner) => {
            let mut hasher = DefaultHasher::new();
            owner.hash(&mut hasher);
            format!("{:016x}", hasher.finish())
        }
    };
    parent.join(format!("renkei-{}-{suffix}", options.name))
}

fn free_port() -> Result<u16, PostgresError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .while_(|| "looking for a free port".to_owned())
}

/// Whether the process ends (and is reaped) in time.
fn ended_within(process: &mut Child, limit: Duration) -> bool {
    let started = Instant::now();
    while started.elapsed() < limit {
        match process.try_wait() {
            Ok(None) => thread::sleep(POLL),
            Ok(Some(_)) => return true,
            Err(_) => return false,
        }
    }
    false
}
