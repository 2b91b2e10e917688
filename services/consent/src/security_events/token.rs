//! One Security Event Token (RFC 8417): a public event, signed with the key that signs access tokens.

use chrono::{DateTime, Utc};
use public_events::PublicEvent;
use serde_json::json;

use crate::protocol::{issuer::Issuer, signing_key::SigningKey};

/// The header's `typ` (RFC 8417 2.3).
const TYPE: &str = "secevent+jwt";
/// What stands before an event's `type` to make it a URI: a name, not an address.
const EVENT_URI_PREFIX: &str = "urn:renkei:event:";

/// To whom tokens are given.
pub(crate) struct Recipient<'a> {
    /// The bank's issuer.
    pub issuer: &'a Issuer,
    /// The client, the audience.
    pub client_id: &'a str,
}

/// Signs the event for the recipient. `jti` is the event's id: what comes again is known by it, although
/// `iat` is another.
pub(crate) fn sign(
    key: &SigningKey,
    recipient: &Recipient<'_>,
    event: &PublicEvent,
    now: DateTime<Utc>,
) -> String {
    let attributes = &event.attributes;
    let uri = format!("{EVENT_URI_PREFIX}{}", attributes.event_type());
    let data = event.body.as_ref().map(|body| body.to_json());
    let claims = json!({
        "iss": recipient.issuer.as_str(),
        "aud": recipient.client_id,
        "jti": attributes.id,
        "iat": now.timestamp(),
        // When it took effect (RFC 8417 2.2).
        "toe": attributes.time.timestamp(),
        // RFC 9493: the grant, or the partner.
        "sub_id": { "format": "opaque", "id": attributes.subject },
        "events": { uri: data.unwrap_or_else(|| json!({})) },
    });
    key.sign(TYPE, claims.to_string().as_bytes())
}
