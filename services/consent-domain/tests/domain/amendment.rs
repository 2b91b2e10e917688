//! A request without a word on grants changes the pair's one live linkage: its scope and validity
//! are replaced, and nothing ends.

use consent_domain::{
    consent::{Consent, ConsentEvent, ConsentRefusal, GrantTerms, Place},
    journey::{ConfirmRegistration, JourneyEvent, JourneyRefusal, Revision},
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

/// At step 6 of changing a linkage that had this scope, with 5000000 registered.
fn changing(live: [&str; 1]) -> Vec<JourneyEvent> {
    at_step6(amends(scope(live, BOTH)))
}

fn amended<'n>(names: impl IntoIterator<Item = &'n str>) -> ConsentEvent {
    ConsentEvent::AccessAmended {
        journey: this_journey(),
        terms: terms(scope(names, BOTH), minute(5)),
    }
}

#[test]
fn allowing_access_replaces_the_scope_of_the_live_linkage() {
    let live = state_of(&[granted(scope([A_1000014], BOTH))]);
    let journey = state_of(&changing([A_1000014]));
    let authorized = journey
        .authorize_access(&live, allow(2), minute(5))
        .unwrap();

    assert_eq!(authorized.consent, [amended([A_5000000])]);
    let JourneyEvent::AccessAuthorized {
        grant,
        amends,
        supersedes,
        ..
    } = authorized.journey
    else {
        panic!("another fact")
    };
    assert_eq!(grant, live_grant(), "the grant keeps its id");
    assert_eq!(amends, Some(live_grant()));
    assert_eq!(supersedes, []);
}

#[test]
fn accounts_that_the_user_can_not_see_stay_in_the_linkage() {
    let live = scope([A_HIDDEN], BALANCE);
    let consent = state_of(&[granted(live.clone())]);
    let journey = state_of(&at_step6(amends(live)));
    let authorized = journey
        .authorize_access(&consent, allow(2), minute(5))
        .unwrap();

    let kept_and_registered = scope([A_HIDDEN], BALANCE)
        .iter()
        .chain(scope([A_5000000], BOTH).iter())
        .cloned()
        .collect();
    assert_eq!(
        authorized.consent,
        [ConsentEvent::AccessAmended {
            journey: this_journey(),
            terms: terms(kept_and_registered, minute(5)),
        }]
    );
}

#[test]
fn an_account_keeps_no_task_that_was_not_chosen_again() {
    let live = scope([A_5000000], BOTH);
    let consent = state_of(&[granted(live.clone())]);
    let balances_only = vec![
        tasks_selected(1, BALANCE),
        accounts_selected(2, [A_5000000]),
        accounts_registered(2, [A_5000000], BALANCE),
        confirmed(2),
    ];
    let journey = state_of(&[at_step3(amends(live)), balances_only].concat());
    let authorized = journey
        .authorize_access(&consent, allow(2), minute(5))
        .unwrap();
    assert_eq!(
        authorized.consent,
        [ConsentEvent::AccessAmended {
            journey: this_journey(),
            terms: terms(scope([A_5000000], BALANCE), minute(5)),
        }]
    );
}

#[test]
fn the_linkage_is_as_it_was_until_access_is_allowed() {
    let live = state_of(&[granted(scope([A_1000014], BOTH))]);
    given(at_step5(amends(scope([A_1000014], BOTH))))
        .when(|journey| {
            journey.confirm_registration(ConfirmRegistration { shown: Revision(2) }, minute(4))
        })
        .then([confirmed(2)])
        .and_nothing_beside_it();
    assert_eq!(
        live.live_terms(minute(4)).map(|terms| &terms.scope),
        Some(&scope([A_1000014], BOTH))
    );
}

#[test]
fn an_amended_linkage_keeps_its_place() {
    let beside = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: terms(scope([A_1000014], BOTH), start()),
        place: Place::Beside,
    };
    let Consent::Live { terms, place, .. } = state_of(&[beside, amended([A_5000000])]) else {
        panic!("not live")
    };
    assert_eq!(place, Place::Beside);
    assert_eq!(terms.scope, scope([A_5000000], BOTH));
    assert_eq!(terms.valid_from, minute(5));
}

#[test]
fn another_contracts_linkage_can_not_be_changed() {
    let foreign = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            contract: another_contract(),
            ..terms(scope([A_1000014], BOTH), start())
        },
        place: Place::Default,
    };
    given(changing([A_1000014]))
        .when(|journey| journey.authorize_access(&state_of(&[foreign]), allow(2), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::Foreign));
}

#[test]
fn another_services_linkage_can_not_be_changed() {
    let foreign = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            client: another_client(),
            ..terms(scope([A_1000014], BOTH), start())
        },
        place: Place::Default,
    };
    given(changing([A_1000014]))
        .when(|journey| journey.authorize_access(&state_of(&[foreign]), allow(2), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::Foreign));
}

#[test]
fn a_colleague_may_change_what_another_user_of_the_contract_allowed() {
    let by_colleague = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            user: bookkeeper(),
            ..terms(scope([A_1000014], BOTH), start())
        },
        place: Place::Default,
    };
    let journey = state_of(&changing([A_1000014]));
    let authorized = journey
        .authorize_access(&state_of(&[by_colleague]), allow(2), minute(5))
        .unwrap();
    assert_eq!(authorized.consent, [amended([A_5000000])]);
}
