//! The sandbox bank as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, ValueEnum};
use sandbox_bank::{CustomerCertificate, SandboxBank};
use telemetry::{Export, Logs, Service, Telemetry};
use tls::{ServerTls, TlsError, rustls::ServerConfig};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A bank's core with invented customers, behind the bank port (gRPC).
#[derive(Debug, Parser)]
#[command(version)]
struct Settings {
    /// The address to listen on; port 0 takes a free one and logs it.
    #[arg(long, env = "SANDBOX_BANK_LISTEN", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// A certificate that stands for a login id, as BANK:LOGIN_ID=FILE (PEM); may be repeated.
    #[arg(long, value_parser = given_certificate)]
    customer_certificate: Vec<GivenCertificate>,
    #[command(flatten)]
    tls: TlsFiles,
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

/// TLS of the listener; without these it has none. All files are PEM.
#[derive(Debug, Args)]
struct TlsFiles {
    /// The certificate and its chain.
    #[arg(
        long = "tls-certificate-file",
        env = "SANDBOX_BANK_TLS_CERTIFICATE_FILE",
        requires = "private_key_file"
    )]
    certificate_file: Option<PathBuf>,
    /// Its private key.
    #[arg(
        long = "tls-private-key-file",
        env = "SANDBOX_BANK_TLS_PRIVATE_KEY_FILE",
        requires = "certificate_file"
    )]
    private_key_file: Option<PathBuf>,
    /// Mutual TLS: the authorities of the clients' certificates.
    #[arg(
        long = "tls-client-ca-file",
        env = "SANDBOX_BANK_TLS_CLIENT_CA_FILE",
        requires = "certificate_file"
    )]
    client_ca_file: Option<PathBuf>,
}

impl TlsFiles {
    fn read(self) -> Result<Option<ServerConfig>, TlsError> {
        let (Some(certificate_file), Some(private_key_file)) =
            (self.certificate_file, self.private_key_file)
        else {
            return Ok(None);
        };
        let tls = ServerTls {
            certificate_file,
            private_key_file,
            client_ca_file: self.client_ca_file,
        };
        tls.grpc("tls").map(Some)
    }
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

/// A certificate of the command line.
#[derive(Debug, Clone)]
struct GivenCertificate {
    bank_code: String,
    login_id: String,
    certificate: CustomerCertificate,
}

fn given_certificate(text: &str) -> Result<GivenCertificate, String> {
    let parts = text.split_once('=').and_then(|(who, path)| {
        let (bank_code, login_id) = who.split_once(':')?;
        Some((bank_code, login_id, path))
    });
    let (bank_code, login_id, path) = parts.ok_or("it is not BANK:LOGIN_ID=FILE")?;
    let pem = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(GivenCertificate {
        bank_code: bank_code.to_owned(),
        login_id: login_id.to_owned(),
        certificate: CustomerCertificate::from_pem(&pem).map_err(|error| error.to_string())?,
    })
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
    let code = match run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "sandbox bank failed");
            ExitCode::FAILURE
        }
    };
    telemetry.stop().await;
    code
}

async fn run(settings: Settings) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let tls = settings.tls.read()?;
    let listener = TcpListener::bind(settings.listen).await?;
    let address = listener.local_addr()?;
    let bank = SandboxBank::demo();
    for given in settings.customer_certificate {
        bank.register_certificate(&given.bank_code, &given.login_id, given.certificate)?;
    }
    tracing::info!(%address, "sandbox bank listening");
    if let Some(operators) = settings.operator_listen {
        let listener = std::net::TcpListener::bind(operators)?;
        tracing::info!(address = %listener.local_addr()?, "operators");
        let serving = sandbox_bank::serve_operators(listener, bank.clone())?;
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the operators' listener failed");
            }
        });
    }
    sandbox_bank::serve_with(listener, tls, bank, async move {
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
