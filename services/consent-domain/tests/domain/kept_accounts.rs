//! Where a bank does not ask for them, accounts that stay as the linkage has them need no PIN again.

use consent_domain::{
    journey::{JourneyEvent, JourneyRefusal, LinkageBasis, Revision, RowVerdict},
    scope::Scope,
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

fn linkage() -> Scope {
    scope([A_5000000, A_1000014], BOTH)
}

fn kept(name: &str) -> consent_domain::journey::TickedRow {
    row(name, RowVerdict::NotAsked)
}

fn contract() -> consent_domain::contract::Contract {
    state_of(&[
        registered(A_5000000, another_journey()),
        registered(A_9999999, another_journey()),
    ])
}

#[test]
fn a_kept_account_is_in_the_draft_and_the_fact_says_that_no_pin_was_asked() {
    given(at_step4(amends(linkage())))
        .when(|journey| {
            let form = step4_form(1, [kept(A_5000000), right(A_1111111)]);
            journey.register_accounts(&contract(), form, minute(3))
        })
        .then([
            accounts_selected(2, [A_5000000, A_1111111]),
            JourneyEvent::AccountsRegistered {
                revision: Revision(2),
                tasks: [A_5000000, A_1111111]
                    .map(|name| (account(name), tasks(BOTH)))
                    .into(),
                without_pin: accounts([A_5000000]),
            },
        ])
        // Only what was proven is registered by this journey's word.
        .and_beside_it([registered(A_1111111, this_journey())]);
}

#[test]
fn an_account_that_is_new_or_would_get_more_needs_its_pin() {
    let narrow = scope([A_5000000], BALANCE);
    for (basis, name) in [
        (amends(linkage()), A_9999999),
        (amends(narrow), A_5000000),
        (LinkageBasis::New, A_5000000),
        // In the linkage, and its registration was withdrawn since, e.g. by a reset of the PIN.
        (amends(linkage()), A_1000014),
    ] {
        given(at_step4(basis))
            .when(|journey| {
                journey.register_accounts(&contract(), step4_form(1, [kept(name)]), minute(3))
            })
            .refused(JourneyRefusal::PinNeeded);
    }
}

#[test]
fn a_kept_account_may_get_less() {
    let for_balances = [
        at_step3(amends(linkage())),
        vec![tasks_selected(1, BALANCE)],
    ]
    .concat();
    let journey = state_of(&for_balances);
    let form = step4_form(1, [kept(A_5000000)]);
    let (facts, _) = journey
        .register_accounts(&contract(), form, minute(3))
        .unwrap();
    let Some(JourneyEvent::AccountsRegistered { tasks: allowed, .. }) = facts.last() else {
        panic!("another fact")
    };
    assert_eq!(allowed[&account(A_5000000)], tasks(BALANCE));
}
