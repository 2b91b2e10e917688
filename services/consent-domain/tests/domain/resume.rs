//! A new login resumes the journey at its step with its choices, for the same user only.

use consent_domain::{
    consent::Consent,
    journey::{
        Journey, JourneyEvent, JourneyRefusal, LinkageBasis, LoginMethod, RecordLogin, UserRole,
    },
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

fn every_step_after_login() -> [Vec<JourneyEvent>; 4] {
    [
        at_step3(LinkageBasis::New),
        at_step4(LinkageBasis::New),
        at_step5(LinkageBasis::New),
        at_step6(LinkageBasis::New),
    ]
}

fn in_progress(journey: Journey) -> consent_domain::journey::InProgress {
    let Journey::InProgress(journey) = journey else {
        panic!("not in progress")
    };
    *journey
}

#[test]
fn the_same_user_goes_on_where_the_journey_was() {
    for history in every_step_after_login() {
        let before = in_progress(state_of(&history));
        let after = given(history)
            .when(|journey| journey.record_login(login(LinkageBasis::New), minute(20)))
            .then([logged_in(login(LinkageBasis::New), minute(20))])
            .state();

        let after = in_progress(after);
        assert_eq!(after.stage.step(), before.stage.step());
        assert_eq!(after.revision, before.revision);
        assert_eq!(after.stage.tasks(), before.stage.tasks());
        assert_eq!(after.stage.draft(), before.stage.draft());
        assert_eq!(after.stage.login().unwrap().at, minute(20));
    }
}

#[test]
fn another_user_of_the_contract_can_not_go_on() {
    for history in every_step_after_login() {
        given(history)
            .when(|journey| {
                let colleague = RecordLogin {
                    user: bookkeeper(),
                    ..login(LinkageBasis::New)
                };
                journey.record_login(colleague, minute(20))
            })
            .refused(JourneyRefusal::AnotherUser);
    }
}

#[test]
fn a_user_of_the_same_name_in_another_contract_can_not_go_on() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let stranger = RecordLogin {
                contract: another_contract(),
                ..login(LinkageBasis::New)
            };
            journey.record_login(stranger, minute(20))
        })
        .refused(JourneyRefusal::AnotherUser);
}

#[test]
fn a_new_login_goes_on_with_the_linkage_that_the_choices_were_made_for() {
    let as_it_was = amends(scope([A_1000014], BOTH));
    let as_it_is = amends(scope([A_9999999], BOTH));
    given(at_step5(as_it_was.clone()))
        .when(|journey| journey.record_login(login(as_it_is), minute(20)))
        .then([logged_in(login(as_it_was), minute(20))]);
}

#[test]
fn the_authorization_names_the_last_login() {
    let by_certificate = RecordLogin {
        role: UserRole::General,
        method: LoginMethod::Certificate,
        ..login(LinkageBasis::New)
    };
    let resumed = vec![logged_in(by_certificate, minute(20))];
    let journey = state_of(&[at_step6(LinkageBasis::New), resumed].concat());
    let authorized = journey
        .authorize_access(&Consent::Absent, allow(2), minute(21))
        .unwrap();
    let JourneyEvent::AccessAuthorized {
        role,
        login_method,
        login_at,
        ..
    } = authorized.journey
    else {
        panic!("another fact")
    };
    assert_eq!(role, UserRole::General);
    assert_eq!(login_method, LoginMethod::Certificate);
    assert_eq!(login_at, minute(20));
}
