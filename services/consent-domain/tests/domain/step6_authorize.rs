//! Step 6: the customer allowed access.

use consent_domain::{
    consent::{Consent, ConsentEvent, ConsentRefusal, GrantTerms, Place},
    journey::{
        Journey, JourneyEnd, JourneyEvent, JourneyRefusal, LinkageBasis, LoginMethod,
        RequestConsent, Revision, Step, UserRole,
    },
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

fn authorized_for_5000000() -> JourneyEvent {
    JourneyEvent::AccessAuthorized {
        journey: this_journey(),
        grant: new_grant(),
        revision: Revision(2),
        scope: scope([A_5000000], BOTH),
        history_from: None,
        valid_from: minute(5),
        valid_until: end_of_march_2027(),
        contract: contract_id(),
        user: treasurer(),
        role: UserRole::Master,
        login_method: LoginMethod::Password,
        login_at: minute(1),
        client: client(),
        partner: partner(),
        partner_record_version: 3,
        text: shown_text(),
        terms_version: "2026-04".to_owned(),
        request_sha256: REQUEST_SHA256.to_owned(),
        amends: None,
        supersedes: Vec::new(),
    }
}

fn granted_by_this_journey(place: Place) -> ConsentEvent {
    ConsentEvent::AccessGranted {
        journey: this_journey(),
        terms: terms(scope([A_5000000], BOTH), minute(5)),
        place,
    }
}

#[test]
fn allowing_access_ends_the_journey_and_grants_in_one_commit() {
    let after = given(at_step6(LinkageBasis::New))
        .when(|journey| journey.authorize_access(&Consent::Absent, allow(2), minute(5)))
        .then([authorized_for_5000000()])
        .and_beside_it([granted_by_this_journey(Place::Default)])
        .state();

    let Journey::Ended(ended) = after else {
        panic!("not ended")
    };
    assert_eq!(ended.end, JourneyEnd::Authorized { grant: new_grant() });
    assert_eq!(ended.contract, Some(contract_id()));
}

#[test]
fn a_linkage_beside_others_is_granted_as_one_beside() {
    given(at_step6(LinkageBasis::Beside))
        .when(|journey| journey.authorize_access(&Consent::Absent, allow(2), minute(5)))
        .then([authorized_for_5000000()])
        .and_beside_it([granted_by_this_journey(Place::Beside)]);
}

#[test]
fn the_first_day_asked_for_limits_what_is_granted() {
    let with_history = requested(RequestConsent {
        history_from: Some(day(2026, 1, 1)),
        ..pushed_request()
    });
    let history = [vec![with_history], at_step6(LinkageBasis::New).split_off(1)].concat();
    let journey = state_of(&history);
    let authorized = journey
        .authorize_access(&Consent::Absent, allow(2), minute(5))
        .unwrap();
    assert_eq!(
        authorized.consent,
        [ConsentEvent::AccessGranted {
            journey: this_journey(),
            terms: GrantTerms {
                history_from: Some(day(2026, 1, 1)),
                ..terms(scope([A_5000000], BOTH), minute(5))
            },
            place: Place::Default,
        }]
    );
}

#[test]
fn the_two_facts_of_an_authorization_agree() {
    let journey = state_of(&at_step6(LinkageBasis::New));
    let authorized = journey
        .authorize_access(&Consent::Absent, allow(2), minute(5))
        .unwrap();
    let JourneyEvent::AccessAuthorized {
        scope,
        history_from,
        valid_from,
        valid_until,
        contract,
        user,
        client,
        partner,
        ..
    } = authorized.journey
    else {
        panic!("another fact")
    };
    let [ConsentEvent::AccessGranted { terms, .. }] = &authorized.consent[..] else {
        panic!("another fact")
    };
    let told = GrantTerms {
        contract,
        user,
        client,
        partner,
        scope,
        history_from,
        valid_from,
        valid_until,
        given_under: Some(given_under()),
    };
    assert_eq!(told, *terms);
}

#[test]
fn allowing_access_before_confirming_is_refused() {
    given(at_step5(LinkageBasis::New))
        .when(|journey| journey.authorize_access(&Consent::Absent, allow(2), minute(5)))
        .refused(JourneyRefusal::StepNotReached(Step::Confirm));
}

#[test]
fn allowing_access_twice_is_refused_with_the_end_that_it_made() {
    let history = [at_step6(LinkageBasis::New), vec![authorized_for_5000000()]].concat();
    let consent = state_of(&[granted_by_this_journey(Place::Default)]);
    given(history)
        .when(|journey| journey.authorize_access(&consent, allow(2), minute(6)))
        .refused(JourneyRefusal::AlreadyEnded(JourneyEnd::Authorized {
            grant: new_grant(),
        }));
}

#[test]
fn a_grant_id_that_is_taken_is_refused() {
    let taken = state_of(&[granted(scope([A_1000014], BOTH))]);
    given(at_step6(LinkageBasis::New))
        .when(|journey| journey.authorize_access(&taken, allow(2), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(
            ConsentRefusal::ChangedMeanwhile,
        ));
}
