//! What the tests of guesses look at: the counters of the service and of the bank, and a form sent
//! without following where its answer leads.

use std::time::Duration;

use demo::agent::{
    browser::{Browser, Form, Page},
    partner::{ParRequest, PartnerClient},
    walk::fill_accounts,
};
use futures_util::{StreamExt as _, stream};
use url::Url;

use crate::{
    bench::{BANK, Bench, FIRST, browser, ticked},
    journey_customer::PIN_SCOPE,
};

/// A counter of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Counter {
    pub wrong: i32,
    pub open: i32,
    pub locked: bool,
}

pub const NOTHING: Counter = Counter {
    wrong: 0,
    open: 0,
    locked: false,
};

/// The counters of a kind, `login` or `pin`.
pub async fn counters(bench: &Bench, kind: &str) -> Vec<Counter> {
    sqlx::query_as(
        "SELECT wrong, open, coalesce(locked_until > now(), false) AS locked
         FROM guess_counters WHERE kind = $1 ORDER BY touched_at",
    )
    .bind(kind)
    .fetch_all(&bench.pool)
    .await
    .unwrap()
}

/// The one PIN counter that there is.
pub async fn pin_counter(bench: &Bench) -> Counter {
    let counters = counters(bench, "pin").await;
    assert_eq!(counters.len(), 1, "{counters:?}");
    counters[0]
}

/// The verdicts of all guesses of a kind, sorted.
pub async fn verdicts(bench: &Bench, kind: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT verdict FROM guesses WHERE kind = $1 ORDER BY verdict")
        .bind(kind)
        .fetch_all(&bench.pool)
        .await
        .unwrap()
}

/// Makes every open guess older than the sweeper waits.
pub async fn let_guesses_age(bench: &Bench) {
    sqlx::query("UPDATE guesses SET reserved_at = reserved_at - interval '31 seconds'")
        .execute(&bench.pool)
        .await
        .unwrap();
}

/// What the bank counted for dantai01's PIN.
pub fn bank_pin_guesses(bench: &Bench) -> u64 {
    bench.bank.pin_guesses(BANK, PIN_SCOPE)
}

/// The attempts under which the bank was asked for a PIN, each as often as it was asked.
pub fn asked_attempts(bench: &Bench) -> Vec<String> {
    bench
        .bank
        .pin_requests()
        .into_iter()
        .map(|request| request.attempt_id)
        .collect()
}

/// The filled form of step 4: the first account, with that PIN.
pub fn pin_form(accounts: &Page, pin: &str) -> Form {
    fill_accounts(accounts, &[ticked(FIRST, pin)]).unwrap().0
}

/// The filled form of step 2.
pub fn login_form(login: &Page, login_id: &str, password: &str) -> Form {
    let mut form = login.form("form#login-form").unwrap();
    form.set("login_id", login_id).set("password", password);
    form
}

/// Sends a form to that replica; the answer is not followed.
pub async fn send(
    bench: &Bench,
    browser: &Browser,
    page: &Page,
    form: &Form,
    replica: usize,
) -> Page {
    let url = bench.at_replica(form.action(), replica);
    browser.post(Some(page), url, &form.fields()).await.unwrap()
}

/// The message that an answer's redirect carries.
pub fn message(answer: &Page) -> String {
    let location = answer
        .location()
        .unwrap_or_else(|| panic!("{}", answer.status));
    let message = location.query_pairs().find(|(name, _)| name == "m");
    message
        .map(|(_, message)| message.into_owned())
        .unwrap_or_default()
}

/// Waits until something holds: asked every few milliseconds, for a minute at most, which is plenty on a
/// busy machine too.
pub async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .expect("it holds in the end");
}

/// So many journeys, each in a browser of its own, at the login page.
pub async fn login_pages(bench: &Bench, journeys: usize) -> Vec<(Browser, Page)> {
    let client = bench.client(0);
    let network = browser();
    stream::iter(0..journeys)
        .map(|_| {
            // One pool of connections, but a jar for each.
            let browser = network.fork();
            let client = client.clone();
            async move {
                // A connection that was idle may be closed just when it is used again: once more then.
                let login = match begin(&client, &browser, &bench.origin).await {
                    Ok(login) => login,
                    Err(_) => begin(&client, &browser, &bench.origin).await.unwrap(),
                };
                (browser, login)
            }
        })
        .buffer_unordered(16)
        .collect()
        .await
}

async fn begin(
    client: &PartnerClient,
    browser: &Browser,
    origin: &Url,
) -> Result<Page, Box<dyn std::error::Error>> {
    let pushed = client.push(&ParRequest::for_both_tasks()).await?;
    let page = browser.get(client.authorization_url(&pushed)).await?;
    Ok(browser.follow_to_end(page, origin).await?)
}
