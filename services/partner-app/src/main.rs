//! `partner-app --config FILE`: the sample accounting service.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use partner_app::clock::Clock;
use partner_app::{Application, Settings};
use tracing_subscriber::EnvFilter;

/// A sample accounting service that links accounts of a bank.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The settings file (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[actix_web::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // RUST_LOG overrides. The libraries' own debug output may hold headers and bodies.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let settings = match Settings::load(&arguments.config) {
        Ok(settings) => settings,
        Err(error) => {
            tracing::error!("settings {}: {error}", arguments.config.display());
            return ExitCode::from(2);
        }
    };
    let application = match Application::bind(settings, Clock::system()) {
        Ok(application) => application,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::FAILURE;
        }
    };
    tracing::info!(address = %application.address(), "listening");
    match application.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}
