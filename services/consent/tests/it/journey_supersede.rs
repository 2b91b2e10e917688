//! Where a bank's rule says so, a new linkage ends others of the contract: the page names them before 許可,
//! and from 許可 on nothing can be read with them, on any replica.

use consent_domain::{GrantId, consent::Consent};
use demo::agent::{
    browser::Page,
    partner::{ParRequest, Tokens},
    walk::{
        Task, allow, check_registration, choose_accounts, choose_tasks, log_in, return_address,
    },
};

use crate::{
    bench::{Bench, FIRST, Options, PIN, SECOND, browser, dantai01, ticked},
    journey_customer::{authorize_form, fact, linkages, open_step, send},
    lifecycle_given::{bank, by_operator},
    oauth_decisions::{DecisionPort, DenialReason},
};

/// A finished journey of that partner with this row, and its last page before 許可.
async fn linked(
    bench: &Bench,
    partner: usize,
    request: ParRequest,
    account: &str,
) -> (Page, Tokens) {
    let browser = browser();
    let (login, pushed) = bench.begin_with(&browser, partner, request).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let confirm = choose_accounts(&browser, &accounts, &[ticked(account, PIN)])
        .await
        .expect("step 5");
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    let end = allow(&browser, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    let tokens = bench.client(partner).complete(&returned, &pushed).await;
    (authorize, tokens.expect("tokens"))
}

fn create() -> ParRequest {
    ParRequest::for_both_tasks().create_grant()
}

async fn with(bank_settings: &'static str) -> Bench {
    Bench::with(Options {
        replicas: 2,
        bank_settings,
        ..Options::default()
    })
    .await
}

fn grant_of(tokens: &Tokens) -> GrantId {
    GrantId::parse(tokens.grant_id.clone().expect("a grant_id")).unwrap()
}

fn lines(authorize: &Page) -> String {
    authorize.texts("section.consent dd").join("\n")
}

/// Why neither replica lets the token read; none where both let it.
async fn denial(bench: &Bench, tokens: &Tokens) -> Option<DenialReason> {
    let mut seen = Vec::new();
    for replica in [0, 1] {
        let mut port = DecisionPort::of(bench, replica).await;
        seen.push(port.decide(tokens, Task::Balance).await.err());
    }
    assert_eq!(seen[0], seen[1]);
    seen[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_names_what_ends_and_nothing_can_be_read_with_it_from_then_on() {
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_service\" }").await;
    let (_, first) = linked(&bench, 0, create(), FIRST).await;
    assert_eq!(denial(&bench, &first).await, None);
    let (page, second) = linked(&bench, 0, create(), SECOND).await;

    let said = lines(&page);
    assert!(said.contains("partner-a会計との連携（"), "{said}");
    assert!(
        said.contains("「許可」をクリックした時点で終了します"),
        "{said}"
    );
    assert_eq!(denial(&bench, &first).await, Some(DenialReason::Superseded));
    assert_eq!(denial(&bench, &second).await, None);
    let over = bench.consent(&grant_of(&first)).await;
    assert!(matches!(over, Consent::Superseded { by, .. } if by == grant_of(&second)));
    let superseded = fact(&bench, "AccessSuperseded").await;
    assert_eq!(superseded["by_client"], "partner-a");
    // One commit: the new grant and the end of the old one are of one transaction.
    let transactions: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT transaction_id) FROM events WHERE event_type = 'AccessSuperseded'
           OR (aggregate_type = 'consent' AND event_type = 'AccessGranted' AND aggregate_id = $1)",
    )
    .bind(format!("{}:{}", bank(), grant_of(&second)))
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(transactions, 1);
    // The customer is told of the end, too.
    let mut notices = bench.notices().await;
    notices.sort();
    assert_eq!(notices, ["ended", "linked", "linked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_of_the_same_company_ends_where_the_rule_says_company() {
    // Both partners of the bench have one registration number.
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_company\" }").await;
    let (_, first) = linked(&bench, 0, ParRequest::for_both_tasks(), FIRST).await;
    let (page, _) = linked(&bench, 1, ParRequest::for_both_tasks(), FIRST).await;
    assert!(lines(&page).contains("partner-a会計との連携（"));
    assert_eq!(denial(&bench, &first).await, Some(DenialReason::Superseded));

    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_service\" }").await;
    let (_, first) = linked(&bench, 0, ParRequest::for_both_tasks(), FIRST).await;
    let (page, _) = linked(&bench, 1, ParRequest::for_both_tasks(), FIRST).await;
    assert!(!lines(&page).contains("との連携（"));
    assert_eq!(denial(&bench, &first).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linkage_that_is_changed_ends_no_other() {
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_company\" }").await;
    let (_, first) = linked(&bench, 0, ParRequest::for_both_tasks(), FIRST).await;
    let (_, changed) = linked(&bench, 0, ParRequest::for_both_tasks(), FIRST).await;
    assert_eq!(changed.grant_id, first.grant_id);
    assert_eq!(bench.events("AccessSuperseded").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_what_would_end_is_over_before_the_click_the_page_comes_again_without_it() {
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_service\" }").await;
    let (_, first) = linked(&bench, 0, create(), FIRST).await;
    let browser = browser();
    let (login, _) = bench.begin_with(&browser, 0, create()).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL).await;
    let rows = [ticked(SECOND, PIN)];
    let confirm = choose_accounts(&browser, &accounts.expect("step 4"), &rows).await;
    let confirm = confirm.expect("step 5");
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    assert!(lines(&authorize).contains("との連携（"));

    let (code, grant) = (bank(), grant_of(&first));
    let by = consent_domain::consent::RevokedBy::Customer;
    let reason = consent_domain::consent::RevocationReason::NoLongerNeeded;
    let revoked = bench.on(&code, &grant, 0).revoke(by, reason, by_operator());
    revoked.await.expect("the consent ends");

    send(&browser, &authorize_form(&authorize)).await;
    assert!(linkages(&bench).await.is_empty(), "nothing was allowed yet");
    let again = open_step(&browser, &authorize, "authorize").await;
    assert!(!lines(&again).contains("との連携（"));
    allow(&browser, &again).await.expect("the end page");
    assert_eq!(linkages(&bench).await.len(), 1);
    assert_eq!(bench.events("AccessSuperseded").await, 0);
}
