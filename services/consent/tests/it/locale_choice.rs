//! Which language the customer reads, and that choosing it changes nothing else.

use demo::agent::{
    browser::{Browser, Page},
    partner::ParRequest,
    walk::{Task, account_rows},
};
use url::Url;

use crate::{
    bench::{BANK, Bench, FIRST, FOURTH, PIN, SECOND, WRONG_PIN, browser, ticked},
    journey_customer::{
        accounts_form, assert_error, facts, location, login_form, open_step, send, send_on,
        step_of, tasks_form,
    },
};

pub fn language(page: &Page) -> String {
    page.attribute("html", "lang").expect("a language")
}

/// Clicks the switch, and gives the page that comes.
pub async fn switch(browser: &Browser, page: &Page, to: &str) -> Page {
    let hop = browser
        .click(page, &format!("a#language-{to}"))
        .await
        .expect("an answer");
    let target = hop.location().expect("a redirect");
    assert_eq!(target.origin(), page.url.origin());
    browser.follow_to_end(hop, &target).await.expect("a page")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_asks_for_english_gets_it_on_every_page() {
    let bench = Bench::new().await;
    let browser = browser().in_english();
    let (login, _) = bench.begin(&browser, 0).await;
    assert_eq!(login.title().as_deref(), Some("API linkage: Log in"));
    let tasks = send_on(&browser, &login_form(&login)).await;
    let accounts = send_on(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    let choice = [ticked(FIRST, PIN), ticked(SECOND, WRONG_PIN)];
    let confirm = send_on(&browser, &accounts_form(&accounts, &choice)).await;
    for (page, step) in [
        (&login, "login"),
        (&tasks, "tasks"),
        (&accounts, "accounts"),
        (&confirm, "confirm"),
    ] {
        assert_eq!(step_of(page), step);
        assert_eq!(language(page), "en", "{step}");
    }
    // The accounts keep the bank's names; what is said of them is English.
    assert_eq!(account_rows(&confirm).len(), 4);
    assert!(
        confirm
            .text("#failures")
            .unwrap()
            .contains("The inquiry PIN was not correct.")
    );
    // What is wrong with a form is said in English too.
    let empty = send(
        &browser,
        &tasks_form(&open_step(&browser, &confirm, "tasks").await, &[]),
    )
    .await;
    assert_eq!(empty.status, 422);
    assert!(
        empty
            .text("#problems")
            .unwrap()
            .contains("Select at least one task.")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_partners_wish_comes_before_the_browsers() {
    let bench = Bench::new().await;
    for (browser, wish, expected) in [
        (browser(), "fr en-GB ja", "en"),
        (browser().in_english(), "ja", "ja"),
        (browser().in_english(), "de fr", "en"),
        (browser(), "de fr", "ja"),
    ] {
        let request = ParRequest::for_both_tasks().set("ui_locales", wish);
        let (login, _) = bench.begin_with(&browser, 0, request).await;
        assert_eq!(language(&login), expected, "{wish}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_customers_choice_comes_first_and_is_remembered_by_its_tag_alone() {
    let bench = Bench::new().await;
    let browser = browser();
    let request = || ParRequest::for_both_tasks().set("ui_locales", "ja");
    let (login, _) = bench.begin_with(&browser, 0, request()).await;
    assert_eq!(language(&login), "ja");

    let hop = browser.click(&login, "a#language-en").await.unwrap();
    let cookie = hop.header("set-cookie").unwrap();
    assert!(cookie.starts_with("renkei-locale=en;"), "{cookie}");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert_eq!(location(&hop), login.url.path());
    assert_eq!(language(&browser.follow(&hop).await.unwrap()), "en");

    // In the next journey as well, until another choice.
    let (login, _) = bench.begin_with(&browser, 1, request()).await;
    assert_eq!(language(&login), "en");
    assert_eq!(language(&switch(&browser, &login, "ja").await), "ja");
    // What is no language of ours is no choice.
    browser.plant_cookie(&bench.origin, "renkei-locale=xx; Path=/");
    assert_eq!(language(&open_step(&browser, &login, "login").await), "ja");
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_keeps_the_step_with_its_choices_and_writes_nothing() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let tasks = send_on(&browser, &login_form(&login)).await;
    let tasks = switch(&browser, &tasks, "en").await;
    assert_eq!(
        (step_of(&tasks), language(&tasks)),
        ("tasks".to_owned(), "en".to_owned())
    );
    assert_eq!(
        tasks.text("#access").as_deref(),
        Some("Balance inquiry, Transaction inquiry")
    );
    let accounts = send_on(&browser, &tasks_form(&tasks, &[Task::Balance])).await;
    assert_eq!(accounts.text("#access").as_deref(), Some("Balance inquiry"));
    let choice = [ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let confirm = send_on(&browser, &accounts_form(&accounts, &choice)).await;

    let (before, rows) = (facts(&bench).await, account_rows(&confirm));
    let japanese = switch(&browser, &confirm, "ja").await;
    assert_eq!(
        (step_of(&japanese), language(&japanese)),
        ("confirm".to_owned(), "ja".to_owned())
    );
    assert_eq!(japanese.text("#access").as_deref(), Some("残高照会"));
    assert_eq!(account_rows(&japanese).len(), rows.len());
    assert_eq!(facts(&bench).await, before);
    // The page of the other language still serves.
    let authorize = send_on(&browser, &crate::journey_customer::confirm_form(&confirm)).await;
    assert_eq!(step_of(&authorize), "authorize");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_keeps_its_message_in_the_other_language() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let mut wrong = login_form(&login);
    wrong.set("password", "Rokin9999");
    let rejected = send_on(&browser, &wrong).await;
    let english = switch(&browser, &rejected, "en").await;
    let said = english.text("#problems").unwrap();
    assert!(
        said.contains("The login ID or the password is not correct."),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_leads_to_pages_of_ours_only() {
    let bench = Bench::new().await;
    let browser = browser();
    let to = |path: &str| bench.origin.join(path).expect("an address");
    for page in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "%00",
        "",
        "/x?y=z",
    ] {
        let mut url: Url = to("/language/en");
        url.query_pairs_mut().append_pair("page", page);
        let hop = browser.get(&url).await.unwrap();
        assert_eq!(location(&hop), "/", "{page}");
    }
    let hop = browser.get(to("/language/en")).await.unwrap();
    assert_eq!(location(&hop), "/");
    for unknown in ["/language/fr", "/language/EN", "/language/"] {
        assert_error(&browser.get(to(unknown)).await.unwrap(), 404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn error_pages_before_any_journey_are_in_the_visitors_language_too() {
    let bench = Bench::new().await;
    let english = browser().in_english();
    let unknown = uuid::Uuid::nil();
    for (path, status, code, title) in [
        ("/nothing".to_owned(), 404, "not_found", "Page not found"),
        (
            format!("/{BANK}/journeys/{unknown}/login"),
            404,
            "journey_not_found",
            "The procedure was not found",
        ),
        (
            format!("/{BANK}/authorize"),
            400,
            "invalid_request",
            "The procedure cannot be started",
        ),
        (
            format!("/{BANK}/journeys/{unknown}/cancel"),
            405,
            "not_found",
            "Page not found",
        ),
    ] {
        let page = english
            .get(bench.origin.join(&path).unwrap())
            .await
            .unwrap();
        assert_error(&page, status, code);
        assert_eq!(
            (language(&page).as_str(), page.title().as_deref()),
            ("en", Some(title))
        );
        // And in the other one at a click, without losing the page.
        let japanese = switch(&english, &page, "ja").await;
        assert_eq!(language(&japanese), "ja");
        if status != 405 {
            assert_eq!(japanese.error_code().as_deref(), Some(code), "{path}");
        }
        english.forget_cookies();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_found_is_refused_in_the_language_that_the_partner_asked_for() {
    let bench = Bench::new().await;
    let request = ParRequest::for_both_tasks().set("ui_locales", "en");
    let first = browser();
    let (login, pushed) = bench.begin_with(&first, 0, request).await;
    send_on(&first, &login_form(&login)).await;

    let second = browser();
    let url = bench.client(0).authorization_url(&pushed);
    let page = second.get(&url).await.unwrap();
    assert_error(&page, 410, "request_expired");
    assert_eq!(language(&page), "en");
    let japanese = switch(&second, &page, "ja").await;
    assert_error(&japanese, 410, "request_expired");
    assert_eq!(language(&japanese), "ja");
}
