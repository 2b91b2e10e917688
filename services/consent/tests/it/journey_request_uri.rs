//! The partner's link: who may open it, how often, and until when.

use demo::agent::{
    browser::{Browser, Page},
    partner::ParRequest,
    walk::{
        Task, allow, check_registration, choose_accounts, choose_tasks, log_in, return_address,
    },
};
use url::Url;

use crate::{
    bench::{Bench, FIRST, PIN, browser, dantai01, ticked},
    journey_customer::{
        assert_error, authorize_form, cancel_form, facts, location, login_form, open_step, send_on,
        send_to, step_of,
    },
};

async fn load(browser: &Browser, url: &Url) -> Page {
    let page = browser.get(url).await.expect("an answer");
    browser.follow_to_end(page, url).await.expect("a page")
}

#[tokio::test(flavor = "multi_thread")]
async fn it_may_be_loaded_by_anybody_until_a_login_and_then_by_that_browser_only() {
    let bench = Bench::replicas(2).await;
    let customer = browser();
    let (_, pushed) = bench.begin(&customer, 0).await;
    let link = bench.client(0).authorization_url(&pushed);
    let before = facts(&bench).await;
    let others = [browser(), browser(), browser()];
    for (number, other) in others.iter().enumerate() {
        for _ in 0..2 {
            let page = load(other, &bench.at_replica(&link, number % 2)).await;
            assert_eq!(step_of(&page), "login");
        }
    }
    assert_eq!(facts(&bench).await, before);

    let login = load(&customer, &link).await;
    let tasks = log_in(&customer, &login, &dantai01())
        .await
        .expect("step 3");
    for other in &others {
        let page = load(other, &link).await;
        assert_error(&page, 404, "journey_not_found");
    }
    assert_error(&load(&browser(), &link).await, 410, "request_expired");
    assert_eq!(step_of(&load(&customer, &link).await), "tasks");
    assert_eq!(
        step_of(&open_step(&customer, &tasks, "tasks").await),
        "tasks"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_logins_at_the_same_moment_one_browser_wins() {
    let bench = Bench::replicas(2).await;
    let (one, other) = (browser(), browser());
    let (first, pushed) = bench.begin(&one, 0).await;
    let second = load(&other, &bench.client(0).authorization_url(&pushed)).await;
    let (first_form, second_form) = (login_form(&first), login_form(&second));
    let (a, b) = tokio::join!(
        send_to(&bench, &one, &first, &first_form, 0),
        send_to(&bench, &other, &second, &second_form, 1)
    );
    assert_eq!(bench.events("LoginSucceeded").await, 1);
    let (winner, won, lost) = if a.status == 303 {
        (&one, &a, &b)
    } else {
        (&other, &b, &a)
    };
    assert!(location(won).ends_with("/tasks"));
    assert_error(lost, 404, "journey_not_found");
    assert_eq!(step_of(&winner.follow(won).await.expect("step 3")), "tasks");
    let sessions: i64 = sqlx::query_scalar("SELECT count(*) FROM bank_sessions")
        .fetch_one(&bench.pool)
        .await
        .expect("a count");
    assert_eq!(sessions, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_end_it_shows_an_error_page_to_everybody() {
    let bench = Bench::new().await;
    let cancelled = browser();
    let (page, request) = bench.begin(&cancelled, 0).await;
    send_on(&cancelled, &cancel_form(&page)).await;
    let authorized = browser();
    let (page, authorized_request) = bench.to_authorize(&authorized, 0).await;
    allow(&authorized, &page).await.expect("the end page");
    for (customer, pushed) in [(&cancelled, &request), (&authorized, &authorized_request)] {
        let link = bench.client(0).authorization_url(pushed);
        for browser in [customer, &browser()] {
            assert_error(&load(browser, &link).await, 410, "request_expired");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_lives_sixty_seconds_until_first_shown_and_ten_minutes_in_all() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let request = ParRequest::for_both_tasks();
    let unshown = client.push(&request).await.expect("the request is taken");
    assert_eq!(unshown.expires_in_s, 60);
    age(&bench, 61).await;
    let page = load(&browser(), &client.authorization_url(&unshown)).await;
    assert_error(&page, 410, "request_expired");

    let shown = client.push(&request).await.expect("the request is taken");
    let link = client.authorization_url(&shown);
    assert_eq!(step_of(&load(&browser(), &link).await), "login");
    age(&bench, 590).await;
    assert_eq!(step_of(&load(&browser(), &link).await), "login");
    age(&bench, 11).await;
    assert_error(&load(&browser(), &link).await, 410, "request_expired");
}

/// Every pushed request was pushed that much earlier.
async fn age(bench: &Bench, seconds: i32) {
    sqlx::query(
        "UPDATE pushed_requests SET created_at = created_at - make_interval(secs => $1),
            expires_at = expires_at - make_interval(secs => $1)",
    )
    .bind(f64::from(seconds))
    .execute(&bench.pool)
    .await
    .expect("the time moves");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_client_or_request_gets_an_error_page_that_repeats_nothing() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let request = ParRequest::for_both_tasks();
    let pushed = client.push(&request).await.expect("the request is taken");
    let before = facts(&bench).await;
    let endpoint = pushed.authorization_endpoint.clone();
    let link = |client_id: &str, request_uri: &str| {
        let mut url = endpoint.clone();
        url.query_pairs_mut()
            .append_pair("client_id", client_id)
            .append_pair("request_uri", request_uri)
            .append_pair("redirect_uri", "https://elsewhere.example/reflected")
            .append_pair("state", "reflected-state");
        url
    };
    let never_minted = format!("urn:ietf:params:oauth:request_uri:{}", "A".repeat(43));
    let requests = [
        link("nobody<b>reflected</b>", &pushed.request_uri),
        // Another client's request is not this one's.
        link("partner-b", &pushed.request_uri),
        link("partner-a", &never_minted),
        link("partner-a", "https://elsewhere.example/reflected.jwt"),
        link("partner-a", "reflected"),
        endpoint.clone(),
    ];
    for url in requests {
        let browser = browser();
        let page = browser.get(&url).await.expect("an answer");
        assert!((400..500).contains(&page.status), "{url}: {}", page.status);
        assert!(
            page.error_code().is_some() && page.header("location").is_none(),
            "{url}"
        );
        assert!(
            !page.html.contains("reflected"),
            "{url}: {}",
            page.excerpt(500)
        );
        assert!(
            !page.has("a#partner") && browser.cookies("127.0.0.1").is_empty(),
            "{url}"
        );
        // What to do, whom to call, which number to quote.
        assert!(
            page.html.contains("0120-000-000") && page.has("#inquiry-number"),
            "{url}"
        );
    }
    let unknown_bank = bench
        .origin
        .join("/2951/authorize?client_id=partner-a")
        .expect("an address");
    assert_error(
        &browser().get(&unknown_bank).await.expect("an answer"),
        404,
        "not_found",
    );
    assert_eq!(facts(&bench).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_beside_it_in_the_link_is_ignored() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let request = ParRequest::for_both_tasks();
    let pushed = client.push(&request).await.expect("the request is taken");
    let mut link = client.authorization_url(&pushed);
    link.query_pairs_mut()
        .append_pair("redirect_uri", "https://elsewhere.example/")
        .append_pair("state", "another")
        .append_pair("scope", "balance");
    let customer = browser();
    let login = load(&customer, &link).await;
    let tasks = log_in(&customer, &login, &dantai01())
        .await
        .expect("step 3");
    assert_eq!(
        tasks
            .form("form#tasks-form")
            .expect("step 3")
            .choices("task")
            .len(),
        2
    );
    let accounts = choose_tasks(&customer, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let confirm = choose_accounts(&customer, &accounts, &[ticked(FIRST, PIN)]).await;
    let authorize = check_registration(&customer, &confirm.expect("step 5"))
        .await
        .expect("step 6");
    let end = send_on(&customer, &authorize_form(&authorize)).await;
    let returned = return_address(&end).expect("the way back");
    client.complete(&returned, &pushed).await.expect("tokens");
}
