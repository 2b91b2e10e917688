//! However many guesses run side by side, on however many replicas: never more than the limit reach
//! the bank.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use demo::agent::{
    browser::{Browser, Page},
    walk::{Task, choose_tasks, log_in},
};
use futures_util::{StreamExt as _, future::join_all, stream};
use sandbox_bank::Rpc;

use crate::{
    bench::{BANK, Bench, Options, PIN, browser, dantai01},
    guesses_counter::{
        Counter, asked_attempts, bank_pin_guesses, counters, login_form, login_pages, message,
        pin_counter, pin_form, send, until,
    },
};

const STORM: usize = 200;
const LIMIT: usize = 5;

/// Two replicas; the bank's own locks far away.
async fn two_replicas(bank_settings: &'static str) -> Bench {
    // Patient, so that no verdict gets lost however busy the machine is.
    let options = Options {
        replicas: 2,
        bank_settings,
        bank_deadline_milliseconds: 60_000,
        database_connections: 12,
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    bench.bank.set_pin_limit(1_000_000);
    bench.bank.set_login_limit(1_000_000);
    bench
}

/// A PIN for each, none of them right.
fn wrong_pin(number: usize) -> String {
    format!("{number:04}")
}

async fn assert_exactly_the_limit_reached_the_bank(bench: &Bench) {
    assert_eq!(bank_pin_guesses(bench), LIMIT as u64);
    let asked = asked_attempts(bench);
    assert_eq!(asked.len(), LIMIT, "{asked:?}");
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), LIMIT);
    assert_eq!(
        pin_counter(bench).await,
        Counter {
            wrong: 5,
            open: 0,
            locked: true
        }
    );
    assert_eq!(bench.events("PinLocked").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_wrong_pins_in_200_journeys_of_one_contract_the_bank_counts_exactly_the_limit() {
    let bench = two_replicas("login_limit = 1000").await;
    let journeys = at_accounts(&bench).await;

    let storm = journeys
        .iter()
        .enumerate()
        .map(|(number, (browser, accounts))| {
            let form = pin_form(accounts, &wrong_pin(number));
            let bench = &bench;
            async move { send(bench, browser, accounts, &form, number % 2).await }
        });
    for answer in join_all(storm).await {
        assert_eq!(answer.status, 303);
        assert!(answer.location().unwrap().path().ends_with("/confirm"));
    }
    assert_exactly_the_limit_reached_the_bank(&bench).await;
    let rejected: Vec<(String, i64)> = sqlx::query_as(
        "SELECT payload #>> '{AccountRegistrationRejected,reason}', count(*) FROM events
         WHERE event_type = 'AccountRegistrationRejected' GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    let rejected: BTreeMap<String, i64> = rejected.into_iter().collect();
    assert_eq!(rejected.get("pin_mismatch"), Some(&5), "{rejected:?}");
    assert_eq!(
        rejected.values().sum::<i64>(),
        200,
        "each customer is told: {rejected:?}"
    );

    // Neither another replica nor the right PIN gets any further.
    let third = bench
        .start_replica(std::net::TcpListener::bind("127.0.0.1:0").unwrap())
        .await;
    let (browser, accounts) = &journeys[0];
    let mut url = accounts.url.clone();
    url.set_port(Some(third.public.port())).unwrap();
    let page = browser.get(url).await.unwrap();
    let answer = pin_form(&page, PIN)
        .submit_and_follow(browser)
        .await
        .unwrap();
    assert!(answer.excerpt(10_000).contains("ロックされています"));
    assert_exactly_the_limit_reached_the_bank(&bench).await;
    third.abort().await;
}

/// So many journeys of dantai01 at step 4.
async fn at_accounts(bench: &Bench) -> Vec<(Browser, Page)> {
    let pages = login_pages(bench, STORM).await;
    stream::iter(pages)
        .map(|(browser, login)| async move {
            let tasks = log_in(&browser, &login, &dantai01()).await.unwrap();
            let accounts = choose_tasks(&browser, &tasks, &Task::ALL).await.unwrap();
            (browser, accounts)
        })
        .buffer_unordered(16)
        .collect()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_wrong_pins_on_200_pages_of_one_journey_the_bank_counts_exactly_the_limit() {
    let bench = two_replicas("").await;
    let browser = browser();
    let (first, _) = bench.to_accounts(&browser, 0).await;
    // Each page has a form key of its own, all of the same revision.
    let pages: Vec<Page> = stream::iter(0..STORM)
        .map(|number| {
            let url = bench.at_replica(&first.url, number % 2);
            let browser = browser.clone();
            async move { browser.get(url).await.unwrap() }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    let keys: BTreeSet<String> = pages
        .iter()
        .map(|page| pin_form(page, "0000").value("form_key").unwrap())
        .collect();
    assert_eq!(keys.len(), STORM);

    // The first outcome moves the revision, and later PINs reach nobody; so none comes for a while.
    bench
        .bank
        .set_delay(Rpc::VerifyInquiryPin, Duration::from_millis(500));
    let storm = pages.iter().enumerate().map(|(number, page)| {
        let form = pin_form(page, &wrong_pin(number));
        let (bench, browser) = (&bench, &browser);
        async move { send(bench, browser, page, &form, number % 2).await }
    });
    for answer in join_all(storm).await {
        assert_eq!(answer.status, 303);
    }
    assert_exactly_the_limit_reached_the_bank(&bench).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_200_wrong_logins_in_200_browsers_the_bank_counts_exactly_the_limit_known_or_not() {
    let bench = two_replicas("").await;
    let journeys = login_pages(&bench, STORM).await;
    let mut told = Vec::new();
    for login_id in ["dantai01", "nobody99"] {
        let messages = storm_of_logins(&bench, &journeys, login_id).await;
        assert_eq!(
            bench.bank.login_attempts(BANK, login_id),
            LIMIT as u64,
            "{login_id}"
        );
        assert_eq!(
            messages.get("rejected"),
            Some(&(LIMIT - 1)),
            "{login_id}: {messages:?}"
        );
        told.push(messages.into_keys().collect::<BTreeSet<_>>());
    }
    let possible = BTreeSet::from(["locked", "rejected", "unavailable"].map(str::to_owned));
    assert!(
        told.iter().all(|told| told.is_subset(&possible)),
        "{told:?}"
    );
    let locked = Counter {
        wrong: 5,
        open: 0,
        locked: true,
    };
    assert_eq!(counters(&bench, "login").await, [locked, locked]);
    // The lock of a known user is a fact, once; it is recorded beside the answer.
    until(async || bench.events("LoginLocked").await == 1).await;

    // The right password does not reach the bank now, whichever journey it is typed in.
    let (browser, login) = &journeys[0];
    let page = browser.get(&login.url).await.unwrap();
    let form = login_form(&page, "dantai01", "Rokin2026");
    assert_eq!(
        message(&send(&bench, browser, &page, &form, 1).await),
        "locked"
    );
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), LIMIT as u64);
}

/// Every journey types a wrong password at once; gives how often each message was the answer.
async fn storm_of_logins(
    bench: &Bench,
    journeys: &[(Browser, Page)],
    login_id: &str,
) -> BTreeMap<String, usize> {
    let pages: Vec<(&Browser, Page)> = stream::iter(journeys)
        .map(|(browser, login)| async move { (browser, browser.get(&login.url).await.unwrap()) })
        .buffer_unordered(16)
        .collect()
        .await;
    let storm = pages.iter().enumerate().map(|(number, (browser, page))| {
        let form = login_form(page, login_id, &format!("Wrong{number:04}"));
        async move { send(bench, browser, page, &form, number % 2).await }
    });
    let mut messages = BTreeMap::new();
    for answer in join_all(storm).await {
        *messages.entry(message(&answer)).or_default() += 1;
    }
    messages
}
