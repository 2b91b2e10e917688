//! The bank session ends when nothing is done; a new login of the same user resumes the journey.

use demo::agent::{
    browser::{Browser, Page},
    walk::{Task, check_registration, choose_accounts, choose_tasks},
};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, WRONG_PIN, browser, ticked},
    journey_customer::{
        accounts_form, assert_error, authorize_form, confirm_form, dantai01b, facts, location,
        login_form, login_form_of, new_facts, notice, only, open_step, pin_guesses, send, send_on,
        statuses, step_of, tasks_form,
    },
};

/// The customer's hands rest: what was last done was done that much earlier.
pub async fn rest(bench: &Bench, seconds: i32) {
    let rested = sqlx::query(
        "UPDATE bank_sessions SET last_seen_at = last_seen_at - make_interval(secs => $1)
         WHERE ended_at IS NULL",
    )
    .bind(f64::from(seconds))
    .execute(&bench.pool)
    .await
    .expect("the time moves");
    assert!(rested.rows_affected() > 0);
}

/// Logs in anew on the page that an idle session leads to, and gives the page that follows.
async fn resume(browser: &Browser, page: &Page, step: &str) -> Page {
    let login = open_step(browser, page, step).await;
    assert_eq!(step_of(&login), "login");
    assert!(
        notice(&login).contains("ログアウトしました"),
        "{}",
        notice(&login)
    );
    let answer = send(browser, &login_form(&login)).await;
    assert!(
        location(&answer).ends_with(&format!("/{step}?m=resumed")),
        "{}",
        location(&answer)
    );
    let resumed = browser.follow(&answer).await.expect("a page");
    assert!(
        notice(&resumed).contains("再開します"),
        "{}",
        notice(&resumed)
    );
    resumed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_resumes_each_step_with_its_choices_and_without_pins() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let tasks = send_on(&browser, &login_form(&login)).await;
    let before = facts(&bench).await;

    rest(&bench, 601).await;
    let tasks = resume(&browser, &tasks, "tasks").await;
    let accounts = choose_tasks(&browser, &tasks, &[Task::Balance])
        .await
        .expect("step 4");

    rest(&bench, 601).await;
    let accounts = resume(&browser, &accounts, "accounts").await;
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, WRONG_PIN)];
    let confirm = choose_accounts(&browser, &accounts, &rows)
        .await
        .expect("step 5");

    rest(&bench, 601).await;
    let confirm = resume(&browser, &confirm, "confirm").await;
    assert_eq!(
        statuses(&confirm),
        ["登録済み*", "未登録", "未登録", "未登録"]
    );
    assert!(
        confirm.has("#failures"),
        "why the other row failed is still said"
    );
    // Step 4 has the choice, ticked, and no PIN.
    let accounts = open_step(&browser, &confirm, "accounts").await;
    let form = accounts_form(&accounts, &[]);
    assert_eq!(
        form.value("account").as_deref(),
        Some(crate::journey_customer::FIRST_ID)
    );
    assert!(
        form.fields()
            .iter()
            .all(|(name, value)| !name.starts_with("pin-") || value.is_empty())
    );
    let tasks = open_step(&browser, &confirm, "tasks").await;
    assert_eq!(tasks_form(&tasks, &[Task::Balance]).fields(), {
        let untouched = tasks.form("form#tasks-form").expect("step 3");
        untouched.fields()
    });
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");

    rest(&bench, 601).await;
    let authorize = resume(&browser, &authorize, "authorize").await;
    send_on(&browser, &authorize_form(&authorize)).await;
    let expected = [
        "LoginSucceeded",
        "TasksSelected",
        "LoginSucceeded",
        "AccountsSelected",
        "AccountsRegistered",
        "AccountRegistered",
        "AccountRegistrationRejected",
        "LoginSucceeded",
        "RegistrationConfirmed",
        "LoginSucceeded",
        "AccessAuthorized",
        "AccessGranted",
    ];
    assert_eq!(new_facts(&before, &facts(&bench).await), only(&expected));
    assert_eq!(pin_guesses(&bench), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_after_the_session_has_ended_changes_nothing() {
    let bench = Bench::new().await;
    let browser = browser();
    let (confirm, _) = bench.to_confirm(&browser, 0).await;
    let accounts = open_step(&browser, &confirm, "accounts").await;
    let before = facts(&bench).await;
    rest(&bench, 601).await;
    let forms = [
        accounts_form(&accounts, &[ticked(FOURTH, PIN)]),
        confirm_form(&confirm),
    ];
    for form in &forms {
        let answer = send(&browser, form).await;
        assert!(
            location(&answer).ends_with("/login?m=idle"),
            "{}",
            location(&answer)
        );
    }
    assert_eq!((facts(&bench).await, pin_guesses(&bench)), (before, 1));
    // Nor do they after the journey was resumed: the login gave the browser another cookie.
    let confirm = resume(&browser, &confirm, "confirm").await;
    let before = facts(&bench).await;
    for form in &forms {
        assert_eq!(step_of(&send_on(&browser, form).await), "confirm");
    }
    assert_eq!((facts(&bench).await, pin_guesses(&bench)), (before, 1));
    assert!(check_registration(&browser, &confirm).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_at_a_page_keeps_the_session() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    for _ in 0..3 {
        rest(&bench, 590).await;
        assert_eq!(
            step_of(&open_step(&browser, &accounts, "accounts").await),
            "accounts"
        );
    }
    // A form does too.
    rest(&bench, 590).await;
    let confirm = choose_accounts(&browser, &accounts, &[ticked(FIRST, PIN)])
        .await
        .expect("step 5");
    rest(&bench, 590).await;
    assert_eq!(
        step_of(&open_step(&browser, &confirm, "confirm").await),
        "confirm"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_cannot_resume_a_journey() {
    let bench = Bench::new().await;
    let browser = browser();
    let (confirm, _) = bench.to_confirm(&browser, 0).await;
    rest(&bench, 601).await;
    let before = facts(&bench).await;
    let login = open_step(&browser, &confirm, "confirm").await;
    let answer = send(&browser, &login_form_of(&login, &dantai01b())).await;
    assert!(
        location(&answer).ends_with("/login?m=another_user"),
        "{}",
        location(&answer)
    );
    let login = browser.follow(&answer).await.expect("the login");
    assert!(login.has("#problems"), "{}", login.excerpt(300));
    assert_eq!(
        step_of(&open_step(&browser, &confirm, "confirm").await),
        "login"
    );
    assert_eq!(facts(&bench).await, before);
    // The one who began can.
    resume(&browser, &confirm, "confirm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_browser_cannot_resume_a_journey() {
    let bench = Bench::new().await;
    let customer = browser();
    let (confirm, pushed) = bench.to_confirm(&customer, 0).await;
    rest(&bench, 601).await;
    let other = browser();
    let page = other
        .get(bench.client(0).authorization_url(&pushed))
        .await
        .expect("an answer");
    assert_error(&page, 410, "request_expired");
    let page = other
        .get(confirm.url.join("login").expect("an address"))
        .await
        .expect("an answer");
    assert_error(&page, 404, "journey_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_idle_time_of_the_bank_applies() {
    let options = crate::bench::Options {
        bank_settings: "idle_seconds = 30",
        ..Default::default()
    };
    let bench = Bench::with(options).await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    rest(&bench, 31).await;
    assert_eq!(
        step_of(&open_step(&browser, &accounts, "accounts").await),
        "login"
    );
}
