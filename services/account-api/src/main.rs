//! `account-api --config FILE`: serves partners until SIGTERM or SIGINT.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use account_api::{Settings, SettingsError, StartError};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// What partners read: accounts, balances and transactions.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Settings, a TOML file; see docs/account-api.md.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
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
    // RUST_LOG selects; one JSON object a line.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .init();
    match run(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("account-api: {error}");
            ExitCode::from(if matches!(error, RunError::Settings(_)) {
                2
            } else {
                1
            })
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), RunError> {
    let settings = Settings::read(&arguments.config)?;
    let address = settings.listen();
    let listener =
        TcpListener::bind(address).map_err(|source| RunError::Listen { address, source })?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut server = account_api::start(settings, listener)?;
    tracing::info!(address = %server.address(), "listening");
    tokio::select! {
        ended = server.wait() => return Ok(ended?),
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    tracing::info!("stopping");
    server.stop().await?;
    Ok(())
}
