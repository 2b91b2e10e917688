//! The ends without 許可, told apart, each with its stage; an end is final.

use consent_domain::{
    consent::Consent,
    contract::Contract,
    journey::{
        EndJourney, FailureCode, Journey, JourneyEnd, JourneyEvent, JourneyRefusal, LinkageBasis,
        SelectTasks, SessionAtTimeOut, Step, TimeOutCause,
    },
};

use crate::support::{
    facts::*,
    given::{given, given_nothing, state_of},
    names::*,
    samples::journey_samples,
};

#[test]
fn leaving_before_step_6_is_a_cancellation_with_its_step() {
    for (history, step) in [
        (at_step2(), Step::Login),
        (at_step3(LinkageBasis::New), Step::Tasks),
        (at_step4(LinkageBasis::New), Step::Accounts),
        (at_step5(LinkageBasis::New), Step::Confirm),
    ] {
        let after = given(history)
            .when(|journey| journey.end(&Contract::default(), EndJourney::ByCustomer, minute(5)))
            .then([JourneyEvent::JourneyCancelled { step }])
            .state();
        let Journey::Ended(ended) = after else {
            panic!("not ended")
        };
        assert_eq!(ended.end, JourneyEnd::Cancelled { step });
    }
}

#[test]
fn leaving_at_step_6_is_declining() {
    let after = given(at_step6(LinkageBasis::New))
        .when(|journey| journey.end(&Contract::default(), EndJourney::ByCustomer, minute(5)))
        .then([JourneyEvent::AccessDeclined {
            step: Step::Authorize,
        }])
        .state();
    let Journey::Ended(ended) = after else {
        panic!("not ended")
    };
    assert_eq!(ended.end, JourneyEnd::Declined);
    assert_eq!(ended.contract, Some(contract_id()));
}

#[test]
fn an_end_before_anybody_logged_in_names_no_contract() {
    let cancelled = JourneyEvent::JourneyCancelled { step: Step::Login };
    let Journey::Ended(ended) = state_of(&[at_step2(), vec![cancelled]].concat()) else {
        panic!("not ended")
    };
    assert_eq!(ended.contract, None);
}

#[test]
fn a_failure_says_why_and_where() {
    for code in [
        FailureCode::LoginRefused,
        FailureCode::BankClosed,
        FailureCode::BankUnavailable,
        FailureCode::TooManyRevisions,
        FailureCode::PartnerDisabled,
        FailureCode::GrantUnavailable,
        FailureCode::ContractClosed,
        FailureCode::UserRemoved,
    ] {
        given(at_step4(LinkageBasis::New))
            .when(|journey| {
                journey.end(&Contract::default(), EndJourney::ByFailure(code), minute(5))
            })
            .then([JourneyEvent::JourneyFailed {
                step: Step::Accounts,
                code,
            }]);
    }
}

#[test]
fn an_ended_journey_remembers_what_the_partner_had_asked_for() {
    let Journey::InProgress(before) = state_of(&at_step4(LinkageBasis::New)) else {
        panic!("not in progress")
    };
    let Journey::Ended(after) = state_of(&ended_by_customer()) else {
        panic!("not ended")
    };
    assert_eq!(after.request, before.request);
}

#[test]
fn a_journey_that_does_not_exist_can_not_end() {
    given_nothing::<JourneyEvent>()
        .when(|journey| journey.end(&Contract::default(), EndJourney::ByCustomer, minute(5)))
        .refused(JourneyRefusal::Unknown);
}

fn ended_by_customer() -> Vec<JourneyEvent> {
    let step = Step::Accounts;
    [
        at_step4(LinkageBasis::New),
        vec![JourneyEvent::JourneyCancelled { step }],
    ]
    .concat()
}

fn declined() -> Vec<JourneyEvent> {
    let step = Step::Authorize;
    [
        at_step6(LinkageBasis::New),
        vec![JourneyEvent::AccessDeclined { step }],
    ]
    .concat()
}

fn ended_by_time() -> Vec<JourneyEvent> {
    let timed_out = JourneyEvent::JourneyTimedOut {
        step: Step::Accounts,
        cause: TimeOutCause::Total,
        effective_at: minute(60),
    };
    [at_step4(LinkageBasis::New), vec![timed_out]].concat()
}

fn ended_by_failure() -> Vec<JourneyEvent> {
    let failed = JourneyEvent::JourneyFailed {
        step: Step::Accounts,
        code: FailureCode::BankClosed,
    };
    [at_step4(LinkageBasis::New), vec![failed]].concat()
}

fn authorized() -> Vec<JourneyEvent> {
    let history = at_step6(LinkageBasis::New);
    let authorized = state_of(&history)
        .authorize_access(&Consent::Absent, allow(2), minute(5))
        .unwrap();
    [history, vec![authorized.journey]].concat()
}

#[test]
fn ending_twice_in_the_same_way_changes_nothing() {
    let by_time = |session| EndJourney::ByTime(session);
    for (history, how) in [
        (ended_by_customer(), EndJourney::ByCustomer),
        (declined(), EndJourney::ByCustomer),
        (ended_by_time(), by_time(SessionAtTimeOut::Alive)),
        (ended_by_time(), by_time(SessionAtTimeOut::None)),
        (
            ended_by_failure(),
            EndJourney::ByFailure(FailureCode::BankClosed),
        ),
    ] {
        given(history)
            .when(|journey| journey.end(&Contract::default(), how, minute(61)))
            .already_done();
    }
}

#[test]
fn ending_in_another_way_is_refused_with_the_end_that_came_first() {
    let cancelled = JourneyEnd::Cancelled {
        step: Step::Accounts,
    };
    for how in [
        EndJourney::ByTime(SessionAtTimeOut::None),
        EndJourney::ByFailure(FailureCode::BankClosed),
    ] {
        given(ended_by_customer())
            .when(|journey| journey.end(&Contract::default(), how, minute(61)))
            .refused(JourneyRefusal::AlreadyEnded(cancelled.clone()));
    }
    given(ended_by_failure())
        .when(|journey| {
            let how = EndJourney::ByFailure(FailureCode::BankUnavailable);
            journey.end(&Contract::default(), how, minute(6))
        })
        .refused(JourneyRefusal::AlreadyEnded(JourneyEnd::Failed {
            step: Step::Accounts,
            code: FailureCode::BankClosed,
        }));
}

#[test]
fn an_authorized_journey_can_not_be_ended_and_withdraws_nothing() {
    let contract = state_of(&[registered(A_5000000, this_journey())]);
    for how in [
        EndJourney::ByCustomer,
        EndJourney::ByTime(SessionAtTimeOut::None),
        EndJourney::ByFailure(FailureCode::PartnerDisabled),
    ] {
        given(authorized())
            .when(|journey| journey.end(&contract, how, minute(61)))
            .refused(JourneyRefusal::AlreadyEnded(JourneyEnd::Authorized {
                grant: new_grant(),
            }));
    }
}

#[test]
fn no_step_can_be_done_after_an_end() {
    given(declined())
        .when(|journey| journey.select_tasks(SelectTasks { tasks: tasks(BOTH) }, minute(6)))
        .refused(JourneyRefusal::AlreadyEnded(JourneyEnd::Declined));
    given(declined())
        .when(|journey| journey.record_login(login(LinkageBasis::New), minute(6)))
        .refused(JourneyRefusal::AlreadyEnded(JourneyEnd::Declined));
}

#[test]
fn no_later_fact_changes_an_end() {
    for history in [
        ended_by_customer(),
        declined(),
        ended_by_time(),
        ended_by_failure(),
        authorized(),
    ] {
        let ended = state_of(&history);
        for (name, later) in journey_samples() {
            let after = state_of(&[history.clone(), vec![later]].concat());
            assert_eq!(after, ended, "after {name}");
        }
    }
}
