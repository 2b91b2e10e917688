//! What a bank tells of users and accounts: a fact of the contract, and per consent what the bank set.

use std::collections::BTreeMap;

use consent_domain::{
    GrantId,
    bank_notice::{
        BankNotice, Effects, NoticeEffects, OnAccountMoved, OnLoginChange, OnRightRemoved,
        OnUserRemoved, effects,
    },
    consent::{
        Consent, ConsentEvent, GrantTerms, Place, RemovalReason, RevocationReason, RevokedBy,
    },
    contract::{Contract, ContractEvent, ContractRefusal, ResetBy},
    suspension::SuspensionCause,
};

use crate::support::{facts::*, given::state_of, names::*};

/// The treasurer's consent to two accounts, and the bookkeeper's to one of them.
fn consents() -> BTreeMap<GrantId, Consent> {
    let of_bookkeeper = ConsentEvent::AccessGranted {
        journey: another_journey(),
        terms: GrantTerms {
            user: bookkeeper(),
            ..terms(scope([A_1000014], BOTH), start())
        },
        place: Place::Beside,
    };
    BTreeMap::from([
        (
            live_grant(),
            state_of(&[granted(scope([A_5000000, A_1000014], BOTH))]),
        ),
        (new_grant(), state_of(&[of_bookkeeper])),
    ])
}

fn told(notice: BankNotice, settings: NoticeEffects) -> Effects {
    let contract = state_of(&[
        registered(A_5000000, this_journey()),
        pin_locked(pin_scope()),
    ]);
    effects(
        &notice,
        minute(1),
        &settings,
        &contract,
        &consents(),
        minute(5),
    )
    .unwrap()
}

/// What becomes of the treasurer's consent, which must be the only one touched.
fn only_of_treasurer(effects: Effects) -> Vec<ConsentEvent> {
    let mut consents = effects.consents;
    let own = consents.remove(&live_grant()).unwrap_or_default();
    assert!(consents.is_empty(), "{consents:?}");
    own
}

fn defaults() -> NoticeEffects {
    NoticeEffects::default()
}

fn revoked(reason: RevocationReason) -> ConsentEvent {
    ConsentEvent::AccessRevoked {
        by: RevokedBy::Bank,
        reason,
    }
}

fn suspended(cause: SuspensionCause) -> ConsentEvent {
    ConsentEvent::AccessSuspended { cause }
}

fn removed(name: &str, reason: RemovalReason) -> ConsentEvent {
    ConsentEvent::AccountRemoved {
        account: account(name),
        by: RevokedBy::Bank,
        reason,
    }
}

#[test]
fn another_password_is_a_fact_and_by_default_nothing_else() {
    let effects = told(
        BankNotice::PasswordChanged { user: treasurer() },
        defaults(),
    );
    assert_eq!(
        effects.contract,
        [ContractEvent::PasswordChanged {
            user: treasurer(),
            occurred_at: minute(1),
        }]
    );
    assert!(effects.consents.is_empty());
}

#[test]
fn another_password_or_certificate_does_to_that_users_consents_what_the_bank_set() {
    use OnLoginChange::{Nothing, Revoke, Suspend};
    for (effect, password, certificate) in [
        (Nothing, vec![], vec![]),
        (
            Suspend,
            vec![suspended(SuspensionCause::PasswordChanged)],
            vec![suspended(SuspensionCause::CertificateChanged)],
        ),
        (
            Revoke,
            vec![revoked(RevocationReason::PasswordChanged)],
            vec![revoked(RevocationReason::CertificateChanged)],
        ),
    ] {
        let on_password = NoticeEffects {
            on_password_change: effect,
            ..defaults()
        };
        let user = treasurer();
        let got = told(BankNotice::PasswordChanged { user }, on_password);
        assert_eq!(only_of_treasurer(got), password);
        let on_certificate = NoticeEffects {
            on_certificate_change: effect,
            ..defaults()
        };
        let user = treasurer();
        let got = told(BankNotice::CertificateChanged { user }, on_certificate);
        assert_eq!(only_of_treasurer(got), certificate);
    }
}

#[test]
fn a_user_who_leaves_suspends_those_consents_until_somebody_takes_over() {
    use OnUserRemoved::{Nothing, Revoke, SuspendUntilHandover};
    assert_eq!(defaults().on_user_removed, SuspendUntilHandover);
    for (on_user_removed, expected) in [
        (
            SuspendUntilHandover,
            vec![suspended(SuspensionCause::UserRemoved)],
        ),
        (Revoke, vec![revoked(RevocationReason::UserRemoved)]),
        (Nothing, vec![]),
    ] {
        let settings = NoticeEffects {
            on_user_removed,
            ..defaults()
        };
        let got = told(BankNotice::UserRemoved { user: treasurer() }, settings);
        assert_eq!(only_of_treasurer(got), expected);
    }
}

#[test]
fn a_right_that_is_lost_takes_the_account_out_of_that_users_consents() {
    use OnRightRemoved::{Nothing, RemoveAccount, Suspend};
    assert_eq!(defaults().on_right_removed, RemoveAccount);
    for (on_right_removed, expected) in [
        (
            RemoveAccount,
            vec![removed(A_1000014, RemovalReason::RightRemoved)],
        ),
        (Suspend, vec![suspended(SuspensionCause::RightRemoved)]),
        (Nothing, vec![]),
    ] {
        let settings = NoticeEffects {
            on_right_removed,
            ..defaults()
        };
        let notice = BankNotice::RightRemoved {
            user: treasurer(),
            account: account(A_1000014),
        };
        assert_eq!(only_of_treasurer(told(notice, settings)), expected);
    }
}

#[test]
fn a_right_to_an_account_outside_touches_no_consent() {
    let notice = BankNotice::RightRemoved {
        user: treasurer(),
        account: account(A_9999999),
    };
    assert!(told(notice, defaults()).consents.is_empty());
}

#[test]
fn a_closed_account_leaves_every_consent_and_ends_the_one_that_has_no_other() {
    let notice = BankNotice::AccountClosed {
        account: account(A_1000014),
    };
    let gone = removed(A_1000014, RemovalReason::AccountClosed);
    assert_eq!(
        told(notice, defaults()).consents,
        BTreeMap::from([
            (live_grant(), vec![gone.clone()]),
            (
                new_grant(),
                vec![gone, revoked(RevocationReason::NoAccountLeft)]
            ),
        ])
    );
}

#[test]
fn another_number_or_branch_changes_nothing_unless_the_bank_says_so() {
    use OnAccountMoved::{Nothing, RemoveAccount, Suspend};
    assert_eq!(defaults().on_account_moved, Nothing);
    for (on_account_moved, expected) in [
        (Nothing, vec![]),
        (Suspend, vec![suspended(SuspensionCause::AccountMoved)]),
        (
            RemoveAccount,
            vec![removed(A_5000000, RemovalReason::AccountMoved)],
        ),
    ] {
        let settings = NoticeEffects {
            on_account_moved,
            ..defaults()
        };
        let renumbered = BankNotice::AccountRenumbered {
            account: account(A_5000000),
        };
        assert_eq!(only_of_treasurer(told(renumbered, settings)), expected);
        let merged = BankNotice::BranchMerged {
            accounts: accounts([A_5000000, A_9999999]),
        };
        assert_eq!(only_of_treasurer(told(merged, settings)), expected);
    }
}

#[test]
fn a_merge_of_branches_that_takes_out_every_account_ends_the_consent_once() {
    let settings = NoticeEffects {
        on_account_moved: OnAccountMoved::RemoveAccount,
        ..defaults()
    };
    let notice = BankNotice::BranchMerged {
        accounts: accounts([A_5000000, A_1000014]),
    };
    assert_eq!(
        told(notice, settings).consents[&live_grant()],
        [
            removed(A_5000000, RemovalReason::AccountMoved),
            removed(A_1000014, RemovalReason::AccountMoved),
            revoked(RevocationReason::NoAccountLeft),
        ]
    );
}

#[test]
fn another_pin_unlocks_its_scope_ends_its_registrations_and_leaves_consents_alone() {
    let notice = BankNotice::PinReset {
        pin_scope: pin_scope(),
    };
    let effects = told(notice, defaults());
    let history = [
        vec![
            registered(A_5000000, this_journey()),
            pin_locked(pin_scope()),
        ],
        effects.contract,
    ]
    .concat();
    let contract: Contract = state_of(&history);
    assert!(!contract.is_pin_locked(&pin_scope()));
    assert!(!contract.is_registered(&account(A_5000000)));
    assert!(effects.consents.is_empty());
    assert!(
        contract
            .unlock_pin(&pin_scope(), ResetBy::Bank)
            .into_events()
            .is_empty()
    );
}

#[test]
fn a_right_or_an_account_that_is_gone_is_no_longer_registered() {
    for fact in [
        ContractEvent::AccountClosed {
            account: account(A_5000000),
            occurred_at: start(),
        },
        ContractEvent::RightRemoved {
            user: treasurer(),
            account: account(A_5000000),
            occurred_at: start(),
        },
    ] {
        let contract: Contract = state_of(&[
            registered(A_5000000, this_journey()),
            registered(A_1000014, this_journey()),
            fact,
        ]);
        assert!(!contract.is_registered(&account(A_5000000)));
        assert!(contract.is_registered(&account(A_1000014)));
    }
}

#[test]
fn a_closed_contract_ends_its_consents_and_takes_nothing_more() {
    let closed = ContractEvent::ContractClosed {
        occurred_at: minute(1),
    };
    let effects = told(BankNotice::ContractClosed, defaults());
    assert_eq!(effects.contract, std::slice::from_ref(&closed));
    let end = vec![revoked(RevocationReason::ContractClosed)];
    assert_eq!(
        effects.consents,
        BTreeMap::from([(live_grant(), end.clone()), (new_grant(), end)])
    );
    let contract: Contract = state_of(&[closed]);
    let cause = SuspensionCause::LegalOrder;
    assert_eq!(
        BankNotice::ContractSuspended { cause }.on_contract(minute(2), &contract),
        Err(ContractRefusal::Closed)
    );
    assert_eq!(
        BankNotice::ContractClosed.on_contract(minute(2), &contract),
        Ok(consent_domain::Outcome::AlreadyDone)
    );
}

#[test]
fn a_suspension_of_the_contract_is_one_fact_and_none_on_its_consents() {
    let cause = SuspensionCause::SuspectedFraud;
    let effects = told(BankNotice::ContractSuspended { cause }, defaults());
    assert_eq!(
        effects.contract,
        [ContractEvent::ContractSuspended { cause }]
    );
    assert!(effects.consents.is_empty());
}

#[test]
fn what_is_over_is_left_as_it_is() {
    let over = state_of(&[
        granted(scope([A_1000014], BOTH)),
        revoked(RevocationReason::Fraud),
    ]);
    let notice = BankNotice::ContractClosed;
    let outcome = notice.on_consent(&defaults(), &over, minute(5));
    assert_eq!(outcome, consent_domain::Outcome::AlreadyDone);
}
