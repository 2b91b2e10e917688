//! How the services log and trace: one subscriber for both, OTLP where it is asked for, and the trace
//! context on its way through HTTP headers and gRPC metadata.
//!
//! A service starts it first and stops it last:
//!
//! ```no_run
//! # async fn run() -> Result<(), telemetry::StartError> {
//! use telemetry::{Export, LogFormat, Logs, Service, Telemetry};
//!
//! let service = Service { name: "consent", version: env!("CARGO_PKG_VERSION") };
//! let logs = Logs::from_environment("info", LogFormat::Json, std::io::stderr);
//! let telemetry = Telemetry::start(service, logs, Export::from_environment())?;
//! // ...
//! telemetry.stop().await;
//! # Ok(()) }
//! ```
//!
//! What may be written where is `docs/logging.md`.

mod asked_each_time;
pub mod grpc;
mod start;
mod trace_parent;

pub use start::{Export, LogFormat, Logs, Service, StartError, Telemetry};
pub use trace_parent::TraceParent;
pub use tracing_subscriber::filter::ParseError;

/// Whether log directives (`RUST_LOG`'s syntax) can be read.
///
/// # Errors
/// [`ParseError`].
pub fn check_directives(text: &str) -> Result<(), ParseError> {
    tracing_subscriber::EnvFilter::builder()
        .parse(text)
        .map(drop)
}
