//! A bank that is down, closed or silent, at each step: told apart, nothing lost, and on it goes.

use std::time::Duration;

use chrono::{DateTime, Duration as Span, Timelike as _, Utc};
use demo::agent::{browser::Page, partner::Pushed, walk::Task};
use sandbox_bank::{Closure, ClosureReason, Fault, Rpc};

use crate::{
    bench::{BANK, Bench, FIRST, FOURTH, Options, PIN, browser, ticked},
    journey_customer::{
        accounts_form, assert_error, authorize_form, confirm_form, error_in, facts, location,
        login_attempts, login_form, new_facts, notice, only, open_step, pin_guesses, send, send_on,
        statuses, step_of, tasks_form,
    },
};

/// 7:00 in Japan, tomorrow or the day after: between 1 and 2 days ahead.
fn reopening() -> DateTime<Utc> {
    let day = Utc::now() + Span::days(1);
    let at = day.with_hour(22).and_then(|at| at.with_minute(0));
    let at = at.and_then(|at| at.with_second(0)).expect("a time");
    if at < day { at + Span::days(1) } else { at }
}

#[derive(Clone, Copy)]
enum Outage {
    Down,
    Closed,
    Maintenance,
}

impl Outage {
    fn begin(self, bench: &Bench) {
        let closed = |reason| {
            let reopens_at = Some(reopening());
            let closure = Closure { reason, reopens_at };
            bench
                .bank
                .set_closure(BANK, Some(closure))
                .expect("a known bank");
        };
        match self {
            Self::Down => {
                for rpc in [Rpc::Authenticate, Rpc::ListAccounts] {
                    bench.bank.set_fault(rpc, Some(Fault::Unavailable));
                }
            }
            Self::Closed => closed(ClosureReason::Hours),
            Self::Maintenance => closed(ClosureReason::Maintenance),
        }
    }

    fn end(bench: &Bench) {
        for rpc in Rpc::ALL {
            bench.bank.set_fault(rpc, None);
        }
        bench.bank.set_closure(BANK, None).expect("a known bank");
    }

    fn code(self) -> &'static str {
        match self {
            Self::Down => "bank_unavailable",
            Self::Closed => "bank_closed",
            Self::Maintenance => "bank_maintenance",
        }
    }

    /// Asserts that the page says so, when to come again, and offers the way back to the partner.
    fn shown_on(self, bench: &Bench, page: &Page, pushed: &Pushed) {
        assert_error(page, 503, self.code());
        let seconds = page.header("retry-after").map(str::parse::<u32>);
        assert!(matches!(seconds, Some(Ok(1..))), "{seconds:?}");
        let reopens = page.text("#reopens").unwrap_or_default();
        match self {
            Self::Down => assert_eq!(reopens, ""),
            Self::Closed | Self::Maintenance => assert!(reopens.contains("7:00"), "{reopens}"),
        }
        let back = page.link("a#partner").expect("the way back");
        assert_eq!(
            error_in(bench, &back, &pushed.state),
            "temporarily_unavailable"
        );
    }
}

async fn goes_on_at_every_step(outage: Outage) {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;
    let before = facts(&bench).await;

    outage.begin(&bench);
    let form = login_form(&login);
    outage.shown_on(&bench, &send(&browser, &form).await, &pushed);
    assert_eq!(login_attempts(&bench), 0);
    Outage::end(&bench);
    let tasks = send_on(&browser, &form).await;
    assert_eq!(step_of(&tasks), "tasks", "the same form, sent again");

    // Step 3 needs no bank; step 4 does.
    outage.begin(&bench);
    assert_eq!(
        step_of(&open_step(&browser, &tasks, "tasks").await),
        "tasks"
    );
    let page = send_on(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    outage.shown_on(&bench, &page, &pushed);
    Outage::end(&bench);
    let accounts = browser.get(&page.url).await.expect("step 4, reloaded");
    assert_eq!(step_of(&accounts), "accounts");

    outage.begin(&bench);
    let form = accounts_form(&accounts, &[ticked(FIRST, PIN)]);
    outage.shown_on(&bench, &send(&browser, &form).await, &pushed);
    assert_eq!(pin_guesses(&bench), 0);
    Outage::end(&bench);
    let answer = send(&browser, &form).await;
    assert!(location(&answer).ends_with("/confirm"));

    outage.begin(&bench);
    outage.shown_on(
        &bench,
        &browser.follow(&answer).await.expect("an answer"),
        &pushed,
    );
    Outage::end(&bench);
    let confirm = browser.follow(&answer).await.expect("step 5");
    assert_eq!(statuses(&confirm)[0], "登録済み*");

    outage.begin(&bench);
    let page = send_on(&browser, &confirm_form(&confirm)).await;
    outage.shown_on(&bench, &page, &pushed);
    Outage::end(&bench);
    let authorize = browser.get(&page.url).await.expect("step 6, reloaded");
    assert_eq!(step_of(&authorize), "authorize");

    outage.begin(&bench);
    let form = authorize_form(&authorize);
    outage.shown_on(&bench, &send(&browser, &form).await, &pushed);
    assert_eq!(bench.events("AccessAuthorized").await, 0);
    Outage::end(&bench);
    assert!(location(&send(&browser, &form).await).ends_with("/done"));

    let expected = [
        "LoginSucceeded",
        "TasksSelected",
        "AccountsSelected",
        "AccountsRegistered",
        "AccountRegistered",
        "RegistrationConfirmed",
        "AccessAuthorized",
        "AccessGranted",
    ];
    assert_eq!(new_facts(&before, &facts(&bench).await), only(&expected));
    assert_eq!((login_attempts(&bench), pin_guesses(&bench)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_is_down_loses_nothing_at_any_step() {
    goes_on_at_every_step(Outage::Down).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_hours_lose_nothing_at_any_step() {
    goes_on_at_every_step(Outage::Closed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_loses_nothing_at_any_step() {
    goes_on_at_every_step(Outage::Maintenance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_the_bank_could_not_judge_is_no_guess_and_can_be_tried_again() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::Unavailable));
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let form = accounts_form(&accounts, &rows);
    let confirm = send_on(&browser, &form).await;
    // Step 5 says so, in words, and leads back; there is nothing to go on with.
    assert_eq!(statuses(&confirm), ["未登録"; 4]);
    let failures = confirm.text("#failures").unwrap_or_default();
    assert_eq!(
        failures.matches("確認できませんでした").count(),
        2,
        "{failures}"
    );
    assert!(!confirm.has("form#confirm-form"));
    assert_eq!(
        (
            pin_guesses(&bench),
            bench.events("AccountRegistrationRejected").await
        ),
        (0, 2)
    );

    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);
    // The form's recorded outcome stays its outcome.
    assert_eq!(statuses(&send_on(&browser, &form).await), ["未登録"; 4]);
    let accounts = browser.click(&confirm, "a#retry").await.expect("step 4");
    let confirm = send_on(&browser, &accounts_form(&accounts, &rows)).await;
    assert_eq!(
        statuses(&confirm),
        ["登録済み*", "未登録", "未登録", "登録済み*"]
    );
    assert_eq!(pin_guesses(&bench), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_answer_is_lost_can_be_sent_again_and_counts_once() {
    let options = Options {
        bank_deadline_milliseconds: 1_500,
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    bench
        .bank
        .set_fault(Rpc::Authenticate, Some(Fault::HangAfterActing));
    let form = login_form(&login);
    let page = send_on(&browser, &form).await;
    assert_eq!(step_of(&page), "login");
    assert!(
        page.text("#problems")
            .unwrap_or_default()
            .contains("確認できません"),
        "{}",
        notice(&page)
    );
    assert_eq!(
        (login_attempts(&bench), bench.events("LoginSucceeded").await),
        (1, 0)
    );
    bench.bank.set_fault(Rpc::Authenticate, None);
    assert_eq!(step_of(&send_on(&browser, &form).await), "tasks");
    assert_eq!(
        (login_attempts(&bench), bench.events("LoginSucceeded").await),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_bank_holds_no_page_longer_than_its_deadline() {
    let options = Options {
        bank_deadline_milliseconds: 1_500,
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let browser = browser();
    let (accounts, pushed) = bench.to_accounts(&browser, 0).await;
    bench
        .bank
        .set_delay(Rpc::ListAccounts, Duration::from_secs(60));
    let page = tokio::time::timeout(
        Duration::from_secs(30),
        open_step(&browser, &accounts, "accounts"),
    );
    Outage::Down.shown_on(&bench, &page.await.expect("an answer in time"), &pushed);
}
