//! What operators' programs send: bodies and headers, read strictly, and not before it is known that whoever
//! sent them may.

use std::pin::Pin;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_TYPE, HeaderMap},
    web::Bytes,
};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::{
    operator::{Acts, Api},
    operator_orders::OrderKey,
    partner_administration::Given,
    problem::{Problem, problem},
};

/// The header with an order's key.
const KEY_NAME: &str = "Idempotency-Key";
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
fn body<T: DeserializeOwned>(request: &HttpRequest, bytes: &[u8]) -> Result<T, Problem> {
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
fn order_key(headers: &HeaderMap) -> Result<OrderKey, Problem> {
    let mut keys = headers.get_all(KEY_NAME);
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(Problem::KEY_MISSING);
    };
    let text = key.to_str().map_err(|_| Problem::KEY_MISSING)?;
    OrderKey::parse(text).ok_or(Problem::KEY_MISSING)
}

/// An order's key.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "it describes the header; handlers read it themselves"
)]
pub(crate) struct KeyHeader {
    /// A new one for each order, the same one for a repeat of it.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 128)]
    idempotency_key: String,
}

/// An order's key, where a repeat that comes late matters to whoever orders.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(
    dead_code,
    reason = "it describes the header; handlers read it themselves"
)]
pub(crate) struct OptionalKeyHeader {
    /// A new one for each order, the same one for a repeat of it: then a repeat changes nothing, whatever has come
    /// in between, and is answered as the first was. Without it the present state alone tells a repeat.
    #[param(
        rename = "Idempotency-Key",
        value_type = String,
        min_length = 1,
        max_length = 128,
        required = false
    )]
    idempotency_key: Option<String>,
}

type Extracting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;

/// An operator who acts at the bank in the path, under a key.
pub(crate) struct UnderKey {
    pub(super) at: Api<Acts>,
    pub(super) key: OrderKey,
}

impl FromRequest for UnderKey {
    type Error = Problem;
    type Future = Extracting<Self, Problem>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let at = Api::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let at = at.await?;
            let key = order_key(request.headers())?;
            Ok(Self { at, key })
        })
    }
}

/// Who orders, under a key where one was sent.
pub(crate) struct PerhapsUnderKey<W> {
    pub(super) by: W,
    key: Option<OrderKey>,
}

impl<W> PerhapsUnderKey<W> {
    /// The order as it was given; `seen` is what it was made for.
    pub(super) fn given<S>(&self, seen: Option<S>) -> Given<S> {
        let key = self.key.clone();
        Given { key, seen }
    }
}

impl<W> FromRequest for PerhapsUnderKey<W>
where
    W: FromRequest<Error = Problem> + 'static,
{
    type Error = Problem;
    type Future = Extracting<Self, Problem>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let by = W::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let by = by.await?;
            let headers = request.headers();
            let sent = headers.contains_key(KEY_NAME);
            let key = sent.then(|| order_key(headers)).transpose()?;
            Ok(Self { by, key })
        })
    }
}

/// A body, and by whom it was sent.
pub(crate) struct Sent<W, T> {
    pub(super) by: W,
    pub(super) body: T,
}

/// An order at a bank, under its key.
pub(crate) type Ordered<T> = Sent<UnderKey, T>;

impl<W, T> FromRequest for Sent<W, T>
where
    W: FromRequest<Error = Problem> + 'static,
    T: DeserializeOwned,
{
    type Error = actix_web::Error;
    type Future = Extracting<Self, actix_web::Error>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let by = W::from_request(request, payload);
        let bytes = Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let by = by.await?;
            let body = body(&request, &bytes.await?)?;
            Ok(Self { by, body })
        })
    }
}
