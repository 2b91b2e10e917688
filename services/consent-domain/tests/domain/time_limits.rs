//! The journey takes 60 minutes in all, by the limit that was copied into its first fact.

use chrono::TimeDelta;
use consent_domain::{
    Instant,
    consent::Consent,
    contract::Contract,
    journey::{
        ConfirmRegistration, EndJourney, FailureCode, Journey, JourneyEvent, JourneyRefusal,
        LinkageBasis, RebaseLinkage, RequestConsent, Revision, SelectTasks, SessionAtTimeOut, Step,
        TimeLimits, TimeOutCause,
    },
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

/// What every step answers at that instant; the journey is at step 6.
fn refusals_at(now: Instant) -> [Option<JourneyRefusal>; 6] {
    let journey: Journey = state_of(&at_step6(LinkageBasis::New));
    let none = Contract::default();
    let basis = amends(scope([A_9999999], BOTH));
    let confirm = ConfirmRegistration { shown: Revision(2) };
    [
        journey.record_login(login(LinkageBasis::New), now).err(),
        journey.rebase_linkage(RebaseLinkage { basis }, now).err(),
        journey
            .select_tasks(SelectTasks { tasks: tasks(BOTH) }, now)
            .err(),
        journey
            .register_accounts(&none, step4_form(2, [right(A_5000000)]), now)
            .err(),
        journey.confirm_registration(confirm, now).err(),
        journey
            .authorize_access(&Consent::Absent, allow(2), now)
            .err(),
    ]
}

const ALMOST: TimeDelta = TimeDelta::microseconds(1);

#[test]
fn every_step_can_be_done_to_the_last_moment() {
    assert_eq!(refusals_at(minute(60) - ALMOST), [const { None }; 6]);
}

#[test]
fn no_step_can_be_done_when_the_time_is_over() {
    for late in [minute(60), minute(600)] {
        for refusal in refusals_at(late) {
            assert_eq!(refusal, Some(JourneyRefusal::OutOfTime));
        }
    }
}

#[test]
fn a_new_login_does_not_lengthen_the_journey() {
    let resumed = vec![logged_in(login(LinkageBasis::New), minute(59))];
    given([at_step4(LinkageBasis::New), resumed].concat())
        .when(|journey| journey.select_tasks(SelectTasks { tasks: tasks(BOTH) }, minute(60)))
        .refused(JourneyRefusal::OutOfTime);
}

#[test]
fn the_limit_is_the_one_in_the_request_not_the_one_of_today() {
    let ten_minutes = requested(RequestConsent {
        limits: TimeLimits {
            total_seconds: 600,
            ..LIMITS
        },
        ..pushed_request()
    });
    given([ten_minutes])
        .when(|journey| journey.record_login(login(LinkageBasis::New), minute(10)))
        .refused(JourneyRefusal::OutOfTime);
}

#[test]
fn a_time_out_before_its_time_is_refused() {
    for session in [SessionAtTimeOut::Alive, SessionAtTimeOut::None] {
        given(at_step4(LinkageBasis::New))
            .when(|journey| {
                let how = EndJourney::ByTime(session);
                journey.end(&Contract::default(), how, minute(60) - ALMOST)
            })
            .refused(JourneyRefusal::TimeLeft);
    }
}

#[test]
fn a_time_out_holds_since_the_time_was_over_however_late_it_is_found() {
    for found in [minute(60), minute(6000)] {
        given(at_step4(LinkageBasis::New))
            .when(|journey| {
                let how = EndJourney::ByTime(SessionAtTimeOut::None);
                journey.end(&Contract::default(), how, found)
            })
            .then([JourneyEvent::JourneyTimedOut {
                step: Step::Accounts,
                cause: TimeOutCause::Idle,
                effective_at: minute(60),
            }]);
    }
}

#[test]
fn a_customer_who_was_still_at_it_ran_out_of_total_time() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let how = EndJourney::ByTime(SessionAtTimeOut::Alive);
            journey.end(&Contract::default(), how, minute(60))
        })
        .then([JourneyEvent::JourneyTimedOut {
            step: Step::Accounts,
            cause: TimeOutCause::Total,
            effective_at: minute(60),
        }]);
}

#[test]
fn a_journey_whose_time_is_over_can_only_time_out() {
    for how in [
        EndJourney::ByCustomer,
        EndJourney::ByFailure(FailureCode::BankUnavailable),
    ] {
        given(at_step4(LinkageBasis::New))
            .when(|journey| journey.end(&Contract::default(), how, minute(60)))
            .refused(JourneyRefusal::OutOfTime);
    }
}
