//! Locks: what the customer reads, what becomes a fact, and what ends them.

use consent::{partners::register_bank, pin_unlock::unlock_pin, sweeper};
use consent_domain::{BankCode, ContractId, PinScopeId};
use demo::agent::{
    browser::{Browser, Page},
    walk::{choose_accounts, log_in},
};
use sqlx::types::Uuid;

use crate::{
    bench::{
        BANK, Bench, FIRST, Options, PIN, SECOND, THIRD, WRONG_PIN, browser, dantai01, ticked,
    },
    guesses_counter::{
        Counter, NOTHING, bank_pin_guesses, counters, login_form, message, pin_counter, pin_form,
        until, verdicts,
    },
    journey_customer::{CONTRACT, PIN_SCOPE},
};

/// Types a PIN on a fresh page of step 4; gives step 5.
async fn try_pin(browser: &Browser, accounts: &Page, pin: &str) -> Page {
    let page = browser.get(&accounts.url).await.unwrap();
    pin_form(&page, pin)
        .submit_and_follow(browser)
        .await
        .unwrap()
}

/// What step 5 says, beside the table and in it.
fn said(confirm: &Page) -> String {
    confirm.excerpt(10_000)
}

fn assert_registered(confirm: &Page) {
    assert_eq!(confirm.table("table#accounts")[0][0], "登録済み*");
}

async fn unlock(bench: &Bench) {
    let bus = &bench.replicas[0].app.bus;
    let (bank, contract) = (
        BankCode::parse(BANK).unwrap(),
        ContractId::parse(CONTRACT).unwrap(),
    );
    unlock_pin(
        bus,
        &bank,
        &contract,
        &PinScopeId::parse(PIN_SCOPE).unwrap(),
        "tester",
    )
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_locks_at_the_limit_and_opens_when_an_operator_resets_it() {
    let bench = Bench::with(Options {
        bank_settings: "pin_limit = 2",
        ..Options::default()
    })
    .await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;

    assert!(said(&try_pin(&browser, &accounts, WRONG_PIN).await).contains("一致しませんでした"));
    assert_eq!(bench.events("PinLocked").await, 0);
    assert!(said(&try_pin(&browser, &accounts, WRONG_PIN).await).contains("一致しませんでした"));
    assert_eq!(
        pin_counter(&bench).await,
        Counter {
            wrong: 2,
            open: 0,
            locked: true
        }
    );
    // Neither a wrong PIN nor the right one reaches the bank now.
    for pin in [WRONG_PIN, PIN] {
        let confirm = try_pin(&browser, &accounts, pin).await;
        assert!(
            said(&confirm).contains("ロックされています"),
            "{}",
            said(&confirm)
        );
    }
    assert_eq!(bank_pin_guesses(&bench), 2);

    // One fact, which names the guess that led to it.
    let causes: Vec<Option<Uuid>> =
        sqlx::query_scalar("SELECT causation_id FROM events WHERE event_type = 'PinLocked'")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    let last: Uuid =
        sqlx::query_scalar("SELECT attempt_id FROM guesses ORDER BY settled_at DESC LIMIT 1")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    // The login's guess was settled before.
    assert_eq!(causes, [Some(last)]);

    unlock(&bench).await;
    assert_eq!(bench.events("PinUnlocked").await, 1);
    assert_eq!(pin_counter(&bench).await, NOTHING);
    assert_registered(&try_pin(&browser, &accounts, PIN).await);
    // It is not locked, so a second reset changes nothing.
    unlock(&bench).await;
    assert_eq!(bench.events("PinUnlocked").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_pin_does_not_lock_the_login() {
    let bench = Bench::with(Options {
        bank_settings: "pin_limit = 1",
        ..Options::default()
    })
    .await;
    let first = browser();
    let (accounts, _) = bench.to_accounts(&first, 0).await;
    try_pin(&first, &accounts, WRONG_PIN).await;
    assert!(pin_counter(&bench).await.locked);

    let (accounts, _) = bench.to_accounts(&browser(), 0).await;
    assert!(accounts.has("table#accounts"));
    assert_eq!(counters(&bench, "login").await, [NOTHING]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_clears_the_counter() {
    let bench = Bench::with(Options {
        bank_settings: "pin_limit = 3",
        ..Options::default()
    })
    .await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    for _ in 0..2 {
        for pin in [WRONG_PIN, "1111", PIN] {
            try_pin(&browser, &accounts, pin).await;
        }
        assert_eq!(pin_counter(&bench).await, NOTHING);
    }
    assert_eq!(bank_pin_guesses(&bench), 6);
    assert_eq!(bench.events("PinLocked").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_pins_of_one_scope_in_one_form_are_one_guess() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let rows = [
        ticked(FIRST, WRONG_PIN),
        ticked(SECOND, WRONG_PIN),
        ticked(THIRD, "1111"),
    ];
    choose_accounts(&browser, &accounts, &rows).await.unwrap();
    assert_eq!(bank_pin_guesses(&bench), 2);
    assert_eq!(
        pin_counter(&bench).await,
        Counter {
            wrong: 2,
            open: 0,
            locked: false
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_form_with_many_pins_stops_at_the_limit() {
    let bench = Bench::with(Options {
        bank_settings: "pin_limit = 2",
        ..Options::default()
    })
    .await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let rows = [
        ticked(FIRST, "0001"),
        ticked(SECOND, "0002"),
        ticked(THIRD, PIN),
    ];
    choose_accounts(&browser, &accounts, &rows).await.unwrap();
    assert_eq!(bank_pin_guesses(&bench), 2);
    assert_eq!(bench.events("AccountsRegistered").await, 0);
    assert_eq!(bench.events("PinLocked").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_locks_at_the_limit_and_opens_by_itself() {
    let settings = "login_limit = 2\n login_lock_seconds = 60";
    let bench = Bench::with(Options {
        bank_settings: settings,
        ..Options::default()
    })
    .await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let mut messages = Vec::new();
    for password in ["Wrong0001", "Wrong0002", "Rokin2026"] {
        let page = browser.get(&login.url).await.unwrap();
        let answer = login_form(&page, "dantai01", password)
            .submit(&browser)
            .await
            .unwrap();
        messages.push(message(&answer));
    }
    assert_eq!(messages, ["rejected", "locked", "locked"]);
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), 2);
    let page = browser
        .get(format!("{}?m=locked", login.url))
        .await
        .unwrap();
    assert!(
        page.excerpt(2000)
            .contains("約1分後に、もう一度お試しください"),
        "{}",
        page.excerpt(600)
    );

    // What is tried while it is locked does not count.
    let page = browser.get(&login.url).await.unwrap();
    assert!(log_in(&browser, &page, &dantai01()).await.is_err());
    let over = "UPDATE guess_counters SET locked_until = now() WHERE kind = 'login'";
    sqlx::query(over).execute(&bench.pool).await.unwrap();
    let page = browser.get(&login.url).await.unwrap();
    assert!(log_in(&browser, &page, &dantai01()).await.is_ok());
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), 3);
    assert_eq!(counters(&bench, "login").await, [NOTHING]);
    assert_eq!(
        verdicts(&bench, "login").await,
        ["match", "mismatch", "mismatch"]
    );
    assert_eq!(bench.events("LoginLocked").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_lock_of_a_login_is_a_fact_of_its_own() {
    let settings = "login_limit = 1\n login_lock_seconds = 1";
    let bench = Bench::with(Options {
        bank_settings: settings,
        ..Options::default()
    })
    .await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    until(async || {
        let page = browser.get(&login.url).await.unwrap();
        let answer = login_form(&page, "dantai01", "Wrong0001")
            .submit(&browser)
            .await
            .unwrap();
        // In the instant in which a lock ends it may be neither locked nor open.
        assert!(["locked", "unavailable"].contains(&message(&answer).as_str()));
        bench.events("LoginLocked").await == 2
    })
    .await;
    let stays: bool = sqlx::query_scalar(
        "SELECT bool_and((payload #>> '{LoginLocked,until}')::timestamptz > recorded_at)
         FROM events WHERE event_type = 'LoginLocked'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert!(stays);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_a_bank_lowers_below_what_is_counted_locks() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    for pin in ["0001", "0002", "0003"] {
        try_pin(&browser, &accounts, pin).await;
    }
    lower_the_pin_limit(&bench).await;
    let confirm = try_pin(&browser, &accounts, PIN).await;
    assert!(
        said(&confirm).contains("ロックされています"),
        "{}",
        said(&confirm)
    );
    assert_eq!(bank_pin_guesses(&bench), 3);
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    assert_eq!(bench.events("PinLocked").await, 1);
    unlock(&bench).await;
    assert_registered(&try_pin(&browser, &accounts, PIN).await);
}

async fn lower_the_pin_limit(bench: &Bench) {
    let record = format!(
        "code = \"{BANK}\"
         name = \"中央労働金庫\"
         display_name = \"中央労働金庫（法人）\"
         phone = \"0120-000-000\"
         hours = \"平日 9:00〜17:00\"
         [settings]
         pin_limit = 2"
    );
    let bus = &bench.replicas[0].app.bus;
    register_bank(bus, toml::from_str(&record).unwrap(), "tests")
        .await
        .unwrap();
}
