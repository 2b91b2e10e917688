//! A request that names a grant changes that one or nothing: `replace` puts what is allowed in its place,
//! `merge` adds to it.

use chrono::TimeDelta;
use consent::lifecycle::Order;
use consent_domain::{
    GrantId,
    consent::{RevocationReason, RevokedBy},
};
use demo::agent::{
    browser::{Browser, Page},
    partner::{ParRequest, Pushed, Tokens},
    walk::{
        Credentials, RowChoice, Task, allow, check_registration, choose_accounts, choose_tasks,
        log_in, return_address,
    },
};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, SECOND, browser, dantai01, ticked, unticked},
    journey_customer::{
        FIRST_ID, FOURTH_ID, accounts_form, assert_error, authorize_form, error_in, fact, linkages,
        linked_accounts, login_form, login_form_of, open_step, send, send_on, statuses,
    },
    lifecycle_given::{bank, by_operator},
};

fn asking(action: &str, grant: &str) -> ParRequest {
    ParRequest::for_both_tasks()
        .set("grant_management_action", action)
        .set("grant_id", grant)
}

fn dantai02() -> Credentials {
    Credentials {
        login_id: "dantai02".to_owned(),
        password: "Rokin2027".to_owned(),
    }
}

async fn to_step4(bench: &Bench, browser: &Browser, request: ParRequest) -> (Page, Pushed) {
    let (login, pushed) = bench.begin_with(browser, 0, request).await;
    let tasks = log_in(browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(browser, &tasks, &Task::ALL).await;
    (accounts.expect("step 4"), pushed)
}

/// From step 4 to tokens, with these rows.
async fn finish(
    bench: &Bench,
    browser: &Browser,
    (accounts, pushed): &(Page, Pushed),
    rows: &[RowChoice],
) -> (Page, Tokens) {
    let confirm = choose_accounts(browser, accounts, rows)
        .await
        .expect("step 5");
    let authorize = check_registration(browser, &confirm).await.expect("step 6");
    let end = allow(browser, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    let tokens = bench.client(0).complete(&returned, pushed).await;
    (authorize, tokens.expect("tokens"))
}

async fn linked(bench: &Bench, request: ParRequest, rows: &[RowChoice]) -> Tokens {
    let browser = browser();
    let at_step4 = to_step4(bench, &browser, request).await;
    finish(bench, &browser, &at_step4, rows).await.1
}

fn grant_of(tokens: &Tokens) -> String {
    tokens.grant_id.clone().expect("a grant_id")
}

fn lines(authorize: &Page) -> Vec<String> {
    authorize.texts("section.consent dd")
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_changes_the_linkage_that_the_request_names_and_no_other() {
    let bench = Bench::new().await;
    let usual = linked(&bench, ParRequest::for_both_tasks(), &[ticked(FIRST, PIN)]).await;
    let create = ParRequest::for_both_tasks().create_grant();
    let beside = linked(&bench, create, &[ticked(SECOND, PIN)]).await;

    let request = asking("replace", &grant_of(&beside));
    let rows = [unticked(SECOND), ticked(FOURTH, PIN)];
    let changed = linked(&bench, request, &rows).await;

    assert_eq!(changed.grant_id, beside.grant_id);
    for linkage in linkages(&bench).await {
        let accounts: Vec<String> = linkage
            .scope
            .accounts()
            .iter()
            .map(ToString::to_string)
            .collect();
        let of_usual = linkage.grant.as_str() == grant_of(&usual);
        assert_eq!(accounts, [if of_usual { FIRST_ID } else { FOURTH_ID }]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_adds_and_its_page_takes_nothing_out() {
    let bench = Bench::new().await;
    let before = linked(&bench, ParRequest::for_both_tasks(), &[ticked(FIRST, PIN)]).await;
    let period = linkages(&bench).await[0].valid_until;

    let browser = browser();
    let request = asking("merge", &grant_of(&before));
    let at_step4 = to_step4(&bench, &browser, request).await;
    let accounts = &at_step4.0;
    assert_eq!(statuses(accounts)[0], "登録済み*");
    assert!(accounts.text("#only-adds").is_some(), "the page says so");
    assert!(accounts.text("#remarks").unwrap().contains("外せません"));
    assert!(accounts.has(&format!("#tick-{FIRST_ID}[checked][disabled]")));
    assert!(
        !accounts.has(&format!("#pin-{FIRST_ID}")),
        "no PIN is asked"
    );

    // A sender that leaves the row out takes it out no more than the page does.
    let (authorize, after) = finish(&bench, &browser, &at_step4, &[ticked(FOURTH, PIN)]).await;
    let lines = lines(&authorize);
    assert!(
        lines.contains(&format!("追加する口座：{FOURTH}")),
        "{lines:#?}"
    );
    assert!(!lines.iter().any(|line| line.starts_with("対象から外す")));
    assert_eq!(after.grant_id, before.grant_id);
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID, FOURTH_ID]);
    assert_eq!(linkages(&bench).await[0].valid_until, period);
    let authorized = bench.events("AccessAmended").await;
    assert_eq!(authorized, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_adds_a_task_to_a_linked_account_only_with_its_pin() {
    let bench = Bench::new().await;
    let balances = ParRequest::new().scope("balance");
    let browser_1 = browser();
    let (login, pushed) = bench.begin_with(&browser_1, 0, balances).await;
    let tasks = log_in(&browser_1, &login, &dantai01()).await.unwrap();
    let accounts = choose_tasks(&browser_1, &tasks, &[Task::Balance]).await;
    let at_step4 = (accounts.unwrap(), pushed);
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let (_, before) = finish(&bench, &browser_1, &at_step4, &rows).await;

    let browser_2 = browser();
    let request = asking("merge", &grant_of(&before));
    let (accounts, pushed) = to_step4(&bench, &browser_2, request).await;
    assert!(
        accounts
            .text("#remarks")
            .unwrap()
            .contains("入出金明細照会が追加")
    );
    // The box of a linked account can't be touched; its PIN says that something is added to it.
    let mut form = accounts_form(&accounts, &[]);
    form.set(&format!("pin-{FIRST_ID}"), PIN);
    let confirm = send_on(&browser_2, &form).await;
    let authorize = check_registration(&browser_2, &confirm)
        .await
        .expect("step 6");
    let end = allow(&browser_2, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    bench
        .client(0)
        .complete(&returned, &pushed)
        .await
        .expect("tokens");
    let linkage = &linkages(&bench).await[0];
    let tasks_of = |id: &str| {
        linkage
            .scope
            .tasks_of(&crate::lifecycle_given::account(id))
            .len()
    };
    assert_eq!((tasks_of(FIRST_ID), tasks_of(FOURTH_ID)), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_unknown_anothers_or_over_is_refused_with_one_answer() {
    let bench = Bench::new().await;
    let mine = linked(&bench, ParRequest::for_both_tasks(), &[ticked(FIRST, PIN)]).await;
    let push = async |partner: usize, request: ParRequest| {
        let error = bench.client(partner).push(&request).await.unwrap_err();
        let refusal = error.refusal().expect("a refusal").clone();
        (
            refusal.status,
            format!("{} {:?}", refusal.error, refusal.description),
        )
    };
    let unknown = push(0, asking("replace", "no-such-grant")).await;
    assert_eq!(unknown.0, 400);
    assert!(unknown.1.contains("invalid_grant_id"), "{}", unknown.1);
    let anothers = push(1, asking("merge", &grant_of(&mine))).await;
    assert_eq!(anothers, unknown);
    let (code, grant) = (bank(), GrantId::parse(grant_of(&mine)).unwrap());
    let ended = bench.on(&code, &grant, 0).revoke(
        RevokedBy::Customer,
        RevocationReason::NoLongerNeeded,
        by_operator(),
    );
    ended.await.expect("the consent ends");
    assert_eq!(push(0, asking("replace", &grant_of(&mine))).await, unknown);
    let expired = bench.consent_for(TimeDelta::seconds(-1)).await;
    assert_eq!(push(0, asking("merge", expired.as_str())).await, unknown);
    assert_eq!(bench.events("ConsentRequested").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_contracts_login_ends_the_journey_with_a_page_that_says_why() {
    let bench = Bench::new().await;
    let mine = linked(&bench, ParRequest::for_both_tasks(), &[ticked(FIRST, PIN)]).await;
    let browser = browser();
    let request = asking("replace", &grant_of(&mine));
    let (login, pushed) = bench.begin_with(&browser, 0, request).await;
    let page = send(&browser, &login_form_of(&login, &dantai02())).await;
    assert_error(&page, 403, "linkage_not_available");
    let back = page.link("a#partner").expect("a way back");
    assert_eq!(error_in(&bench, &back, &pushed.state), "invalid_grant_id");
    let failed = fact(&bench, "JourneyFailed").await;
    assert_eq!(failed["code"], "grant_unavailable");
    // It stays so, for the right login too.
    assert_error(
        &send(&browser, &login_form(&login)).await,
        403,
        "linkage_not_available",
    );
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_named_linkage_ends_before_the_last_step_nothing_is_granted() {
    let bench = Bench::new().await;
    let mine = linked(&bench, ParRequest::for_both_tasks(), &[ticked(FIRST, PIN)]).await;
    let browser = browser();
    let at_step4 = to_step4(&bench, &browser, asking("replace", &grant_of(&mine))).await;
    let confirm = choose_accounts(&browser, &at_step4.0, &[ticked(FIRST, PIN)])
        .await
        .expect("step 5");
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    let (code, grant) = (bank(), GrantId::parse(grant_of(&mine)).unwrap());
    let order = Order::of(consent::store::Actor::System);
    let ended = bench.on(&code, &grant, 0);
    let ended = ended.revoke(RevokedBy::Customer, RevocationReason::Fraud, order);
    ended.await.expect("the consent ends");
    let page = send(&browser, &authorize_form(&authorize)).await;
    assert_error(&page, 403, "linkage_not_available");
    assert!(linkages(&bench).await.is_empty());
    // The step's own page says the same afterwards.
    let again = open_step(&browser, &authorize, "authorize").await;
    assert_error(&again, 403, "linkage_not_available");
}
