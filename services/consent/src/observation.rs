//! A request as it is seen from outside: one span, one line in the log, one count.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
};
use telemetry::TraceParent;
use tracing::{Instrument as _, Span, field};

use crate::{metrics, request_context::RequestContext};

/// What is asked for every few seconds by machines is neither traced nor logged.
const UNOBSERVED: [&str; 3] = ["/health/live", "/health/ready", "/metrics"];

/// Wraps an application, outermost.
///
/// # Errors
/// None of its own.
pub async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    // The template, not the path: a path may hold anything.
    let route = request
        .match_pattern()
        .unwrap_or_else(|| "unmatched".to_owned());
    if UNOBSERVED.contains(&route.as_str()) {
        return next.call(request).await;
    }
    let started = Instant::now();
    let method = method_name(request.method());
    let mut context = RequestContext::received(request.headers());
    let span = span(&context, method, &route);
    if let Some(own) = TraceParent::of(&span) {
        span.record("trace_id", own.trace_id());
        context.traceparent = Some(own.to_string());
    }
    request.extensions_mut().insert(context);
    let answered = next.call(request).instrument(span.clone()).await;
    let status = match &answered {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let took = started.elapsed();
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    metrics::http_answered(&route, method, status.as_u16(), took);
    span.in_scope(|| {
        tracing::info!(
            status = status.as_u16(),
            duration_ms = took.as_millis(),
            "answered"
        );
    });
    answered
}

/// At the highest level, so that whatever is logged carries the ids.
fn span(context: &RequestContext, method: &'static str, route: &str) -> Span {
    let span = tracing::error_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        request_id = context.request_id,
        inquiry_number = context.inquiry_number(),
        trace_id = field::Empty,
    );
    if let Some(caller) = context.traceparent.as_deref().and_then(TraceParent::find) {
        caller.adopt(&span);
    }
    span
}

/// A caller may send any word as a method.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "OTHER",
    }
}
