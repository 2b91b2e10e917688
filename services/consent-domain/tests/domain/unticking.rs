//! Unticking a starred row takes it out of this linkage when the access is authorized, not before,
//! and takes its registration away never.

use consent_domain::{
    consent::ConsentEvent,
    contract::ContractEvent,
    journey::{Journey, JourneyEvent},
    registration_status::RegistrationStatus,
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

/// Both are in the live linkage; the customer keeps 5000000 ticked and unticks 1000014.
fn live() -> Vec<ConsentEvent> {
    vec![granted(scope([A_5000000, A_1000014], BOTH))]
}

fn registrations() -> Vec<ContractEvent> {
    vec![
        registered(A_5000000, another_journey()),
        registered(A_1000014, another_journey()),
    ]
}

fn unticked() -> Vec<JourneyEvent> {
    at_step6(amends(scope([A_5000000, A_1000014], BOTH)))
}

#[test]
fn an_unticked_account_is_out_of_the_draft() {
    let Journey::InProgress(journey) = state_of(&unticked()) else {
        panic!("not in progress")
    };
    assert_eq!(journey.linkage_scope(), scope([A_5000000], BOTH));
}

#[test]
fn an_unticked_account_reads_registered_without_the_star() {
    let Journey::InProgress(journey) = state_of(&unticked()) else {
        panic!("not in progress")
    };
    let status = RegistrationStatus::of(
        &account(A_1000014),
        &state_of(&registrations()),
        &journey.linkage_scope(),
    );
    assert_eq!(status, RegistrationStatus::Registered);
}

#[test]
fn an_unticked_account_stays_in_the_linkage_until_access_is_allowed() {
    let consent = state_of(&live());
    let terms = consent.live_terms(minute(5)).unwrap();
    assert!(terms.scope.has_account(&account(A_1000014)));
}

#[test]
fn allowing_access_takes_the_unticked_account_out_of_the_linkage() {
    let consent = state_of(&live());
    let authorized = state_of(&unticked())
        .authorize_access(&consent, allow(2), minute(5))
        .unwrap();
    let after = state_of(&[live(), authorized.consent].concat());
    let terms = after.live_terms(minute(5)).unwrap();
    assert_eq!(terms.scope, scope([A_5000000], BOTH));
}

#[test]
fn unticking_withdraws_no_registration() {
    given(at_step4(amends(scope([A_5000000, A_1000014], BOTH))))
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000)]);
            journey.register_accounts(&state_of(&registrations()), form, minute(3))
        })
        .then([
            accounts_selected(2, [A_5000000]),
            accounts_registered(2, [A_5000000], BOTH),
        ])
        .and_beside_it([registered(A_5000000, this_journey())]);
}
