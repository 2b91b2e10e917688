//! The document: channels, operations, and a message for each public type.

use std::path::Path;

use consent_domain::{BankCode, PartnerId};
use public_events::{Body, TYPE_PREFIX, topics::TopicNames};
use serde_json::Value;

use super::{
    schema::{Schemas, schemas},
    yaml::{Yaml, map, reference, text},
};

const ABOUT: &str = "\
Events about consents of bank customers, for the partners (API連携事業者) that they concern and for
whoever runs the platform. Guide: docs/events.md.

Written from proto/consent/v1 and the golden records; do not edit.

For every reader:
- Read with `isolation.level=read_committed`. Records are written in transactions; what was aborted
  is to be seen by nobody.
- Tell a repetition by the header `ce_id`: one fact, one id, in every topic. A topic holds an id once.
- Events of one grant have one key and stay in order. Between keys, `ce_sequence` gives the order: 19
  digits, ascending, with gaps for what does not concern you.
- Pass over types, fields and enum values that you don't know. A change that would break you has
  another package, and `ce_type` says which.
- The body is protocol buffers; where `content-type` says `application/json`, their JSON mapping with
  the fields' own names. Examples show that one.";

const AUDIENCES: [&str; 3] = ["partner", "platform", "registrations"];

struct Record {
    message: &'static str,
    audience: String,
    golden: Value,
}

fn records() -> Vec<Record> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    Body::MESSAGES
        .iter()
        .map(|message| {
            let path = folder.join(format!("{message}.json"));
            let text = std::fs::read_to_string(path).unwrap();
            let golden: Value = serde_json::from_str(&text).unwrap();
            Record {
                message,
                audience: golden["audience"].as_str().unwrap().to_owned(),
                golden,
            }
        })
        .collect()
}

pub(super) fn document() -> Yaml {
    let records = records();
    let described = schemas();
    let messages = records
        .iter()
        .map(|record| (record.message.to_owned(), message(record, &described)))
        .collect();
    let channels = AUDIENCES
        .map(|audience| (audience.to_owned(), channel(audience, &records)))
        .into();
    let operations = AUDIENCES
        .map(|audience| (format!("publish-{audience}"), operation(audience)))
        .into();
    map([
        ("asyncapi", text("3.0.0")),
        (
            "info",
            map([
                ("title", text("Renkei consent events")),
                ("version", text("1.0.0")),
                ("description", text(ABOUT)),
            ]),
        ),
        ("defaultContentType", text("application/protobuf")),
        ("channels", Yaml::Map(channels)),
        ("operations", Yaml::Map(operations)),
        (
            "components",
            map([
                ("messages", Yaml::Map(messages)),
                (
                    "schemas",
                    Yaml::Map(described.schemas.into_iter().collect()),
                ),
                ("messageTraits", map([("cloudEvent", cloud_event_trait())])),
            ]),
        ),
    ])
}

fn address(audience: &str) -> String {
    let names = TopicNames::default();
    match audience {
        "platform" => names.platform(),
        "registrations" => names.registrations(),
        _ => {
            let bank = BankCode::parse("0000").unwrap();
            let partner = PartnerId::parse("partner-id").unwrap();
            names
                .partner(&bank, &partner)
                .replace("0000", "{bank_code}")
                .replace("partner-id", "{partner_id}")
        }
    }
}

fn about(audience: &str) -> &'static str {
    match audience {
        "partner" => {
            "What one partner learns of its own grants at one bank. Nobody else may read it. The key is \
             the grant's id, or the partner's where an event concerns all of them."
        }
        "platform" => {
            "For whoever runs the platform: one record for every fact of the log, with the fact's id, so \
             that the topic can be compared with the log. What a partner learns stands here as it learns \
             it; of every other fact there is a FactRecorded."
        }
        _ => {
            "Compacted: the latest record of a key is today's state. A record without a body ends it: the \
             grant ended, or the partner was disabled at the bank. Read it from the beginning to know \
             every grant that stands; a grant holds where its own record and the partner's are there and \
             its time has not passed. It may be read while it has no suspension cause; suspensions of a \
             partner, a contract or a bank stand on the platform's topic."
        }
    }
}

fn channel(audience: &str, records: &[Record]) -> Yaml {
    let mut members = vec![
        ("address".to_owned(), text(address(audience))),
        ("description".to_owned(), text(about(audience))),
    ];
    if audience == "partner" {
        let parameters = map([
            (
                "bank_code",
                map([("description", text("The bank's code, four digits."))]),
            ),
            (
                "partner_id",
                map([(
                    "description",
                    text(
                        "The partner's id; a character outside A-Za-z0-9- is written as _ and two \
                          hexadecimal digits.",
                    ),
                )]),
            ),
        ]);
        members.push(("parameters".to_owned(), parameters));
    }
    let here = records.iter().filter(|record| {
        // The platform reads what partners read, too.
        record.audience == audience || (audience == "platform" && record.audience == "partner")
    });
    let messages = here
        .map(|record| {
            let to = format!("#/components/messages/{}", record.message);
            (record.message.to_owned(), reference(&to))
        })
        .collect();
    members.push(("messages".to_owned(), Yaml::Map(messages)));
    let policy = if audience == "registrations" {
        "compact"
    } else {
        "delete"
    };
    let configuration = map([("cleanup.policy", Yaml::List(vec![text(policy)]))]);
    let kafka = map([("topicConfiguration", configuration)]);
    members.push(("bindings".to_owned(), map([("kafka", kafka)])));
    Yaml::Map(members)
}

fn operation(audience: &str) -> Yaml {
    map([
        ("action", text("send")),
        ("channel", reference(&format!("#/channels/{audience}"))),
        (
            "summary",
            text("The relay writes, in the order of the log, within a transaction."),
        ),
    ])
}

fn message(record: &Record, described: &Schemas) -> Yaml {
    let name = record.message;
    let description = described.comments[name].clone();
    let example = map([
        ("name", text(name)),
        ("headers", (&record.golden["headers"]).into()),
        ("payload", (&record.golden["data"]).into()),
    ]);
    let key = map([
        ("type", text("string")),
        ("examples", Yaml::List(vec![(&record.golden["key"]).into()])),
    ]);
    map([
        (
            "name",
            text(format!("{TYPE_PREFIX}renkei.consent.v1.{name}")),
        ),
        ("title", text(name)),
        ("description", text(description)),
        ("contentType", text("application/protobuf")),
        (
            "payload",
            reference(&format!("#/components/schemas/{name}")),
        ),
        ("bindings", map([("kafka", map([("key", key)]))])),
        (
            "traits",
            Yaml::List(vec![reference("#/components/messageTraits/cloudEvent")]),
        ),
        ("examples", Yaml::List(vec![example])),
    ])
}

/// CloudEvents in Kafka's binary mode.
fn cloud_event_trait() -> Yaml {
    let header = |about: &str| map([("type", text("string")), ("description", text(about))]);
    let properties = map([
        ("ce_specversion", header("1.0")),
        (
            "ce_id",
            header("The fact's id, a UUID; for telling a repetition."),
        ),
        (
            "ce_source",
            header(
                "The bank's issuer, as `iss` in tokens; the service's URL for what belongs to no bank.",
            ),
        ),
        (
            "ce_type",
            header("jp. and the full name of the body's message."),
        ),
        (
            "ce_time",
            header(
                "When it took effect, RFC 3339, UTC. An end by time took effect before it was recorded.",
            ),
        ),
        (
            "ce_subject",
            header("The grant's id, or else what it is about."),
        ),
        (
            "ce_dataschema",
            header("Names the message; a name, not an address."),
        ),
        (
            "ce_sequence",
            header("Place in the one order of all facts, 19 digits."),
        ),
        (
            "content-type",
            header("application/protobuf or application/json."),
        ),
        (
            "traceparent",
            header("W3C trace context of the request that led to it, where there was one."),
        ),
    ]);
    let required = [
        "ce_specversion",
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_subject",
        "ce_dataschema",
        "ce_sequence",
        "content-type",
    ];
    map([(
        "headers",
        map([
            ("type", text("object")),
            ("properties", properties),
            ("required", Yaml::List(required.map(text).into())),
        ]),
    )])
}
