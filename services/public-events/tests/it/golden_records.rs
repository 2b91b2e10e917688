//! A golden record for every public type: the bytes and the JSON that readers get.
//!
//! `UPDATE_GOLDEN=1` writes them anew; what changed then shows in the review.

use std::path::{Path, PathBuf};

use public_events::{Attributes, Audience, Body, Encoding, PublicEvent, translate};
use renkei_proto::consent::v1 as proto;
use serde_json::{Value, json};

use crate::stored::{GRANT, at, before, names, stored};

/// The record of a fact that has this message.
fn of_fact(file: &str, message: &str) -> PublicEvent {
    let fact = stored(file, if file.contains("AccessGranted") { 1 } else { 2 });
    let events = translate(&fact, &before(&fact), &names()).unwrap();
    let mut records = events
        .into_iter()
        .filter(|event| event.attributes.message == message);
    // The partner's before the platform's copy of it.
    let first = records.next().unwrap();
    match (&first.audience, records.next()) {
        (Audience::Platform, Some(to_partner)) => to_partner,
        _ => first,
    }
}

/// A record whose private fact does not exist yet.
fn of_message(body: Body) -> PublicEvent {
    let like = of_fact("consent.PartnerConnected.v1", "PartnerConnected");
    PublicEvent {
        attributes: Attributes {
            message: body.message(),
            ..like.attributes
        },
        body: Some(body),
        ..like
    }
}

fn renewed() -> PublicEvent {
    let Some(Body::AccessAuthorized(before)) =
        of_fact("consent.AccessGranted.v1", "AccessAuthorized").body
    else {
        panic!("another message");
    };
    let end = |text| Some(timestamp(text));
    let access = before.access.map(|access| proto::Access {
        valid_until: end("2028-03-31T15:00:00Z"),
        ..access
    });
    of_message(
        proto::AccessRenewed {
            grant_id: GRANT.to_owned(),
            client_id: "books".to_owned(),
            access,
            previous_valid_until: end("2027-03-31T15:00:00Z"),
        }
        .into(),
    )
}

fn timestamp(text: &str) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at(text).timestamp(),
        nanos: 0,
    }
}

fn record(message: &str) -> PublicEvent {
    let grant_id = GRANT.to_owned();
    let client_id = "books".to_owned();
    let causes = |causes: &[proto::SuspensionCause]| causes.iter().map(|one| *one as i32).collect();
    let (bank, partner) = (
        proto::SuspensionCause::Bank,
        proto::SuspensionCause::Partner,
    );
    match message {
        "AccessAuthorized" | "GrantRegistration" => of_fact("consent.AccessGranted.v1", message),
        "AccountsChanged" => of_fact("consent.AccessAmended.v1", message),
        "PartnerConnected" => of_fact("consent.PartnerConnected.v1", message),
        "AccessExpired" => of_fact("consent.AccessExpired.v1", message),
        "AccessRevoked" => of_fact("consent.AccessRevoked.v1", message),
        "PartnerEnabled" | "PartnerRegistration" => {
            of_fact("partner_at_bank.PartnerEnabled.v1", message)
        }
        "PartnerDisabled" => of_fact("partner_at_bank.PartnerDisabled.v1", message),
        "FactRecorded" => of_fact("contract.PinLocked.v1", message),
        "AccessRenewed" => renewed(),
        "AccessExpiring" => of_message(
            proto::AccessExpiring {
                grant_id,
                client_id,
                valid_until: Some(timestamp("2027-03-31T15:00:00Z")),
                days_left: 14,
            }
            .into(),
        ),
        "AccessSuspended" => of_message(
            proto::AccessSuspended {
                grant_id,
                client_id,
                cause: bank.into(),
                causes: causes(&[bank, partner]),
            }
            .into(),
        ),
        "AccessRestored" => of_message(
            proto::AccessRestored {
                grant_id,
                client_id,
                cause: bank.into(),
                causes: causes(&[partner]),
            }
            .into(),
        ),
        "AccessSuperseded" => of_message(
            proto::AccessSuperseded {
                grant_id,
                client_id,
                superseded_by_grant_id: "c0a8b1b2-0f1e-4d55-8d5f-6d3c6f1b9e42".to_owned(),
                ended_at: Some(timestamp("2026-09-30T15:00:00Z")),
            }
            .into(),
        ),
        "AccessHandedOver" => of_message(
            proto::AccessHandedOver {
                grant_id,
                client_id,
            }
            .into(),
        ),
        other => panic!("{other} has no golden record: say here how it comes about"),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn as_written(event: &PublicEvent) -> Value {
    let headers: serde_json::Map<String, Value> = event
        .headers(Encoding::Protobuf)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({
        "audience": match event.audience {
            Audience::Partner { .. } => "partner",
            Audience::Platform => "platform",
            Audience::Registrations => "registrations",
        },
        "key": event.key,
        "headers": headers,
        "data": event.body.as_ref().map(Body::to_json),
    })
}

#[test]
fn every_public_type_is_written_as_its_golden_record_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    for message in Body::MESSAGES {
        let event = record(message);
        assert_eq!(event.body.as_ref().unwrap().message(), *message);
        let bytes = event.value(Encoding::Protobuf).unwrap();
        let text = serde_json::to_string_pretty(&as_written(&event)).unwrap() + "\n";
        let (binary, json) = (
            folder().join(format!("{message}.binpb")),
            folder().join(format!("{message}.json")),
        );
        if update {
            std::fs::write(&binary, &bytes).unwrap();
            std::fs::write(&json, &text).unwrap();
        }
        let golden = |path: &Path| {
            std::fs::read(path).unwrap_or_else(|error| {
                panic!("{}: {error}; UPDATE_GOLDEN=1 writes it", path.display())
            })
        };
        assert!(golden(&binary) == bytes, "{message}.binpb is otherwise");
        assert_eq!(String::from_utf8(golden(&json)).unwrap(), text, "{message}");
    }
}

#[test]
fn no_golden_record_has_lost_its_type() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let message = name.split('.').next().unwrap();
        assert!(Body::MESSAGES.contains(&message), "nothing writes {name}");
    }
}

#[test]
fn json_and_bytes_say_the_same() {
    for message in Body::MESSAGES {
        let event = record(message);
        let json = event.value(Encoding::Json).unwrap();
        let parsed: Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(parsed, event.body.as_ref().unwrap().to_json());
        assert_eq!(parsed, event.to_json()["data"]);
    }
}

#[test]
fn an_ended_grant_is_a_tombstone_with_headers() {
    let fact = stored("consent.AccessExpired.v1", 2);
    let events = translate(&fact, &before(&fact), &names()).unwrap();
    let tombstone = events.last().unwrap();
    assert_eq!(tombstone.audience, Audience::Registrations);
    assert_eq!(tombstone.value(Encoding::Protobuf), None);
    let headers = tombstone.headers(Encoding::Protobuf);
    assert!(headers.contains(&(
        "ce_type",
        "jp.renkei.consent.v1.GrantRegistration".to_owned()
    )));
    // When it took effect, not when it was recorded.
    assert!(headers.contains(&("ce_time", "2027-03-31T15:00:00.000000Z".to_owned())));
}
