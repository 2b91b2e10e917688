//! The sandbox bank as a process of its own.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use sandbox_bank::SandboxBank;
use telemetry::{Export, Logs, Service, Telemetry};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A bank's core with invented customers, behind the bank port (gRPC).
#[derive(Debug, Parser)]
#[command(version)]
struct Settings {
    /// The address to listen on; port 0 takes a free one and logs it.
    #[arg(long, env = "SANDBOX_BANK_LISTEN", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// The address for operators (health, metrics); without it there is none.
    #[arg(long, env = "SANDBOX_BANK_OPERATOR_LISTEN")]
    operator_listen: Option<SocketAddr>,
    /// What is logged, as `tracing` directives.
    #[arg(long, env = "SANDBOX_BANK_LOG", default_value = "info", value_parser = directives)]
    log: String,
    /// How a log line is written, to standard error.
    #[arg(long, env = "SANDBOX_BANK_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Refuses directives that can't be read, before anything starts.
fn directives(text: &str) -> Result<String, telemetry::ParseError> {
    telemetry::check_directives(text).map(|()| text.to_owned())
}

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::parse();
    let service = Service {
        name: "sandbox-bank",
        version: env!("CARGO_PKG_VERSION"),
    };
    let format = match settings.log_format {
        LogFormat::Text => telemetry::LogFormat::Text,
        LogFormat::Json => telemetry::LogFormat::Json,
    };
    let logs = Logs::new(&settings.log, format, std::io::stderr);
    let telemetry = match Telemetry::start(service, logs, Export::from_environment()) {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("sandbox-bank: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match run(settings.listen, settings.operator_listen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "sandbox bank failed");
            ExitCode::FAILURE
        }
    };
    telemetry.stop().await;
    code
}

async fn run(
    listen: SocketAddr,
    operator_listen: Option<SocketAddr>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "sandbox bank listening");
    let bank = SandboxBank::demo();
    if let Some(operators) = operator_listen {
        let listener = std::net::TcpListener::bind(operators)?;
        tracing::info!(address = %listener.local_addr()?, "operators");
        let serving = sandbox_bank::serve_operators(listener, bank.clone())?;
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the operators' listener failed");
            }
        });
    }
    sandbox_bank::serve(listener, bank, async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("sandbox bank stopping");
    })
    .await?;
    tracing::info!("sandbox bank stopped");
    Ok(())
}
