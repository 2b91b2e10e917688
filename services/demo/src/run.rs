//! `demo run`: everything started, kept running, and stopped.

mod directory;
mod earlier_linkages;
mod error;
mod health;
mod welcome;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use self::directory::DemoDirectory;
use self::health::{Probe, until_healthy};
use crate::addresses::{Addresses, PortBase, Transport};
use crate::agent::seed_example::BANK_CODE;
use crate::agent::trust::Trust;
use crate::certificates::{CUSTOMER, CertificateFiles};
use crate::command::run_to_end;
use crate::console::say;
use crate::demo_json;
use crate::mock_kafka::MockKafka;
use crate::once;
use crate::operators::{self, OPERATORS, Operator};
use crate::partners::Partners;
use crate::postgres::{PrivateOptions, Server, State, database_exists, drop_database, drop_role};
use crate::private_file::write_private;
use crate::process::{Service, ServiceCommand};
use crate::relay_settings;
use crate::secrets::Secrets;
use crate::settings_files::SettingsFiles;
use crate::watchdog::Watchdog;

pub use self::error::RunError;

/// The roles that `consent provision` makes for a database, by the end of their names.
const ROLES: [&str; 4] = ["owner", "service", "auditor", "relay"];
/// After a kill -9 the services of the last demonstration take a moment to end.
const PORTS_FREE_WITHIN: Duration = Duration::from_secs(15);
/// How often the services are looked at.
const SUPERVISION: Duration = Duration::from_millis(200);
/// A service that ends more often than this in all is not started again.
const RESTARTS_MAX: u32 = 20;

/// What happens to the state between starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Every start begins from the same state.
    FromScratch,
    /// A start goes on where the last one that kept its state stopped.
    Kept,
}

/// What the demonstration does once it is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// Runs until Ctrl-C.
    UntilStopped,
    /// Walks the seven steps by itself and ends.
    Once,
    /// Runs a command, with `DEMO_JSON` naming `demo.json`, and ends with its exit code.
    Command(Vec<String>),
}

/// How to run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Added to every port.
    pub port_base: PortBase,
    /// How the services are spoken to.
    pub transport: Transport,
    /// Whether the state is kept.
    pub keeping: Keeping,
    /// What it does once it is up.
    pub mode: Mode,
    /// A PostgreSQL superuser's URL; a private server is started where there is none.
    pub database_url: Option<String>,
    /// Where settings, logs and `demo.json` are written.
    pub directory: PathBuf,
}

/// Starts everything, runs, and stops everything, on Ctrl-C and SIGTERM too.
///
/// The exit code is 0 after an orderly stop, and in the mode [`Mode::Once`] only where everything
/// matched.
///
/// # Errors
/// Where something can't be started or does not get healthy; all of it is stopped then.
pub async fn run(options: RunOptions) -> Result<ExitCode, RunError> {
    let if_stopped = match options.mode {
        Mode::UntilStopped => ExitCode::SUCCESS,
        // As a shell reports a command that Ctrl-C ended.
        Mode::Once | Mode::Command(_) => ExitCode::from(130),
    };
    let mut demo = Demo::prepare(options)?;
    let outcome = tokio::select! {
        outcome = Box::pin(demo.start_and_serve()) => outcome,
        stopped = stop_requested() => stopped
            .map(|()| if_stopped)
            .map_err(RunError::io("waiting for signals")),
    };
    if outcome.is_err() {
        say(format_args!("Logs: {}", demo.directory.logs().display()));
    }
    demo.stop().await;
    outcome
}

/// Ctrl-C, SIGTERM, or the terminal is gone.
async fn stop_requested() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

/// What is running so far.
struct Demo {
    options: RunOptions,
    addresses: Addresses,
    directory: DemoDirectory,
    certificates: Option<CertificateFiles>,
    trust: Trust,
    watchdog: Arc<Watchdog>,
    services: Vec<Service>,
    server: Option<Server>,
    kafka: MockKafka,
}

/// What `consent provision` prints.
#[derive(Deserialize)]
struct Provisioned {
    owner_url: String,
    service_url: String,
    relay_url: String,
}

impl Demo {
    fn prepare(options: RunOptions) -> Result<Self, RunError> {
        let directory = DemoDirectory::lock(options.directory.clone())?;
        directory
            .clear()
            .map_err(RunError::io("clearing the directory"))?;
        let watchdog = Watchdog::start().map_err(RunError::io("starting sh"))?;
        let certificates = certificates(&options, &directory)?;
        let trust = certificates
            .as_ref()
            .map_or_else(|| Ok(Trust::default()), CertificateFiles::trust)?;
        Ok(Self {
            addresses: Addresses::new(options.port_base, options.transport),
            options,
            directory,
            certificates,
            trust,
            watchdog: Arc::new(watchdog),
            services: Vec::new(),
            server: None,
            kafka: MockKafka::start()?,
        })
    }

    async fn start_and_serve(&mut self) -> Result<ExitCode, RunError> {
        let partners = self.start().await?;
        match self.options.mode.clone() {
            Mode::Once => Box::pin(once::walk(self.addresses, &self.trust)).await,
            Mode::UntilStopped => {
                let kafka = self.kafka.bootstrap();
                say(welcome::text(
                    self.addresses,
                    &partners,
                    &kafka,
                    &self.directory,
                    self.certificates.as_ref(),
                ));
                self.supervise().await
            }
            Mode::Command(command) => {
                let demo_json = self.directory.demo_json();
                tokio::select! {
                    ended = run_to_end(&command, "DEMO_JSON", demo_json) => Ok(ended?),
                    failed = self.supervise() => failed,
                }
            }
        }
    }

    async fn start(&mut self) -> Result<Partners, RunError> {
        self.wait_for_ports().await?;
        let admin_url = self.start_postgres().await?;
        let kept_file = self.directory.kept_file(self.addresses);
        let database_is_there = database_exists(&admin_url, &self.database_name()).await?;
        let kept = match self.options.keeping {
            Keeping::Kept if database_is_there => {
                Secrets::find_kept(&kept_file).map_err(RunError::io("reading the kept keys"))?
            }
            Keeping::Kept | Keeping::FromScratch => None,
        };
        let secrets = match &kept {
            Some(secrets) => secrets.clone(),
            None => {
                self.drop_database(&admin_url).await?;
                Secrets::generate()?
            }
        };
        let partners = Partners::new(self.addresses, secrets.partners.clone());
        let provisioned = self.provision(&admin_url).await?;
        let files = SettingsFiles::write(
            &self.directory.settings(),
            self.addresses,
            &secrets,
            &partners,
            &provisioned.service_url,
            self.certificates.as_ref(),
        )
        .map_err(RunError::io("writing the settings"))?;
        self.kafka.make_topics(&partners)?;
        let relay = relay_settings::write(
            &self.directory.settings(),
            self.addresses,
            &secrets,
            &provisioned.relay_url,
            &self.kafka.bootstrap(),
            self.certificates.as_ref(),
        )
        .map_err(RunError::io("writing the settings"))?;
        self.register(&files).await?;
        if kept.is_none() {
            self.add_operators(&provisioned.owner_url).await?;
        }
        self.start_services(&files, &relay).await?;
        if kept.is_none() {
            say("Linking 1000014 to partner A and 9999999 to partner B, as the customer would.");
            Box::pin(earlier_linkages::make(
                self.addresses,
                &partners,
                &self.trust,
            ))
            .await?;
        }
        if self.options.keeping == Keeping::Kept {
            secrets
                .keep(&kept_file)
                .map_err(RunError::io("writing the keys down"))?;
        }
        let tls = self.tls()?;
        let document = demo_json::document(
            self.addresses,
            &partners,
            &self.kafka.bootstrap(),
            tls.as_ref(),
        );
        write_private(&self.directory.demo_json(), &format!("{document:#}\n"))
            .map_err(RunError::io("writing demo.json"))?;
        Ok(partners)
    }

    fn tls(&self) -> Result<Option<demo_json::Tls>, RunError> {
        let Some(files) = self.certificates.clone() else {
            return Ok(None);
        };
        let customer = files.customer_certificate()?;
        Ok(Some(demo_json::Tls { files, customer }))
    }

    async fn wait_for_ports(&self) -> Result<(), RunError> {
        let started = Instant::now();
        loop {
            let taken = self.addresses.taken();
            if taken.is_empty() {
                return Ok(());
            }
            if started.elapsed() >= PORTS_FREE_WITHIN {
                return Err(RunError::PortsTaken(taken));
            }
            tokio::time::sleep(SUPERVISION).await;
        }
    }

    async fn start_postgres(&mut self) -> Result<String, RunError> {
        let options = PrivateOptions {
            name: "demo".to_owned(),
            state: match self.options.keeping {
                Keeping::FromScratch => State::Fresh,
                Keeping::Kept => State::KeptFor(self.directory.path().to_owned()),
            },
            log: Some(self.directory.log("postgresql")),
        };
        let given = self.options.database_url.clone();
        // It blocks, for as long as an installation takes.
        let starting = tokio::task::spawn_blocking(move || Server::use_or_start(given, &options));
        let server = starting.await.map_err(|error| RunError::Io {
            what: "starting PostgreSQL",
            source: error.into(),
        })??;
        match &server {
            Server::Given(_) => say(format_args!(
                "PostgreSQL: the given one; its database {} and that database's roles are made \
                 and dropped.",
                self.database_name()
            )),
            Server::Private(private) => say(format_args!(
                "PostgreSQL {}: a private one in {}.",
                private.version(),
                private.directory().display()
            )),
        }
        let admin_url = server.admin_url();
        self.server = Some(server);
        Ok(admin_url)
    }

    async fn provision(&self, admin_url: &str) -> Result<Provisioned, RunError> {
        let name = self.database_name();
        let mut command = self.consent(["provision", "--database", &name]);
        command
            .environment
            .push(("RENKEI_ADMIN_URL", admin_url.to_owned()));
        let printed = command
            .run_to_end()
            .await
            .map_err(RunError::io("making consent's database"))?;
        serde_json::from_slice(&printed).map_err(|error| RunError::Io {
            what: "reading what `consent provision` printed",
            source: error.into(),
        })
    }

    async fn register(&self, files: &SettingsFiles) -> Result<(), RunError> {
        let banks = files.banks.iter().map(|file| ("bank", file));
        let partners = files.partners.iter().map(|file| ("partner", file));
        let config = files.consent.display().to_string();
        for (kind, file) in banks.chain(partners) {
            let file = file.display().to_string();
            self.consent([kind, "register", "--config", &config, "--file", &file])
                .run_to_end()
                .await
                .map_err(RunError::io("registering the banks and partners"))?;
        }
        Ok(())
    }

    /// Operators are made by the database's owner, not by the service.
    async fn add_operators(&self, owner_url: &str) -> Result<(), RunError> {
        for operator in OPERATORS {
            let Operator {
                id,
                name,
                password,
                role,
            } = operator;
            let file = self.directory.settings().join(format!("{id}.password"));
            write_private(&file, password).map_err(RunError::io("writing a password"))?;
            let file = file.display().to_string();
            let mut commands = vec![
                vec!["operator", "add", "--id", id, "--name", name],
                vec![
                    "operator",
                    "grant-role",
                    "--id",
                    id,
                    "--bank",
                    operators::BANK,
                    "--role",
                    role,
                ],
                vec![
                    "operator",
                    "set-password",
                    "--id",
                    id,
                    "--password-file",
                    &file,
                ],
            ];
            if id == operators::PLATFORM {
                commands.push(vec!["operator", "grant-platform", "--id", id]);
            }
            for arguments in commands {
                let mut command = self.consent([]);
                command.arguments = arguments.into_iter().map(str::to_owned).collect();
                command
                    .environment
                    .push(("RENKEI_OWNER_URL", owner_url.to_owned()));
                command
                    .run_to_end()
                    .await
                    .map_err(RunError::io("adding the operators"))?;
            }
        }
        Ok(())
    }

    async fn start_services(
        &mut self,
        files: &SettingsFiles,
        relay: &PathBuf,
    ) -> Result<(), RunError> {
        let sandbox_bank = self.addresses.sandbox_bank_listen();
        let listen = sandbox_bank.to_string();
        let with_settings = |file: &PathBuf| file.display().to_string();
        let (consent, account_api, partner_app, relay) = (
            with_settings(&files.consent),
            with_settings(&files.account_api),
            with_settings(&files.partner_app),
            with_settings(relay),
        );
        let in_order = [
            (self.sandbox_bank(&listen), Probe::Connects(sandbox_bank)),
            (
                self.consent(["serve", "--config", &consent]),
                Probe::Answers(format!("{}/health/ready", self.addresses.operators())),
            ),
            (
                self.command("consent-relay", ["serve", "--config", &relay]),
                Probe::Answers(format!("{}/health/ready", self.addresses.relay())),
            ),
            (
                self.command("account-api", ["--config", &account_api]),
                Probe::Answers(format!("{}/healthz", self.addresses.account_api())),
            ),
            (
                self.command("partner-app", ["--config", &partner_app]),
                // `localhost` may be ::1 first.
                Probe::Answers(self.addresses.partner_app_health()),
            ),
        ];
        for (command, probe) in in_order {
            say(format_args!("Starting {}.", command.name));
            let service = command
                .start(&self.watchdog)
                .map_err(|source| RunError::Service {
                    name: command.name,
                    source,
                })?;
            self.services.push(service);
            if let Some(service) = self.services.last_mut() {
                until_healthy(service, &probe, &self.trust).await?;
            }
        }
        Ok(())
    }

    /// Starts a service again where it ended: what was acknowledged is durable, and a customer
    /// in the middle of the journey goes on.
    async fn supervise(&mut self) -> Result<ExitCode, RunError> {
        let mut restarts = 0;
        let mut ticks = interval(SUPERVISION);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for service in &mut self.services {
                let name = service.command().name;
                let failed = |source| RunError::Service { name, source };
                let Some(status) = service.find_end().map_err(failed)? else {
                    continue;
                };
                let command = service.command().clone();
                restarts += 1;
                if restarts > RESTARTS_MAX {
                    return Err(failed(io::Error::other("it ended too often")));
                }
                say(format_args!("{name} ended ({status}); starting it again."));
                *service = command.start(&self.watchdog).map_err(failed)?;
            }
        }
    }

    /// Stops in the reverse order of the start; what fails to stop is killed.
    async fn stop(mut self) {
        say("Stopping.");
        drop(self.directory.clear_announcement());
        while let Some(service) = self.services.pop() {
            service.stop().await;
        }
        if let Some(Server::Given(admin_url)) = &self.server
            && self.options.keeping == Keeping::FromScratch
            && let Err(error) = self.drop_database(admin_url).await
        {
            say(format_args!("demo: {error}"));
        }
        // A private server stops, and its files go, when it is dropped here with `self`.
    }

    async fn drop_database(&self, admin_url: &str) -> Result<(), RunError> {
        let name = self.database_name();
        drop_database(admin_url, &name).await?;
        for role in ROLES {
            drop_role(admin_url, &format!("{name}_{role}")).await?;
        }
        Ok(())
    }

    fn database_name(&self) -> String {
        format!("renkei_demo{}", self.addresses.suffix())
    }

    fn sandbox_bank(&self, listen: &str) -> ServiceCommand {
        let mut command = self.command("sandbox-bank", ["--listen", listen]);
        if let Some(files) = &self.certificates {
            let with_files = [
                ("--tls-certificate-file", files.server.display().to_string()),
                (
                    "--tls-private-key-file",
                    files.server_key.display().to_string(),
                ),
                (
                    "--customer-certificate",
                    format!("{BANK_CODE}:{CUSTOMER}={}", files.customer.display()),
                ),
            ];
            for (name, value) in with_files {
                command.arguments.extend([name.to_owned(), value]);
            }
        }
        command
    }

    fn consent<const N: usize>(&self, arguments: [&str; N]) -> ServiceCommand {
        self.command("consent", arguments)
    }

    fn command<const N: usize>(&self, name: &'static str, arguments: [&str; N]) -> ServiceCommand {
        ServiceCommand {
            name,
            arguments: arguments.map(str::to_owned).into(),
            environment: Vec::new(),
            log: self.directory.log(name),
            pid_file: self.directory.pid_file(name),
        }
    }
}

/// Kept ones where the state is kept, so that a browser trusts the next start, too.
fn certificates(
    options: &RunOptions,
    directory: &DemoDirectory,
) -> Result<Option<CertificateFiles>, RunError> {
    if options.transport == Transport::Plain {
        return Ok(None);
    }
    let kept = match options.keeping {
        Keeping::Kept => CertificateFiles::find_kept(&directory.certificates()),
        Keeping::FromScratch => None,
    };
    Ok(Some(match kept {
        Some(files) => files,
        None => CertificateFiles::make(&directory.certificates())?,
    }))
}

/// The directory that `demo run` writes to where it is told no other: `target/demo`.
///
/// # Errors
/// Where cargo's target directory is not found.
pub fn default_directory() -> io::Result<PathBuf> {
    crate::places::target_directory().map(|target| target.join("demo"))
}

/// An absolute path, which a directory of that name need not have yet.
///
/// # Errors
/// Where the directory can't be made.
pub fn absolute(directory: PathBuf) -> io::Result<PathBuf> {
    fs::create_dir_all(&directory)?;
    directory.canonicalize()
}
