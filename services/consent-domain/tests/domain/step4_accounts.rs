//! Step 4: the customer ticked accounts, and the bank judged their PINs beforehand.

use std::collections::BTreeMap;

use consent_domain::{
    contract::Contract,
    journey::{
        Journey, JourneyEvent, JourneyRefusal, LinkageBasis, MAX_TICKED_ROWS, RegisterAccounts,
        RejectionReason, Revision, RowVerdict, Step, TickedRow,
    },
};

use crate::support::{
    facts::*,
    given::{given, state_of},
    names::*,
};

#[test]
fn a_ticked_account_with_its_right_pin_is_registered() {
    let after = given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000)]);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .then([
            accounts_selected(2, [A_5000000]),
            accounts_registered(2, [A_5000000], BOTH),
        ])
        .and_beside_it([registered(A_5000000, this_journey())])
        .state();

    let Journey::InProgress(journey) = after else {
        panic!("not in progress")
    };
    assert_eq!(journey.stage.step(), Step::Confirm);
    assert_eq!(journey.linkage_scope(), scope([A_5000000], BOTH));
}

#[test]
fn an_account_gets_only_the_chosen_tasks_that_can_be_had_for_it() {
    let balances_only = TickedRow {
        eligible: tasks(BALANCE),
        ..right(A_1111111)
    };
    let registered_tasks = BTreeMap::from([
        (account(A_5000000), tasks(BOTH)),
        (account(A_1111111), tasks(BALANCE)),
    ]);
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000), balances_only]);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .then([
            accounts_selected(2, [A_5000000, A_1111111]),
            JourneyEvent::AccountsRegistered {
                without_pin: accounts([]),
                revision: Revision(2),
                tasks: registered_tasks,
            },
        ]);
}

#[test]
fn an_account_for_which_no_chosen_task_can_be_had_is_not_eligible_whatever_its_pin() {
    let statements_only = [tasks_selected(1, TRANSACTIONS)];
    let balances_only = |verdict| TickedRow {
        eligible: tasks(BALANCE),
        ..row(A_1111111, verdict)
    };
    for verdict in [
        RowVerdict::Match,
        RowVerdict::Rejected(RejectionReason::PinMismatch),
    ] {
        let history = [at_step3(LinkageBasis::New), statements_only.to_vec()].concat();
        given(history)
            .when(|journey| {
                let form = step4_form(1, [balances_only(verdict)]);
                journey.register_accounts(&Contract::default(), form, minute(3))
            })
            .then([
                accounts_selected(2, [A_1111111]),
                rejected(2, A_1111111, RejectionReason::NotEligible),
            ])
            .and_nothing_beside_it();
    }
}

#[test]
fn each_reason_why_a_row_failed_is_told_apart() {
    for reason in [
        RejectionReason::PinMismatch,
        RejectionReason::PinLocked,
        RejectionReason::NotEligible,
        RejectionReason::VerifierUnavailable,
    ] {
        given(at_step4(LinkageBasis::New))
            .when(|journey| {
                let form = step4_form(1, [row(A_1111111, RowVerdict::Rejected(reason))]);
                journey.register_accounts(&Contract::default(), form, minute(3))
            })
            .then([
                accounts_selected(2, [A_1111111]),
                rejected(2, A_1111111, reason),
            ])
            .and_nothing_beside_it();
    }
}

#[test]
fn an_account_that_this_journey_has_registered_is_not_registered_by_it_twice() {
    let contract = state_of(&[registered(A_5000000, this_journey())]);
    given(at_step5(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(2, [right(A_5000000)]);
            journey.register_accounts(&contract, form, minute(4))
        })
        .then([
            accounts_selected(3, [A_5000000]),
            accounts_registered(3, [A_5000000], BOTH),
        ])
        .and_nothing_beside_it();
}

#[test]
fn an_account_that_another_journey_has_registered_gets_this_ones_word_too() {
    let contract = state_of(&[registered(A_5000000, another_journey())]);
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000)]);
            journey.register_accounts(&contract, form, minute(3))
        })
        .then([
            accounts_selected(2, [A_5000000]),
            accounts_registered(2, [A_5000000], BOTH),
        ])
        .and_beside_it([registered(A_5000000, this_journey())]);
}

#[test]
fn the_same_account_ticked_twice_is_judged_once() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000), right(A_5000000)]);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .then([
            accounts_selected(2, [A_5000000]),
            accounts_registered(2, [A_5000000], BOTH),
        ])
        .and_beside_it([registered(A_5000000, this_journey())]);
}

#[test]
fn the_same_account_ticked_twice_fails_where_either_fails() {
    for rows in [
        [right(A_5000000), wrong(A_5000000)],
        [wrong(A_5000000), right(A_5000000)],
    ] {
        given(at_step4(LinkageBasis::New))
            .when(|journey| {
                let form = step4_form(1, rows);
                journey.register_accounts(&Contract::default(), form, minute(3))
            })
            .then([
                accounts_selected(2, [A_5000000]),
                rejected(2, A_5000000, RejectionReason::PinMismatch),
            ])
            .and_nothing_beside_it();
    }
}

#[test]
fn ticking_nothing_is_refused() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            journey.register_accounts(&Contract::default(), step4_form(1, []), minute(3))
        })
        .refused(JourneyRefusal::NothingTicked);
}

fn form_of(rows: usize) -> RegisterAccounts {
    let names: Vec<String> = (0..rows).map(|n| format!("acct-{n}")).collect();
    let names = || names.iter().map(String::as_str);
    RegisterAccounts {
        shown: Revision(1),
        seen: accounts(names()),
        ticked: names().map(right).collect(),
    }
}

#[test]
fn as_many_rows_as_the_limit_are_taken() {
    let journey = state_of(&at_step4(LinkageBasis::New));
    let form = form_of(MAX_TICKED_ROWS);
    let (_, facts_of_contract) = journey
        .register_accounts(&Contract::default(), form, minute(3))
        .unwrap();
    assert_eq!(facts_of_contract.len(), MAX_TICKED_ROWS);
}

#[test]
fn one_row_more_than_the_limit_is_refused() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let form = form_of(MAX_TICKED_ROWS + 1);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .refused(JourneyRefusal::NothingTicked);
}

#[test]
fn ticking_an_account_that_the_user_can_not_see_is_refused() {
    given(at_step4(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(1, [right(A_5000000), right(A_HIDDEN)]);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .refused(JourneyRefusal::AccountNotSeen);
}

#[test]
fn accounts_before_tasks_are_refused() {
    given(at_step3(LinkageBasis::New))
        .when(|journey| {
            let form = step4_form(0, [right(A_5000000)]);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .refused(JourneyRefusal::StepNotReached(Step::Tasks));
}

#[test]
fn accounts_before_a_login_are_refused() {
    given(at_step2())
        .when(|journey| {
            let form = step4_form(0, [right(A_5000000)]);
            journey.register_accounts(&Contract::default(), form, minute(3))
        })
        .refused(JourneyRefusal::StepNotReached(Step::Login));
}
