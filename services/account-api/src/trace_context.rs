//! The request's id and its place in a trace, and how both travel on to the gRPC calls.

use actix_web::http::header::HeaderMap;
use telemetry::TraceParent;
use tonic::metadata::{MetadataMap, MetadataValue};
use tracing::Span;
use uuid::Uuid;

/// FAPI's name of the request id; a partner may choose the value, a UUID.
pub(crate) const INTERACTION_ID_HEADER: &str = "x-fapi-interaction-id";
/// Our name of the same id.
pub(crate) const REQUEST_ID_HEADER: &str = "x-request-id";

/// Identifies one request in logs, in answers and at the services behind.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    request_id: Uuid,
    /// Of the caller, where it sent a well-formed one.
    caller: Option<TraceParent>,
}

impl RequestContext {
    /// Takes over a well-formed id and trace of the caller; an id that is missing or malformed is
    /// minted.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let request_id = single(headers, INTERACTION_ID_HEADER)
            .filter(|text| text.len() == 36)
            .and_then(|text| Uuid::try_parse(text).ok())
            .unwrap_or_else(Uuid::new_v4);
        let caller = single(headers, TraceParent::FIELD).and_then(TraceParent::find);
        Self { request_id, caller }
    }

    /// The id, answered as `x-fapi-interaction-id` and `x-request-id`.
    pub(crate) fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// Makes the request's span continue the caller's trace.
    pub(crate) fn continue_trace(&self, span: &Span) {
        if let Some(caller) = &self.caller {
            caller.adopt(span);
        }
    }

    /// Passes id and the current span's place in its trace on to a service behind. Where nothing is
    /// traced it is the caller's place.
    pub(crate) fn propagate(&self, metadata: &mut MetadataMap) {
        // Both are hexadecimal digits and hyphens, which metadata always takes.
        if let Ok(value) = MetadataValue::try_from(self.request_id.to_string()) {
            metadata.insert(REQUEST_ID_HEADER, value);
        }
        let trace = TraceParent::current().or_else(|| self.caller.clone());
        let trace = trace.and_then(|trace| MetadataValue::try_from(trace.to_string()).ok());
        if let Some(value) = trace {
            metadata.insert(TraceParent::FIELD, value);
        }
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}
