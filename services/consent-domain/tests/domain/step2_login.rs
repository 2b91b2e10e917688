//! Step 2: the bank authenticated the customer.

use consent_domain::journey::{
    GrantAction, Journey, JourneyEvent, JourneyRefusal, LinkageBasis, LoginMethod, RecordLogin,
    RequestConsent, Step, UserRole,
};

use crate::support::{
    facts::*,
    given::{given, given_nothing},
    names::*,
};

#[test]
fn a_login_leads_to_step_3() {
    let after = given(at_step2())
        .when(|journey| journey.record_login(login(LinkageBasis::New), minute(1)))
        .then([logged_in(login(LinkageBasis::New), minute(1))])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Tasks);
}

#[test]
fn the_fact_says_who_logged_in_and_how() {
    let by_certificate = || RecordLogin {
        role: UserRole::General,
        method: LoginMethod::Certificate,
        user: bookkeeper(),
        ..login(LinkageBasis::New)
    };
    given(at_step2())
        .when(|journey| journey.record_login(by_certificate(), minute(1)))
        .then([logged_in(by_certificate(), minute(1))]);
}

#[test]
fn a_login_to_no_journey_is_refused() {
    given_nothing::<JourneyEvent>()
        .when(|journey| journey.record_login(login(LinkageBasis::New), minute(1)))
        .refused(JourneyRefusal::Unknown);
}

#[test]
fn a_request_that_says_nothing_changes_the_live_linkage() {
    let live = scope([A_1000014], BOTH);
    let after = given(at_step2())
        .when(|journey| journey.record_login(login(amends(live.clone())), minute(1)))
        .then([logged_in(login(amends(live.clone())), minute(1))])
        .state();

    assert_eq!(after.amends(), Some(&live_grant()));
    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.linkage_scope(), live);
}

#[test]
fn a_request_to_create_makes_another_linkage_whatever_there_is() {
    let to_create = requested(RequestConsent {
        grant_action: GrantAction::Create,
        ..pushed_request()
    });
    let after = given([to_create])
        .when(|journey| journey.record_login(login(amends(scope([A_1000014], BOTH))), minute(1)))
        .then([logged_in(login(LinkageBasis::Beside), minute(1))])
        .state();

    assert_eq!(after.amends(), None);
}

#[test]
fn a_request_that_says_nothing_never_makes_one_beside() {
    given(at_step2())
        .when(|journey| journey.record_login(login(LinkageBasis::Beside), minute(1)))
        .then([logged_in(login(LinkageBasis::New), minute(1))]);
}
