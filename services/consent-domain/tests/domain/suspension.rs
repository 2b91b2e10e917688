//! Suspension at each level: by cause, each lifted by itself, outlasting what it does not concern.

use consent_domain::{
    bank::{Bank, BankEvent, BankRefusal},
    consent::{Consent, ConsentEvent, ConsentRefusal, RevocationReason, RevokedBy},
    contract::{Contract, ContractEvent, ContractRefusal},
    partner::{PartnerAtBank, PartnerAtBankEvent, PartnerAtBankRefusal},
    suspension::SuspensionCause::{self, LegalOrder, SuspectedFraud},
};

use crate::support::{
    facts::*,
    given::{given, given_nothing, state_of},
    names::*,
    samples::bank_record,
};

fn live() -> Vec<ConsentEvent> {
    vec![granted(scope([A_1000014], BOTH))]
}

fn suspended(causes: &[SuspensionCause]) -> Vec<ConsentEvent> {
    let suspensions = causes
        .iter()
        .map(|cause| ConsentEvent::AccessSuspended { cause: *cause });
    live().into_iter().chain(suspensions).collect()
}

#[test]
fn a_consent_is_suspended_for_each_cause_and_keeps_what_it_says() {
    let after = given(suspended(&[LegalOrder]))
        .when(|consent| consent.suspend(SuspectedFraud, minute(5)))
        .then([ConsentEvent::AccessSuspended {
            cause: SuspectedFraud,
        }])
        .state();
    let causes: Vec<_> = after.suspensions().iter().collect();
    assert_eq!(causes, [SuspectedFraud, LegalOrder]);
    assert_eq!(
        after.terms(),
        Some(&terms(scope([A_1000014], BOTH), start()))
    );
}

#[test]
fn a_cause_that_stands_is_not_added_again_and_one_that_does_not_is_not_lifted() {
    given(suspended(&[LegalOrder]))
        .when(|consent| consent.suspend(LegalOrder, minute(5)))
        .already_done();
    given(suspended(&[LegalOrder]))
        .when(|consent| consent.restore(SuspectedFraud, minute(5)))
        .already_done();
}

#[test]
fn a_restoration_lifts_its_own_cause_and_no_other() {
    let after = given(suspended(&[LegalOrder, SuspectedFraud]))
        .when(|consent| consent.restore(LegalOrder, minute(5)))
        .then([ConsentEvent::AccessRestored { cause: LegalOrder }])
        .state();
    assert!(after.suspensions().contains(SuspectedFraud));
    assert!(!after.suspensions().contains(LegalOrder));
}

#[test]
fn what_was_suspended_and_restored_is_exactly_what_it_was() {
    let before: Consent = state_of(&live());
    let after = given(suspended(&[LegalOrder]))
        .when(|consent| consent.restore(LegalOrder, minute(5)))
        .then([ConsentEvent::AccessRestored { cause: LegalOrder }])
        .state();
    assert_eq!(after, before);
}

#[test]
fn a_suspended_consent_still_expires_and_can_be_revoked() {
    given(suspended(&[LegalOrder]))
        .when(|consent| consent.expire(end_of_march_2027()))
        .then([ConsentEvent::AccessExpired {
            effective_at: end_of_march_2027(),
        }]);
    given(suspended(&[LegalOrder]))
        .when(|consent| consent.revoke(RevokedBy::Bank, RevocationReason::LegalOrder, minute(5)))
        .then([ConsentEvent::AccessRevoked {
            by: RevokedBy::Bank,
            reason: RevocationReason::LegalOrder,
        }]);
}

#[test]
fn what_is_over_is_neither_suspended_nor_restored() {
    let over = [
        live(),
        vec![ConsentEvent::AccessSuperseded {
            by: new_grant(),
            by_client: None,
        }],
    ]
    .concat();
    given(over.clone())
        .when(|consent| consent.suspend(LegalOrder, minute(5)))
        .refused(ConsentRefusal::AlreadyEnded);
    given(over)
        .when(|consent| consent.restore(LegalOrder, minute(5)))
        .refused(ConsentRefusal::AlreadyEnded);
    given(live())
        .when(|consent| consent.suspend(LegalOrder, end_of_march_2027()))
        .refused(ConsentRefusal::AlreadyEnded);
    given_nothing::<ConsentEvent>()
        .when(|consent| consent.suspend(LegalOrder, minute(5)))
        .refused(ConsentRefusal::Unknown);
}

#[test]
fn a_contract_is_suspended_by_one_fact_of_its_own() {
    let after: Contract = given_nothing::<ContractEvent>()
        .when(|contract| contract.suspend(LegalOrder))
        .then([ContractEvent::ContractSuspended { cause: LegalOrder }])
        .state();
    assert!(after.suspensions().contains(LegalOrder));
    given([ContractEvent::ContractSuspended { cause: LegalOrder }])
        .when(|contract| contract.restore(LegalOrder))
        .then([ContractEvent::ContractRestored { cause: LegalOrder }]);
    given_nothing::<ContractEvent>()
        .when(|contract| contract.restore(LegalOrder))
        .already_done();
}

#[test]
fn a_closed_contract_is_closed_for_good() {
    let closed = ContractEvent::ContractClosed {
        occurred_at: start(),
    };
    given([closed.clone()])
        .when(|contract| contract.suspend(LegalOrder))
        .refused(ContractRefusal::Closed);
    given([closed])
        .when(|contract| contract.restore(LegalOrder))
        .refused(ContractRefusal::Closed);
}

fn enabled() -> PartnerAtBankEvent {
    PartnerAtBankEvent::PartnerEnabled {
        partner: partner(),
        client: client(),
    }
}

fn partner_suspended() -> PartnerAtBankEvent {
    PartnerAtBankEvent::PartnerSuspended {
        partner: partner(),
        cause: SuspectedFraud,
    }
}

#[test]
fn a_suspended_partner_may_not_read_and_is_still_enabled() {
    let after = given([enabled()])
        .when(|at_bank| at_bank.suspend(&partner(), SuspectedFraud))
        .then([partner_suspended()])
        .state();
    assert!(after.is_enabled() && !after.may_read());
}

#[test]
fn registering_a_suspended_partner_again_lifts_nothing() {
    given([enabled(), partner_suspended()])
        .when(|at_bank| at_bank.enable(&partner(), &client()))
        .already_done();
    let disabled = PartnerAtBankEvent::PartnerDisabled {
        partner: partner(),
        effective_at: None,
    };
    let after: PartnerAtBank = given([enabled(), partner_suspended(), disabled])
        .when(|at_bank| at_bank.enable(&partner(), &client()))
        .then([enabled()])
        .state();
    assert!(!after.may_read());
}

#[test]
fn a_partner_is_restored_by_lifting_the_last_cause() {
    let after = given([enabled(), partner_suspended()])
        .when(|at_bank| at_bank.restore(&partner(), SuspectedFraud))
        .then([PartnerAtBankEvent::PartnerRestored {
            partner: partner(),
            cause: SuspectedFraud,
        }])
        .state();
    assert!(after.may_read());
    given_nothing::<PartnerAtBankEvent>()
        .when(|at_bank| at_bank.suspend(&partner(), SuspectedFraud))
        .refused(PartnerAtBankRefusal::Unknown);
}

#[test]
fn a_bank_is_suspended_and_restored_and_its_record_stays() {
    let joined = BankEvent::BankRegistered {
        code: bank_code(),
        record: bank_record(),
    };
    let suspended = given([joined.clone()])
        .when(|bank| bank.suspend(LegalOrder))
        .then([BankEvent::BankSuspended { cause: LegalOrder }])
        .state();
    assert!(suspended.suspensions().unwrap().contains(LegalOrder));
    assert_eq!(suspended.record(), Some(&bank_record()));
    let restored: Bank = given([
        joined.clone(),
        BankEvent::BankSuspended { cause: LegalOrder },
    ])
    .when(|bank| bank.restore(LegalOrder))
    .then([BankEvent::BankRestored { cause: LegalOrder }])
    .state();
    assert_eq!(restored, state_of(&[joined]));
    given_nothing::<BankEvent>()
        .when(|bank| bank.suspend(LegalOrder))
        .refused(BankRefusal::Unknown);
}
