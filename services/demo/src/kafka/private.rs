//! A broker of our own: a child process on free loopback ports, with a directory of its own.

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::{KafkaError, While};
use super::java::{Java, run};
use super::protocol;
use super::security::{Guard, User, container};
use super::settings::{LOG4J, Ports, server_properties};
use crate::places::target_directory;
use crate::postgres::last_lines;
use crate::private_file::write_private;
use crate::watchdog::{Signal, Target, Watchdog};

/// Recovery after a kill is part of it, and so are other builds on the same machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(20);
/// Another process may take a free port before the broker does.
const PORT_ATTEMPTS: u32 = 5;
const POLL: Duration = Duration::from_millis(20);

/// How to start a private broker.
#[derive(Debug, Clone, Default)]
pub struct PrivateOptions {
    /// Part of its directory's name, `test` for example.
    pub name: String,
    /// With users, the broker has a second listener, which asks for their credentials by
    /// SCRAM-SHA-512 inside TLS, and access control lists hold for them.
    pub users: Vec<User>,
}

/// A broker; dropping it stops it, and the end of this process does too.
#[derive(Debug)]
pub struct PrivateKafka {
    java: Java,
    /// `None` while it is stopped or killed.
    process: Option<Child>,
    /// Where it runs in an image.
    container: String,
    watchdog: Watchdog,
    directory: PathBuf,
    ports: Ports,
    guard: Option<Guard>,
}

impl PrivateKafka {
    /// Finds (or installs) Apache Kafka, formats a fresh directory and starts a broker on it.
    ///
    /// Blocks for about three seconds, or for as long as fetching takes.
    ///
    /// # Errors
    /// Where there is no Kafka to use, or it does not get ready.
    pub fn start(options: &PrivateOptions) -> Result<Self, KafkaError> {
        let java = find_java()?;
        let parent = cache()?.join("brokers");
        let name = format!(
            "renkei-{}-{}-{:08x}",
            options.name,
            std::process::id(),
            rand::random::<u32>()
        );
        let directory = parent.join(&name);
        let watchdog = Watchdog::start().while_(|| "starting sh".to_owned())?;
        watchdog
            .remove(&directory)
            .while_(|| "ordering the removal of the data".to_owned())?;
        fs::create_dir_all(&directory).while_(|| format!("creating {}", directory.display()))?;
        let guard = match options.users.as_slice() {
            [] => None,
            users => Some(Guard::create(&java, &directory, users)?),
        };
        let mut broker = Self {
            java,
            process: None,
            container: name,
            watchdog,
            directory,
            ports: free_ports()?,
            guard,
        };
        broker.format()?;
        let mut attempts_left = PORT_ATTEMPTS;
        loop {
            let outcome = broker.start_again();
            let port_taken = broker.log_text().contains("Address already in use");
            if outcome.is_ok() || !port_taken || attempts_left == 1 {
                return outcome.map(|()| broker);
            }
            attempts_left -= 1;
            broker.ports = free_ports()?;
            broker.write_settings()?;
        }
    }

    /// `host:port` of the listener that asks nothing.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.ports.plain)
    }

    /// `host:port` of the listener that asks for credentials, where there are users.
    pub fn guarded_bootstrap(&self) -> Option<String> {
        let port = self.ports.guarded;
        self.guard.as_ref().map(|_| format!("127.0.0.1:{port}"))
    }

    /// The certificate that clients of the guarded listener trust, in PEM.
    pub fn certificate(&self) -> Option<&Path> {
        self.guard.as_ref().map(|guard| guard.certificate.as_path())
    }

    /// The directory with everything the broker keeps.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts it on the same ports and data, after [`Self::stop`] or [`Self::kill`], and waits
    /// until it answers.
    ///
    /// # Errors
    /// Where it does not get ready.
    pub fn start_again(&mut self) -> Result<(), KafkaError> {
        let process = self.spawn()?;
        let target = Target::Process(process.id());
        self.process = Some(process);
        self.watchdog
            .watch(target, Signal::Terminate)
            .while_(|| "registering Kafka with its watchdog".to_owned())?;
        if self.becomes_ready()? {
            return Ok(());
        }
        let error = KafkaError::Start {
            log: self.log(),
            tail: last_lines(&self.log_text()),
        };
        self.kill();
        Err(error)
    }

    /// Stops it in order and waits until it is gone.
    pub fn stop(&mut self) {
        let Some(process) = &mut self.process else {
            return;
        };
        let target = Target::Process(process.id());
        let asked = self.watchdog.signal(target, Signal::Terminate);
        if asked.is_ok() && ended_within(process, STOPPED_WITHIN) {
            self.process = None;
            drop(self.watchdog.forget(target));
        } else {
            self.kill();
        }
    }

    /// Ends it as a power cut does (`kill -9`).
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        if let Java::Image { .. } = self.java {
            drop(self.send("KILL", &process));
        }
        drop(process.kill());
        drop(process.wait());
        drop(self.watchdog.forget(Target::Process(process.id())));
    }

    /// Makes it hang: connections stay, and nothing is answered.
    ///
    /// # Errors
    /// Where the signal can't be sent.
    pub fn pause(&self) -> Result<(), KafkaError> {
        self.send_running("STOP")
    }

    /// Lets it go on after [`Self::pause`].
    ///
    /// # Errors
    /// Where the signal can't be sent.
    pub fn resume(&self) -> Result<(), KafkaError> {
        self.send_running("CONT")
    }

    /// Whether it answers a request within a second.
    pub fn answers(&self) -> bool {
        protocol::answers(self.ports.plain)
    }

    /// Runs one of Kafka's own programs against the plain listener, for example
    /// `org.apache.kafka.tools.TopicCommand`; returns what it printed.
    ///
    /// # Errors
    /// Where it fails.
    pub fn tool(&self, main_class: &str, arguments: &[&str]) -> Result<String, KafkaError> {
        run(self
            .program(main_class)
            .args(["--bootstrap-server", &self.bootstrap()])
            .args(arguments))
    }

    /// The same against the guarded listener, as one of its users.
    ///
    /// # Errors
    /// Where it fails, and where there is no guarded listener.
    pub fn tool_as(
        &self,
        user: &User,
        main_class: &str,
        arguments: &[&str],
    ) -> Result<String, KafkaError> {
        let Some(guard) = &self.guard else {
            return Err(io::Error::from(io::ErrorKind::NotFound))
                .while_(|| "looking for the guarded listener".to_owned());
        };
        let file = self.directory.join(format!("{}.properties", user.name));
        write_private(&file, &guard.client_properties(user))
            .while_(|| format!("writing {}", file.display()))?;
        run(self
            .program(main_class)
            .arg("--bootstrap-server")
            .arg(format!("127.0.0.1:{}", self.ports.guarded))
            .arg("--command-config")
            .arg(file)
            .args(arguments))
    }

    /// Every message that the broker wrote to its log.
    pub fn log_text(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.directory.join("kafka.log")
    }

    fn properties(&self) -> PathBuf {
        self.directory.join("server.properties")
    }

    fn write_settings(&self) -> Result<(), KafkaError> {
        let text = server_properties(&self.directory, self.ports, self.guard.as_ref());
        let path = self.properties();
        write_private(&path, &text).while_(|| format!("writing {}", path.display()))
    }

    fn format(&self) -> Result<(), KafkaError> {
        self.write_settings()?;
        let log4j = self.directory.join("log4j2.properties");
        fs::write(&log4j, LOG4J).while_(|| format!("writing {}", log4j.display()))?;
        let cluster_id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let mut command = self.program("kafka.tools.StorageTool");
        command
            // One argument: an id may begin with `-`.
            .args(["format", &format!("--cluster-id={cluster_id}")])
            .arg("--config")
            .arg(self.properties());
        if let Some(guard) = &self.guard {
            command.args(guard.format_arguments());
        }
        run(&mut command).map(drop)
    }

    fn spawn(&self) -> Result<Child, KafkaError> {
        let log = self.log();
        let opening = || format!("opening {}", log.display());
        let output = File::create(&log).while_(opening)?;
        let errors = output.try_clone().while_(opening)?;
        let options = ["-Xms128m", "-Xmx512m", &self.log4j_option()];
        self.java
            .command("kafka.Kafka", &options, &self.directory, &self.container)
            .arg(self.properties())
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C is for this process, which then stops the broker in its turn.
            .process_group(0)
            .spawn()
            .while_(|| "starting Kafka".to_owned())
    }

    fn program(&self, main_class: &str) -> Command {
        let options = ["-Xmx128m", &self.log4j_option()];
        let name = container(&self.directory);
        self.java
            .command(main_class, &options, &self.directory, &name)
    }

    fn log4j_option(&self) -> String {
        let file = self.directory.join("log4j2.properties");
        format!("-Dlog4j2.configurationFile={}", file.display())
    }

    /// Whether it answers; `false` where it ended or took too long.
    fn becomes_ready(&mut self) -> Result<bool, KafkaError> {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if self.answers() {
                return Ok(true);
            }
            let Some(process) = &mut self.process else {
                return Ok(false);
            };
            let ended = process
                .try_wait()
                .while_(|| "waiting for Kafka".to_owned())?;
            if ended.is_some() {
                return Ok(false);
            }
            thread::sleep(POLL);
        }
        Ok(false)
    }

    fn send_running(&self, signal: &str) -> Result<(), KafkaError> {
        match &self.process {
            Some(process) => self.send(signal, process),
            None => Err(io::Error::from(io::ErrorKind::NotFound))
                .while_(|| format!("sending SIG{signal} to Kafka")),
        }
    }

    /// Returns when the signal has been sent, which the watchdog's order does not say.
    fn send(&self, signal: &str, process: &Child) -> Result<(), KafkaError> {
        let mut command;
        match &self.java {
            Java::Installed { .. } => {
                command = Command::new("sh");
                command
                    .args(["-c", "kill -s \"$0\" -- \"$1\"", signal])
                    .arg(process.id().to_string());
            }
            Java::Image { .. } => {
                command = Command::new("docker");
                command.args(["kill", "--signal", signal, &self.container]);
            }
        }
        run(&mut command).map(drop)
    }
}

impl Drop for PrivateKafka {
    fn drop(&mut self) {
        // A broker that hangs can't end in order.
        drop(self.resume());
        self.stop();
        // Its directory is on the watchdog's list and goes when that is dropped.
    }
}

/// Java, and the jars under cargo's target directory.
pub(super) fn find_java() -> Result<Java, KafkaError> {
    Java::find_or_install(&cache()?)
}

fn cache() -> Result<PathBuf, KafkaError> {
    let target = target_directory().while_(|| "finding cargo's target directory".to_owned())?;
    Ok(target.join("kafka"))
}

/// Three different ones: all are held until the last is found.
fn free_ports() -> Result<Ports, KafkaError> {
    let listen = || {
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| Ok((listener.local_addr()?.port(), listener)))
            .while_(|| "looking for a free port".to_owned())
    };
    let (controller, plain, guarded) = (listen()?, listen()?, listen()?);
    Ok(Ports {
        controller: controller.0,
        plain: plain.0,
        guarded: guarded.0,
    })
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
