//! A draft that ends without 許可 takes back what it registered. An account stays registered where
//! another journey registered it too.

use consent_domain::{
    contract::{Contract, ContractEvent},
    journey::{EndJourney, FailureCode, JourneyEvent, LinkageBasis, SessionAtTimeOut, Step},
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

#[test]
fn a_cancelled_journey_withdraws_what_it_registered() {
    let contract = state_of(&[
        registered(A_5000000, this_journey()),
        registered(A_1000014, this_journey()),
    ]);
    given(at_step5(LinkageBasis::New))
        .when(|journey| journey.end(&contract, EndJourney::ByCustomer, minute(5)))
        .then([JourneyEvent::JourneyCancelled {
            step: Step::Confirm,
        }])
        .and_beside_it([withdrawn(this_journey(), [A_5000000, A_1000014])]);
}

#[test]
fn every_end_without_permission_withdraws() {
    let contract = state_of(&[registered(A_5000000, this_journey())]);
    let ends = [
        (EndJourney::ByCustomer, minute(5)),
        (EndJourney::ByTime(SessionAtTimeOut::None), minute(60)),
        (
            EndJourney::ByFailure(FailureCode::BankUnavailable),
            minute(5),
        ),
    ];
    for (how, now) in ends {
        for history in [at_step5(LinkageBasis::New), at_step6(LinkageBasis::New)] {
            let (_, facts_of_contract) = state_of(&history).end(&contract, how, now).unwrap();
            assert_eq!(facts_of_contract, [withdrawn(this_journey(), [A_5000000])]);
        }
    }
}

#[test]
fn what_an_earlier_round_of_step_4_registered_is_withdrawn_too() {
    let contract = state_of(&[
        registered(A_5000000, this_journey()),
        registered(A_1000014, this_journey()),
    ]);
    let second_round = vec![
        accounts_selected(3, [A_1000014]),
        accounts_registered(3, [A_1000014], BOTH),
    ];
    given([at_step5(LinkageBasis::New), second_round].concat())
        .when(|journey| journey.end(&contract, EndJourney::ByCustomer, minute(5)))
        .then([JourneyEvent::JourneyCancelled {
            step: Step::Confirm,
        }])
        .and_beside_it([withdrawn(this_journey(), [A_5000000, A_1000014])]);
}

#[test]
fn a_journey_that_registered_nothing_withdraws_nothing() {
    let contract = state_of(&[registered(A_5000000, another_journey())]);
    given(at_step4(LinkageBasis::New))
        .when(|journey| journey.end(&contract, EndJourney::ByCustomer, minute(5)))
        .then([JourneyEvent::JourneyCancelled {
            step: Step::Accounts,
        }])
        .and_nothing_beside_it();
}

#[test]
fn an_account_stays_registered_where_another_journey_registered_it_too() {
    let contract: Contract = state_of(&[
        registered(A_5000000, this_journey()),
        registered(A_5000000, another_journey()),
        registered(A_1000014, this_journey()),
        withdrawn(this_journey(), [A_5000000, A_1000014]),
    ]);
    assert!(contract.is_registered(&account(A_5000000)));
    assert!(!contract.is_registered(&account(A_1000014)));
}

#[test]
fn the_order_in_which_two_journeys_registered_an_account_does_not_matter() {
    for [first, second] in [
        [this_journey(), another_journey()],
        [another_journey(), this_journey()],
    ] {
        let contract: Contract = state_of(&[
            registered(A_5000000, first),
            registered(A_5000000, second),
            withdrawn(this_journey(), [A_5000000]),
        ]);
        assert!(contract.is_registered(&account(A_5000000)));
    }
}

#[test]
fn an_account_is_no_longer_registered_when_its_last_journey_withdrew() {
    let contract: Contract = state_of(&[
        registered(A_5000000, this_journey()),
        registered(A_5000000, another_journey()),
        withdrawn(this_journey(), [A_5000000]),
        withdrawn(another_journey(), [A_5000000]),
    ]);
    assert_eq!(contract, Contract::default());
}

#[test]
fn withdrawing_twice_changes_nothing() {
    given([
        registered(A_5000000, this_journey()),
        withdrawn(this_journey(), [A_5000000]),
    ])
    .when(|contract| contract.withdraw(&this_journey()))
    .already_done();
}

#[test]
fn an_account_can_be_registered_again_after_a_withdrawal() {
    given([
        registered(A_5000000, this_journey()),
        withdrawn(this_journey(), [A_5000000]),
    ])
    .when(|contract| contract.register(&another_journey(), [(account(A_5000000), pin_scope())]))
    .then([registered(A_5000000, another_journey())]);
}

#[test]
fn the_same_account_named_twice_is_registered_once() {
    let twice = [
        (account(A_5000000), pin_scope()),
        (account(A_5000000), pin_scope()),
    ];
    given::<ContractEvent>([])
        .when(|contract| contract.register(&this_journey(), twice))
        .then([registered(A_5000000, this_journey())]);
}
