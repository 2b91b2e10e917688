//! The request's id and its place in a trace, and how both travel on to the gRPC calls.

use actix_web::http::header::HeaderMap;
use tonic::metadata::{MetadataMap, MetadataValue};
use uuid::Uuid;

/// FAPI's name of the request id; a partner may choose the value, a UUID.
pub(crate) const INTERACTION_ID_HEADER: &str = "x-fapi-interaction-id";
/// Our name of the same id.
pub(crate) const REQUEST_ID_HEADER: &str = "x-request-id";
/// W3C Trace Context.
const TRACEPARENT_HEADER: &str = "traceparent";

/// Identifies one request in logs, in answers and at the services behind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestContext {
    request_id: Uuid,
    trace: TraceParent,
}

impl RequestContext {
    /// Takes over a well-formed id and trace of the caller, and mints what is missing or malformed.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let request_id = single(headers, INTERACTION_ID_HEADER)
            .filter(|text| text.len() == 36)
            .and_then(|text| Uuid::try_parse(text).ok())
            .unwrap_or_else(Uuid::new_v4);
        let trace = single(headers, TRACEPARENT_HEADER)
            .and_then(TraceParent::find)
            .map_or_else(TraceParent::begin, TraceParent::continued);
        Self { request_id, trace }
    }

    /// The id, answered as `x-fapi-interaction-id` and `x-request-id`.
    pub(crate) fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// The trace's id, 32 hexadecimal digits.
    pub(crate) fn trace_id(&self) -> String {
        format!("{:032x}", self.trace.trace_id)
    }

    /// Passes id and trace on to a service behind.
    pub(crate) fn propagate(&self, metadata: &mut MetadataMap) {
        // Both are hexadecimal digits and hyphens, which metadata always takes.
        if let Ok(value) = MetadataValue::try_from(self.request_id.to_string()) {
            metadata.insert(REQUEST_ID_HEADER, value);
        }
        if let Ok(value) = MetadataValue::try_from(self.trace.to_string()) {
            metadata.insert(TRACEPARENT_HEADER, value);
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

/// W3C Trace Context, version 00: `00-<trace id>-<span id>-<flags>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceParent {
    /// The only flag of version 00 that is passed on.
    const SAMPLED: u8 = 1;

    fn begin() -> Self {
        Self {
            trace_id: Uuid::new_v4().as_u128(),
            span_id: fresh_span_id(),
            flags: 0,
        }
    }

    fn continued(self) -> Self {
        Self {
            span_id: fresh_span_id(),
            ..self
        }
    }

    fn find(text: &str) -> Option<Self> {
        let lowercase_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
        if text.len() != 55 || !text.bytes().all(lowercase_hex) {
            return None;
        }
        let mut parts = text.split('-');
        let (version, trace, span, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "00" || trace.len() != 32 || span.len() != 16 || parts.next().is_some() {
            return None;
        }
        let trace_id = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0)?;
        let span_id = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0)?;
        let flags = u8::from_str_radix(flags, 16).ok()? & Self::SAMPLED;
        Some(Self {
            trace_id,
            span_id,
            flags,
        })
    }
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

fn fresh_span_id() -> u64 {
    // The low half of a random UUID; its variant bits keep it from being zero.
    Uuid::new_v4().as_u64_pair().1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_continued_with_a_span_of_our_own() {
        let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let given = TraceParent::find(text).unwrap();
        assert_eq!(given.to_string(), text);
        let continued = given.continued();
        assert_eq!(continued.trace_id, given.trace_id);
        assert_ne!(continued.span_id, given.span_id);
    }

    #[test]
    fn a_malformed_trace_is_not_taken_over() {
        for bad in [
            "",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-00",
        ] {
            assert_eq!(TraceParent::find(bad), None, "{bad}");
        }
    }
}
