//! A form's key is good for one form of one browser's journey, and can't be made up.

use demo::agent::{browser::Form, walk::Task};

use crate::{
    bench::{Bench, FIRST, PIN, browser, ticked},
    journey_customer::{
        accounts_form, assert_error, authorize_form, cancel_form, confirm_form, facts,
        login_attempts, login_form, open_step, pin_guesses, send, send_on, step_of, tasks_form,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_browser_opens_nothing() {
    let bench = Bench::replicas(2).await;
    let (one, other) = (browser(), browser());
    let (login, pushed) = bench.begin(&one, 0).await;
    // Another browser at the same journey, before any login.
    let url = bench.client(0).authorization_url(&pushed);
    let page = other.get(&url).await.expect("an answer");
    let page = other.follow_to_end(page, &url).await.expect("a login page");
    assert_eq!(step_of(&page), "login");
    let before = facts(&bench).await;
    assert_error(
        &send(&other, &login_form(&login)).await,
        400,
        "form_not_accepted",
    );
    assert_error(
        &send(&other, &cancel_form(&login)).await,
        400,
        "form_not_accepted",
    );
    // One without any cookie.
    let bare = browser();
    assert_error(
        &send(&bare, &login_form(&login)).await,
        400,
        "cookies_required",
    );
    assert_error(
        &send(&bare, &cancel_form(&login)).await,
        400,
        "cookies_required",
    );
    assert_eq!((facts(&bench).await, login_attempts(&bench)), (before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_login_no_other_browser_can_go_on_or_cancel() {
    let bench = Bench::new().await;
    let (one, other) = (browser(), browser());
    let (_, pushed) = bench.begin(&one, 0).await;
    let url = bench.client(0).authorization_url(&pushed);
    let page = other.get(&url).await.expect("an answer");
    let others_login = other.follow_to_end(page, &url).await.expect("a login page");
    let page = one.get(&url).await.expect("an answer");
    let login = one.follow_to_end(page, &url).await.expect("a login page");
    let tasks = send_on(&one, &login_form(&login)).await;
    let before = facts(&bench).await;

    // Its own login page of before, its own cancel button, and the customer's forms.
    for form in [login_form(&others_login), cancel_form(&others_login)] {
        assert_error(&send(&other, &form).await, 404, "journey_not_found");
    }
    assert_error(
        &send(&other, &tasks_form(&tasks, &Task::ALL)).await,
        404,
        "journey_not_found",
    );
    for step in ["login", "tasks", "accounts", "confirm", "authorize", "done"] {
        let url = tasks.url.join(step).expect("an address");
        assert_error(
            &other.get(&url).await.expect("an answer"),
            404,
            "journey_not_found",
        );
    }
    assert_eq!((facts(&bench).await, login_attempts(&bench)), (before, 1));
}

/// The form with another form's key.
fn with_key_of(form: &Form, other: &Form) -> Form {
    let mut form = form.clone();
    form.set("form_key", &other.value("form_key").expect("a key"));
    form
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_step_or_journey_or_of_nobody_shows_the_current_step() {
    let bench = Bench::new().await;
    let browser = browser();
    let (elsewhere, _) = bench.to_confirm(&browser, 0).await;
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let tasks = open_step(&browser, &accounts, "tasks").await;
    let own = accounts_form(&accounts, &[ticked(FIRST, PIN)]);
    let guesses = pin_guesses(&bench);
    let before = facts(&bench).await;

    let genuine = own.value("form_key").expect("a key");
    let mut forged = own.clone();
    // The last character of the MAC, changed.
    let (rest, last) = genuine.split_at(genuine.len() - 1);
    forged.set(
        "form_key",
        &format!("{rest}{}", if last == "A" { "Q" } else { "A" }),
    );
    let mut of_another_revision = own.clone();
    let (revision, rest) = genuine.split_once('.').expect("a key of parts");
    let revision: u32 = revision.parse().expect("a revision");
    of_another_revision.set("form_key", &format!("{}.{rest}", revision + 1));
    let mut nonsense = own.clone();
    nonsense.set("form_key", "1.2.3");
    let mut none = own.clone();
    none.remove("form_key");
    let mut twice = own.clone();
    twice.repeat("form_key", &genuine);
    let others_accounts = open_step(&browser, &elsewhere, "accounts").await;
    let foreign = [
        with_key_of(&own, &tasks_form(&tasks, &Task::ALL)),
        with_key_of(&own, &cancel_form(&accounts)),
        with_key_of(&own, &confirm_form(&elsewhere)),
        with_key_of(&own, &accounts_form(&others_accounts, &[])),
        forged,
        of_another_revision,
        nonsense,
        none,
        twice,
    ];
    for form in &foreign {
        let page = send_on(&browser, form).await;
        assert_eq!(step_of(&page), "accounts");
    }
    assert_eq!(
        (facts(&bench).await, pin_guesses(&bench)),
        (before, guesses)
    );
    // The genuine one is unspent all the same.
    assert_eq!(step_of(&send_on(&browser, &own).await), "confirm");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_step_5_allows_nothing() {
    let bench = Bench::new().await;
    let browser = browser();
    let (confirm, _) = bench.to_confirm(&browser, 0).await;
    let key = confirm_form(&confirm);
    let authorize = send_on(&browser, &key).await;
    let page = send_on(&browser, &with_key_of(&authorize_form(&authorize), &key)).await;
    assert_eq!(step_of(&page), "authorize");
    assert_eq!(bench.events("AccessAuthorized").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_not_reached_takes_no_form() {
    let bench = Bench::new().await;
    let browser = browser();
    let (tasks, _) = {
        let (login, pushed) = bench.begin(&browser, 0).await;
        (send_on(&browser, &login_form(&login)).await, pushed)
    };
    let before = facts(&bench).await;
    for step in ["accounts", "confirm", "authorize"] {
        let url = tasks.url.join(step).expect("an address");
        let pairs = tasks_form(&tasks, &Task::ALL).fields();
        let answer = browser
            .post(Some(&tasks), url.clone(), &pairs)
            .await
            .expect("an answer");
        let page = browser.follow_to_end(answer, &url).await.expect("a page");
        assert_eq!(step_of(&page), "tasks", "{step}");
    }
    assert_eq!((facts(&bench).await, pin_guesses(&bench)), (before, 0));
}
