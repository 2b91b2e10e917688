//! The relay's command line.

use std::{net::TcpListener, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use consent_relay::{
    database,
    epoch::{self, Begun},
    parking::{self, Order},
    publisher,
    relay::{StartError, start},
    settings::Settings,
    topics::{self, TopicsCommand},
};
use telemetry::{Export, LogFormat, Logs, Service, Telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// The relay: one order for all events, and Kafka, exactly once.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    config: Config,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Config {
    /// The settings (TOML).
    #[arg(long, global = true, env = "RENKEI_RELAY_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Ordered {
    /// Who orders this, for the record.
    #[arg(long)]
    by: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

#[derive(Subcommand)]
enum Command {
    /// Stands by or leads until SIGTERM or SIGINT.
    Serve,
    /// The topics that the relay writes to.
    Topics {
        #[command(subcommand)]
        command: TopicsCommand,
    },
    /// Events that can't be published, and those of their streams behind them.
    #[command(subcommand)]
    Parked(ParkedCommand),
    /// The epochs of the log.
    #[command(subcommand)]
    Epoch(EpochCommand),
}

#[derive(Subcommand)]
enum ParkedCommand {
    /// Prints what stands still, a JSON object a line.
    List,
    /// Has parked events tried again, and then what waits behind them.
    Retry {
        /// Only these numbers; all that are parked where there are none.
        #[arg(long)]
        number: Vec<i64>,
        #[command(flatten)]
        ordered: Ordered,
    },
    /// Gives an event up: it is never published, and its stream goes on.
    Skip {
        /// Its number.
        #[arg(long)]
        number: i64,
        #[command(flatten)]
        ordered: Ordered,
    },
}

#[derive(Subcommand)]
enum EpochCommand {
    /// Begins an epoch after a restore. docs/relay.md says when.
    Advance {
        /// The database, as its owner.
        #[arg(long, env = "RENKEI_OWNER_URL")]
        owner_url: String,
        #[command(flatten)]
        ordered: Ordered,
    },
}

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let service = Service {
        name: "consent-relay",
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
    let done = run(&arguments.config, arguments.command).await;
    telemetry.stop().await;
    done.unwrap_or_else(|failure| {
        say_error(&failure);
        ExitCode::FAILURE
    })
}

#[expect(clippy::print_stderr, reason = "the command line's own answer")]
fn say_error(failure: &Failure) {
    eprintln!("consent-relay: {failure}");
}

#[expect(clippy::print_stdout, reason = "the command line's own answer")]
fn say(text: &str) {
    println!("{text}");
}

async fn run(config: &Config, command: Command) -> Result<ExitCode, Failure> {
    let settings = config.read()?;
    match command {
        Command::Serve => serve(settings).await?,
        Command::Topics { command } => {
            let pool = database::connect(&settings.database_url).await?;
            let client = settings.kafka.client();
            let mut out = Vec::new();
            let done = topics::run(command, &settings.topics, &client, &pool, &mut out).await?;
            say(String::from_utf8_lossy(&out).trim_end());
            return Ok(done);
        }
        Command::Parked(command) => parked(&settings, command).await?,
        Command::Epoch(EpochCommand::Advance { owner_url, ordered }) => {
            advance(settings, &owner_url, ordered.order()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn serve(settings: Settings) -> Result<(), Failure> {
    let address = settings.operator_listen;
    let listener =
        TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })?;
    let mut running = start(settings, listener).await?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        served = running.serve() => served?,
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("consent-relay stops");
    running.stop().await;
    Ok(())
}

async fn parked(settings: &Settings, command: ParkedCommand) -> Result<(), Failure> {
    let pool = database::connect(&settings.database_url).await?;
    match command {
        ParkedCommand::List => {
            for parked in parking::list(&pool).await? {
                say(&serde_json::to_string(&parked)?);
            }
        }
        ParkedCommand::Retry { number, ordered } => {
            let retried = parking::retry(&pool, &number, &ordered.order()).await?;
            say(&format!("{retried} events are tried again"));
        }
        ParkedCommand::Skip { number, ordered } => {
            if !parking::skip(&pool, number, &ordered.order()).await? {
                return Err(format!("{number} is not parked").into());
            }
            say(&format!("{number} is never published"));
        }
    }
    Ok(())
}

async fn advance(settings: Settings, owner_url: &str, order: Order) -> Result<(), Failure> {
    let (client, topics) = (settings.kafka.client(), settings.topics.names()?);
    let bootstrap = settings.kafka.bootstrap.clone();
    let known = tokio::task::spawn_blocking(move || publisher::read(&client, &bootstrap, &topics))
        .await??;
    let published = known
        .position
        .map_or(0, |position| position.global_sequence);
    let Begun {
        epoch,
        first_global_sequence,
        taken,
    } = epoch::advance(owner_url, published, &order).await?;
    say(&format!(
        "epoch {epoch} begins at {first_global_sequence}; {taken} events were taken into it; up to \
         {published} were published before"
    ));
    Ok(())
}

impl Config {
    fn read(&self) -> Result<Settings, Failure> {
        let file = self.config.as_deref();
        let file = file.ok_or("where are the settings? --config FILE or RENKEI_RELAY_CONFIG")?;
        Ok(Settings::read(file)?)
    }
}

impl Ordered {
    fn order(self) -> Order {
        Order {
            by: self.by,
            reason: self.reason,
        }
    }
}
