//! Step 5: the customer confirmed what came of step 4.

use consent_domain::journey::{
    ConfirmRegistration, Journey, JourneyRefusal, LinkageBasis, RejectionReason, Revision, Step,
};

use crate::support::{facts::*, given::given, names::*};

fn shown(revision: u32) -> ConfirmRegistration {
    ConfirmRegistration {
        shown: Revision(revision),
    }
}

#[test]
fn confirming_leads_to_step_6_and_makes_no_revision() {
    let after = given(at_step5(LinkageBasis::New))
        .when(|journey| journey.confirm_registration(shown(2), minute(4)))
        .then([confirmed(2)])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Authorize);
    assert_eq!(journey.revision, Revision(2));
}

#[test]
fn confirming_where_every_row_failed_is_refused() {
    let all_failed = vec![
        accounts_selected(2, [A_1111111]),
        rejected(2, A_1111111, RejectionReason::PinMismatch),
    ];
    given([at_step4(LinkageBasis::New), all_failed].concat())
        .when(|journey| journey.confirm_registration(shown(2), minute(4)))
        .refused(JourneyRefusal::NothingRegistered);
}

#[test]
fn accounts_that_the_user_can_not_see_are_not_enough_to_confirm() {
    let all_failed = vec![
        accounts_selected(2, [A_1111111]),
        rejected(2, A_1111111, RejectionReason::PinMismatch),
    ];
    given([at_step4(amends(scope([A_HIDDEN], BOTH))), all_failed].concat())
        .when(|journey| journey.confirm_registration(shown(2), minute(4)))
        .refused(JourneyRefusal::NothingRegistered);
}

#[test]
fn confirming_before_step_4_is_refused() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| journey.confirm_registration(shown(1), minute(4)))
        .refused(JourneyRefusal::StepNotReached(Step::Accounts));
}

#[test]
fn confirming_before_a_login_is_refused() {
    given(at_step2())
        .when(|journey| journey.confirm_registration(shown(0), minute(4)))
        .refused(JourneyRefusal::StepNotReached(Step::Login));
}
