use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
    util::{SubscriberInitExt as _, TryInitError},
};

use crate::asked_each_time::AskedEachTime;

/// Which service this is; `service.name` and `service.version` of its spans.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// E.g. `consent`.
    pub name: &'static str,
    /// Its release.
    pub version: &'static str,
}

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
    Text,
}

/// What is logged, how, and where to.
pub struct Logs<W> {
    filter: EnvFilter,
    format: LogFormat,
    writer: W,
}

impl<W> Logs<W> {
    /// By `RUST_LOG`, or by `otherwise` where that is missing or can't be read.
    pub fn from_environment(otherwise: &str, format: LogFormat, writer: W) -> Self {
        let filter =
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(otherwise));
        Self {
            filter,
            format,
            writer,
        }
    }

    /// By these directives; what of them can't be read is left out.
    pub fn new(directives: &str, format: LogFormat, writer: W) -> Self {
        Self {
            filter: EnvFilter::new(directives),
            format,
            writer,
        }
    }
}

/// Whether spans leave the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Export {
    /// They don't. They still have ids, so that logs and events of a request belong together.
    Off,
    /// By OTLP over gRPC, as the `OTEL_*` variables say: endpoint, headers, time-out, sampler, batches.
    Environment,
    /// By OTLP over gRPC to this endpoint, e.g. `http://127.0.0.1:4317`.
    To(String),
}

impl Export {
    /// On where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` says where to, and
    /// `OTEL_SDK_DISABLED` is not `true`.
    pub fn from_environment() -> Self {
        let set = |name: &str| {
            std::env::var(name)
                .ok()
                .filter(|value| !value.trim().is_empty())
        };
        let disabled =
            set("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let endpoint = set("OTEL_EXPORTER_OTLP_ENDPOINT")
            .or_else(|| set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"));
        match endpoint {
            Some(_) if !disabled => Self::Environment,
            _ => Self::Off,
        }
    }
}

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The exporter can't be built, e.g. for an endpoint that can't be one.
    #[error("the OTLP exporter: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// The process has a subscriber already.
    #[error("the subscriber: {0}")]
    Subscriber(#[from] TryInitError),
}

/// Logs and traces while the process runs.
#[derive(Debug)]
pub struct Telemetry {
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// Makes the process's subscriber. Must be called within a Tokio runtime, which carries the
    /// exporter's connection; connects to nothing yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start<W>(service: Service, logs: Logs<W>, export: Export) -> Result<Self, StartError>
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let provider = provider(service, export)?;
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer(service.name))
            .with_location(false)
            .with_threads(false)
            .with_filter(AskedEachTime(traced()));
        let Logs {
            filter,
            format,
            writer,
        } = logs;
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(writer);
        let lines = match format {
            // The list of spans says all that the innermost would say again.
            LogFormat::Json => lines.json().with_current_span(false).boxed(),
            LogFormat::Text => lines.boxed(),
        };
        tracing_subscriber::registry()
            .with(spans)
            .with(lines.with_filter(AskedEachTime(filter)))
            .try_init()?;
        Ok(Self { provider })
    }

    /// Sends what waits to be sent now, not with the next batch.
    pub async fn flush(&self) {
        let provider = self.provider.clone();
        // It blocks, and the connection that it waits for may live on this runtime.
        let flushed = tokio::task::spawn_blocking(move || provider.force_flush()).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "spans could not be sent");
        }
    }

    /// Sends what waits to be sent, for at most 5 seconds.
    pub async fn stop(self) {
        // As above.
        let flushed = tokio::task::spawn_blocking(move || self.provider.shutdown()).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "the last spans may not have been sent");
        }
    }
}

/// What becomes a span or an event of one, whatever is logged: libraries on the exporter's own way are
/// left out, so that sending spans makes none.
fn traced() -> Targets {
    let silent = [
        "h2",
        "hyper",
        "hyper_util",
        "tonic",
        "tower",
        "rustls",
        "opentelemetry",
    ];
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(silent.map(|target| (target, LevelFilter::OFF)))
}

fn provider(service: Service, export: Export) -> Result<SdkTracerProvider, ExporterBuildError> {
    let resource = Resource::builder()
        .with_service_name(service.name)
        .with_attribute(KeyValue::new("service.version", service.version))
        .build();
    let provider = SdkTracerProvider::builder().with_resource(resource);
    Ok(match export {
        // The caller's sampling decision still travels on; of our own accord nothing is sampled.
        Export::Off => provider
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
            .build(),
        Export::Environment => provider
            .with_batch_exporter(SpanExporter::builder().with_tonic().build()?)
            .build(),
        Export::To(endpoint) => {
            let exporter = SpanExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .build()?;
            provider.with_batch_exporter(exporter).build()
        }
    })
}
