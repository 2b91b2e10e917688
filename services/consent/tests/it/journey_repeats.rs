//! Double click, reload, replay: a form has one outcome, whichever replica it is sent to.

use demo::agent::{
    browser::{Browser, Page},
    partner::Pushed,
    walk::{Task, choose_accounts, choose_tasks, log_in, return_address},
};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, WRONG_PIN, browser, dantai01, ticked},
    journey_customer::{
        PIN_SCOPE, accounts_form, authorize_form, cancel_form, confirm_form, decline_form,
        double_click, facts, location, login_attempts, login_form, new_facts, notice, only,
        open_step, partner_error, pin_guesses, send, send_on, send_to, step_of, tasks_form,
    },
};

/// Sends the form twice at once; the answers lead to the same place, which is opened.
async fn twice(
    bench: &Bench,
    browser: &Browser,
    page: &Page,
    form: &demo::agent::browser::Form,
) -> Page {
    let (one, other) = double_click(bench, browser, page, form).await;
    assert_eq!(location(&one), location(&other));
    browser.follow(&one).await.expect("the page")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_on_any_step_has_one_outcome() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;

    let before = facts(&bench).await;
    let tasks = twice(&bench, &browser, &login, &login_form(&login)).await;
    assert_eq!(step_of(&tasks), "tasks");
    assert_eq!(login_attempts(&bench), 1);

    let accounts = twice(&bench, &browser, &tasks, &tasks_form(&tasks, &Task::ALL)).await;
    assert_eq!(step_of(&accounts), "accounts");

    let rows = [ticked(FIRST, PIN), ticked(FOURTH, WRONG_PIN)];
    let confirm = twice(
        &bench,
        &browser,
        &accounts,
        &accounts_form(&accounts, &rows),
    )
    .await;
    assert_eq!(step_of(&confirm), "confirm");
    assert_eq!(
        pin_guesses(&bench),
        2,
        "the right PIN once, the wrong one once"
    );

    let authorize = twice(&bench, &browser, &confirm, &confirm_form(&confirm)).await;
    assert_eq!(step_of(&authorize), "authorize");

    let end = twice(&bench, &browser, &authorize, &authorize_form(&authorize)).await;
    let returned = return_address(&end).expect("the way back");
    bench
        .client(0)
        .complete(&returned, &pushed)
        .await
        .expect("tokens");

    let after = facts(&bench).await;
    let expected = [
        "LoginSucceeded",
        "TasksSelected",
        "AccountsSelected",
        "AccountsRegistered",
        "AccountRegistrationRejected",
        "AccountRegistered",
        "RegistrationConfirmed",
        "AccessAuthorized",
        "AccessGranted",
        "PartnerConnected",
    ];
    assert_eq!(new_facts(&before, &after), only(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_on_cancel_or_decline_ends_the_journey_once() {
    let bench = Bench::replicas(2).await;
    let leaving = browser();
    let (confirm, pushed) = bench.to_confirm(&leaving, 0).await;
    let end = twice(&bench, &leaving, &confirm, &cancel_form(&confirm)).await;
    assert_eq!(partner_error(&bench, &end, &pushed.state), "access_denied");

    let declining = browser();
    let (authorize, pushed) = bench.to_authorize(&declining, 0).await;
    let end = twice(&bench, &declining, &authorize, &decline_form(&authorize)).await;
    assert_eq!(partner_error(&bench, &end, &pushed.state), "access_denied");

    let unknown = browser();
    let (login, pushed) = bench.begin(&unknown, 0).await;
    let end = twice(&bench, &unknown, &login, &cancel_form(&login)).await;
    assert_eq!(partner_error(&bench, &end, &pushed.state), "access_denied");

    let facts = facts(&bench).await;
    let count = |name: &str| facts.get(name).copied();
    assert_eq!(count("JourneyCancelled"), Some(2));
    assert_eq!(count("AccessDeclined"), Some(1));
    assert_eq!(count("AccountRegistrationsWithdrawn"), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_with_the_last_guess_left_is_one_guess_and_the_right_one() {
    let settings = "pin_limit = 2\nlogin_limit = 2";
    let options = crate::bench::Options {
        replicas: 2,
        bank_settings: settings,
        ..Default::default()
    };
    let bench = Bench::with(options).await;
    let browser = browser();
    // Given one wrong password and one wrong PIN, of two allowed.
    let (login, _) = bench.begin(&browser, 0).await;
    let mut wrong = login_form(&login);
    wrong.set("password", "Wrong0000");
    let login = send_on(&browser, &wrong).await;
    let tasks = twice(&bench, &browser, &login, &login_form(&login)).await;
    assert_eq!(step_of(&tasks), "tasks");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let wrong = choose_accounts(&browser, &accounts, &[ticked(FIRST, WRONG_PIN)]).await;
    let accounts = open_step(&browser, &wrong.expect("step 5"), "accounts").await;
    // When the right PIN is sent by a double click, the twin waits for the same verdict.
    let form = accounts_form(&accounts, &[ticked(FIRST, PIN)]);
    let confirm = twice(&bench, &browser, &accounts, &form).await;
    assert!(confirm.has("form#confirm-form"), "{}", confirm.excerpt(600));
    assert_eq!(bench.bank.pin_guesses(crate::bench::BANK, PIN_SCOPE), 2);
    assert_eq!(login_attempts(&bench), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_a_page_records_nothing() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    let before = facts(&bench).await;
    for step in ["tasks", "accounts", "confirm", "authorize", "authorize"] {
        for replica in 0..2 {
            let url = bench.at_replica(&authorize.url.join(step).expect("an address"), replica);
            let page = browser.get(&url).await.expect("an answer");
            assert_eq!(step_of(&page), step);
        }
    }
    assert_eq!(facts(&bench).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_replayed_later_gets_its_first_answer_and_changes_nothing() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let login_sent = login_form(&login);
    let tasks = send_on(&browser, &login_sent).await;
    let tasks_sent = tasks_form(&tasks, &Task::ALL);
    let accounts = send_on(&browser, &tasks_sent).await;
    let accounts_sent = accounts_form(&accounts, &[ticked(FIRST, PIN)]);
    let confirm = send_on(&browser, &accounts_sent).await;
    let confirm_sent = confirm_form(&confirm);
    send_on(&browser, &confirm_sent).await;

    let before = facts(&bench).await;
    let replays = [
        (&login, &login_sent, "/tasks"),
        (&tasks, &tasks_sent, "/accounts"),
        (&accounts, &accounts_sent, "/confirm"),
        (&confirm, &confirm_sent, "/authorize"),
    ];
    for (page, form, first_answer) in replays {
        for replica in 0..2 {
            let again = send_to(&bench, &browser, page, form, replica).await;
            assert!(
                location(&again).ends_with(first_answer),
                "{}",
                location(&again)
            );
        }
    }
    assert_eq!(facts(&bench).await, before);
    assert_eq!((login_attempts(&bench), pin_guesses(&bench)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_key_with_other_content_shows_the_current_step_and_changes_nothing() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let mut login_sent = login_form(&login);
    let tasks = send_on(&browser, &login_sent).await;
    let accounts = send_on(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    let confirm = send_on(&browser, &accounts_form(&accounts, &[ticked(FIRST, PIN)])).await;
    let mut confirm_sent = confirm_form(&confirm);
    send_on(&browser, &confirm_sent).await;

    let before = facts(&bench).await;
    login_sent.set("password", "Another000");
    confirm_sent.set("revision", "1");
    let others = [
        (&login, login_sent),
        (&tasks, tasks_form(&tasks, &[Task::Balance])),
        (&accounts, accounts_form(&accounts, &[ticked(FOURTH, PIN)])),
        (&confirm, confirm_sent),
    ];
    for (page, form) in others {
        let answer = send_to(&bench, &browser, page, &form, 1).await;
        let current = browser.follow(&answer).await.expect("a page");
        assert_eq!(step_of(&current), "authorize");
        assert!(
            notice(&current).contains("すでに送信されています"),
            "{}",
            notice(&current)
        );
    }
    assert_eq!(facts(&bench).await, before);
    assert_eq!((login_attempts(&bench), pin_guesses(&bench)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_refused_login_tries_no_other_password() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let mut form = login_form(&login);
    form.set("password", "Wrong0000");
    send(&browser, &form).await;
    form.set("password", "Wrong0001");
    let page = send_on(&browser, &form).await;
    assert_eq!(step_of(&page), "login");
    assert!(
        notice(&page).contains("すでに送信されています"),
        "{}",
        page.excerpt(300)
    );
    assert_eq!(login_attempts(&bench), 1);
}

/// Walks to 許可 and gives the form, the end page and the request.
async fn allowed(
    bench: &Bench,
    browser: &Browser,
) -> (Page, demo::agent::browser::Form, Page, Pushed) {
    let (authorize, pushed) = bench.to_authorize(browser, 0).await;
    let form = authorize_form(&authorize);
    let end = send_on(browser, &form).await;
    assert!(return_address(&end).is_ok(), "{}", end.excerpt(300));
    (authorize, form, end, pushed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_authorization_gets_the_same_code_until_it_is_used() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (authorize, form, end, pushed) = allowed(&bench, &browser).await;
    let first = return_address(&end).expect("the way back");

    for replica in 0..2 {
        let again = send_to(&bench, &browser, &authorize, &form, replica).await;
        assert!(location(&again).ends_with("/done"));
        let end = browser.follow(&again).await.expect("the end page");
        assert_eq!(return_address(&end).expect("the way back"), first);
        let reloaded = browser.get(&end.url).await.expect("the end page");
        assert_eq!(return_address(&reloaded).expect("the way back"), first);
    }

    bench
        .client(0)
        .complete(&first, &pushed)
        .await
        .expect("tokens");
    assert_completed(&send_on(&browser, &form).await);
    assert_completed(&browser.get(&end.url).await.expect("an answer"));
    let facts = facts(&bench).await;
    for once in ["AccessAuthorized", "AccessGranted", "PartnerConnected"] {
        assert_eq!(facts.get(once), Some(&1), "{once}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_authorization_gets_no_code_after_its_sixty_seconds() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (_, form, _, _) = allowed(&bench, &browser).await;
    let lifetime: i32 = sqlx::query_scalar(
        "UPDATE authorization_codes c SET expires_at = now() FROM authorization_codes before
         WHERE before.code_hash = c.code_hash
         RETURNING extract(epoch FROM before.expires_at - before.issued_at)::int",
    )
    .fetch_one(&bench.pool)
    .await
    .expect("the code");
    assert_eq!(lifetime, 60);
    assert_completed(&send_on(&browser, &form).await);
}

fn assert_completed(page: &Page) {
    assert_eq!(
        (page.status, page.title().as_deref()),
        (200, Some("手続きは完了しています"))
    );
    assert!(
        page.refresh().is_none() && !page.html.contains("code="),
        "{}",
        page.excerpt(300)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_page_is_shown_to_no_other_browser() {
    let bench = Bench::new().await;
    let customer = browser();
    let (_, form, end, _) = allowed(&bench, &customer).await;
    let stranger = browser();
    let page = stranger.get(&end.url).await.expect("an answer");
    crate::journey_customer::assert_error(&page, 404, "journey_not_found");
    let page = send(&stranger, &form).await;
    assert!(
        page.error_code().is_some() && !page.html.contains("code="),
        "{}",
        page.excerpt(300)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_sent_again_later_shows_the_end_page_again() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let form = cancel_form(&tasks);
    let end = send_on(&browser, &form).await;
    for replica in 0..2 {
        let again = send_to(&bench, &browser, &tasks, &form, replica).await;
        let again = browser.follow(&again).await.expect("the end page");
        assert_eq!(
            partner_error(&bench, &again, &pushed.state),
            "access_denied"
        );
        assert_eq!(
            return_address(&again).expect("a way"),
            return_address(&end).expect("a way")
        );
    }
    assert_eq!(bench.events("JourneyCancelled").await, 1);
}
