//! A request for a linkage that there is, where the bank does not ask for the PINs of what stays.

use demo::agent::{
    browser::{Browser, Page},
    walk::{
        Mark, RowChoice, Task, allow, check_registration, choose_accounts, choose_tasks, log_in,
        return_address,
    },
};

use crate::{
    bench::{BANK, Bench, FIRST, FOURTH, Options, PIN, SECOND, browser, dantai01, ticked},
    journey_customer::{FIRST_ID, accounts_form, linkages, linked_accounts, pin_guesses, send},
};

async fn with(bank_settings: &'static str) -> Bench {
    Bench::with(Options {
        bank_settings,
        ..Options::default()
    })
    .await
}

fn without_pin(account: &str) -> RowChoice {
    RowChoice {
        account: account.to_owned(),
        mark: Mark::Tick,
        pin: None,
    }
}

/// A journey with these rows, from step 4 on; gives the pages of steps 5 and 6, and the grant.
async fn linked(bench: &Bench, rows: &[RowChoice]) -> (Page, Page, Option<String>) {
    let browser = browser();
    let (accounts, pushed) = bench.to_accounts(&browser, 0).await;
    let confirm = choose_accounts(&browser, &accounts, rows)
        .await
        .expect("step 5");
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    let end = allow(&browser, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    let tokens = bench.client(0).complete(&returned, &pushed).await;
    (confirm, authorize, tokens.expect("tokens").grant_id)
}

/// The status of step 4's form with these rows, for these tasks.
async fn answer(bench: &Bench, browser: &Browser, tasks: &[Task], rows: &[RowChoice]) -> u16 {
    let (login, _) = bench.begin(browser, 0).await;
    let page = log_in(browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(browser, &page, tasks).await.expect("step 4");
    send(browser, &accounts_form(&accounts, rows)).await.status
}

const NOT_ASKED: &str = "linkage_rules = { pins_of_kept_accounts = \"not_asked\" }";

#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_enough_where_nothing_gets_wider() {
    let bench = with(NOT_ASKED).await;
    let (_, _, first) = linked(&bench, &[ticked(FIRST, PIN), ticked(FOURTH, PIN)]).await;
    let (before, until) = (pin_guesses(&bench), linkages(&bench).await[0].valid_until);
    let (confirm, _, again) = linked(&bench, &[without_pin(FIRST), without_pin(FOURTH)]).await;
    assert_eq!(again, first, "the same grant");
    assert_eq!(pin_guesses(&bench), before, "no PIN reached the bank");
    assert!(linkages(&bench).await[0].valid_until >= until);
    assert!(!confirm.html.contains("●●●●"), "no PIN is shown as typed");
    let without: i64 = sqlx::query_scalar(
        "SELECT json_array_length(payload #> '{AccountsRegistered,without_pin}')::bigint
         FROM events WHERE event_type = 'AccountsRegistered'
         ORDER BY recorded_at DESC LIMIT 1",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(without, 2, "the fact says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_needs_its_pin_and_so_does_all_where_the_bank_asks() {
    let bench = with(NOT_ASKED).await;
    linked(&bench, &[ticked(FIRST, PIN)]).await;
    let rows = [without_pin(FIRST), without_pin(SECOND)];
    assert_eq!(answer(&bench, &browser(), &Task::ALL, &rows).await, 422);
    linked(&bench, &[without_pin(FIRST), ticked(SECOND, PIN)]).await;
    assert_eq!(linked_accounts(&bench).await.len(), 2);

    let bench = with("").await;
    linked(&bench, &[ticked(FIRST, PIN)]).await;
    let rows = [without_pin(FIRST)];
    assert_eq!(answer(&bench, &browser(), &Task::ALL, &rows).await, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_other_terms_every_account_is_proven_again_where_the_bank_wants_that() {
    for (rule, expected) in [("renew", 303), ("consent_anew", 422)] {
        let settings = format!(
            "linkage_rules = {{ pins_of_kept_accounts = \"not_asked\", \
             after_terms_change = \"{rule}\" }}"
        );
        let bench = with(String::leak(settings)).await;
        linked(&bench, &[ticked(FIRST, PIN)]).await;
        let rows = [without_pin(FIRST)];
        assert_eq!(answer(&bench, &browser(), &Task::ALL, &rows).await, 303);
        let record = format!(
            "code = \"{BANK}\"
             name = \"中央労働金庫\"
             display_name = \"中央労働金庫（法人）\"
             phone = \"0120-000-000\"
             hours = \"平日 9:00〜17:00\"
             [settings]
             terms_version = \"2027-04\"
             linkage_rules = {{ pins_of_kept_accounts = \"not_asked\", after_terms_change = \"{rule}\" }}"
        );
        let bus = &bench.replicas[0].app.bus;
        let changed = toml::from_str(&record).expect("a bank");
        consent::partners::register_bank(bus, changed, "tests")
            .await
            .expect("other terms");
        assert_eq!(
            answer(&bench, &browser(), &Task::ALL, &rows).await,
            expected
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_page_says_from_which_day_an_account_goes_on() {
    let bench = with(NOT_ASKED).await;
    let (_, first, grant) = linked(&bench, &[ticked(FIRST, PIN)]).await;
    assert!(!first.html.contains("前回の続き"));
    sqlx::query(
        "INSERT INTO access_totals (bank, grant_id, account, task, first_read_at, last_read_at,
            reads, rows, last_served_on)
         VALUES ($1, $2, $3, 'transactions', now(), now(), 1, 1, '1999-03-10')",
    )
    .bind(BANK)
    .bind(grant)
    .bind(FIRST_ID)
    .execute(&bench.pool)
    .await
    .expect("a sum");
    let (_, authorize, _) = linked(&bench, &[without_pin(FIRST)]).await;
    let lines = authorize.texts("section.consent dd").join("\n");
    assert!(
        lines.contains("以降の取引から続けて取得できます"),
        "{lines}"
    );
    assert!(
        lines.contains("1999年3月11日から"),
        "the lost days: {lines}"
    );
}
