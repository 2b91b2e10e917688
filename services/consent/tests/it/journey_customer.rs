//! What a customer does on the pages, one form at a time, so that a test may send a form twice, late,
//! at another replica or after a crash; and what can be seen of it afterwards.

use std::collections::BTreeMap;

use consent::journey::{LiveLinkage, live_linkages};
use consent_domain::{AccountId, BankCode, ContractId};
use demo::agent::{
    browser::{Browser, Form, Page},
    partner::ReturnError,
    walk::{Credentials, RowChoice, Task, fill_accounts, return_address},
};
use serde_json::Value;

use crate::bench::{BANK, Bench, dantai01};

/// dantai01's contract, its one PIN scope, and its accounts, as the bank knows them.
pub const CONTRACT: &str = "c-7f3a91d2";
pub const PIN_SCOPE: &str = "p-5be20c47";
pub const FIRST_ID: &str = "a-1c84e6f0";
pub const SECOND_ID: &str = "a-93d05b7e";
pub const THIRD_ID: &str = "a-48f7a2c9";
pub const FOURTH_ID: &str = "a-e05d3716";

/// A general user of the same contract, who sees the first and the fourth account.
pub fn dantai01b() -> Credentials {
    Credentials {
        login_id: "dantai01b".to_owned(),
        password: "Rokin2029".to_owned(),
    }
}

// --- Forms, filled and ready to be sent ---

pub fn login_form(page: &Page) -> Form {
    login_form_of(page, &dantai01())
}

pub fn login_form_of(page: &Page, who: &Credentials) -> Form {
    let mut form = form(page, "form#login-form");
    form.set("login_id", &who.login_id)
        .set("password", &who.password);
    form
}

pub fn tasks_form(page: &Page, tasks: &[Task]) -> Form {
    let mut form = form(page, "form#tasks-form");
    for task in Task::ALL {
        if tasks.contains(&task) {
            form.check("task", task.name());
        } else {
            form.uncheck("task", task.name());
        }
    }
    form
}

pub fn accounts_form(page: &Page, rows: &[RowChoice]) -> Form {
    fill_accounts(page, rows).expect("the form of step 4").0
}

pub fn confirm_form(page: &Page) -> Form {
    form(page, "form#confirm-form")
}

/// With 「API連携を許可する。」 ticked.
pub fn authorize_form(page: &Page) -> Form {
    let mut form = form(page, "form#authorize-form");
    form.check("agree", "yes");
    form
}

pub fn cancel_form(page: &Page) -> Form {
    form(page, "form#cancel-form")
}

pub fn decline_form(page: &Page) -> Form {
    form(page, "form#decline-form")
}

fn form(page: &Page, css: &str) -> Form {
    page.form(css)
        .unwrap_or_else(|_| panic!("no {css}: {} {}", page.status, page.excerpt(300)))
}

// --- Sending ---

/// Sends a form; a redirect is not followed.
pub async fn send(browser: &Browser, form: &Form) -> Page {
    form.submit(browser).await.expect("an answer")
}

/// Sends a form and follows its redirects.
pub async fn send_on(browser: &Browser, form: &Form) -> Page {
    form.submit_and_follow(browser).await.expect("an answer")
}

/// Sends a form of a page to a replica, whichever the page came from; a redirect is not followed.
pub async fn send_to(
    bench: &Bench,
    browser: &Browser,
    page: &Page,
    form: &Form,
    replica: usize,
) -> Page {
    let url = bench.at_replica(form.action(), replica);
    browser
        .post(Some(page), url, &form.fields())
        .await
        .expect("an answer")
}

/// A double click against two replicas: both answers.
pub async fn double_click(
    bench: &Bench,
    browser: &Browser,
    page: &Page,
    form: &Form,
) -> (Page, Page) {
    tokio::join!(
        send_to(bench, browser, page, form, 0),
        send_to(bench, browser, page, form, 1)
    )
}

/// A step's page, as if its address were typed: the journey is that of `page`.
pub async fn open_step(browser: &Browser, page: &Page, step: &str) -> Page {
    let url = page.url.join(step).expect("an address");
    let answer = browser.get(&url).await.expect("an answer");
    browser.follow_to_end(answer, &url).await.expect("a page")
}

// --- Looking at pages ---

/// Where a redirect leads, as it stands in its header.
pub fn location(page: &Page) -> &str {
    assert_eq!(page.status, 303, "{}", page.excerpt(300));
    page.header("location").expect("a location")
}

/// The last part of the page's path: the step.
pub fn step_of(page: &Page) -> String {
    assert_eq!(page.status, 200, "{} {}", page.url, page.excerpt(300));
    page.url
        .path_segments()
        .and_then(Iterator::last)
        .unwrap_or_default()
        .to_owned()
}

/// What the page says first.
pub fn notice(page: &Page) -> String {
    page.text(".notice").unwrap_or_default()
}

/// The accounts marked as changed in step 5.
pub fn marked(page: &Page) -> Vec<String> {
    ["a-1c84e6f0", "a-93d05b7e", "a-48f7a2c9", "a-e05d3716"]
        .into_iter()
        .filter(|id| page.has(&format!("tr.changed[data-account=\"{id}\"]")))
        .map(str::to_owned)
        .collect()
}

/// 登録状況 by account, in the page's order.
pub fn statuses(page: &Page) -> Vec<String> {
    page.table("table#accounts")
        .into_iter()
        .filter_map(|row| row.first().cloned())
        .collect()
}

/// Asserts that an error page of the service with this code and status is shown.
pub fn assert_error(page: &Page, status: u16, code: &str) {
    let seen = (page.status, page.error_code());
    assert_eq!(
        seen,
        (status, Some(code.to_owned())),
        "{} {}",
        page.url,
        page.excerpt(300)
    );
    assert!(page.header("location").is_none() && page.refresh().is_none());
}

/// The error that an end page takes to the partner, whose state and issuer are checked.
pub fn partner_error(bench: &Bench, end: &Page, state: &str) -> String {
    let url = return_address(end).expect("the way back");
    error_in(bench, &url, state)
}

/// The error in an address of the partner, whose state and issuer are checked.
pub fn error_in(bench: &Bench, url: &url::Url, state: &str) -> String {
    match bench.client(0).parse_return(url) {
        Err(ReturnError::Refused {
            error,
            state: Some(returned),
            ..
        }) => {
            assert_eq!(returned, state);
            error
        }
        other => panic!("{other:?}"),
    }
}

// --- Looking at the event store and the bank ---

/// How many events there are of each type.
pub async fn facts(bench: &Bench) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT event_type, count(*) FROM events GROUP BY event_type")
            .fetch_all(&bench.pool)
            .await
            .expect("counts");
    rows.into_iter().collect()
}

/// What came up between two counts.
pub fn new_facts(
    before: &BTreeMap<String, i64>,
    after: &BTreeMap<String, i64>,
) -> Vec<(String, i64)> {
    after
        .iter()
        .map(|(name, count)| (name.clone(), count - before.get(name).copied().unwrap_or(0)))
        .filter(|(_, more)| *more != 0)
        .collect()
}

/// `[("TasksSelected", 1)]` and the like, for comparing with [`new_facts`].
pub fn only(facts: &[&str]) -> Vec<(String, i64)> {
    let mut counts = BTreeMap::<String, i64>::new();
    for fact in facts {
        *counts.entry((*fact).to_owned()).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// What the one event of that type says.
pub async fn fact(bench: &Bench, event_type: &str) -> Value {
    let payloads: Vec<Value> =
        sqlx::query_scalar("SELECT payload FROM events WHERE event_type = $1")
            .bind(event_type)
            .fetch_all(&bench.pool)
            .await
            .expect("payloads");
    assert_eq!(payloads.len(), 1, "{event_type}");
    payloads[0][event_type].clone()
}

/// The live linkages of dantai01's contract.
pub async fn linkages(bench: &Bench) -> Vec<LiveLinkage> {
    let bank = BankCode::parse(BANK).expect("a bank");
    let contract = ContractId::parse(CONTRACT).expect("a contract");
    live_linkages(&bench.pool, &bank, &contract)
        .await
        .expect("linkages")
}

/// The accounts of the contract's one linkage.
pub async fn linked_accounts(bench: &Bench) -> Vec<String> {
    let linkages = linkages(bench).await;
    assert_eq!(linkages.len(), 1);
    linkages[0]
        .scope
        .accounts()
        .iter()
        .map(AccountId::to_string)
        .collect()
}

pub fn login_attempts(bench: &Bench) -> u64 {
    bench.bank.login_attempts(BANK, "dantai01")
}

pub fn pin_guesses(bench: &Bench) -> u64 {
    bench.bank.pin_guesses(BANK, PIN_SCOPE)
}
