//! A request that names a linkage changes that one or nothing: `replace` puts what is allowed in its
//! place, `merge` adds to it.

use consent_domain::{
    Instant,
    consent::{ConsentEvent, ConsentRefusal, GrantTerms},
    journey::{
        GrantAction, JourneyEvent, JourneyRefusal, LinkageBasis, RebaseLinkage, RequestConsent,
    },
    scope::Scope,
    suspension::SuspensionCause,
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

fn replace() -> GrantAction {
    GrantAction::Replace {
        grant: live_grant(),
    }
}

fn merge() -> GrantAction {
    GrantAction::Merge {
        grant: live_grant(),
    }
}

fn asking(grant_action: GrantAction) -> JourneyEvent {
    requested(RequestConsent {
        grant_action,
        ..pushed_request()
    })
}

/// At step 6 of such a request for a linkage that had this scope, with 5000000 registered.
fn at_step6_asking(grant_action: GrantAction, live: Scope) -> Vec<JourneyEvent> {
    let after_the_request = at_step6(amends(live)).split_off(1);
    [vec![asking(grant_action)], after_the_request].concat()
}

#[test]
fn the_named_linkage_is_what_the_journey_would_change() {
    let found = amends(scope([A_1000014], BOTH));
    for action in [replace(), merge()] {
        given([asking(action)])
            .when(|journey| journey.record_login(login(found.clone()), minute(1)))
            .then([logged_in(login(found.clone()), minute(1))])
            .and_nothing_beside_it();
    }
}

#[test]
fn where_the_contract_has_no_such_linkage_the_login_is_not_recorded() {
    let another = LinkageBasis::Amends {
        grant: new_grant(),
        scope: scope([A_1000014], BOTH),
    };
    for action in [replace(), merge()] {
        for found in [LinkageBasis::New, LinkageBasis::Beside, another.clone()] {
            given([asking(action.clone())])
                .when(|journey| journey.record_login(login(found), minute(1)))
                .refused(JourneyRefusal::GrantUnavailable);
        }
    }
}

#[test]
fn where_the_named_linkage_ended_meanwhile_the_journey_takes_up_no_other() {
    let live = scope([A_1000014], BOTH);
    given(at_step6_asking(replace(), live))
        .when(|journey| {
            let basis = LinkageBasis::New;
            journey.rebase_linkage(RebaseLinkage { basis }, minute(5))
        })
        .refused(JourneyRefusal::GrantUnavailable);
}

#[test]
fn a_replacement_takes_out_what_was_not_chosen_again() {
    let live = scope([A_1000014], BOTH);
    let journey = state_of(&at_step6_asking(replace(), live.clone()));
    let authorized = journey
        .authorize_access(&state_of(&[granted(live)]), allow(2), minute(5))
        .unwrap();
    assert_eq!(
        authorized.consent,
        [ConsentEvent::AccessAmended {
            journey: this_journey(),
            terms: terms(scope([A_5000000], BOTH), minute(5)),
        }]
    );
}

#[test]
fn a_merge_adds_accounts_and_leaves_the_others_and_the_period_alone() {
    let live = scope([A_1000014], BALANCE);
    let journey = state_of(&at_step6_asking(merge(), live.clone()));
    let authorized = journey
        .authorize_access(&state_of(&[granted(live.clone())]), allow(2), minute(5))
        .unwrap();
    let both = live.union(&scope([A_5000000], BOTH));
    assert_eq!(
        authorized.consent,
        [ConsentEvent::AccessAmended {
            journey: this_journey(),
            terms: terms(both.clone(), start()),
        }]
    );
    let JourneyEvent::AccessAuthorized {
        scope, valid_from, ..
    } = authorized.journey
    else {
        panic!("another fact")
    };
    assert_eq!((scope, valid_from), (both, start()));
}

#[test]
fn a_merge_does_not_shorten_the_history_that_may_be_read() {
    let live = scope([A_1000014], BOTH);
    let request = requested(RequestConsent {
        grant_action: merge(),
        history_from: Some(day(2026, 1, 1)),
        ..pushed_request()
    });
    let history = [vec![request], at_step6(amends(live.clone())).split_off(1)].concat();
    let from = |first_day, at: Instant| GrantTerms {
        history_from: first_day,
        ..terms(live.clone(), at)
    };
    for (before, expected) in [
        (None, None),
        (Some(day(2025, 6, 1)), Some(day(2025, 6, 1))),
        (Some(day(2026, 3, 1)), Some(day(2026, 1, 1))),
    ] {
        let consent = ConsentEvent::AccessGranted {
            journey: another_journey(),
            terms: from(before, start()),
            place: consent_domain::consent::Place::Default,
        };
        let authorized = state_of(&history)
            .authorize_access(&state_of(&[consent]), allow(2), minute(5))
            .unwrap();
        let Some(ConsentEvent::AccessAmended { terms, .. }) = authorized.consent.first() else {
            panic!("another fact")
        };
        assert_eq!(terms.history_from, expected);
    }
}

#[test]
fn a_merge_restores_nothing_that_only_a_choice_anew_would_answer() {
    let live = scope([A_1000014], BOTH);
    let suspended = |cause| ConsentEvent::AccessSuspended { cause };
    let consent = state_of(&[
        granted(live.clone()),
        suspended(SuspensionCause::AccountMoved),
        suspended(SuspensionCause::TermsChanged),
        suspended(SuspensionCause::PasswordChanged),
    ]);
    let restored_by = |action| {
        let journey = state_of(&at_step6_asking(action, live.clone()));
        let authorized = journey.authorize_access(&consent, allow(2), minute(5));
        authorized.unwrap().consent.split_off(1)
    };
    let restored = |cause| ConsentEvent::AccessRestored { cause };
    assert_eq!(
        restored_by(merge()),
        [restored(SuspensionCause::PasswordChanged)]
    );
    assert_eq!(restored_by(replace()).len(), 3);
}

#[test]
fn a_named_linkage_of_another_service_is_not_changed() {
    let live = scope([A_1000014], BOTH);
    let foreign = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            client: another_client(),
            ..terms(live.clone(), start())
        },
        place: consent_domain::consent::Place::Default,
    };
    for action in [replace(), merge()] {
        given(at_step6_asking(action, live.clone()))
            .when(|journey| {
                journey.authorize_access(
                    &state_of(std::slice::from_ref(&foreign)),
                    allow(2),
                    minute(5),
                )
            })
            .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::Foreign));
    }
}
