//! `account-api --config FILE`: serves partners until SIGTERM or SIGINT. `--openapi` prints the API.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use account_api::{Settings, SettingsError, StartError};
use clap::Parser;
use telemetry::{Export, LogFormat, Logs, Service, Telemetry};
use tokio::signal::unix::{SignalKind, signal};

/// What partners read: accounts, balances and transactions.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Settings, a TOML file; see docs/account-api.md.
    #[arg(long, value_name = "FILE", required_unless_present = "openapi")]
    config: Option<PathBuf>,
    /// Prints the OpenAPI document and ends.
    #[arg(long, conflicts_with = "config")]
    openapi: bool,
}

#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("can't listen on {address}: {source}")]
    Listen {
        address: std::net::SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the server ended: {0}")]
    Served(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let service = Service {
        name: "account-api",
        version: env!("CARGO_PKG_VERSION"),
    };
    let logs = Logs::from_environment("info", LogFormat::Json, std::io::stdout);
    let telemetry = match Telemetry::start(service, logs, Export::from_environment()) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("account-api: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = run(&arguments).await;
    telemetry.stop().await;
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("account-api: {error}");
            ExitCode::from(match error {
                RunError::Settings(_) | RunError::Start(StartError::Tls(_)) => 2,
                _ => 1,
            })
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), RunError> {
    match &arguments.config {
        Some(config) => serve(Settings::read(config)?).await,
        None => Ok(print_openapi()?),
    }
}

fn print_openapi() -> std::io::Result<()> {
    let document = account_api::openapi_document().map_err(std::io::Error::other)?;
    std::io::stdout().write_all(document.as_bytes())
}

async fn serve(settings: Settings) -> Result<(), RunError> {
    let address = settings.listen();
    let listener =
        TcpListener::bind(address).map_err(|source| RunError::Listen { address, source })?;
    let operators = match settings.operator_listen() {
        None => None,
        Some(address) => {
            let listener = TcpListener::bind(address)
                .map_err(|source| RunError::Listen { address, source })?;
            Some(account_api::start_operators(listener)?)
        }
    };
    let mut terminate = signal(SignalKind::terminate())?;
    let mut server = account_api::start(settings, listener)?;
    tracing::info!(address = %server.address(), "listening");
    if let Some(operators) = &operators {
        tracing::info!(address = %operators.address(), "operators");
    }
    tokio::select! {
        ended = server.wait() => return Ok(ended?),
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("stopping");
    server.stop().await?;
    if let Some(operators) = operators {
        operators.stop().await?;
    }
    Ok(())
}
