//! What every request carries along: its id and its place in a trace.

use actix_web::{HttpMessage as _, HttpRequest, http::header::HeaderMap};
use telemetry::TraceParent;

use crate::entropy;

/// Identifies a request in logs, events and on error pages.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// A UUID of ours; what the caller calls it is not trusted.
    pub request_id: String,
    /// W3C trace context: of the request's span, or the caller's own where nothing is traced.
    pub traceparent: Option<String>,
}

impl RequestContext {
    /// Of a request: the one that it got when it came in, so that page, log and events agree.
    pub fn of(request: &HttpRequest) -> Self {
        let given = request.extensions().get::<Self>().cloned();
        given.unwrap_or_else(|| Self::received(request.headers()))
    }

    /// Of a request that comes in, with the caller's trace where that is well-formed.
    pub fn received(headers: &HeaderMap) -> Self {
        let traceparent = headers
            .get(TraceParent::FIELD)
            .and_then(|value| value.to_str().ok())
            .and_then(TraceParent::find)
            .map(|parent| parent.to_string());
        Self {
            request_id: entropy::opaque_id().to_string(),
            traceparent,
        }
    }

    /// The number that a customer quotes to the bank: short enough for the telephone.
    pub fn inquiry_number(&self) -> String {
        let digits: String = self
            .request_id
            .chars()
            .filter(char::is_ascii_hexdigit)
            .take(12)
            .collect();
        digits.to_ascii_uppercase()
    }
}
