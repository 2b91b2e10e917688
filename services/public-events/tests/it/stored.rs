//! Facts as they are stored: the domain's golden files, one for every fact and version ever written.

use std::path::Path;

use chrono::{DateTime, Utc};
use consent_domain::consent::Consent;
use public_events::{LoggedFact, Names, Needs, advance};
use serde::Deserialize;
use shared_keys::SharedKey;
use uuid::Uuid;
use zeroize::Zeroizing;

#[derive(Deserialize)]
struct GoldenFile {
    event_type: String,
    event_version: String,
    payload: serde_json::Value,
}

pub(crate) const GRANT: &str = "6a4f2f0e-5b1c-4c0b-9a76-0f3a5a0d8e11";

pub(crate) fn names() -> Names {
    Names::new(
        "https://consent.example/",
        SharedKey::new(Zeroizing::new([1; 32])),
    )
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The fact of a file such as `consent.AccessGranted.v1`, as the `sequence`th of its stream.
pub(crate) fn stored(file: &str, sequence: i64) -> LoggedFact {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../consent-domain/tests/golden")
        .join(format!("{file}.json"));
    let text = std::fs::read_to_string(&path).unwrap();
    let golden: GoldenFile = serde_json::from_str(&text).unwrap();
    let stream_type = file.split('.').next().unwrap().to_owned();
    LoggedFact {
        global_sequence: 40 + sequence,
        event_id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + sequence as u128),
        stream_id: match stream_type.as_str() {
            "bank" => "2963".to_owned(),
            "partner" => "partner-1".to_owned(),
            "partner_at_bank" => "2963:partner-1".to_owned(),
            "contract" => "2963:dantai-1".to_owned(),
            "journey" => "2963:journey-1".to_owned(),
            "consent" => format!("2963:{GRANT}"),
            other => panic!("{other} is a new stream"),
        },
        stream_type,
        sequence,
        event_type: golden.event_type,
        event_version: golden.event_version,
        payload: golden.payload,
        recorded_at: at("2026-04-01T00:05:00.123456Z"),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
    }
}

/// The names of all files.
pub(crate) fn every_stored_fact() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../consent-domain/tests/golden");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".json").unwrap().to_owned())
        .collect();
    files.sort();
    files
}

/// The state that a fact of a file needs: of the grant's first, none; of the others, the first.
pub(crate) fn before(fact: &LoggedFact) -> Consent {
    let mut consent = Consent::default();
    if fact.needs() == Needs::ConsentBefore && fact.event_type != "AccessGranted" {
        advance(&mut consent, &stored("consent.AccessGranted.v1", 1)).unwrap();
    }
    consent
}
