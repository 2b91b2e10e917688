//! The consent service's command line.

mod consent_commands;
mod operator_command;
mod ordered;
mod push_target_command;
mod retention_commands;
mod signing_key_command;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use consent::{
    openapi::Document,
    partners::{BankRegistration, PartnerRegistration, register_bank, register_partner},
    pin_unlock::unlock_pin,
    provision::{migrate, provision},
    rebuild::{Purpose, rebuild},
    redirect_policy,
    settings::Settings,
    startup::{Listeners, start},
    store::Bus,
};
use consent_domain::{BankCode, ContractId, PinScopeId};
use sqlx::PgPool;
use telemetry::{Export, LogFormat, Logs, Service, Telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// The consent service: journey pages, authorization server, decisions.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves until SIGTERM or SIGINT.
    Serve {
        /// The settings (TOML).
        #[arg(long, env = "RENKEI_CONFIG")]
        config: PathBuf,
    },
    /// Makes the database and its roles where they are missing, and migrates. Prints the addresses
    /// as JSON; they carry fresh passwords.
    Provision {
        /// The server, as a role that may create databases and roles.
        #[arg(long, env = "RENKEI_ADMIN_URL")]
        admin_url: String,
        /// The database; roles are named after it.
        #[arg(long, default_value = "renkei")]
        database: String,
    },
    /// Applies the migrations that are missing.
    Migrate {
        /// The database, as its owner.
        #[arg(long, env = "RENKEI_OWNER_URL")]
        owner_url: String,
    },
    /// Prints what the JSON endpoints are, as an OpenAPI document.
    Openapi {
        /// Of which listener.
        #[arg(value_enum)]
        document: Document,
    },
    /// The authoritative projections.
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// Banks on the platform.
    #[command(subcommand)]
    Bank(BankCommand),
    /// Partners on the platform.
    #[command(subcommand)]
    Partner(PartnerCommand),
    /// Locked 照会用暗証番号.
    #[command(subcommand)]
    PinScope(PinScopeCommand),
    /// Where partners' events are pushed.
    #[command(subcommand)]
    PushTarget(push_target_command::PushTargetCommand),
    /// Who may use the operators' API and console.
    #[command(subcommand)]
    Operator(operator_command::OperatorCommand),
    /// What customers allowed.
    #[command(subcommand)]
    Consent(consent_commands::ConsentCommand),
    /// The log's old parts, out of the database and into files.
    #[command(subcommand)]
    Archive(retention_commands::ArchiveCommand),
    /// Streams that ended longer ago than the law asks.
    #[command(subcommand)]
    Destroy(retention_commands::DestroyCommand),
    /// What is neither destroyed nor forgotten.
    #[command(subcommand)]
    LegalHold(retention_commands::LegalHoldCommand),
    /// The keys that sign tokens.
    #[command(subcommand)]
    SigningKey(signing_key_command::SigningKeyCommand),
    /// The key that wraps the keys in the database.
    #[command(subcommand)]
    KeyEncryption(signing_key_command::KeyEncryptionCommand),
}

#[derive(Subcommand)]
enum ProjectionsCommand {
    /// Folds every stream anew, beside the live rows and while writes go on, and compares row for
    /// row. Ends with 0 only if all are equal, or were replaced.
    Rebuild {
        /// The database, as its owner.
        #[arg(long, env = "RENKEI_OWNER_URL")]
        owner_url: String,
        /// Put the rebuilt rows in the place of the live ones.
        #[arg(long)]
        replace: bool,
    },
}

#[derive(Subcommand)]
enum BankCommand {
    /// Registers a bank or changes its record.
    Register {
        /// The settings (TOML).
        #[arg(long, env = "RENKEI_CONFIG")]
        config: PathBuf,
        /// The bank's record (TOML).
        #[arg(long)]
        file: PathBuf,
        /// Who does this, for the record.
        #[arg(long, default_value = "command-line")]
        operator: String,
    },
}

#[derive(Subcommand)]
enum PartnerCommand {
    /// Registers a partner or changes its record, and enables it at its banks.
    Register {
        /// The settings (TOML).
        #[arg(long, env = "RENKEI_CONFIG")]
        config: PathBuf,
        /// The partner's record (JSON).
        #[arg(long)]
        file: PathBuf,
        /// Who does this, for the record.
        #[arg(long, default_value = "command-line")]
        operator: String,
    },
}

#[derive(Subcommand)]
enum PinScopeCommand {
    /// Resets a locked PIN scope.
    Unlock {
        /// The settings (TOML).
        #[arg(long, env = "RENKEI_CONFIG")]
        config: PathBuf,
        /// The bank's code.
        #[arg(long)]
        bank: String,
        /// The contract.
        #[arg(long)]
        contract: String,
        /// The PIN scope.
        #[arg(long)]
        pin_scope: String,
        /// Who does this, for the record.
        #[arg(long, default_value = "command-line")]
        operator: String,
    },
}

type Failure = Box<dyn std::error::Error>;

#[actix_web::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let service = Service {
        name: "consent",
        version: env!("CARGO_PKG_VERSION"),
    };
    let logs = Logs::from_environment("info,sqlx=warn", LogFormat::Json, std::io::stderr);
    let telemetry = match Telemetry::start(service, logs, Export::from_environment()) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            say_error(&error.into());
            return ExitCode::FAILURE;
        }
    };
    let done = run(arguments.command).await;
    telemetry.stop().await;
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say_error(&failure);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the command line's own answer")]
fn say_error(failure: &Failure) {
    eprintln!("consent: {failure}");
}

#[expect(clippy::print_stdout, reason = "the command line's own answer")]
fn say(text: &str) {
    println!("{text}");
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve { config } => serve(Settings::read(&config)?).await,
        Command::Provision {
            admin_url,
            database,
        } => {
            let provisioned = provision(&admin_url, &database).await?;
            say(&serde_json::to_string_pretty(&provisioned)?);
            Ok(())
        }
        Command::PushTarget(command) => {
            say(&push_target_command::run(command).await?);
            Ok(())
        }
        Command::Migrate { owner_url } => Ok(migrate(&owner_url).await?),
        Command::Openapi { document } => {
            say(document.to_json()?.trim_end());
            Ok(())
        }
        Command::Projections(ProjectionsCommand::Rebuild { owner_url, replace }) => {
            let purpose = if replace {
                Purpose::Replace
            } else {
                Purpose::Verify
            };
            let mut differences = 0;
            for rebuilt in rebuild(&owner_url, purpose).await? {
                say(&format!(
                    "{}: {} streams, {} events, {} differences",
                    rebuilt.table, rebuilt.streams, rebuilt.events, rebuilt.differences
                ));
                differences += rebuilt.differences;
            }
            match purpose {
                Purpose::Verify if differences > 0 => {
                    Err(format!("{differences} rows differ; --replace puts them right").into())
                }
                Purpose::Verify | Purpose::Replace => Ok(()),
            }
        }
        Command::Bank(BankCommand::Register {
            config,
            file,
            operator,
        }) => {
            let pool = connect(&Settings::read(&config)?).await?;
            let registration: BankRegistration = toml::from_str(&std::fs::read_to_string(&file)?)?;
            let code = registration.code.clone();
            register_bank(&Bus::new(pool), registration, &operator).await?;
            say(&format!("bank {code} is registered"));
            Ok(())
        }
        Command::Partner(PartnerCommand::Register {
            config,
            file,
            operator,
        }) => {
            let settings = Settings::read(&config)?;
            let pool = connect(&settings).await?;
            let registration: PartnerRegistration =
                serde_json::from_str(&std::fs::read_to_string(&file)?)?;
            let (client, banks) = (registration.client_id.clone(), registration.banks.len());
            let policy = redirect_policy(settings.cookie_policy());
            let bus = Bus::new(pool.clone());
            register_partner(&pool, &bus, registration, policy, &operator).await?;
            say(&format!("partner {client} is registered at {banks} banks"));
            Ok(())
        }
        Command::Operator(command) => operator_command::run(command).await,
        Command::Consent(command) => consent_commands::run(command).await,
        Command::Archive(command) => retention_commands::archive(command).await,
        Command::Destroy(command) => retention_commands::destroy(command).await,
        Command::LegalHold(command) => retention_commands::legal_hold(command).await,
        Command::SigningKey(command) => signing_key_command::signing_key(command).await,
        Command::KeyEncryption(command) => signing_key_command::key_encryption(command).await,
        Command::PinScope(PinScopeCommand::Unlock {
            config,
            bank,
            contract,
            pin_scope,
            operator,
        }) => {
            let pool = connect(&Settings::read(&config)?).await?;
            let (bank, contract, scope) = (
                BankCode::parse(bank)?,
                ContractId::parse(contract)?,
                PinScopeId::parse(pin_scope)?,
            );
            unlock_pin(&Bus::new(pool), &bank, &contract, &scope, &operator).await?;
            say(&format!("PIN scope {scope} is unlocked"));
            Ok(())
        }
    }
}

async fn connect(settings: &Settings) -> Result<PgPool, Failure> {
    Ok(PgPool::connect(&settings.database_url).await?)
}

async fn serve(settings: Settings) -> Result<(), Failure> {
    let listeners = Listeners::open(&settings)?;
    let mut running = start(settings, listeners).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        served = running.serve() => served?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("consent stops");
    running.stop().await;
    Ok(())
}
