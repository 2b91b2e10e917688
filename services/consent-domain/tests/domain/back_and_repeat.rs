//! Any earlier step may be done again until access is allowed, and a repeat has one effect.

use consent_domain::{
    consent::Consent,
    contract::Contract,
    journey::{
        ConfirmRegistration, Journey, JourneyRefusal, LinkageBasis, Revision, SelectTasks, Step,
    },
};

use crate::support::{facts::*, given::given, names::*};

#[test]
fn going_back_to_step_3_from_step_6_keeps_the_choice_of_accounts_as_a_proposal() {
    let after = given(at_step6(LinkageBasis::New))
        .when(|journey| {
            let tasks = tasks(BALANCE);
            journey.select_tasks(SelectTasks { tasks }, minute(5))
        })
        .then([tasks_selected(3, BALANCE)])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Accounts);
    assert!(journey.linkage_scope().has_account(&account(A_5000000)));
}

#[test]
fn after_going_back_to_step_3_step_4_has_to_be_done_again() {
    let back = [
        at_step6(LinkageBasis::New),
        vec![tasks_selected(3, BALANCE)],
    ]
    .concat();
    given(back.clone())
        .when(|journey| {
            journey.confirm_registration(ConfirmRegistration { shown: Revision(3) }, minute(6))
        })
        .refused(JourneyRefusal::StepNotReached(Step::Accounts));
    given(back)
        .when(|journey| journey.authorize_access(&Consent::Absent, allow(3), minute(6)))
        .refused(JourneyRefusal::StepNotReached(Step::Accounts));
}

#[test]
fn going_back_to_step_4_from_step_6_brings_step_5_again() {
    let after = given(at_step6(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(2, [right(A_1000014)]);
            journey.register_accounts(&Contract::default(), form, minute(5))
        })
        .then([
            accounts_selected(3, [A_1000014]),
            accounts_registered(3, [A_1000014], BOTH),
        ])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Confirm);
    assert_eq!(journey.linkage_scope(), scope([A_1000014], BOTH));
}

#[test]
fn the_last_round_of_step_4_replaces_the_one_before() {
    let after = given(at_step5(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(2, [wrong(A_5000000), right(A_1000014)]);
            journey.register_accounts(&Contract::default(), form, minute(5))
        })
        .then([
            accounts_selected(3, [A_5000000, A_1000014]),
            accounts_registered(3, [A_1000014], BOTH),
            rejected(
                3,
                A_5000000,
                consent_domain::journey::RejectionReason::PinMismatch,
            ),
        ])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.linkage_scope(), scope([A_1000014], BOTH));
}

#[test]
fn choosing_the_same_tasks_again_is_a_redo_with_a_revision_of_its_own() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| journey.select_tasks(SelectTasks { tasks: tasks(BOTH) }, minute(3)))
        .then([tasks_selected(2, BOTH)]);
}

#[test]
fn confirming_twice_changes_nothing() {
    given(at_step6(LinkageBasis::New))
        .when(|journey| {
            journey.confirm_registration(ConfirmRegistration { shown: Revision(2) }, minute(5))
        })
        .already_done();
}

#[test]
fn a_repeated_form_of_step_4_is_refused_as_out_of_date() {
    given(at_step5(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000)]);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .refused(JourneyRefusal::RevisionMoved {
            current: Revision(2),
        });
}
