use chrono::{DateTime, SecondsFormat, Utc};
use prost::Message as _;
use renkei_proto::consent::v1 as proto;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{Audience, Encoding, proto_json};

/// What stands before a message's full name in an event's `type`.
pub const TYPE_PREFIX: &str = "jp.";
const PACKAGE: &str = "renkei.consent.v1";

/// One record for one audience: a CloudEvent 1.0.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicEvent {
    /// Who is told.
    pub audience: Audience,
    /// The record's key: events of one stream have one key, so they keep their order.
    pub key: String,
    /// What the event says of itself.
    pub attributes: Attributes,
    /// What it says; none: a tombstone, the key holds no more.
    pub body: Option<Body>,
}

/// The context attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Attributes {
    /// The fact's id, the same in every topic; for telling a repetition.
    pub id: Uuid,
    /// The bank's issuer, or the service's URL for what belongs to no bank.
    pub source: String,
    /// The name of the body's message, without its package.
    pub message: &'static str,
    /// When it took effect.
    pub time: DateTime<Utc>,
    /// What it is about: the grant, or else the stream.
    pub subject: String,
    /// Its place in the one order of all facts.
    pub global_sequence: i64,
    /// W3C trace context of the request that led to it.
    pub traceparent: Option<String>,
}

macro_rules! bodies {
    ($($message:ident),+ $(,)?) => {
        /// The message of an event.
        #[derive(Debug, Clone, PartialEq)]
        #[expect(missing_docs, reason = "the .proto files document the messages")]
        pub enum Body {
            $($message(proto::$message)),+
        }

        impl Body {
            /// Every message that can be a body.
            pub const MESSAGES: &[&str] = &[$(stringify!($message)),+];

            /// The message's name, without its package.
            pub fn message(&self) -> &'static str {
                match self {
                    $(Self::$message(_) => stringify!($message)),+
                }
            }

            /// In protocol buffers.
            pub fn to_protobuf(&self) -> Vec<u8> {
                match self {
                    $(Self::$message(message) => message.encode_to_vec()),+
                }
            }
        }

        $(impl From<proto::$message> for Body {
            fn from(message: proto::$message) -> Self {
                Self::$message(message)
            }
        })+
    };
}

bodies!(
    AccessAuthorized,
    PartnerConnected,
    AccountsChanged,
    AccessRenewed,
    AccessExpiring,
    AccessExpired,
    AccessRevoked,
    AccessSuspended,
    AccessRestored,
    AccessSuperseded,
    AccessHandedOver,
    PartnerEnabled,
    PartnerDisabled,
    PartnerSuspended,
    PartnerRestored,
    FactRecorded,
    GrantRegistration,
    PartnerRegistration,
);

impl Body {
    /// In the JSON mapping of protocol buffers, with the fields' own names.
    pub fn to_json(&self) -> Value {
        let full_name = format!("{PACKAGE}.{}", self.message());
        proto_json::of(&full_name, &self.to_protobuf())
    }
}

impl Attributes {
    /// The event's `type`, e.g. `jp.renkei.consent.v1.AccessAuthorized`.
    pub fn event_type(&self) -> String {
        format!("{TYPE_PREFIX}{PACKAGE}.{}", self.message)
    }

    /// Names the message and its version. A name, not an address.
    fn data_schema(&self) -> String {
        format!("urn:renkei:proto:{PACKAGE}.{}", self.message)
    }

    /// With microseconds, as the database keeps them.
    fn time(&self) -> String {
        self.time.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    /// The extension `sequence`: 19 digits, so that texts order as the numbers do.
    fn sequence(&self) -> String {
        format!("{:019}", self.global_sequence)
    }
}

impl PublicEvent {
    /// The record's headers: CloudEvents' binary mode for Kafka, and the trace.
    pub fn headers(&self, encoding: Encoding) -> Vec<(&'static str, String)> {
        let event = &self.attributes;
        let mut headers = vec![
            ("ce_specversion", "1.0".to_owned()),
            ("ce_id", event.id.to_string()),
            ("ce_source", event.source.clone()),
            ("ce_type", event.event_type()),
            ("ce_time", event.time()),
            ("ce_subject", event.subject.clone()),
            ("ce_dataschema", event.data_schema()),
            ("ce_sequence", event.sequence()),
            ("content-type", encoding.media_type().to_owned()),
        ];
        if let Some(traceparent) = &event.traceparent {
            headers.push(("traceparent", traceparent.clone()));
        }
        headers
    }

    /// The record's value; none is a tombstone.
    pub fn value(&self, encoding: Encoding) -> Option<Vec<u8>> {
        self.body.as_ref().map(|body| match encoding {
            Encoding::Protobuf => body.to_protobuf(),
            Encoding::Json => body.to_json().to_string().into_bytes(),
        })
    }

    /// The whole event in CloudEvents' JSON format, for a feed over HTTP.
    pub fn to_json(&self) -> Value {
        let event = &self.attributes;
        let mut object = Map::new();
        let members = [
            ("specversion", json!("1.0")),
            ("id", json!(event.id)),
            ("source", json!(event.source)),
            ("type", json!(event.event_type())),
            ("time", json!(event.time())),
            ("subject", json!(event.subject)),
            ("dataschema", json!(event.data_schema())),
            ("sequence", json!(event.sequence())),
            ("datacontenttype", json!(Encoding::Json.media_type())),
        ];
        object.extend(members.map(|(name, value)| (name.to_owned(), value)));
        if let Some(traceparent) = &event.traceparent {
            object.insert("traceparent".to_owned(), json!(traceparent));
        }
        if let Some(body) = &self.body {
            object.insert("data".to_owned(), body.to_json());
        }
        Value::Object(object)
    }
}
