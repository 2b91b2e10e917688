//! Somebody changed or ended the linkage between the login and 許可: step 5 comes again, on the
//! linkage as it is.

use consent_domain::{
    consent::{
        Consent, ConsentEvent, ConsentRefusal, GrantTerms, Place, RevocationReason, RevokedBy,
    },
    journey::{
        ConfirmRegistration, GrantAction, Journey, JourneyEvent, JourneyRefusal, LinkageBasis,
        RebaseLinkage, RequestConsent, Revision, Step,
    },
    scope::Scope,
};

use crate::support::{
    facts::*,
    given::{given, given_nothing, state_of},
    names::*,
};

fn as_it_was() -> Scope {
    scope([A_1000014], BOTH)
}

fn as_it_is() -> Scope {
    scope([A_1000014, A_HIDDEN], BOTH)
}

fn basis_changed(revision: u32, basis: LinkageBasis) -> JourneyEvent {
    JourneyEvent::LinkageBasisChanged {
        revision: Revision(revision),
        basis,
    }
}

/// Another journey changed the linkage.
fn changed_linkage() -> Consent {
    state_of(&[
        granted(as_it_was()),
        ConsentEvent::AccessAmended {
            journey: another_journey(),
            terms: terms(as_it_is(), minute(2)),
        },
    ])
}

#[test]
fn allowing_access_on_a_linkage_that_was_changed_is_refused() {
    given(at_step6(amends(as_it_was())))
        .when(|journey| journey.authorize_access(&changed_linkage(), allow(2), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(
            ConsentRefusal::ChangedMeanwhile,
        ));
}

#[test]
fn allowing_access_on_a_linkage_that_was_revoked_is_refused() {
    let revoked = state_of(&[
        granted(as_it_was()),
        ConsentEvent::AccessRevoked {
            by: RevokedBy::Customer,
            reason: RevocationReason::NoLongerNeeded,
        },
    ]);
    given(at_step6(amends(as_it_was())))
        .when(|journey| journey.authorize_access(&revoked, allow(2), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::AlreadyEnded));
}

#[test]
fn allowing_access_on_a_linkage_that_expired_is_refused_before_anybody_recorded_it() {
    let over = state_of(&[ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            valid_until: minute(5),
            ..terms(as_it_was(), start())
        },
        place: Place::Default,
    }]);
    given(at_step6(amends(as_it_was())))
        .when(|journey| journey.authorize_access(&over, allow(2), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::AlreadyEnded));
}

#[test]
fn allowing_access_on_a_linkage_that_never_was_is_refused() {
    given(at_step6(amends(as_it_was())))
        .when(|journey| journey.authorize_access(&Consent::Absent, allow(2), minute(5)))
        .refused(JourneyRefusal::LinkageMoved(ConsentRefusal::Unknown));
}

#[test]
fn taking_note_of_the_change_brings_step_5_again_with_the_linkage_as_it_is() {
    let after = given(at_step6(amends(as_it_was())))
        .when(|journey| {
            let basis = amends(as_it_is());
            journey.rebase_linkage(RebaseLinkage { basis }, minute(5))
        })
        .then([basis_changed(3, amends(as_it_is()))])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Confirm);
    assert_eq!(
        journey.linkage_scope(),
        scope([A_5000000, A_HIDDEN], BOTH),
        "what was chosen, and what the other journey added out of this user's sight"
    );
}

#[test]
fn after_confirming_again_access_can_be_allowed() {
    let again = vec![basis_changed(3, amends(as_it_is())), confirmed(3)];
    let journey = state_of(&[at_step6(amends(as_it_was())), again].concat());
    let authorized = journey
        .authorize_access(&changed_linkage(), allow(3), minute(6))
        .unwrap();
    assert_eq!(
        authorized.consent,
        [ConsentEvent::AccessAmended {
            journey: this_journey(),
            terms: terms(scope([A_5000000, A_HIDDEN], BOTH), minute(6)),
        }]
    );
}

#[test]
fn the_page_that_was_confirmed_before_the_change_is_out_of_date() {
    let history = [
        at_step6(amends(as_it_was())),
        vec![basis_changed(3, amends(as_it_is()))],
    ]
    .concat();
    given(history)
        .when(|journey| {
            journey.confirm_registration(ConfirmRegistration { shown: Revision(2) }, minute(6))
        })
        .refused(JourneyRefusal::RevisionMoved {
            current: Revision(3),
        });
}

#[test]
fn a_linkage_that_ended_is_followed_by_a_new_one() {
    let again = vec![basis_changed(3, LinkageBasis::New), confirmed(3)];
    let journey = state_of(&[at_step6(amends(as_it_was())), again].concat());
    assert_eq!(journey.amends(), None);
    let authorized = journey
        .authorize_access(&Consent::Absent, allow(3), minute(6))
        .unwrap();
    assert_eq!(
        authorized.consent,
        [ConsentEvent::AccessGranted {
            journey: this_journey(),
            terms: terms(scope([A_5000000], BOTH), minute(6)),
            place: Place::Default,
        }]
    );
}

#[test]
fn a_linkage_that_somebody_made_meanwhile_is_changed() {
    let after = given(at_step5(LinkageBasis::New))
        .when(|journey| {
            let basis = amends(as_it_is());
            journey.rebase_linkage(RebaseLinkage { basis }, minute(5))
        })
        .then([basis_changed(3, amends(as_it_is()))])
        .state();
    assert_eq!(after.amends(), Some(&live_grant()));
}

#[test]
fn a_change_while_tasks_or_accounts_are_chosen_keeps_the_step() {
    for (history, step) in [
        (at_step3(amends(as_it_was())), Step::Tasks),
        (at_step4(amends(as_it_was())), Step::Accounts),
    ] {
        let changed = vec![basis_changed(7, amends(as_it_is()))];
        let Journey::InProgress(journey) = state_of(&[history, changed].concat()) else {
            panic!("not in progress")
        };
        assert_eq!(journey.stage.step(), step);
        assert_eq!(journey.linkage_scope(), as_it_is());
    }
}

#[test]
fn a_linkage_that_is_as_it_was_changes_nothing() {
    given(at_step6(amends(as_it_was())))
        .when(|journey| {
            let basis = amends(as_it_was());
            journey.rebase_linkage(RebaseLinkage { basis }, minute(5))
        })
        .already_done();
}

#[test]
fn a_journey_that_makes_another_linkage_is_not_touched_by_changes_of_those_there_are() {
    let to_create = requested(RequestConsent {
        grant_action: GrantAction::Create,
        ..pushed_request()
    });
    given([to_create, logged_in(login(LinkageBasis::Beside), minute(1))])
        .when(|journey| {
            let basis = amends(as_it_is());
            journey.rebase_linkage(RebaseLinkage { basis }, minute(5))
        })
        .already_done();
}

#[test]
fn there_is_nothing_to_take_note_of_before_a_login() {
    given(at_step2())
        .when(|journey| {
            let basis = amends(as_it_is());
            journey.rebase_linkage(RebaseLinkage { basis }, minute(5))
        })
        .refused(JourneyRefusal::StepNotReached(Step::Login));
    given_nothing::<JourneyEvent>()
        .when(|journey| {
            let basis = amends(as_it_is());
            journey.rebase_linkage(RebaseLinkage { basis }, minute(5))
        })
        .refused(JourneyRefusal::Unknown);
}
