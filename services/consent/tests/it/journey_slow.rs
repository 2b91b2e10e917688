//! A slow bank: within its deadline the customer waits, beyond it a page says so in bounded time.

use std::time::Duration;

use demo::agent::{browser::Page, walk::Task};
use sandbox_bank::Rpc;
use tokio::time::timeout;

use crate::{
    bench::{Bench, FIRST, FOURTH, Options, PIN, browser, ticked},
    journey_customer::{
        accounts_form, assert_error, authorize_form, confirm_form, facts, location, login_attempts,
        login_form, new_facts, only, open_step, pin_guesses, send, send_on, statuses, step_of,
        tasks_form,
    },
};

/// How long a bank that is too slow takes for each call: no page has waited for it that comes sooner.
const TOO_SLOW: Duration = Duration::from_secs(60);

async fn impatient() -> Bench {
    Bench::with(Options {
        bank_deadline_milliseconds: 1_500,
        ..Options::default()
    })
    .await
}

fn slow(bench: &Bench, delay: Duration) {
    for rpc in Rpc::ALL {
        bench.bank.set_delay(rpc, delay);
    }
}

async fn in_time(answer: impl Future<Output = Page>) -> Page {
    timeout(TOO_SLOW / 2, answer).await.expect("a page in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_is_slow_but_in_time_takes_the_customer_through() {
    let bench = Bench::new().await;
    slow(&bench, Duration::from_millis(300));
    let browser = browser();
    let (confirm, _) = bench.to_confirm(&browser, 0).await;
    assert_eq!(statuses(&confirm)[0], "登録済み*");
    let authorize = send_on(&browser, &confirm_form(&confirm)).await;
    let answer = send(&browser, &authorize_form(&authorize)).await;
    assert!(location(&answer).ends_with("/done"));
    assert_eq!((login_attempts(&bench), pin_guesses(&bench)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_is_too_slow_at_any_step_is_told_in_time_and_loses_nothing() {
    let bench = impatient().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let before = facts(&bench).await;

    let form = login_form(&login);
    slow(&bench, TOO_SLOW);
    let page = in_time(send_on(&browser, &form)).await;
    assert_eq!(step_of(&page), "login");
    slow(&bench, Duration::ZERO);
    let tasks = send_on(&browser, &form).await;
    assert_eq!(
        (step_of(&tasks).as_str(), login_attempts(&bench)),
        ("tasks", 1)
    );

    slow(&bench, TOO_SLOW);
    let page = in_time(send_on(&browser, &tasks_form(&tasks, &Task::ALL))).await;
    assert_error(&page, 503, "bank_unavailable");
    slow(&bench, Duration::ZERO);
    let accounts = open_step(&browser, &tasks, "accounts").await;

    // Two rows, two PIN scopes or one: not known in time, whatever it was.
    bench.bank.set_delay(Rpc::VerifyInquiryPin, TOO_SLOW);
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let confirm = in_time(send_on(&browser, &accounts_form(&accounts, &rows))).await;
    assert_eq!(statuses(&confirm), ["未登録"; 4]);
    slow(&bench, Duration::ZERO);
    let accounts = open_step(&browser, &tasks, "accounts").await;
    let confirm = send_on(&browser, &accounts_form(&accounts, &[ticked(FIRST, PIN)])).await;
    assert_eq!(statuses(&confirm)[0], "登録済み*");

    for step in ["confirm", "authorize"] {
        slow(&bench, TOO_SLOW);
        let page = in_time(open_step(&browser, &tasks, step)).await;
        assert_error(&page, 503, "bank_unavailable");
        slow(&bench, Duration::ZERO);
        if step == "confirm" {
            send_on(&browser, &confirm_form(&confirm)).await;
        }
    }
    let allow = authorize_form(&open_step(&browser, &tasks, "authorize").await);
    slow(&bench, TOO_SLOW);
    let page = in_time(send(&browser, &allow)).await;
    assert_error(&page, 503, "bank_unavailable");
    assert_eq!(bench.events("AccessAuthorized").await, 0);
    slow(&bench, Duration::ZERO);
    assert!(location(&send(&browser, &allow).await).ends_with("/done"));

    let expected = [
        "LoginSucceeded",
        "TasksSelected",
        "AccountsSelected",
        "AccountRegistrationRejected",
        "AccountRegistrationRejected",
        "AccountsSelected",
        "AccountsRegistered",
        "AccountRegistered",
        "RegistrationConfirmed",
        "AccessAuthorized",
        "AccessGranted",
    ];
    assert_eq!(new_facts(&before, &facts(&bench).await), only(&expected));
}
