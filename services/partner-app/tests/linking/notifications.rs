//! The bank tells something after the customer has left its pages, and the service acts on it.

use std::time::Duration;

use serde_json::json;

use super::journey::{Started, linked, start};

/// Until the page says it; at most half a minute.
async fn until(started: &mut Started, path: &str, says: &str) -> String {
    for _ in 0..600 {
        let page = started.browser.get(path).await;
        if page.body.contains(says) {
            return page.body;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never says {says}");
}

#[actix_web::test]
async fn reads_stop_at_a_suspension_say_why_and_go_on_when_it_is_lifted() {
    let mut started = linked().await;
    let grant = json!({ "grant_id": "grant-1" });
    until(&mut started, "/accounts", "1,234,567円").await;

    started.bank.tell("AccessSuspended", grant.clone());
    let page = until(
        &mut started,
        "/notifications",
        r#"data-notification="suspended""#,
    )
    .await;
    assert!(page.contains("連携のやり直しは要りません"));
    let asked = started.bank.data_requests();
    let accounts = until(
        &mut started,
        "/accounts",
        r#"data-problem="grant_suspended""#,
    )
    .await;
    assert!(!accounts.contains("1,234,567円"));
    assert_eq!(
        started.bank.data_requests(),
        asked,
        "the bank was asked all the same"
    );

    started.bank.tell("AccessRestored", grant);
    until(
        &mut started,
        "/notifications",
        r#"data-notification="restored""#,
    )
    .await;
    until(&mut started, "/accounts", "1,234,567円").await;
}

#[actix_web::test]
async fn reads_stop_for_good_at_an_end_and_each_event_is_told_once() {
    let mut started = linked().await;
    let revoked = json!({ "grant_id": "grant-1", "revoked_by": "PARTY_CUSTOMER" });
    started
        .bank
        .tell("AccessAuthorized", json!({ "grant_id": "grant-1" }));
    started.bank.tell("AccessRevoked", revoked);
    started
        .bank
        .tell("AccessRevoked", json!({ "grant_id": "another-customers" }));

    let page = until(
        &mut started,
        "/notifications",
        r#"data-notification="revoked""#,
    )
    .await;
    let accounts = until(&mut started, "/accounts", r#"data-problem="grant_revoked""#).await;
    started
        .bank
        .tell("PartnerDisabled", json!({ "partner_id": "p" }));
    let after = until(
        &mut started,
        "/notifications",
        r#"data-notification="partner_disabled""#,
    )
    .await;

    assert!(page.contains("お客様の操作で連携が終了しました"));
    assert!(!accounts.contains("1,234,567円"));
    assert_eq!(after.matches(r#"data-notification="revoked""#).count(), 1);
    assert_eq!(
        after.matches(r#"data-notification="authorized""#).count(),
        1
    );
}

#[actix_web::test]
async fn who_has_linked_nothing_is_told_nothing_and_the_page_loads_itself_again() {
    let mut started = start().await;
    started
        .bank
        .tell("AccessRevoked", json!({ "grant_id": "grant-1" }));

    let page = started.browser.get("/notifications").await;

    assert!(page.body.contains("お知らせはまだありません"));
    assert_eq!(page.header("refresh"), "5");
}
