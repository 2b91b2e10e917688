//! Ends without 許可, told apart: cancelled, declined, timed out; and what becomes of registrations.

use consent::sweeper;
use demo::agent::{
    browser::{Browser, Page},
    partner::{ParRequest, Pushed},
    walk::{Task, allow, choose_accounts, choose_tasks, log_in},
};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, browser, dantai01, ticked},
    journey_customer::{
        FIRST_ID, FOURTH_ID, accounts_form, assert_error, authorize_form, cancel_form, dantai01b,
        decline_form, error_in, fact, facts, new_facts, only, open_step, partner_error, send,
        send_on, statuses, step_of, tasks_form,
    },
    journey_idle::rest,
    retention_given::as_owner,
};

async fn to_step(bench: &Bench, browser: &Browser, step: &str) -> (Page, Pushed) {
    match step {
        "login" => bench.begin(browser, 0).await,
        "tasks" => {
            let (login, pushed) = bench.begin(browser, 0).await;
            (
                log_in(browser, &login, &dantai01()).await.expect("step 3"),
                pushed,
            )
        }
        "accounts" => bench.to_accounts(browser, 0).await,
        "confirm" => bench.to_confirm(browser, 0).await,
        "authorize" => bench.to_authorize(browser, 0).await,
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_may_cancel_at_each_step_before_the_sixth() {
    let bench = Bench::new().await;
    for step in ["login", "tasks", "accounts", "confirm"] {
        let browser = browser();
        let (page, pushed) = to_step(&bench, &browser, step).await;
        let before = facts(&bench).await;
        let end = send_on(&browser, &cancel_form(&page)).await;

        assert_eq!(
            end.title().as_deref(),
            Some("団体IBは終了しました"),
            "{step}"
        );
        assert_eq!(partner_error(&bench, &end, &pushed.state), "access_denied");
        // Never an automatic redirect before a login.
        assert_eq!(
            end.refresh().map(|refresh| refresh.after_s),
            (step != "login").then_some(0)
        );
        let expected = match step {
            "confirm" => only(&["JourneyCancelled", "AccountRegistrationsWithdrawn"]),
            _ => only(&["JourneyCancelled"]),
        };
        assert_eq!(new_facts(&before, &facts(&bench).await), expected, "{step}");
        let stages: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM events WHERE event_type = 'JourneyCancelled'
             AND payload #>> '{JourneyCancelled,step}' = $1",
        )
        .bind(step)
        .fetch_one(&bench.pool)
        .await
        .expect("a count");
        assert_eq!(stages, 1, "{step}");
        // The bank session is over: back leads to the end page, and the partner's link nowhere.
        let back = open_step(&browser, &page, "tasks").await;
        assert_eq!(back.title(), end.title(), "{step}");
        let link = browser
            .get(bench.client(0).authorization_url(&pushed))
            .await;
        assert_error(&link.expect("an answer"), 410, "request_expired");
    }
    assert_eq!(live_sessions(&bench).await, 0);
}

async fn live_sessions(bench: &Bench) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM bank_sessions WHERE ended_at IS NULL")
        .fetch_one(&bench.pool)
        .await
        .expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_declines_at_step_6() {
    let bench = Bench::new().await;
    let browser = browser();
    let (page, pushed) = bench.to_authorize(&browser, 0).await;
    assert!(!page.has("form#cancel-form"));
    let before = facts(&bench).await;
    let end = send_on(&browser, &decline_form(&page)).await;
    assert_eq!(partner_error(&bench, &end, &pushed.state), "access_denied");
    assert_eq!(end.refresh().map(|refresh| refresh.after_s), Some(0));
    let expected = only(&["AccessDeclined", "AccountRegistrationsWithdrawn"]);
    assert_eq!(new_facts(&before, &facts(&bench).await), expected);
    assert_eq!(live_sessions(&bench).await, 0);
    // Nothing of the step's form works any more.
    let page = send_on(&browser, &authorize_form(&page)).await;
    assert_eq!(page.title(), end.title());
    assert_eq!(bench.events("AccessAuthorized").await, 0);
}

/// Every journey began an hour earlier, the most that a bank gives it by default: its time is over. What
/// the customer did last was done when it was done.
pub async fn let_the_hour_be_over(bench: &Bench) {
    let earlier = "ALTER TABLE events DISABLE TRIGGER events_are_facts;
         UPDATE events SET recorded_at = recorded_at - interval '1 hour'
             WHERE event_type = 'ConsentRequested';
         ALTER TABLE events ENABLE TRIGGER events_are_facts;
         UPDATE journey_current
             SET state = jsonb_set(state, '{request,ends_at}', to_jsonb(ends_at - interval '1 hour'))";
    as_owner(bench, earlier).await;
}

/// Sweeps once, on both replicas side by side.
async fn sweep(bench: &Bench) {
    let (one, other) = tokio::join!(
        sweeper::round(&bench.replicas[0].app),
        sweeper::round(&bench.replicas[1].app)
    );
    one.and(other).expect("a sweep");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweeper_ends_a_journey_whose_total_time_is_over() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (confirm, pushed) = bench.to_confirm(&browser, 0).await;
    let before = facts(&bench).await;
    sweep(&bench).await;
    assert_eq!(facts(&bench).await, before, "it has its time");
    let_the_hour_be_over(&bench).await;
    sweep(&bench).await;

    let expected = only(&["JourneyTimedOut", "AccountRegistrationsWithdrawn"]);
    assert_eq!(new_facts(&before, &facts(&bench).await), expected);
    let timed_out = fact(&bench, "JourneyTimedOut").await;
    assert_eq!(
        (&timed_out["step"], &timed_out["cause"]),
        (&"confirm".into(), &"total".into())
    );
    // Recorded late, but effective at the time itself.
    let on_time: bool = sqlx::query_scalar(
        "SELECT ended.effective_at <= ended.recorded_at
            AND ended.effective_at - requested.recorded_at BETWEEN '59 min' AND '1 h'
         FROM events ended JOIN events requested USING (aggregate_id)
         WHERE ended.event_type = 'JourneyTimedOut' AND requested.event_type = 'ConsentRequested'",
    )
    .fetch_one(&bench.pool)
    .await
    .expect("the times");
    assert!(on_time);
    // The customer learns of it on any page, and gets back to the partner only by a click.
    for page in [
        open_step(&browser, &confirm, "confirm").await,
        open_step(&browser, &confirm, "login").await,
        send(&browser, &cancel_form(&confirm)).await,
        send(&browser, &crate::journey_customer::confirm_form(&confirm)).await,
    ] {
        assert_error(&page, 410, "journey_timed_out");
        let back = page.link("a#partner").expect("the way back");
        assert_eq!(error_in(&bench, &back, &pushed.state), "access_denied");
    }
    assert_eq!(live_sessions(&bench).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_that_nobody_was_logged_in_to_timed_out_idle() {
    let bench = Bench::replicas(2).await;
    let client = bench.client(0);
    client
        .push(&ParRequest::for_both_tasks())
        .await
        .expect("the request is taken");
    let_the_hour_be_over(&bench).await;
    sweep(&bench).await;
    let timed_out = fact(&bench, "JourneyTimedOut").await;
    assert_eq!(
        (&timed_out["step"], &timed_out["cause"]),
        (&"login".into(), &"idle".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_whose_bank_session_had_ended_timed_out_idle() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    log_in(&browser, &login, &dantai01()).await.expect("step 3");
    rest(&bench, 3600).await;
    let_the_hour_be_over(&bench).await;
    sweep(&bench).await;
    let timed_out = fact(&bench, "JourneyTimedOut").await;
    assert_eq!(
        (&timed_out["step"], &timed_out["cause"]),
        (&"tasks".into(), &"idle".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_too_late_ends_the_journey_itself_and_once() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let form = tasks_form(&tasks, &Task::ALL);
    let_the_hour_be_over(&bench).await;
    let (one, other) = crate::journey_customer::double_click(&bench, &browser, &tasks, &form).await;
    let url = bench.at_replica(&tasks.url, 1);
    for page in [one, other, browser.get(&url).await.expect("an answer")] {
        assert_error(&page, 410, "journey_timed_out");
    }
    assert_eq!(bench.events("JourneyTimedOut").await, 1);
    assert_eq!(bench.events("TasksSelected").await, 0);
    assert_eq!(fact(&bench, "JourneyTimedOut").await["cause"], "total");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_journey_registered_is_withdrawn_at_its_end_without_authorization() {
    let bench = Bench::new().await;
    let leaving = browser();
    let (confirm, _) = bench.to_confirm(&leaving, 0).await;
    assert_eq!(statuses(&confirm)[0], "登録済み*");
    // While it goes on, another journey of the contract sees the registration.
    let other = browser();
    let (accounts, _) = bench.to_accounts(&other, 1).await;
    assert_eq!(statuses(&accounts)[0], "登録済み");
    send_on(&leaving, &cancel_form(&confirm)).await;
    let reloaded = open_step(&other, &accounts, "accounts").await;
    assert_eq!(statuses(&reloaded)[0], "未登録");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_journey_registered_stays_after_authorization() {
    let bench = Bench::new().await;
    let customer = browser();
    let (authorize, _) = bench.to_authorize(&customer, 0).await;
    allow(&customer, &authorize).await.expect("the end page");
    let later = browser();
    let (accounts, _) = bench.to_accounts(&later, 0).await;
    assert_eq!(
        statuses(&accounts),
        ["登録済み*", "未登録", "未登録", "未登録"]
    );
    // A second journey that registers it anew and is cancelled takes back its own word only.
    let page = choose_accounts(
        &later,
        &accounts,
        &[ticked(FIRST, PIN), ticked(FOURTH, PIN)],
    )
    .await;
    send_on(&later, &cancel_form(&page.expect("step 5"))).await;
    assert_eq!(bench.events("AccountRegistrationsWithdrawn").await, 1);
    let (accounts, _) = bench.to_accounts(&browser(), 0).await;
    assert_eq!(
        statuses(&accounts),
        ["登録済み*", "未登録", "未登録", "未登録"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_two_drafts_registered_stays_until_both_have_ended() {
    let bench = Bench::new().await;
    let (one, other, watching) = (browser(), browser(), browser());
    let (first, _) = bench.to_confirm(&one, 0).await;
    let (second, _) = bench.to_confirm(&other, 1).await;
    let (accounts, _) = bench.to_accounts(&watching, 0).await;
    send_on(&one, &cancel_form(&first)).await;
    let after_one = open_step(&watching, &accounts, "accounts").await;
    assert_eq!(statuses(&after_one)[0], "登録済み");
    send_on(&other, &cancel_form(&second)).await;
    let after_both = open_step(&watching, &accounts, "accounts").await;
    assert_eq!(statuses(&after_both)[0], "未登録");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_step_can_be_done_after_authorization() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let confirm = choose_accounts(&browser, &accounts, &[ticked(FIRST, PIN)])
        .await
        .expect("step 5");
    let spare = open_step(&browser, &confirm, "accounts").await;
    let spare_cancel = cancel_form(&spare);
    let spare_form = accounts_form(&spare, &[ticked(FOURTH, PIN)]);
    let authorize = open_step(&browser, &confirm, "confirm").await;
    let authorize = send_on(&browser, &crate::journey_customer::confirm_form(&authorize)).await;
    assert_eq!(step_of(&authorize), "authorize");
    allow(&browser, &authorize).await.expect("the end page");
    let before = facts(&bench).await;
    for form in [&spare_form, &spare_cancel] {
        let page = send_on(&browser, form).await;
        assert_eq!(page.title().as_deref(), Some("団体IBは終了しました"));
    }
    assert_eq!(facts(&bench).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_redone_without_end_fails_the_journey() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;
    let mut tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let last = loop {
        let answer = send(&browser, &tasks_form(&tasks, &Task::ALL)).await;
        if answer.status != 303 {
            break answer;
        }
        tasks = browser.get(&tasks.url).await.expect("step 3");
    };
    assert_error(&last, 410, "journey_ended");
    assert_eq!(bench.events("TasksSelected").await, 60);
    let failed = fact(&bench, "JourneyFailed").await;
    assert_eq!(
        (&failed["step"], &failed["code"]),
        (&"accounts".into(), &"too_many_revisions".into())
    );
    assert_error(
        &open_step(&browser, &tasks, "tasks").await,
        410,
        "journey_ended",
    );
    let link = browser
        .get(bench.client(0).authorization_url(&pushed))
        .await;
    assert_error(&link.expect("an answer"), 410, "request_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_accounts_is_told_so_and_gets_back_to_the_partner() {
    let bench = Bench::new().await;
    for account in [FIRST_ID, FOURTH_ID] {
        let withdrawn = bench
            .bank
            .withdraw_account_right("2963", "dantai01b", account);
        withdrawn.expect("a known account");
    }
    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;
    let tasks = log_in(&browser, &login, &dantai01b())
        .await
        .expect("step 3");
    let page = send_on(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    assert_error(&page, 403, "no_account");
    let back = page.link("a#partner").expect("the way back");
    assert_eq!(error_in(&bench, &back, &pushed.state), "access_denied");
}
