//! What every request carries along: its id and its place in a trace.

use actix_web::HttpRequest;

use crate::entropy;

/// Identifies a request in logs, events and on error pages.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// A UUID of ours; what the caller calls it is not trusted.
    pub request_id: String,
    /// W3C trace context, continued where the caller sent a well-formed one.
    pub traceparent: Option<String>,
}

impl RequestContext {
    /// Of a request.
    pub fn of(request: &HttpRequest) -> Self {
        let traceparent = request
            .headers()
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .filter(|value| is_traceparent(value))
            .map(str::to_owned);
        Self { request_id: entropy::opaque_id().to_string(), traceparent }
    }

    /// The number that a customer quotes to the bank: short enough for the telephone.
    pub fn inquiry_number(&self) -> String {
        let digits: String =
            self.request_id.chars().filter(char::is_ascii_hexdigit).take(12).collect();
        digits.to_ascii_uppercase()
    }
}

/// `version-traceid-parentid-flags` in lower-case hex (W3C Trace Context 3.2).
fn is_traceparent(value: &str) -> bool {
    let lengths = [2, 32, 16, 2];
    let parts: Vec<&str> = value.split('-').collect();
    parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, length)| {
            part.len() == length
                && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
}
