//! The strict decision: is this grant live, and does it cover this task of this account, now?

use std::sync::LazyLock;

use chrono::TimeDelta;
use consent_domain::{
    Instant,
    access::{Denial, Evidence, SuspendedAt},
    bank::{Bank, BankEvent},
    consent::{Consent, ConsentEvent, RevocationReason, RevokedBy},
    contract::{Contract, ContractEvent},
    partner::{PartnerAtBank, PartnerAtBankEvent},
    scope::{Scope, Task},
    standing::Standing,
    suspension::{SuspensionCause, Suspensions},
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
    let reason = RevocationReason::NoLongerNeeded;
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
    partner_at_bank: &PartnerAtBank,
    bank: &Bank,
    now: Instant,
) -> Result<(), Denial> {
    let evidence = Evidence {
        consent,
        contract: Standing::Clear,
        partner_at_bank: partner_at_bank.standing(),
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
        contract: Standing::Clear,
        partner_at_bank: ENABLED.standing(),
        bank: registered_bank().standing(),
        now: minute(10),
    };
    evidence.decide(&client, &account(name), task).cloned()
}

static ENABLED: LazyLock<PartnerAtBank> = LazyLock::new(|| PartnerAtBank::Enabled {
    suspended: Suspensions::default(),
    contract: None,
});

fn disabled() -> PartnerAtBank {
    PartnerAtBank::Disabled {
        suspended: Suspensions::default(),
        contract: None,
    }
}

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
        may_read(&Consent::Absent, &ENABLED, &registered_bank(), minute(10)),
        Err(Denial::UnknownGrant)
    );
}

#[test]
fn another_client_does_not_learn_that_a_grant_has_ended() {
    for consent in [expired(), revoked()] {
        let evidence = Evidence {
            consent: &consent,
            contract: Standing::Clear,
            partner_at_bank: ENABLED.standing(),
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
    assert_eq!(may_read(&live(), &ENABLED, &bank, start()), Ok(()));
    assert_eq!(may_read(&live(), &ENABLED, &bank, almost), Ok(()));
    assert_eq!(
        may_read(&live(), &ENABLED, &bank, end_of_march_2027()),
        Err(Denial::Expired)
    );
}

#[test]
fn a_grant_whose_expiry_is_recorded_is_expired() {
    assert_eq!(
        may_read(&expired(), &ENABLED, &registered_bank(), minute(10)),
        Err(Denial::Expired)
    );
}

#[test]
fn a_revoked_grant_is_denied_as_revoked_also_after_its_time() {
    for now in [minute(10), end_of_march_2027()] {
        assert_eq!(
            may_read(&revoked(), &ENABLED, &registered_bank(), now),
            Err(Denial::Revoked)
        );
    }
}

#[test]
fn a_partner_that_is_not_enabled_at_the_bank_is_suspended() {
    for partner_at_bank in [PartnerAtBank::Absent, disabled()] {
        assert_eq!(
            may_read(&live(), &partner_at_bank, &registered_bank(), minute(10)),
            Err(Denial::Suspended(SuspendedAt::PartnerAtBank))
        );
    }
}

#[test]
fn a_bank_that_is_not_on_the_platform_is_suspended() {
    assert_eq!(
        may_read(&live(), &ENABLED, &Bank::Absent, minute(10)),
        Err(Denial::Suspended(SuspendedAt::Bank))
    );
}

#[test]
fn the_grants_end_is_told_before_a_suspension_and_a_suspension_before_the_scope() {
    assert_eq!(
        may_read(&revoked(), &disabled(), &Bank::Absent, minute(10)),
        Err(Denial::Revoked)
    );
    let evidence = Evidence {
        consent: &live(),
        contract: Standing::Clear,
        partner_at_bank: disabled().standing(),
        bank: registered_bank().standing(),
        now: minute(10),
    };
    assert_eq!(
        evidence.decide(&client(), &account(A_9999999), Task::Balance),
        Err(Denial::Suspended(SuspendedAt::PartnerAtBank))
    );
}

/// What a decision reads, all of it clear; a test puts one thing in the way.
struct World {
    consent: Consent,
    contract: Contract,
    partner_at_bank: PartnerAtBank,
    bank: Bank,
}

impl World {
    fn clear() -> Self {
        Self {
            consent: live(),
            contract: Contract::default(),
            partner_at_bank: ENABLED.clone(),
            bank: registered_bank(),
        }
    }

    fn read(&self) -> Result<(), Denial> {
        let evidence = Evidence {
            consent: &self.consent,
            contract: self.contract.standing(),
            partner_at_bank: self.partner_at_bank.standing(),
            bank: self.bank.standing(),
            now: minute(10),
        };
        evidence.live_for(&client()).map(drop)
    }

    /// Suspends at each of these levels.
    fn suspended_at(levels: &[SuspendedAt]) -> Self {
        let cause = SuspensionCause::Other;
        let mut world = Self::clear();
        for level in levels {
            match level {
                SuspendedAt::Consent => {
                    world.consent =
                        state_of(&[granted(linkage()), ConsentEvent::AccessSuspended { cause }]);
                }
                SuspendedAt::Contract => {
                    world.contract = state_of(&[ContractEvent::ContractSuspended { cause }]);
                }
                SuspendedAt::PartnerAtBank => {
                    let (partner, client) = (partner(), client());
                    world.partner_at_bank = state_of(&[
                        PartnerAtBankEvent::PartnerEnabled {
                            partner: partner.clone(),
                            client,
                        },
                        PartnerAtBankEvent::PartnerSuspended { partner, cause },
                    ]);
                }
                SuspendedAt::Bank => {
                    world.bank = state_of(&[
                        BankEvent::BankRegistered {
                            code: bank_code(),
                            record: bank_record(),
                        },
                        BankEvent::BankSuspended { cause },
                    ]);
                }
            }
        }
        world
    }
}

const LEVELS: [SuspendedAt; 4] = [
    SuspendedAt::Consent,
    SuspendedAt::Contract,
    SuspendedAt::PartnerAtBank,
    SuspendedAt::Bank,
];

#[test]
fn a_suspension_at_any_level_is_enough_and_says_where_it_stands() {
    assert_eq!(World::clear().read(), Ok(()));
    for level in LEVELS {
        let denied = World::suspended_at(&[level]).read();
        assert_eq!(denied, Err(Denial::Suspended(level)));
    }
}

#[test]
fn of_several_suspensions_the_one_nearest_to_the_customer_is_told() {
    for (index, level) in LEVELS.into_iter().enumerate() {
        let denied = World::suspended_at(&LEVELS[index..]).read();
        assert_eq!(denied, Err(Denial::Suspended(level)));
    }
}

#[test]
fn a_closed_contract_is_told_before_any_suspension_and_after_the_grants_own_end() {
    let closed: Contract = state_of(&[ContractEvent::ContractClosed {
        occurred_at: start(),
    }]);
    let mut world = World::suspended_at(&LEVELS);
    world.contract = closed;
    assert_eq!(world.read(), Err(Denial::ContractClosed));
    world.consent = revoked();
    assert_eq!(world.read(), Err(Denial::Revoked));
}

#[test]
fn a_superseded_grant_is_denied_as_such() {
    let mut world = World::clear();
    world.consent = state_of(&[
        granted(linkage()),
        ConsentEvent::AccessSuperseded {
            by: new_grant(),
            by_client: None,
        },
    ]);
    assert_eq!(world.read(), Err(Denial::Superseded));
}

#[test]
fn a_standing_is_found_by_its_word() {
    for standing in Standing::ALL {
        assert_eq!(Standing::find(standing.as_str()), Some(standing));
    }
}
