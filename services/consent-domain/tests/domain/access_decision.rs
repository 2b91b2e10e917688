//! The strict decision: is this grant live, and does it cover this task of this account, now?

use chrono::TimeDelta;
use consent_domain::{
    Instant,
    access::{Denial, Evidence},
    bank::{Bank, BankEvent, BankStanding},
    consent::{Consent, ConsentEvent, RevokedBy},
    partner::PartnerAtBank,
    scope::{Scope, Task},
};

use crate::support::{facts::*, given::state_of, names::*, samples::bank_record};

fn linkage() -> Scope {
    let balances = scope([A_5000000], BALANCE);
    let all = scope([A_1000014], BOTH);
    balances.iter().chain(all.iter()).cloned().collect()
}

fn live() -> Consent {
    state_of(&[granted(linkage())])
}

fn expired() -> Consent {
    let effective_at = end_of_march_2027();
    state_of(&[
        granted(linkage()),
        ConsentEvent::AccessExpired { effective_at },
    ])
}

fn revoked() -> Consent {
    let reason = "no_longer_needed".to_owned();
    let by = RevokedBy::Customer;
    state_of(&[
        granted(linkage()),
        ConsentEvent::AccessRevoked { by, reason },
    ])
}

fn registered_bank() -> Bank {
    state_of(&[BankEvent::BankRegistered {
        code: bank_code(),
        record: bank_record(),
    }])
}

/// Whether the client may read 1000014's balance then.
fn may_read(
    consent: &Consent,
    partner_at_bank: PartnerAtBank,
    bank: &Bank,
    now: Instant,
) -> Result<(), Denial> {
    let evidence = Evidence {
        consent,
        partner_at_bank,
        bank: bank.standing(),
        now,
    };
    let decided = evidence.decide(&client(), &account(A_1000014), Task::Balance);
    decided.map(|_| ())
}

/// Whether that client may do that task on that account under the live grant.
fn covers(
    client: consent_domain::ClientId,
    name: &str,
    task: Task,
) -> Result<consent_domain::consent::GrantTerms, Denial> {
    let evidence = Evidence {
        consent: &live(),
        partner_at_bank: PartnerAtBank::Enabled,
        bank: registered_bank().standing(),
        now: minute(10),
    };
    evidence.decide(&client, &account(name), task).cloned()
}

const ENABLED: PartnerAtBank = PartnerAtBank::Enabled;

#[test]
fn a_live_grant_allows_what_its_scope_covers_and_gives_its_terms() {
    let expected = terms(linkage(), start());
    for (name, task) in [
        (A_5000000, Task::Balance),
        (A_1000014, Task::Balance),
        (A_1000014, Task::Transactions),
    ] {
        assert_eq!(covers(client(), name, task), Ok(expected.clone()));
    }
}

#[test]
fn an_account_outside_the_scope_is_denied() {
    assert_eq!(
        covers(client(), A_9999999, Task::Balance),
        Err(Denial::AccountNotInScope)
    );
}

#[test]
fn a_task_outside_the_scope_of_its_account_is_denied() {
    assert_eq!(
        covers(client(), A_5000000, Task::Transactions),
        Err(Denial::TaskNotInScope)
    );
}

#[test]
fn another_clients_grant_is_unknown_to_this_one() {
    assert_eq!(
        covers(another_client(), A_1000014, Task::Balance),
        Err(Denial::UnknownGrant)
    );
}

#[test]
fn a_grant_that_never_was_is_unknown() {
    assert_eq!(
        may_read(&Consent::Absent, ENABLED, &registered_bank(), minute(10)),
        Err(Denial::UnknownGrant)
    );
}

#[test]
fn another_client_does_not_learn_that_a_grant_has_ended() {
    for consent in [expired(), revoked()] {
        let evidence = Evidence {
            consent: &consent,
            partner_at_bank: ENABLED,
            bank: registered_bank().standing(),
            now: minute(10),
        };
        assert_eq!(
            evidence.live_for(&another_client()),
            Err(Denial::UnknownGrant)
        );
    }
}

#[test]
fn a_grant_is_live_to_the_last_moment_and_not_at_its_end() {
    let almost = end_of_march_2027() - TimeDelta::microseconds(1);
    let bank = registered_bank();
    assert_eq!(may_read(&live(), ENABLED, &bank, start()), Ok(()));
    assert_eq!(may_read(&live(), ENABLED, &bank, almost), Ok(()));
    assert_eq!(
        may_read(&live(), ENABLED, &bank, end_of_march_2027()),
        Err(Denial::Expired)
    );
}

#[test]
fn a_grant_whose_expiry_is_recorded_is_expired() {
    assert_eq!(
        may_read(&expired(), ENABLED, &registered_bank(), minute(10)),
        Err(Denial::Expired)
    );
}

#[test]
fn a_revoked_grant_is_denied_as_revoked_also_after_its_time() {
    for now in [minute(10), end_of_march_2027()] {
        assert_eq!(
            may_read(&revoked(), ENABLED, &registered_bank(), now),
            Err(Denial::Revoked)
        );
    }
}

#[test]
fn a_partner_that_is_not_enabled_at_the_bank_is_suspended() {
    for partner_at_bank in [PartnerAtBank::Absent, PartnerAtBank::Disabled] {
        assert_eq!(
            may_read(&live(), partner_at_bank, &registered_bank(), minute(10)),
            Err(Denial::Suspended)
        );
    }
}

#[test]
fn a_bank_that_is_not_on_the_platform_is_suspended() {
    assert_eq!(
        may_read(&live(), ENABLED, &Bank::Absent, minute(10)),
        Err(Denial::Suspended)
    );
}

#[test]
fn the_grants_end_is_told_before_a_suspension_and_a_suspension_before_the_scope() {
    assert_eq!(
        may_read(
            &revoked(),
            PartnerAtBank::Disabled,
            &Bank::Absent,
            minute(10)
        ),
        Err(Denial::Revoked)
    );
    let evidence = Evidence {
        consent: &live(),
        partner_at_bank: PartnerAtBank::Disabled,
        bank: registered_bank().standing(),
        now: minute(10),
    };
    assert_eq!(
        evidence.decide(&client(), &account(A_9999999), Task::Balance),
        Err(Denial::Suspended)
    );
}

#[test]
fn a_banks_standing_is_read_from_the_word_that_its_state_is_stored_with() {
    for bank in [Bank::Absent, registered_bank()] {
        let stored = serde_json::to_value(&bank).expect("JSON");
        let word = stored["status"].as_str().expect("a word");
        assert_eq!(BankStanding::find(word), Some(bank.standing()));
    }
}
