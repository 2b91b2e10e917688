//! Partners: one legal record each, enabled per bank.

use consent_domain::{
    ClientId, Instant,
    partner::{
        Partner, PartnerAtBank, PartnerAtBankEvent, PartnerAtBankRefusal, PartnerContract,
        PartnerEvent, PartnerRecord, PartnerRefusal,
    },
};

use crate::support::{
    given::{given, given_nothing},
    names::*,
    samples::partner_record,
};

fn joined() -> PartnerEvent {
    PartnerEvent::PartnerRegistered {
        partner: partner(),
        record: partner_record(),
    }
}

fn moved_office() -> PartnerRecord {
    PartnerRecord {
        complaint_contact: "0120-000-002".to_owned(),
        ..partner_record()
    }
}

#[test]
fn a_partner_joins_with_the_first_version_of_its_record() {
    let after = given_nothing::<PartnerEvent>()
        .when(|state| state.register(&partner(), &partner_record()))
        .then([joined()])
        .state();
    let Partner::Registered { record_version, .. } = after else {
        panic!("not registered")
    };
    assert_eq!(record_version, 1);
}

#[test]
fn the_same_record_again_changes_nothing() {
    given([joined()])
        .when(|state| state.register(&partner(), &partner_record()))
        .already_done();
}

#[test]
fn another_record_is_a_version_of_its_own() {
    let after = given([joined()])
        .when(|state| state.register(&partner(), &moved_office()))
        .then([PartnerEvent::PartnerChanged {
            record: moved_office(),
        }])
        .state();
    let Partner::Registered {
        record,
        record_version,
        ..
    } = after
    else {
        panic!("not registered")
    };
    assert_eq!(record, moved_office());
    assert_eq!(record_version, 2);
}

#[test]
fn nothing_that_customers_must_see_may_be_empty() {
    let empty = String::new;
    let whole = partner_record;
    #[rustfmt::skip]
    let records = [
        ("legal_name", PartnerRecord { legal_name: empty(), ..whole() }),
        ("service_name", PartnerRecord { service_name: empty(), ..whole() }),
        ("registration_number", PartnerRecord { registration_number: empty(), ..whole() }),
        ("complaint_contact", PartnerRecord { complaint_contact: empty(), ..whole() }),
        ("redirect_uris", PartnerRecord { redirect_uris: Vec::new(), ..whole() }),
        ("keys", PartnerRecord { keys: [].into(), ..whole() }),
    ];
    for (field, record) in records {
        given_nothing::<PartnerEvent>()
            .when(|state| state.register(&partner(), &record))
            .refused(PartnerRefusal::Empty(field));
        given([joined()])
            .when(|state| state.register(&partner(), &record))
            .refused(PartnerRefusal::Empty(field));
    }
}

#[test]
fn a_partner_that_passes_nothing_on_may_join() {
    let record = PartnerRecord {
        onward_recipients: Vec::new(),
        ..partner_record()
    };
    given_nothing::<PartnerEvent>()
        .when(|state| state.register(&partner(), &record))
        .then([PartnerEvent::PartnerRegistered {
            partner: partner(),
            record: record.clone(),
        }]);
}

#[test]
fn a_client_id_is_a_name_for_life() {
    let record = PartnerRecord {
        client_id: ClientId::parse("books-2").unwrap(),
        ..partner_record()
    };
    given([joined()])
        .when(|state| state.register(&partner(), &record))
        .refused(PartnerRefusal::ClientIdChanged);
}

fn enabled() -> PartnerAtBankEvent {
    PartnerAtBankEvent::PartnerEnabled {
        partner: partner(),
        client: client(),
    }
}

fn disabled() -> PartnerAtBankEvent {
    PartnerAtBankEvent::PartnerDisabled {
        partner: partner(),
        effective_at: None,
    }
}

#[test]
fn a_bank_enables_a_partner_and_ends_that_and_enables_it_again() {
    let after = given_nothing::<PartnerAtBankEvent>()
        .when(|state| state.enable(&partner(), &client()))
        .then([enabled()])
        .state();
    assert!(after.may_read());

    let after = given([enabled()])
        .when(|state| state.disable(&partner()))
        .then([disabled()])
        .state();
    assert!(matches!(after, PartnerAtBank::Disabled { .. }));

    given([enabled(), disabled()])
        .when(|state| state.enable(&partner(), &client()))
        .then([enabled()]);
}

#[test]
fn what_is_so_already_changes_nothing() {
    given([enabled()])
        .when(|state| state.enable(&partner(), &client()))
        .already_done();
    given([enabled(), disabled()])
        .when(|state| state.disable(&partner()))
        .already_done();
    given_nothing::<PartnerAtBankEvent>()
        .when(|state| state.disable(&partner()))
        .already_done();
}

fn contract(ends_at: Option<Instant>) -> PartnerContract {
    PartnerContract {
        starts_at: start(),
        ends_at,
    }
}

fn contract_set(ends_at: Option<Instant>) -> PartnerAtBankEvent {
    PartnerAtBankEvent::PartnerContractSet {
        partner: partner(),
        contract: contract(ends_at),
    }
}

#[test]
fn a_contract_is_written_down_before_or_after_the_partner_is_enabled() {
    let open = contract(None);
    given_nothing::<PartnerAtBankEvent>()
        .when(|state| state.set_contract(&partner(), open))
        .then([contract_set(None)]);
    let after = given([contract_set(None), enabled()])
        .when(|state| state.set_contract(&partner(), contract(Some(minute(1)))))
        .then([contract_set(Some(minute(1)))])
        .state();
    assert!(after.may_read());
    assert_eq!(after.contract(), Some(contract(Some(minute(1)))));
    given([enabled(), contract_set(None)])
        .when(|state| state.set_contract(&partner(), open))
        .already_done();
}

#[test]
fn a_contract_ends_after_it_starts() {
    given([enabled()])
        .when(|state| state.set_contract(&partner(), contract(Some(start()))))
        .refused(PartnerAtBankRefusal::EndsBeforeStart);
}

#[test]
fn the_clock_disables_a_partner_when_its_contract_ends_and_not_before() {
    let facts = [enabled(), contract_set(Some(minute(1)))];
    given(facts.clone())
        .when(|state| state.end_by_contract(&partner(), start()))
        .already_done();
    given(facts.clone())
        .when(|state| state.end_by_contract(&partner(), minute(1)))
        .then([PartnerAtBankEvent::PartnerDisabled {
            partner: partner(),
            effective_at: Some(minute(1)),
        }]);
    given(facts)
        .when(|state| state.enable_by_contract(&partner(), &client(), minute(1)))
        .refused(PartnerAtBankRefusal::ContractEnded);
}
