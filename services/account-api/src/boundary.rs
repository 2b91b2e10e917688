//! What every request passes first and every answer passes last: sizes, ids, headers, one log line.

use std::time::Instant;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use telemetry::TraceParent;
use tracing::{Instrument as _, Span, field};

use crate::access_token::AccessToken;
use crate::metrics;
use crate::problem::{Problem, ProblemCode};
use crate::trace_context::{INTERACTION_ID_HEADER, REQUEST_ID_HEADER, RequestContext};

/// Longest request target, in bytes; a cursor fits.
const MAX_TARGET_BYTES: usize = 8 * 1024;
/// All header fields together, in bytes; an access token of a few hundred accounts fits.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Wraps the whole application.
///
/// # Errors
///
/// None of its own: what is refused here is answered as a problem.
pub(crate) async fn boundary<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let started = Instant::now();
    let context = RequestContext::of(request.headers());
    let route = request
        .match_pattern()
        .unwrap_or_else(|| "unmatched".to_owned());
    // At the highest level, so that whatever is logged carries the ids.
    let span = tracing::error_span!(
        "request",
        otel.name = format!("{} {route}", method_name(request.method())),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method_name(request.method()),
        http.route = route,
        http.response.status_code = field::Empty,
        request_id = %context.request_id(),
        trace_id = field::Empty,
        bank_code = field::Empty,
        client_id = field::Empty,
        grant_id = field::Empty,
        token_id = field::Empty,
    );
    context.continue_trace(&span);
    if let Some(own) = TraceParent::of(&span) {
        span.record("trace_id", own.trace_id());
    }
    request.extensions_mut().insert(context.clone());
    let mut response = match check_sizes(&request) {
        Ok(()) => next
            .call(request)
            .instrument(span.clone())
            .await?
            .map_into_left_body(),
        Err(problem) => request
            .into_response(problem.error_response())
            .map_into_right_body(),
    };
    finish(&mut response, &context);
    span.record(
        "http.response.status_code",
        i64::from(response.status().as_u16()),
    );
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    span.in_scope(|| log(&response, started));
    Ok(response)
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

/// Names the caller in the request's log lines.
pub(crate) fn record_caller(token: &AccessToken) {
    Span::current()
        .record("bank_code", token.bank_code())
        .record("client_id", token.client_id())
        .record("grant_id", token.grant_id())
        .record("token_id", token.token_id());
}

fn check_sizes(request: &ServiceRequest) -> Result<(), Problem> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET_BYTES {
        return Err(Problem::UriTooLong);
    }
    let headers = request.headers();
    let header_bytes: usize = headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if header_bytes > MAX_HEADER_BYTES {
        return Err(Problem::HeadersTooLarge);
    }
    let has_content = headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length != "0");
    if has_content {
        Err(Problem::ContentNotAccepted)
    } else {
        Ok(())
    }
}

fn finish<B>(response: &mut ServiceResponse<B>, context: &RequestContext) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // A UUID is always a header value.
    if let Ok(id) = HeaderValue::try_from(context.request_id().to_string()) {
        headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), id.clone());
        headers.insert(HeaderName::from_static(INTERACTION_ID_HEADER), id);
    }
}

fn log<B>(response: &ServiceResponse<B>, started: Instant) {
    let extensions = response.response().extensions();
    let code = extensions.get::<ProblemCode>().map(|code| code.0);
    let route = response.request().match_pattern();
    let route = route.as_deref().unwrap_or("unmatched");
    metrics::answered(
        route,
        method_name(response.request().method()),
        response.status().as_u16(),
        code,
        started.elapsed(),
    );
    tracing::info!(
        // The pattern, not the path: a path may hold anything.
        route,
        status = response.status().as_u16(),
        code = code.unwrap_or("ok"),
        duration_ms = started.elapsed().as_millis(),
        "answered"
    );
}
