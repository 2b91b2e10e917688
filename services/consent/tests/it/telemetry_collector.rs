//! A real OTLP receiver for this process, and everything that it logs. The subscriber is the process's,
//! so the tests beside are heard too: each test looks for its own trace.

use std::{
    io,
    sync::{Arc, LazyLock, Mutex, mpsc},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::{AnyValue, any_value::Value},
    trace::v1::Span,
};
use telemetry::{Export, LogFormat, Logs, Service, Telemetry};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("the log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, Default)]
struct Receiver(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = self.0.lock().expect("the spans");
        for resource in request.into_inner().resource_spans {
            let named = resource
                .resource
                .iter()
                .flat_map(|of| &of.attributes)
                .any(|attribute| {
                    attribute.key == "service.name" && text(attribute.value.as_ref()) == "consent"
                });
            assert!(named, "spans without a service's name");
            spans.extend(
                resource
                    .scope_spans
                    .into_iter()
                    .flat_map(|scope| scope.spans),
            );
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// What this process tells about itself.
pub struct Collector {
    telemetry: Telemetry,
    receiver: Receiver,
    log: Log,
}

/// Starts once; later calls get the same.
pub fn collector() -> &'static Collector {
    static COLLECTOR: LazyLock<Collector> = LazyLock::new(start);
    &COLLECTOR
}

/// On a thread of its own, which outlives the test that came first.
fn start() -> Collector {
    let (receiver, log) = (Receiver::default(), Log::default());
    let (sender, started) = mpsc::channel();
    let (service, writer) = (TraceServiceServer::new(receiver.clone()), log.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .expect("a port");
            let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
            let telemetry = Telemetry::start(
                Service {
                    name: "consent",
                    version: "0.0.0",
                },
                Logs::new("info,sqlx=warn", LogFormat::Json, move || writer.clone()),
                Export::To(endpoint),
            );
            sender
                .send(telemetry.expect("telemetry starts"))
                .expect("it is awaited");
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .expect("the receiver serves");
        });
    });
    Collector {
        telemetry: started.recv().expect("telemetry"),
        receiver,
        log,
    }
}

impl Collector {
    /// The spans of a trace (32 hexadecimal digits) that have ended.
    pub async fn trace(&self, trace_id: &str) -> Vec<Span> {
        self.telemetry.flush().await;
        let spans = self.receiver.0.lock().expect("the spans");
        spans
            .iter()
            .filter(|span| hex(&span.trace_id) == trace_id)
            .cloned()
            .collect()
    }

    /// Every span so far, as text with all its attributes and events.
    pub async fn all_spans(&self) -> String {
        self.telemetry.flush().await;
        format!("{:?}", self.receiver.0.lock().expect("the spans"))
    }

    /// Every line so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.0.lock().expect("the log")).into_owned()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}

/// A span's attribute; empty where it has none of that name.
pub fn attribute(span: &Span, key: &str) -> String {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key == key);
    found
        .map(|attribute| text(attribute.value.as_ref()))
        .unwrap_or_default()
}
