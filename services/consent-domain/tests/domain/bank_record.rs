//! The bank as a tenant: its names and its settings, as facts.

use consent_domain::bank::{Bank, BankEvent, BankRecord, BankRefusal, BankSettings};

use crate::support::{
    given::{given, given_nothing},
    names::*,
    samples::{bank_record, bank_settings},
};

fn joined() -> BankEvent {
    BankEvent::BankRegistered {
        code: bank_code(),
        record: bank_record(),
    }
}

fn with(settings: BankSettings) -> BankRecord {
    BankRecord {
        settings,
        ..bank_record()
    }
}

#[test]
fn a_bank_joins_with_its_record() {
    let after = given_nothing::<BankEvent>()
        .when(|bank| bank.register(&bank_code(), &bank_record()))
        .then([joined()])
        .state();
    assert_eq!(after.record(), Some(&bank_record()));
}

#[test]
fn the_same_record_again_changes_nothing() {
    given([joined()])
        .when(|bank| bank.register(&bank_code(), &bank_record()))
        .already_done();
}

#[test]
fn other_settings_are_a_fact_of_their_own() {
    let stricter = with(BankSettings {
        pin_limit: 3,
        ..bank_settings()
    });
    let after = given([joined()])
        .when(|bank| bank.register(&bank_code(), &stricter))
        .then([BankEvent::BankChanged {
            record: stricter.clone(),
        }])
        .state();
    assert_eq!(after.record(), Some(&stricter));
}

#[test]
fn no_time_limit_or_number_of_days_is_zero() {
    let set = bank_settings;
    #[rustfmt::skip]
    let zeros = [
        BankSettings { idle_seconds: 0, ..set() },
        BankSettings { journey_seconds: 0, ..set() },
        BankSettings { consent_validity_days: 0, ..set() },
        BankSettings { pin_limit: 0, ..set() },
        BankSettings { login_limit: 0, ..set() },
        BankSettings { login_lock_seconds: 0, ..set() },
        BankSettings { evidence_years: 0, ..set() },
    ];
    for settings in zeros {
        let record = with(settings);
        given_nothing::<BankEvent>()
            .when(|bank| bank.register(&bank_code(), &record))
            .refused(BankRefusal::ZeroSetting);
        given([joined()])
            .when(|bank| bank.register(&bank_code(), &record))
            .refused(BankRefusal::ZeroSetting);
    }
}

#[test]
fn the_defaults_are_the_visible_ones() {
    assert_eq!(BankSettings::default(), bank_settings());
}

#[test]
fn a_bank_that_never_joined_has_no_record() {
    assert_eq!(Bank::Absent.record(), None);
}
