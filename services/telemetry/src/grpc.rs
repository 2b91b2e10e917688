//! Spans of gRPC calls, on both sides.

use tonic::{
    codegen::http,
    metadata::{MetadataMap, MetadataValue},
};
use tracing::{Span, field};

use crate::TraceParent;

/// Longest method path that is taken for a name, in bytes.
const PATH_BYTES_MAX: usize = 100;

/// A call to a service behind; wrap the call in it, and [`inject`] within it.
pub fn client_span(service: &'static str, method: &'static str) -> Span {
    tracing::info_span!(
        "rpc",
        otel.name = format!("{service}/{method}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        rpc.grpc.status_code = field::Empty,
    )
}

/// How a call ended, by its gRPC code; 0 is OK.
pub fn record_status(span: &Span, code: tonic::Code) {
    span.record("rpc.grpc.status_code", i32::from(code));
    if code != tonic::Code::Ok {
        span.record("otel.status_code", "ERROR");
    }
}

/// Passes the current span on to the service behind.
pub fn inject(metadata: &mut MetadataMap) {
    let value =
        TraceParent::current().and_then(|parent| MetadataValue::try_from(parent.to_string()).ok());
    if let Some(value) = value {
        metadata.insert(TraceParent::FIELD, value);
    }
}

/// A call that came in, for `Server::trace_fn`: it continues the caller's trace. Of the caller's
/// fields it carries the request's id, where that looks like one.
pub fn server_span(request: &http::Request<()>) -> Span {
    let path = request.uri().path().trim_start_matches('/');
    let is_name = path.len() <= PATH_BYTES_MAX
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'_'));
    let name = if is_name { path } else { "unmatched" };
    let (service, method) = name.split_once('/').unwrap_or((name, ""));
    let span = tracing::error_span!(
        "call",
        otel.name = name,
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.service = service,
        rpc.method = method,
        request_id = text(request, "x-request-id").filter(|id| is_request_id(id)),
        trace_id = field::Empty,
    );
    if let Some(parent) = text(request, TraceParent::FIELD).and_then(TraceParent::find) {
        parent.adopt(&span);
    }
    if let Some(own) = TraceParent::of(&span) {
        span.record("trace_id", own.trace_id());
    }
    span
}

fn text<'r>(request: &'r http::Request<()>, name: &str) -> Option<&'r str> {
    request
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
}

/// A UUID, as our services write it.
fn is_request_id(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}
