//! A consent's life: granted, changed, connected, and over by the clock or by somebody. Over is final.

use chrono::TimeDelta;
use consent_domain::{
    Instant, Stream,
    consent::{
        Consent, ConsentEvent, ConsentRefusal, ConsentStream, GrantTerms, Place, RevocationReason,
        RevokedBy,
    },
    suspension::Suspensions,
};

use crate::support::{
    facts::*,
    given::{given, given_nothing, state_of},
    names::*,
    samples::consent_samples,
};

const ALMOST: TimeDelta = TimeDelta::microseconds(1);

fn until() -> Instant {
    end_of_march_2027()
}

fn live() -> Vec<ConsentEvent> {
    vec![granted(scope([A_1000014], BOTH))]
}

fn amended() -> ConsentEvent {
    ConsentEvent::AccessAmended {
        journey: this_journey(),
        terms: terms(scope([A_5000000], BALANCE), minute(5)),
    }
}

fn connected() -> ConsentEvent {
    ConsentEvent::PartnerConnected {
        journey: another_journey(),
    }
}

fn expired() -> ConsentEvent {
    ConsentEvent::AccessExpired {
        effective_at: until(),
    }
}

fn revoked(by: RevokedBy, reason: RevocationReason) -> ConsentEvent {
    ConsentEvent::AccessRevoked { by, reason }
}

fn over_by_time() -> Vec<ConsentEvent> {
    [live(), vec![expired()]].concat()
}

fn over_by_customer() -> Vec<ConsentEvent> {
    [
        live(),
        vec![revoked(
            RevokedBy::Customer,
            RevocationReason::NoLongerNeeded,
        )],
    ]
    .concat()
}

#[test]
fn a_consent_begins_with_its_terms() {
    let said = terms(scope([A_1000014], BOTH), start());
    let after = given_nothing::<ConsentEvent>()
        .when(|consent| consent.grant(&another_journey(), said.clone(), Place::Default))
        .then(live())
        .state();
    assert_eq!(
        after,
        Consent::Live {
            terms: said,
            place: Place::Default,
            connected: false,
            suspended: Suspensions::default(),
            warned: None,
            warn_at: Some(until() - TimeDelta::days(30)),
        }
    );
}

#[test]
fn a_consent_begins_once() {
    for history in [live(), over_by_time(), over_by_customer()] {
        given(history)
            .when(|consent| {
                let said = terms(scope([A_5000000], BOTH), minute(5));
                consent.grant(&this_journey(), said, Place::Default)
            })
            .refused(ConsentRefusal::ChangedMeanwhile);
    }
}

#[test]
fn a_change_replaces_all_that_the_consent_says() {
    let said = GrantTerms {
        user: bookkeeper(),
        history_from: Some(day(2026, 1, 1)),
        valid_until: minute(600),
        ..terms(scope([A_5000000], BALANCE), minute(5))
    };
    let after = given(live())
        .when(|consent| {
            let basis = scope([A_1000014], BOTH);
            consent.amend(&this_journey(), said.clone(), &basis, minute(5))
        })
        .then([ConsentEvent::AccessAmended {
            journey: this_journey(),
            terms: said.clone(),
        }])
        .state();
    assert_eq!(after.terms(), Some(&said));
}

#[test]
fn a_change_on_another_basis_is_refused() {
    given(live())
        .when(|consent| {
            let said = terms(scope([A_5000000], BOTH), minute(5));
            consent.amend(
                &this_journey(),
                said,
                &scope([A_1000014], BALANCE),
                minute(5),
            )
        })
        .refused(ConsentRefusal::ChangedMeanwhile);
}

#[test]
fn a_change_after_the_end_is_refused() {
    let amend = |consent: &Consent, now| {
        let said = terms(scope([A_5000000], BOTH), now);
        consent.amend(&this_journey(), said, &scope([A_1000014], BOTH), now)
    };
    given(live())
        .when(|consent| amend(consent, until()))
        .refused(ConsentRefusal::AlreadyEnded);
    for history in [over_by_time(), over_by_customer()] {
        given(history)
            .when(|consent| amend(consent, minute(5)))
            .refused(ConsentRefusal::AlreadyEnded);
    }
    given_nothing::<ConsentEvent>()
        .when(|consent| amend(consent, minute(5)))
        .refused(ConsentRefusal::Unknown);
}

#[test]
fn the_first_token_of_a_code_connects_the_partner() {
    given(live())
        .when(|consent| consent.connect(&another_journey(), minute(6)))
        .then([connected()]);
}

#[test]
fn a_later_token_of_the_code_changes_nothing() {
    given([live(), vec![connected()]].concat())
        .when(|consent| consent.connect(&another_journey(), minute(7)))
        .already_done();
}

#[test]
fn the_first_token_of_a_changed_consents_code_connects_the_partner_again() {
    given([live(), vec![connected(), amended()]].concat())
        .when(|consent| consent.connect(&this_journey(), minute(6)))
        .then([ConsentEvent::PartnerConnected {
            journey: this_journey(),
        }]);
}

#[test]
fn a_consent_that_is_over_can_not_be_connected() {
    given(live())
        .when(|consent| consent.connect(&another_journey(), until()))
        .refused(ConsentRefusal::AlreadyEnded);
    for history in [over_by_time(), over_by_customer()] {
        given(history)
            .when(|consent| consent.connect(&another_journey(), minute(6)))
            .refused(ConsentRefusal::AlreadyEnded);
    }
    given_nothing::<ConsentEvent>()
        .when(|consent| consent.connect(&another_journey(), minute(6)))
        .refused(ConsentRefusal::Unknown);
}

#[test]
fn the_clock_ends_a_consent_before_anybody_records_it() {
    let consent: Consent = state_of(&live());
    assert!(consent.live_terms(until() - ALMOST).is_some());
    assert!(consent.live_terms(until()).is_none());
}

#[test]
fn an_expiry_is_recorded_with_the_time_at_which_it_came_however_late() {
    for found in [until(), until() + TimeDelta::days(3)] {
        let after = given(live())
            .when(|consent| consent.expire(found))
            .then([expired()])
            .state();
        assert!(matches!(after, Consent::Expired { effective_at, .. } if effective_at == until()));
    }
}

#[test]
fn an_expiry_before_its_time_changes_nothing() {
    given(live())
        .when(|consent| consent.expire(until() - ALMOST))
        .already_done();
}

#[test]
fn there_is_no_expiry_of_what_is_over_or_never_was() {
    for history in [over_by_time(), over_by_customer(), Vec::new()] {
        given(history)
            .when(|consent| consent.expire(until()))
            .already_done();
    }
}

#[test]
fn each_of_the_four_may_revoke_and_the_fact_says_who_and_why() {
    for by in [
        RevokedBy::Customer,
        RevokedBy::Partner,
        RevokedBy::Bank,
        RevokedBy::System,
    ] {
        let after = given(live())
            .when(|consent| consent.revoke(by, RevocationReason::NoLongerNeeded, minute(9)))
            .then([revoked(by, RevocationReason::NoLongerNeeded)])
            .state();
        assert!(after.live_terms(minute(9)).is_none());
        assert_eq!(after.terms().unwrap().scope, scope([A_1000014], BOTH));
    }
}

#[test]
fn revoking_twice_changes_nothing() {
    given(over_by_customer())
        .when(|consent| {
            consent.revoke(
                RevokedBy::Customer,
                RevocationReason::NoLongerNeeded,
                minute(9),
            )
        })
        .already_done();
}

#[test]
fn another_revocation_does_not_replace_the_first() {
    for (by, reason) in [
        (RevokedBy::Bank, RevocationReason::NoLongerNeeded),
        (RevokedBy::Customer, RevocationReason::Fraud),
    ] {
        given(over_by_customer())
            .when(|consent| consent.revoke(by, reason, minute(9)))
            .refused(ConsentRefusal::AlreadyEnded);
    }
}

#[test]
fn what_the_clock_has_ended_can_not_be_revoked() {
    for history in [live(), over_by_time()] {
        given(history)
            .when(|consent| {
                consent.revoke(
                    RevokedBy::Customer,
                    RevocationReason::NoLongerNeeded,
                    until(),
                )
            })
            .refused(ConsentRefusal::AlreadyEnded);
    }
}

#[test]
fn what_never_was_can_not_be_revoked() {
    given_nothing::<ConsentEvent>()
        .when(|consent| {
            consent.revoke(
                RevokedBy::Customer,
                RevocationReason::NoLongerNeeded,
                minute(9),
            )
        })
        .refused(ConsentRefusal::Unknown);
}

#[test]
fn no_later_fact_changes_an_end() {
    for history in [over_by_time(), over_by_customer()] {
        let over = state_of(&history);
        for (name, later) in consent_samples() {
            let mut after = over.clone();
            ConsentStream::evolve(&mut after, &later);
            assert_eq!(after, over, "after {name}");
        }
    }
}
