//! Steps 4 to 6 carry the revision that their page showed: a stale page changes nothing, and a
//! verdict for a superseded revision is dropped.

use consent_domain::{
    consent::Consent,
    contract::Contract,
    journey::{
        ConfirmRegistration, JourneyEvent, JourneyRefusal, LinkageBasis, MAX_REVISIONS,
        RebaseLinkage, Revision, SelectTasks,
    },
};

use crate::support::{facts::*, given::given, names::*};

fn moved_to(current: u32) -> JourneyRefusal {
    JourneyRefusal::RevisionMoved {
        current: Revision(current),
    }
}

#[test]
fn verdicts_for_a_superseded_revision_are_dropped() {
    given(at_step5(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(1, [right(A_1000014)]);
            journey.register_accounts(&Contract::default(), form, minute(4))
        })
        .refused(moved_to(2));
}

#[test]
fn a_stale_page_of_step_5_is_refused() {
    given(at_step5(LinkageBasis::New))
        .when(|journey| {
            journey.confirm_registration(ConfirmRegistration { shown: Revision(1) }, minute(4))
        })
        .refused(moved_to(2));
}

#[test]
fn a_stale_page_of_step_6_is_refused() {
    let redone = vec![
        accounts_selected(3, [A_1000014]),
        accounts_registered(3, [A_1000014], BOTH),
        confirmed(3),
    ];
    given([at_step6(LinkageBasis::New), redone].concat())
        .when(|journey| journey.authorize_access(&Consent::Absent, allow(2), minute(5)))
        .refused(moved_to(3));
}

#[test]
fn a_page_of_a_revision_that_does_not_exist_yet_is_refused() {
    given(at_step6(LinkageBasis::New))
        .when(|journey| journey.authorize_access(&Consent::Absent, allow(3), minute(5)))
        .refused(moved_to(2));
}

/// A journey that chose its tasks as often as it may.
fn at_the_last_revision() -> Vec<JourneyEvent> {
    let choices = (1..=MAX_REVISIONS).map(|revision| tasks_selected(revision, BOTH));
    at_step3(LinkageBasis::New)
        .into_iter()
        .chain(choices)
        .collect()
}

#[test]
fn the_last_revision_can_be_made() {
    let mut history = at_the_last_revision();
    history.pop();
    given(history)
        .when(|journey| journey.select_tasks(SelectTasks { tasks: tasks(BOTH) }, minute(9)))
        .then([tasks_selected(MAX_REVISIONS, BOTH)]);
}

#[test]
fn no_step_can_be_redone_after_the_last_revision() {
    given(at_the_last_revision())
        .when(|journey| journey.select_tasks(SelectTasks { tasks: tasks(BOTH) }, minute(9)))
        .refused(JourneyRefusal::TooManyRevisions);
    given(at_the_last_revision())
        .when(|journey| {
            let form = step4_form(MAX_REVISIONS, [right(A_5000000)]);
            journey.register_accounts(&Contract::default(), form, minute(9))
        })
        .refused(JourneyRefusal::TooManyRevisions);
    given(at_the_last_revision())
        .when(|journey| {
            let basis = amends(scope([A_5000000], BOTH));
            journey.rebase_linkage(RebaseLinkage { basis }, minute(9))
        })
        .refused(JourneyRefusal::TooManyRevisions);
}
