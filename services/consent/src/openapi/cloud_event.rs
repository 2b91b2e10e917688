//! An event of the feed, described; `public_events` writes it.

#![expect(dead_code, reason = "a description, never constructed")]

use utoipa::ToSchema;

/// A CloudEvent 1.0 in the JSON format. Its types and the members of `data` are in the AsyncAPI document
/// and in `proto/consent/v1`; unknown types and members are to be passed over.
#[derive(ToSchema)]
pub(crate) struct CloudEvent {
    /// Always `1.0`.
    #[schema(example = "1.0")]
    specversion: String,
    /// Keep it: an event that comes again has the same.
    #[schema(example = "0196384e-7c5a-7c3e-9d5f-0a6b1c2d3e4f")]
    id: String,
    /// The bank's issuer.
    #[schema(example = "https://consent.example/2963")]
    source: String,
    /// What happened.
    #[schema(example = "jp.renkei.consent.v1.AccessRevoked")]
    r#type: String,
    /// When it took effect.
    #[schema(example = "2026-04-01T09:30:00.123456Z", format = DateTime)]
    time: String,
    /// The grant, or the partner.
    #[schema(example = "0196384e-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
    subject: String,
    /// Its place in the log, 19 digits: ascends, with gaps.
    #[schema(example = "0000000000000004711")]
    sequence: String,
    /// Names the schema of `data`.
    #[schema(example = "urn:renkei:proto:renkei.consent.v1.AccessRevoked")]
    dataschema: String,
    /// Always `application/json`.
    #[schema(example = "application/json")]
    datacontenttype: String,
    /// W3C trace context of the request that led to it.
    #[schema(
        nullable = false,
        example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    )]
    traceparent: Option<String>,
    /// What the type says.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}
