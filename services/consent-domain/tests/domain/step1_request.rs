//! Step 1: the partner's pushed request begins a journey.

use consent_domain::journey::{
    GrantAction, Journey, JourneyEvent, JourneyRefusal, RequestConsent, Revision, Step,
};

use crate::support::{
    facts::*,
    given::{given, given_nothing},
    names::*,
};

#[test]
fn a_pushed_request_begins_a_journey_that_awaits_a_login() {
    let after = given_nothing::<JourneyEvent>()
        .when(|journey| journey.request(pushed_request(), start()))
        .then([requested(pushed_request())])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Login);
    assert_eq!(journey.revision, Revision(0));
    assert!(journey.linkage_scope().is_empty());
}

#[test]
fn what_the_partner_asked_for_stands_in_the_fact() {
    let request = || RequestConsent {
        tasks: tasks(BALANCE),
        accounts: accounts([A_1000014]),
        history_from: Some(day(2026, 1, 1)),
        grant_action: GrantAction::Create,
        ..pushed_request()
    };
    given_nothing::<JourneyEvent>()
        .when(|journey| journey.request(request(), start()))
        .then([requested(request())]);
}

#[test]
fn a_request_for_no_task_is_refused() {
    let nothing_asked = RequestConsent {
        tasks: tasks([]),
        ..pushed_request()
    };
    given_nothing::<JourneyEvent>()
        .when(|journey| journey.request(nothing_asked, start()))
        .refused(JourneyRefusal::NoTask);
}

#[test]
fn the_same_request_again_changes_nothing() {
    given(at_step2())
        .when(|journey| journey.request(pushed_request(), minute(1)))
        .already_done();
}

#[test]
fn a_request_after_the_end_does_not_begin_the_journey_anew() {
    let cancelled = JourneyEvent::JourneyCancelled { step: Step::Login };
    given([at_step2(), vec![cancelled]].concat())
        .when(|journey| journey.request(pushed_request(), minute(2)))
        .already_done();
}
