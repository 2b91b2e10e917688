//! Every fact that there is has been decided on.

use consent_domain::consent::Consent;
use public_events::{Audience, Body, LoggedFact, PublicEvent, Untranslatable, translate};

use crate::stored::{before, every_stored_fact, names, stored};

fn told(fact: &LoggedFact) -> Vec<PublicEvent> {
    translate(fact, &before(fact), &names()).unwrap()
}

/// The message that the partner gets, and whether the registrations change.
fn summary(file: &str) -> (Option<&'static str>, Option<&'static str>) {
    let events = told(&stored(file, 2));
    let message = |wanted: fn(&Audience) -> bool| {
        let mut events = events.iter().filter(|event| wanted(&event.audience));
        let event = events.next();
        assert!(events.next().is_none(), "{file}: told twice");
        event.map(|event| match &event.body {
            Some(_) => event.attributes.message,
            None => "tombstone",
        })
    };
    (
        message(|to| matches!(to, Audience::Partner { .. })),
        message(|to| matches!(to, Audience::Registrations)),
    )
}

#[test]
fn a_partner_learns_of_its_grants_and_of_nothing_else() {
    for file in every_stored_fact() {
        let expected = match file.as_str() {
            "consent.AccessGranted.v1" => (Some("AccessAuthorized"), Some("GrantRegistration")),
            "consent.AccessAmended.v1" => (Some("AccountsChanged"), Some("GrantRegistration")),
            "consent.PartnerConnected.v1" => (Some("PartnerConnected"), Some("GrantRegistration")),
            "consent.AccessExpired.v1" => (Some("AccessExpired"), Some("tombstone")),
            "consent.AccessRevoked.v1" => (Some("AccessRevoked"), Some("tombstone")),
            "consent.AccountRemoved.v1" => (Some("AccountsChanged"), Some("GrantRegistration")),
            "consent.AccessRenewed.v1" => (Some("AccessRenewed"), Some("GrantRegistration")),
            "consent.AccessSuspended.v1" => (Some("AccessSuspended"), Some("GrantRegistration")),
            "consent.AccessRestored.v1" => (Some("AccessRestored"), Some("GrantRegistration")),
            "consent.ExpiryWarned.v1" => (Some("AccessExpiring"), Some("GrantRegistration")),
            "consent.HandedOver.v1" => (Some("AccessHandedOver"), Some("GrantRegistration")),
            "consent.AccessSuperseded.v1" => (Some("AccessSuperseded"), Some("tombstone")),
            "partner_at_bank.PartnerSuspended.v1" => (Some("PartnerSuspended"), None),
            "partner_at_bank.PartnerRestored.v1" => (Some("PartnerRestored"), None),
            "partner_at_bank.PartnerEnabled.v1" => {
                (Some("PartnerEnabled"), Some("PartnerRegistration"))
            }
            "partner_at_bank.PartnerDisabled.v1" => (Some("PartnerDisabled"), Some("tombstone")),
            _ => (None, None),
        };
        assert_eq!(summary(&file), expected, "{file}");
    }
}

#[test]
fn every_fact_has_exactly_one_record_on_the_platforms_topic_under_its_own_id() {
    for file in every_stored_fact() {
        let fact = stored(&file, 2);
        let events = told(&fact);
        let platform: Vec<_> = events
            .iter()
            .filter(|event| event.audience == Audience::Platform)
            .collect();
        assert_eq!(platform.len(), 1, "{file}");
        assert!(platform[0].body.is_some(), "{file}: a tombstone");
        for event in &events {
            assert_eq!(event.attributes.id, fact.event_id, "{file}");
            assert_eq!(event.attributes.global_sequence, fact.global_sequence);
        }
    }
}

#[test]
fn no_record_of_anybody_holds_an_id_of_the_banks_or_a_pins_reason() {
    for file in every_stored_fact() {
        for event in told(&stored(&file, 2)) {
            let text = format!("{} {}", event.key, event.to_json());
            for private in [
                "acct-",
                "dantai-",
                "treasurer",
                "pin-dantai",
                "pin_mismatch",
            ] {
                assert!(!text.contains(private), "{file} tells {private}: {text}");
            }
        }
    }
}

#[test]
fn the_same_terms_for_longer_are_a_renewal() {
    let mut again = stored("consent.AccessGranted.v1", 2);
    let mut granted = again.payload["AccessGranted"].take();
    granted.as_object_mut().unwrap().remove("place");
    granted["terms"]["valid_until"] = "2028-03-31T15:00:00Z".into();
    again.event_type = "AccessAmended".to_owned();
    again.payload = serde_json::json!({ "AccessAmended": granted });
    let events = told(&again);
    let partner = events
        .iter()
        .find(|event| matches!(event.audience, Audience::Partner { .. }))
        .unwrap();
    let Some(Body::AccessRenewed(renewed)) = &partner.body else {
        panic!("{partner:?}");
    };
    let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().unwrap().seconds;
    let access = renewed.access.as_ref().unwrap();
    assert!(seconds(&renewed.previous_valid_until) < seconds(&access.valid_until));
}

#[test]
fn a_reason_that_is_not_on_the_list_stays_with_the_bank() {
    let mut fact = stored("consent.AccessRevoked.v1", 2);
    fact.payload["AccessRevoked"]["reason"] = "pin_abuse_by_employee".into();
    for event in told(&fact) {
        assert!(!event.to_json().to_string().contains("pin_abuse"));
        if let Some(Body::AccessRevoked(revoked)) = event.body {
            assert_eq!(revoked.reason, 0);
        }
    }
}

#[test]
fn a_fact_that_can_not_be_read_or_does_not_follow_is_an_error_and_never_silence() {
    let granted = stored("consent.AccessGranted.v1", 1);
    let nothing = Consent::default();
    let change = |change: fn(&mut LoggedFact)| {
        let mut fact = granted.clone();
        change(&mut fact);
        translate(&fact, &nothing, &names()).unwrap_err()
    };
    assert!(matches!(
        change(|fact| fact.stream_type = "loan".to_owned()),
        Untranslatable::UnknownStream { .. }
    ));
    assert!(matches!(
        change(|fact| fact.event_version = "2".to_owned()),
        Untranslatable::UnknownFact { .. }
    ));
    assert!(matches!(
        change(|fact| fact.event_type = "AccessLent".to_owned()),
        Untranslatable::UnknownFact { .. }
    ));
    assert!(matches!(
        change(|fact| fact.stream_id = "grant without a bank".to_owned()),
        Untranslatable::StreamId { .. }
    ));
    let unreadable = change(|fact| fact.payload = serde_json::json!({ "AccessLent": "secret" }));
    assert!(matches!(unreadable, Untranslatable::Payload { .. }));
    assert!(!unreadable.to_string().contains("secret"));

    let expired = stored("consent.AccessExpired.v1", 2);
    assert!(matches!(
        translate(&expired, &nothing, &names()),
        Err(Untranslatable::State { .. })
    ));
    assert!(matches!(
        translate(&granted, &before(&expired), &names()),
        Err(Untranslatable::State { .. })
    ));
}

#[test]
fn a_successor_is_named_to_its_own_service_and_to_no_other() {
    let mut fact = stored("consent.AccessSuperseded.v1", 2);
    let granted = stored("consent.AccessGranted.v1", 1);
    let own = granted.payload["AccessGranted"]["terms"]["client"].clone();
    let by = fact.payload["AccessSuperseded"]["by"].clone();
    for (client, named) in [
        (own, Some(&by)),
        ("another-service".into(), None),
        (serde_json::Value::Null, None),
    ] {
        fact.payload["AccessSuperseded"]["by_client"] = client;
        let events = told(&fact);
        let to_partner = events
            .iter()
            .find(|event| matches!(event.audience, Audience::Partner { .. }))
            .unwrap();
        let body = to_partner.body.as_ref().unwrap().to_json();
        assert_eq!(body.get("superseded_by_grant_id"), named, "{body}");
    }
}
