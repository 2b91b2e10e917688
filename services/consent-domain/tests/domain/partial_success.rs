//! The procedure's own example: of four accounts two are registered, one fails on its PIN, and one
//! was never ticked.

use consent_domain::{
    contract::{Contract, ContractEvent},
    journey::{Journey, JourneyEvent, RejectionReason},
    registration_status::RegistrationStatus::{
        self, NotRegistered, Registered, RegisteredInThisLinkage,
    },
    scope::Scope,
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

/// What stands in the 登録状況 cells, in the order of the page.
fn status_cells(journey: &Journey, contract: &Contract) -> [RegistrationStatus; 4] {
    let Journey::InProgress(journey) = journey else {
        panic!("not in progress")
    };
    let linkage = journey.linkage_scope();
    SEED_ACCOUNTS.map(|name| RegistrationStatus::of(&account(name), contract, &linkage))
}

/// 9999999 and 1000014 are registered already, 1000014 is in the live linkage.
fn before() -> (Vec<JourneyEvent>, Vec<ContractEvent>) {
    (
        at_step4(amends(scope([A_1000014], BOTH))),
        vec![
            registered(A_9999999, another_journey()),
            registered(A_1000014, another_journey()),
        ],
    )
}

#[test]
fn step_4_shows_what_was_registered_before() {
    let (journey, contract) = before();
    assert_eq!(
        status_cells(&state_of(&journey), &state_of(&contract)),
        [
            NotRegistered,
            NotRegistered,
            Registered,
            RegisteredInThisLinkage
        ]
    );
}

#[test]
fn each_row_is_judged_by_itself() {
    let (journey, contract) = before();
    given(journey)
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000), wrong(A_1111111), right(A_1000014)]);
            journey.register_accounts(&state_of(&contract), form, minute(3))
        })
        .then([
            accounts_selected(2, [A_5000000, A_1111111, A_1000014]),
            accounts_registered(2, [A_5000000, A_1000014], BOTH),
            rejected(2, A_1111111, RejectionReason::PinMismatch),
        ])
        .and_beside_it([
            registered(A_5000000, this_journey()),
            registered(A_1000014, this_journey()),
        ]);
}

#[test]
fn step_5_shows_what_came_of_it() {
    let (journey, contract) = before();
    let form = step4_form(1, [right(A_5000000), wrong(A_1111111), right(A_1000014)]);
    let (facts, facts_of_contract) = state_of(&journey)
        .register_accounts(&state_of(&contract), form, minute(3))
        .unwrap();
    let journey = state_of(&[journey, facts].concat());
    let contract = state_of(&[contract, facts_of_contract].concat());

    assert_eq!(
        status_cells(&journey, &contract),
        [
            RegisteredInThisLinkage,
            NotRegistered,
            Registered,
            RegisteredInThisLinkage
        ]
    );
    let Journey::InProgress(journey) = journey else {
        panic!("not in progress")
    };
    assert_eq!(journey.linkage_scope(), scope([A_5000000, A_1000014], BOTH));
    let draft = journey.stage.draft().unwrap();
    assert_eq!(
        draft.rejected,
        [(account(A_1111111), RejectionReason::PinMismatch)].into()
    );
}

#[test]
fn a_retry_of_the_failed_row_alone_is_a_round_of_its_own() {
    let (journey, contract) = before();
    let first = vec![
        accounts_selected(2, [A_5000000, A_1111111]),
        accounts_registered(2, [A_5000000], BOTH),
        rejected(2, A_1111111, RejectionReason::PinMismatch),
    ];
    let contract = [contract, vec![registered(A_5000000, this_journey())]].concat();
    let after = given([journey, first].concat())
        .when(|journey| {
            let form = step4_form(2, [right(A_1111111)]);
            journey.register_accounts(&state_of(&contract), form, minute(4))
        })
        .then([
            accounts_selected(3, [A_1111111]),
            accounts_registered(3, [A_1111111], BOTH),
        ])
        .and_beside_it([registered(A_1111111, this_journey())])
        .state();

    let contract = state_of(&[contract, vec![registered(A_1111111, this_journey())]].concat());
    assert_eq!(
        status_cells(&after, &contract),
        [Registered, RegisteredInThisLinkage, Registered, Registered]
    );
}

#[test]
fn an_account_in_the_linkage_that_is_no_longer_registered_reads_not_registered() {
    let linkage: Scope = scope([A_1000014], BOTH);
    let status = RegistrationStatus::of(&account(A_1000014), &Contract::default(), &linkage);
    assert_eq!(status, NotRegistered);
}
