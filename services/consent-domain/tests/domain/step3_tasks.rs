//! Step 3: the customer chose the tasks that the partner may use.

use consent_domain::journey::{
    Journey, JourneyRefusal, LinkageBasis, RequestConsent, Revision, SelectTasks, Step,
};

use crate::support::{facts::*, given::given, names::*};

#[test]
fn choosing_tasks_leads_to_step_4_and_makes_a_revision() {
    let after = given(at_step3(LinkageBasis::New))
        .when(|journey| {
            let tasks = tasks(BALANCE);
            journey.select_tasks(SelectTasks { tasks }, minute(2))
        })
        .then([tasks_selected(1, BALANCE)])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Accounts);
    assert_eq!(journey.revision, Revision(1));
}

#[test]
fn choosing_no_task_is_refused() {
    given(at_step3(LinkageBasis::New))
        .when(|journey| {
            let tasks = tasks([]);
            journey.select_tasks(SelectTasks { tasks }, minute(2))
        })
        .refused(JourneyRefusal::NoTask);
}

#[test]
fn a_task_that_the_partner_did_not_ask_for_is_refused() {
    let for_balances = requested(RequestConsent {
        tasks: tasks(BALANCE),
        ..pushed_request()
    });
    given([for_balances, logged_in(login(LinkageBasis::New), minute(1))])
        .when(|journey| {
            let tasks = tasks(BOTH);
            journey.select_tasks(SelectTasks { tasks }, minute(2))
        })
        .refused(JourneyRefusal::TaskNotRequested);
}

#[test]
fn tasks_before_a_login_are_refused() {
    given(at_step2())
        .when(|journey| {
            let tasks = tasks(BOTH);
            journey.select_tasks(SelectTasks { tasks }, minute(2))
        })
        .refused(JourneyRefusal::StepNotReached(Step::Login));
}

#[test]
fn the_live_linkage_is_the_proposal_of_step_4() {
    let live = scope([A_1000014], BOTH);
    let after = given(at_step3(amends(live.clone())))
        .when(|journey| {
            let tasks = tasks(TRANSACTIONS);
            journey.select_tasks(SelectTasks { tasks }, minute(2))
        })
        .then([tasks_selected(1, TRANSACTIONS)])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.linkage_scope(), live);
}
