//! Locks of PIN scopes and of logins are facts of the contract.

use consent_domain::{
    PinScopeId,
    contract::{Contract, ContractEvent, ResetBy},
};

use crate::support::{
    facts::*,
    given::{given, given_nothing, state_of},
    names::*,
};

fn pin_unlocked(by: ResetBy) -> ContractEvent {
    ContractEvent::PinUnlocked {
        pin_scope: pin_scope(),
        by,
    }
}

fn login_locked(until_minute: i64) -> ContractEvent {
    ContractEvent::LoginLocked {
        user: treasurer(),
        until: minute(until_minute),
    }
}

#[test]
fn the_limit_of_wrong_pins_locks_their_scope_and_no_other() {
    let after = given_nothing::<ContractEvent>()
        .when(|contract| contract.lock_pin(&pin_scope(), 5))
        .then([pin_locked(pin_scope())])
        .state();
    assert!(after.is_pin_locked(&pin_scope()));
    let another = PinScopeId::parse("pin-dantai-2").unwrap();
    assert!(!after.is_pin_locked(&another));
}

#[test]
fn a_locked_scope_is_not_locked_again() {
    given([pin_locked(pin_scope())])
        .when(|contract| contract.lock_pin(&pin_scope(), 5))
        .already_done();
}

#[test]
fn the_bank_or_an_operator_unlocks_it() {
    for by in [ResetBy::Bank, ResetBy::Operator] {
        let after = given([pin_locked(pin_scope())])
            .when(|contract| contract.unlock_pin(&pin_scope(), by))
            .then([pin_unlocked(by)])
            .state();
        assert!(!after.is_pin_locked(&pin_scope()));
    }
}

#[test]
fn a_scope_that_is_not_locked_is_not_unlocked() {
    given_nothing::<ContractEvent>()
        .when(|contract| contract.unlock_pin(&pin_scope(), ResetBy::Bank))
        .already_done();
}

#[test]
fn a_scope_can_be_locked_again_after_a_reset() {
    given([pin_locked(pin_scope()), pin_unlocked(ResetBy::Bank)])
        .when(|contract| contract.lock_pin(&pin_scope(), 5))
        .then([pin_locked(pin_scope())]);
}

#[test]
fn a_lock_takes_no_registration_away() {
    let contract: Contract = state_of(&[
        registered(A_5000000, this_journey()),
        pin_locked(pin_scope()),
    ]);
    assert!(contract.is_registered(&account(A_5000000)));
}

#[test]
fn the_limit_of_wrong_passwords_locks_the_login_until_a_time() {
    given_nothing::<ContractEvent>()
        .when(|contract| contract.lock_login(&treasurer(), minute(15)))
        .then([login_locked(15)]);
}

#[test]
fn a_lock_that_lasts_as_long_already_is_not_recorded_again() {
    for until in [minute(15), minute(10)] {
        given([login_locked(15)])
            .when(|contract| contract.lock_login(&treasurer(), until))
            .already_done();
    }
}

#[test]
fn a_longer_lock_is_a_fact_of_its_own() {
    given([login_locked(15)])
        .when(|contract| contract.lock_login(&treasurer(), minute(30)))
        .then([login_locked(30)]);
}

#[test]
fn a_lock_is_one_users_own() {
    given([login_locked(15)])
        .when(|contract| contract.lock_login(&bookkeeper(), minute(15)))
        .then([ContractEvent::LoginLocked {
            user: bookkeeper(),
            until: minute(15),
        }]);
}
