//! A golden record for every public type: the bytes and the JSON that readers get.
//!
//! `UPDATE_GOLDEN=1` writes them anew; what changed then shows in the review.

use std::path::{Path, PathBuf};

use public_events::{Audience, Body, Encoding, PublicEvent, translate};
use serde_json::{Value, json};

use crate::stored::{before, names, stored};

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

fn record(message: &str) -> PublicEvent {
    let file = match message {
        "AccessAuthorized" | "GrantRegistration" => "consent.AccessGranted.v1",
        "AccountsChanged" => "consent.AccessAmended.v1",
        "AccessExpiring" => "consent.ExpiryWarned.v1",
        "AccessHandedOver" => "consent.HandedOver.v1",
        "PartnerConnected" | "AccessExpired" | "AccessRevoked" | "AccessRenewed"
        | "AccessSuspended" | "AccessRestored" | "AccessSuperseded" => {
            return of_fact(&format!("consent.{message}.v1"), message);
        }
        "PartnerRegistration" => "partner_at_bank.PartnerEnabled.v1",
        "PartnerEnabled" | "PartnerDisabled" | "PartnerSuspended" | "PartnerRestored" => {
            return of_fact(&format!("partner_at_bank.{message}.v1"), message);
        }
        "FactRecorded" => "contract.PinLocked.v1",
        other => panic!("{other} has no golden record: say here how it comes about"),
    };
    of_fact(file, message)
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
