//! A bank whose answers lie, at each step: nothing is believed, recorded or repeated of a lie, and an
//! honest answer takes the journey on.

use demo::agent::{
    browser::{Browser, Form, Page},
    walk::Task,
};
use sandbox_bank::{Lie, Rpc};

use crate::{
    bench::{BANK, Bench, FIRST, FOURTH, PIN, WRONG_PIN, browser, ticked},
    guesses_counter::{Counter, NOTHING, let_guesses_age, pin_counter, until, verdicts},
    journey_customer::{
        accounts_form, assert_error, authorize_form, confirm_form, error_in, facts, location,
        login_attempts, login_form, new_facts, only, open_step, pin_guesses, send, send_on,
        statuses, step_of, tasks_form,
    },
    locale_choice::language,
};

/// Lies of a list of accounts.
const OF_LISTS: [Lie; 9] = [
    Lie::AboutAnotherBank,
    Lie::AboutAnotherContract,
    Lie::AboutNothing,
    Lie::UnknownValues,
    Lie::MissingFields,
    Lie::Markup,
    Lie::OverlongTexts,
    Lie::DuplicateAccount,
    Lie::TooManyAccounts,
];
/// Lies of a login.
const OF_LOGINS: [Lie; 7] = [
    Lie::AboutAnotherBank,
    Lie::AboutAnotherAttempt,
    Lie::AboutNothing,
    Lie::UnknownValues,
    Lie::MissingFields,
    Lie::Markup,
    Lie::OverlongTexts,
];
/// Lies of a verdict.
const OF_VERDICTS: [Lie; 5] = [
    Lie::AboutAnotherBank,
    Lie::AboutAnotherAttempt,
    Lie::AboutNothing,
    Lie::UnknownValues,
    Lie::MissingFields,
];

/// Nothing that the bank made up stands on the page.
fn repeats_no_lie(page: &Page) {
    for made_up in ["lie", "長長長", "x-0000", "\u{202e}"] {
        assert!(
            !page.text("html").unwrap_or_default().contains(made_up),
            "{made_up}"
        );
    }
}

/// The page of a bank that gives no usable answer, in the language of the browser.
fn assert_unavailable(bench: &Bench, page: &Page, expected: &str, state: &str) {
    assert_error(page, 503, "bank_unavailable");
    assert_eq!(language(page), expected);
    assert!(page.header("retry-after").is_some());
    // Whom to call, and when.
    let text = page.text("body").unwrap_or_default();
    assert!(
        text.contains("0120-000-000") && text.contains("9:00"),
        "{text}"
    );
    let back = page.link("a#partner").expect("the way back");
    assert_eq!(error_in(bench, &back, state), "temporarily_unavailable");
    repeats_no_lie(page);
}

async fn in_both_languages(bench: &Bench, browser: &Browser, form: &Form, state: &str) {
    for (expected, reader) in [("ja", browser.fork()), ("en", browser.fork().in_english())] {
        let page = send_on(&reader, form).await;
        assert_unavailable(bench, &page, expected, state);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_answer_lies_is_not_known_and_logs_nobody_in() {
    let bench = Bench::new().await;
    for lie in OF_LOGINS {
        let browser = browser();
        let (login, _) = bench.begin(&browser, 0).await;
        let (before, asked) = (facts(&bench).await, login_attempts(&bench));
        let form = login_form(&login);

        bench.bank.set_lie(Rpc::Authenticate, Some(lie));
        let page = send_on(&browser, &form).await;

        assert_eq!(step_of(&page), "login", "{lie:?}");
        let problems = page.text("#problems").unwrap_or_default();
        assert!(problems.contains("確認できません"), "{lie:?} {problems}");
        repeats_no_lie(&page);
        assert_eq!(
            new_facts(&before, &facts(&bench).await),
            only(&[]),
            "{lie:?}"
        );

        bench.bank.set_lie(Rpc::Authenticate, None);
        assert_eq!(step_of(&send_on(&browser, &form).await), "tasks", "{lie:?}");
        assert_eq!(login_attempts(&bench) - asked, 1, "{lie:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_nobody_knows_is_no_refusal() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    bench
        .bank
        .set_customer_flags(BANK, "dantai01", &[sandbox_bank::CustomerFlag::Stopped])
        .expect("a customer");
    bench
        .bank
        .set_lie(Rpc::Authenticate, Some(Lie::UnknownValues));
    let page = send_on(&browser, &login_form(&login)).await;
    let problems = page.text("#problems").unwrap_or_default();
    assert!(problems.contains("確認できません"), "{problems}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_accounts_that_lies_is_none_at_every_step() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;
    let tasks = send_on(&browser, &login_form(&login)).await;
    let accounts = send_on(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    let to_accounts = accounts_form(&accounts, &[ticked(FIRST, PIN)]);
    let before = facts(&bench).await;
    for lie in OF_LISTS {
        bench.bank.set_lie(Rpc::ListAccounts, Some(lie));
        let page = open_step(&browser, &accounts, "accounts").await;
        assert_unavailable(&bench, &page, "ja", &pushed.state);
        in_both_languages(&bench, &browser, &to_accounts, &pushed.state).await;
        assert_eq!(
            new_facts(&before, &facts(&bench).await),
            only(&[]),
            "{lie:?}"
        );
        assert_eq!(pin_guesses(&bench), 0, "{lie:?}");
    }
    bench.bank.set_lie(Rpc::ListAccounts, None);
    let confirm = send_on(&browser, &to_accounts).await;
    assert_eq!(statuses(&confirm)[0], "登録済み*");

    for lie in OF_LISTS {
        bench.bank.set_lie(Rpc::ListAccounts, Some(lie));
        let page = open_step(&browser, &accounts, "confirm").await;
        assert_unavailable(&bench, &page, "ja", &pushed.state);
    }
    bench.bank.set_lie(Rpc::ListAccounts, None);
    let authorize = send_on(&browser, &confirm_form(&confirm)).await;
    let allow = authorize_form(&authorize);

    let before = facts(&bench).await;
    for lie in OF_LISTS {
        bench.bank.set_lie(Rpc::ListAccounts, Some(lie));
        let page = open_step(&browser, &accounts, "authorize").await;
        assert_unavailable(&bench, &page, "ja", &pushed.state);
        in_both_languages(&bench, &browser, &allow, &pushed.state).await;
        assert_eq!(
            new_facts(&before, &facts(&bench).await),
            only(&[]),
            "{lie:?}"
        );
    }
    bench.bank.set_lie(Rpc::ListAccounts, None);
    assert!(location(&send(&browser, &allow).await).ends_with("/done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_changes_between_the_steps_registers_and_allows_nothing() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let form = accounts_form(&accounts, &[ticked(FIRST, PIN)]);

    // Between showing step 4 and sending it: it is shown anew, and no PIN went anywhere.
    bench
        .bank
        .set_lie(Rpc::ListAccounts, Some(Lie::OtherAccounts));
    let page = send_on(&browser, &form).await;
    assert_eq!(step_of(&page), "accounts");
    assert!(
        page.text(".notice")
            .unwrap_or_default()
            .contains("変更されました")
    );
    assert_eq!(pin_guesses(&bench), 0);
    bench.bank.set_lie(Rpc::ListAccounts, None);
    let page = open_step(&browser, &page, "accounts").await;
    let confirm = send_on(&browser, &accounts_form(&page, &[ticked(FIRST, PIN)])).await;
    assert_eq!(statuses(&confirm)[0], "登録済み*");

    // Between step 5 and step 6, and under the customer's hand at 許可.
    let authorize = send_on(&browser, &confirm_form(&confirm)).await;
    let allow = authorize_form(&authorize);
    let before = facts(&bench).await;
    bench
        .bank
        .set_lie(Rpc::ListAccounts, Some(Lie::OtherAccounts));
    let page = send_on(&browser, &allow).await;
    // What was chosen is not there: it is chosen anew.
    assert_eq!(step_of(&page), "accounts");
    assert_eq!(new_facts(&before, &facts(&bench).await), only(&[]));
    bench.bank.set_lie(Rpc::ListAccounts, None);
    let again = open_step(&browser, &page, "authorize").await;
    let answer = send(&browser, &authorize_form(&again)).await;
    assert!(location(&answer).ends_with("/done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_that_lies_is_not_known_and_registers_nothing() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let lies = OF_VERDICTS.into_iter();
    for lie in lies.chain([Lie::AboutAnotherContract, Lie::AboutAnotherAccount]) {
        let page = open_step(&browser, &accounts, "accounts").await;
        let asked = pin_guesses(&bench);
        bench.bank.set_lie(Rpc::VerifyInquiryPin, Some(lie));
        let form = accounts_form(&page, &[ticked(FIRST, PIN), ticked(FOURTH, PIN)]);
        let confirm = send_on(&browser, &form).await;
        assert_eq!(statuses(&confirm), ["未登録"; 4], "{lie:?}");
        let failures = confirm.text("#failures").unwrap_or_default();
        assert_eq!(
            failures.matches("確認できませんでした").count(),
            2,
            "{failures}"
        );
        assert_eq!(bench.events("AccountRegistered").await, 0, "{lie:?}");
        assert_eq!(pin_guesses(&bench) - asked, 1);
        let reserved = Counter {
            wrong: 0,
            open: 1,
            locked: false,
        };
        assert_eq!(pin_counter(&bench).await, reserved, "{lie:?}");

        // What the sweeper is told is believed on the same terms.
        bench.bank.set_lie(Rpc::VerifyInquiryPin, None);
        let_guesses_age(&bench).await;
        for lie in OF_VERDICTS {
            bench.bank.set_lie(Rpc::GetVerdict, Some(lie));
            sweep(&bench).await;
            assert_eq!(pin_counter(&bench).await, reserved, "{lie:?}");
        }
        bench.bank.set_lie(Rpc::GetVerdict, None);
        sweep(&bench).await;
        assert_eq!(pin_counter(&bench).await, NOTHING, "{lie:?}");
    }
}

async fn sweep(bench: &Bench) {
    consent::sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a round");
}

/// Sends a form whose answer the bank holds back; meanwhile the sweeper is told the opposite.
async fn contradicted(bench: &Bench, browser: &Browser, form: &Form, rpc: Rpc) -> Page {
    let asked = bench.bank.requests(rpc);
    bench
        .bank
        .set_delay(rpc, std::time::Duration::from_secs(60));
    let sending = send_on(browser, form);
    let telling = async {
        until(async || bench.bank.requests(rpc) > asked).await;
        let_guesses_age(bench).await;
        bench
            .bank
            .set_lie(Rpc::GetVerdict, Some(Lie::Contradiction));
        sweep(bench).await;
        bench.bank.set_delay(rpc, std::time::Duration::ZERO);
    };
    tokio::join!(sending, telling).0
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_verdicts_on_one_pin_the_first_stands() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let form = accounts_form(&accounts, &[ticked(FIRST, PIN)]);
    let confirm = contradicted(&bench, &browser, &form, Rpc::VerifyInquiryPin).await;
    assert_eq!(statuses(&confirm), ["未登録"; 4]);
    assert_eq!(verdicts(&bench, "pin").await, ["mismatch"]);
    assert_eq!(bench.events("AccountRegistered").await, 0);

    let page = open_step(&browser, &accounts, "accounts").await;
    let form = accounts_form(&page, &[ticked(FIRST, WRONG_PIN)]);
    contradicted(&bench, &browser, &form, Rpc::VerifyInquiryPin).await;
    // The bank's second word does not count against the customer either.
    assert_eq!(pin_counter(&bench).await, NOTHING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_the_bank_says_both_of_logs_nobody_in() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let page = contradicted(&bench, &browser, &login_form(&login), Rpc::Authenticate).await;
    assert_eq!(step_of(&page), "login");
    assert_eq!(verdicts(&bench, "login").await, ["mismatch"]);
    assert_eq!(bench.events("LoginSucceeded").await, 0);
}
