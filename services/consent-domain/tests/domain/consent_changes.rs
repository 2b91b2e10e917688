//! What happens to a live consent beside 許可: an account leaves, a renewal, a handover, a warning,
//! another grant in its place.

use chrono::TimeDelta;
use consent_domain::{
    Instant, JourneyId,
    consent::{
        Amendment, Consent, ConsentEvent, ConsentRefusal, GrantTerms, RemovalReason, Renewal,
        RenewalShown, RevocationReason, RevokedBy,
    },
    contract::{Contract, ContractEvent},
    journey::{ShownText, UserRole},
    suspension::SuspensionCause,
};

use crate::support::{
    facts::*,
    given::{given, given_nothing, state_of},
    names::*,
};

fn live() -> Vec<ConsentEvent> {
    vec![granted(scope([A_5000000, A_1000014], BOTH))]
}

fn until() -> Instant {
    end_of_march_2027()
}

fn removed(name: &str) -> ConsentEvent {
    ConsentEvent::AccountRemoved {
        account: account(name),
        by: RevokedBy::Customer,
        reason: RemovalReason::LinkedByMistake,
    }
}

fn remove(
    consent: &Consent,
    name: &str,
    now: Instant,
) -> Result<consent_domain::Outcome<ConsentEvent>, ConsentRefusal> {
    consent.remove_account(
        &account(name),
        RevokedBy::Customer,
        RemovalReason::LinkedByMistake,
        now,
    )
}

#[test]
fn an_account_leaves_with_all_of_its_tasks_and_the_others_stay() {
    let after = given(live())
        .when(|consent| remove(consent, A_5000000, minute(5)))
        .then([removed(A_5000000)])
        .state();
    assert_eq!(
        after.live_terms(minute(5)).unwrap().scope,
        scope([A_1000014], BOTH)
    );
}

#[test]
fn an_account_that_is_not_in_it_is_out_already() {
    given(live())
        .when(|consent| remove(consent, A_9999999, minute(5)))
        .already_done();
}

#[test]
fn with_its_last_account_the_consent_ends() {
    let after = given([live(), vec![removed(A_5000000)]].concat())
        .when(|consent| remove(consent, A_1000014, minute(5)))
        .then([
            removed(A_1000014),
            ConsentEvent::AccessRevoked {
                by: RevokedBy::Customer,
                reason: RevocationReason::NoAccountLeft,
            },
        ])
        .state();
    assert!(after.live_terms(minute(5)).is_none());
}

#[test]
fn nothing_leaves_what_is_over() {
    given(live())
        .when(|consent| remove(consent, A_5000000, until()))
        .refused(ConsentRefusal::AlreadyEnded);
    given_nothing::<ConsentEvent>()
        .when(|consent| remove(consent, A_5000000, minute(5)))
        .refused(ConsentRefusal::Unknown);
}

/// A year from that day on.
fn renewal(now: Instant) -> Renewal {
    Renewal {
        journey: None,
        user: bookkeeper(),
        valid_until: now + TimeDelta::days(365),
        continue_from: [
            (account(A_1000014), day(2027, 3, 1)),
            (account(A_9999999), day(2027, 3, 1)),
        ]
        .into(),
    }
}

fn renewed(now: Instant) -> ConsentEvent {
    ConsentEvent::AccessRenewed {
        journey: None,
        user: bookkeeper(),
        valid_from: now,
        valid_until: now + TimeDelta::days(365),
        continue_from: [(account(A_1000014), day(2027, 3, 1))].into(),
        shown: None,
    }
}

#[test]
fn a_renewal_on_the_banks_own_page_says_what_was_shown_and_reads_back() {
    let now = until() - TimeDelta::days(20);
    let shown = RenewalShown {
        record: JourneyId::parse("a-record").unwrap(),
        text: ShownText {
            version: "2".to_owned(),
            locale: "ja".to_owned(),
            sha256: "00".repeat(32),
        },
        terms_version: "2026-04".to_owned(),
        partner_record_version: 3,
        role: UserRole::Master,
        login_at: now,
    };
    let consent: Consent = state_of(&live());
    let facts = consent
        .renew_as_shown(&renewal(now), &shown, now)
        .unwrap()
        .into_events();
    let [fact] = &facts[..] else {
        panic!("{facts:?}");
    };
    assert!(
        matches!(fact, ConsentEvent::AccessRenewed { shown: Some(said), .. } if *said == shown)
    );
    let stored = serde_json::to_string(fact).unwrap();
    assert_eq!(
        &serde_json::from_str::<ConsentEvent>(&stored).unwrap(),
        fact
    );
}

#[test]
fn a_renewal_begins_on_its_day_and_keeps_the_scope() {
    let now = until() - TimeDelta::days(20);
    let after = given(live())
        .when(|consent| consent.renew(&renewal(now), now))
        .then([renewed(now)])
        .state();
    let expected = GrantTerms {
        user: bookkeeper(),
        valid_until: now + TimeDelta::days(365),
        ..terms(scope([A_5000000, A_1000014], BOTH), now)
    };
    assert_eq!(after.terms(), Some(&expected));
}

#[test]
fn a_renewal_must_end_later_than_what_runs_and_come_before_its_end() {
    let soon = Renewal {
        valid_until: until(),
        ..renewal(minute(5))
    };
    given(live())
        .when(|consent| consent.renew(&soon, minute(5)))
        .refused(ConsentRefusal::PeriodNotLonger);
    given(live())
        .when(|consent| consent.renew(&renewal(until()), until()))
        .refused(ConsentRefusal::AlreadyEnded);
}

fn suspended(cause: SuspensionCause) -> ConsentEvent {
    ConsentEvent::AccessSuspended { cause }
}

fn restored(cause: SuspensionCause) -> ConsentEvent {
    ConsentEvent::AccessRestored { cause }
}

#[test]
fn a_renewal_answers_what_a_login_under_todays_terms_answers_and_nothing_else() {
    let causes = [
        SuspensionCause::UserRemoved,
        SuspensionCause::TermsChanged,
        SuspensionCause::AccountMoved,
        SuspensionCause::SuspectedFraud,
    ];
    let now = until() - TimeDelta::days(20);
    let after = given([live(), causes.map(suspended).to_vec()].concat())
        .when(|consent| consent.renew(&renewal(now), now))
        .then([
            renewed(now),
            restored(SuspensionCause::UserRemoved),
            restored(SuspensionCause::TermsChanged),
        ])
        .state();
    let left: Vec<_> = after.suspensions().iter().collect();
    assert_eq!(
        left,
        [
            SuspensionCause::SuspectedFraud,
            SuspensionCause::AccountMoved
        ]
    );
}

#[test]
fn another_user_takes_over_and_lifts_what_was_about_the_login_before() {
    let after = given([live(), vec![suspended(SuspensionCause::UserRemoved)]].concat())
        .when(|consent| consent.hand_over(&bookkeeper(), &Contract::default(), minute(5)))
        .then([
            ConsentEvent::HandedOver {
                from_user: treasurer(),
                to_user: bookkeeper(),
            },
            restored(SuspensionCause::UserRemoved),
        ])
        .state();
    assert_eq!(after.terms().unwrap().user, bookkeeper());
    assert!(after.suspensions().is_empty());
}

#[test]
fn nobody_takes_over_from_himself_or_after_having_left() {
    given(live())
        .when(|consent| consent.hand_over(&treasurer(), &Contract::default(), minute(5)))
        .already_done();
    let contract = state_of(&[ContractEvent::UserRemoved {
        user: bookkeeper(),
        occurred_at: start(),
    }]);
    given(live())
        .when(|consent| consent.hand_over(&bookkeeper(), &contract, minute(5)))
        .refused(ConsentRefusal::UserRemoved);
}

#[test]
fn nobody_takes_over_what_ends_with_its_closed_contract() {
    let contract = state_of(&[ContractEvent::ContractClosed {
        occurred_at: start(),
    }]);
    given(live())
        .when(|consent| consent.hand_over(&bookkeeper(), &contract, minute(5)))
        .refused(ConsentRefusal::AlreadyEnded);
}

fn warned(days_left: u32) -> ConsentEvent {
    ConsentEvent::ExpiryWarned {
        days_left,
        valid_until: until(),
    }
}

#[test]
fn the_customer_is_warned_thirty_fourteen_seven_and_one_day_before_the_end() {
    let mut history = live();
    for days in [30, 14, 7, 1] {
        let due = until() - TimeDelta::days(days.into());
        given(history.clone())
            .when(|consent| consent.warn(due - TimeDelta::microseconds(1)))
            .already_done();
        given(history.clone())
            .when(|consent| consent.warn(due))
            .then([warned(days)]);
        history.push(warned(days));
        given(history.clone())
            .when(|consent| consent.warn(due))
            .already_done();
    }
    given(history)
        .when(|consent| consent.warn(until()))
        .already_done();
}

#[test]
fn of_several_warnings_that_were_missed_the_nearest_is_given_and_no_other() {
    let late = until() - TimeDelta::days(3);
    let after = given(live())
        .when(|consent| consent.warn(late))
        .then([warned(7)])
        .state();
    given([live(), vec![warned(7)]].concat())
        .when(|consent| consent.warn(late))
        .already_done();
    let Consent::Live { warn_at, .. } = after else {
        panic!("not live");
    };
    assert_eq!(warn_at, Some(until() - TimeDelta::days(1)));
}

#[test]
fn a_period_shorter_than_a_warning_does_not_begin_with_it() {
    let short = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            valid_until: start() + TimeDelta::days(10),
            ..terms(scope([A_1000014], BOTH), start())
        },
        place: consent_domain::consent::Place::Default,
    };
    given([short.clone()])
        .when(|consent| consent.warn(start()))
        .already_done();
    given([short])
        .when(|consent| consent.warn(start() + TimeDelta::days(3)))
        .then([ConsentEvent::ExpiryWarned {
            days_left: 7,
            valid_until: start() + TimeDelta::days(10),
        }]);
}

#[test]
fn a_new_period_has_warnings_of_its_own() {
    let now = until() - TimeDelta::days(20);
    let history = [live(), vec![warned(30), renewed(now)]].concat();
    let ends = now + TimeDelta::days(365);
    given(history)
        .when(|consent| consent.warn(ends - TimeDelta::days(30)))
        .then([ConsentEvent::ExpiryWarned {
            days_left: 30,
            valid_until: ends,
        }]);
}

#[test]
fn what_another_grant_took_the_place_of_is_over() {
    let superseded = ConsentEvent::AccessSuperseded {
        by: new_grant(),
        by_client: Some(client()),
    };
    let after = given(live())
        .when(|consent| consent.supersede(&new_grant(), &client(), minute(5)))
        .then([superseded.clone()])
        .state();
    assert!(after.live_terms(minute(5)).is_none());
    given([live(), vec![superseded.clone()]].concat())
        .when(|consent| consent.supersede(&new_grant(), &client(), minute(6)))
        .already_done();
    given([live(), vec![superseded]].concat())
        .when(|consent| consent.supersede(&grant_id("grant-third"), &client(), minute(6)))
        .refused(ConsentRefusal::AlreadyEnded);
}

#[test]
fn a_merge_keeps_what_was_allowed_before_and_a_replacement_does_not() {
    let new = || GrantTerms {
        history_from: Some(day(2026, 1, 1)),
        ..terms(scope([A_9999999], BALANCE), minute(5))
    };
    let before = scope([A_5000000, A_1000014], BOTH);
    let consent: Consent = state_of(&live());
    assert_eq!(consent.amended_terms(Amendment::Replace, new()), new());
    let merged = consent.amended_terms(Amendment::Merge, new());
    assert_eq!(merged.scope, before.union(&new().scope));
    assert_eq!(merged.history_from, None);
    let period = |terms: &GrantTerms| (terms.valid_from, terms.valid_until);
    assert_eq!(period(&merged), period(consent.terms().unwrap()));
}

#[test]
fn a_change_restores_what_it_answers_in_the_same_commit() {
    let basis = scope([A_5000000], BOTH);
    let consent: Consent = state_of(&[
        granted(basis.clone()),
        suspended(SuspensionCause::AccountMoved),
        suspended(SuspensionCause::LegalOrder),
    ]);
    let journey: consent_domain::journey::Journey = state_of(&at_step6(amends(basis)));
    let authorized = journey
        .authorize_access(&consent, allow(2), minute(5))
        .unwrap();
    assert_eq!(
        authorized.consent[1..],
        [restored(SuspensionCause::AccountMoved)]
    );
}
