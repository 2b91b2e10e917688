//! What operators' programs send: bodies and headers, read strictly.

use actix_web::{
    HttpRequest,
    http::header::{CONTENT_TYPE, HeaderMap},
};
use serde::de::DeserializeOwned;

use crate::{
    operator_orders::OrderKey,
    problem::{Problem, problem},
};

/// Longest body, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

impl Problem {
    /// The body is not what the document says.
    pub(crate) const INVALID_BODY: Self = problem(
        400,
        "invalid_body",
        "Body not accepted",
        "Send a JSON object (application/json) with the members that the API's document names and no others.",
    );
}

/// Reads a JSON body.
///
/// # Errors
/// [`Problem::INVALID_BODY`].
pub(crate) fn body<T: DeserializeOwned>(request: &HttpRequest, bytes: &[u8]) -> Result<T, Problem> {
    let kind = request.headers().get(CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media = kind.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") || bytes.len() > BODY_BYTES_MAX {
        return Err(Problem::INVALID_BODY);
    }
    // Serde would also fill a structure from an array, in the order of its fields.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::INVALID_BODY);
    }
    serde_json::from_slice(bytes).map_err(|_| Problem::INVALID_BODY)
}

/// The `Idempotency-Key`.
///
/// # Errors
/// [`Problem::KEY_MISSING`].
pub(crate) fn order_key(headers: &HeaderMap) -> Result<OrderKey, Problem> {
    let mut keys = headers.get_all("Idempotency-Key");
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Problem::KEY_MISSING);
    };
    let text = key.to_str().map_err(|_| Problem::KEY_MISSING)?;
    OrderKey::parse(text).ok_or(Problem::KEY_MISSING)
}
