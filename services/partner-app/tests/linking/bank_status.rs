//! What the bank says of a linkage now, and its end from this side.

use serde_json::{Value, json};

use super::journey::{linked, start};

fn told(status: &str) -> Value {
    json!({
        "grant_id": "grant-1", "status": status, "causes": [], "scopes": [], "claims": [],
        "authorization_details": [{
            "type": "account_information", "accounts": [], "valid_until": "2027-03-31T15:00:00Z",
        }],
        "reads": [
            { "task": "accounts", "reads": 1, "rows": 1, "first_read_at": "2026-04-01T00:00:00Z",
              "last_read_at": "2026-04-01T00:00:00Z" },
            { "account_id": "acc-1", "task": "transactions", "reads": 3, "rows": 120,
              "first_read_at": "2026-04-01T00:00:00Z", "last_read_at": "2026-04-10T02:30:00Z",
              "last_served_date": "2026-04-09" },
        ],
    })
}

#[actix_web::test]
async fn the_page_says_what_the_bank_says_and_up_to_which_day_it_served() {
    let mut started = linked().await;
    let page = started.browser.status_page().await;
    // The accounts' names are known from reading them.
    started.browser.get("/accounts").await;
    started.bank.tell_of_grant("grant-1", told("active"));

    let active = started.browser.get(&page).await;

    assert_eq!(active.status, 200);
    for text in [
        r#"data-status="active""#,
        "連携は有効です",
        "2027年3月31日 23:59まで",
        "入出金明細照会",
        "2026年4月10日 11:30",
        "2026年4月9日",
        r#"id="end-form""#,
    ] {
        assert!(active.body.contains(text), "{text}: {}", active.body);
    }
    for (status, says) in [
        ("suspended", "一時的に止められています"),
        ("expired", "有効期限が切れました"),
        ("superseded", "新しい連携に切り替わりました"),
        ("of_a_later_release", "確認できませんでした"),
    ] {
        started.bank.tell_of_grant("grant-1", told(status));
        let page = started.browser.get(&page).await;
        assert!(page.body.contains(says), "{status}: {}", page.body);
        assert_eq!(page.body.contains("end-form"), status == "suspended");
    }
    let mut needed = told("suspended");
    needed["causes"] = json!(["authorization_needed"]);
    started.bank.tell_of_grant("grant-1", needed);
    let page = started.browser.get(&page).await;
    assert!(page.body.contains("もう一度許可が必要です"));
}

#[actix_web::test]
async fn a_linkage_is_ended_only_with_its_tick_and_then_at_the_bank_too() {
    let mut started = linked().await;
    let page = started.browser.status_page().await;
    started.bank.tell_of_grant("grant-1", told("active"));

    let untouched = started.browser.end(&page, "").await;
    let foreign = started
        .browser
        .post(
            &page.replace("/status", "/end"),
            &[("form_key", "guessed"), ("agree", "yes")],
        )
        .await;
    let still = started.browser.get(&page).await;
    let ended = started.browser.end(&page, "yes").await;
    let after = started.browser.get(&page).await;

    assert_eq!(untouched.status, 422);
    assert!(untouched.body.contains("end-error"));
    assert_eq!(foreign.status, 403);
    assert!(still.body.contains(r#"data-status="active""#));
    assert_eq!((ended.status, ended.location()), (303, page));
    assert!(after.body.contains(r#"data-status="revoked""#));
    assert!(after.body.contains("当サービスから連携を終了しました"));
    assert!(!after.body.contains("end-form"));
}

#[actix_web::test]
async fn a_linkage_that_the_bank_does_not_know_or_that_is_not_ones_own_is_told_so() {
    let mut started = linked().await;
    let page = started.browser.status_page().await;
    let unknown = started.browser.get(&page).await;
    assert!(unknown.body.contains(r#"data-status="unknown""#));
    assert!(!unknown.body.contains("end-form"));

    let mut stranger = start().await;
    assert_eq!(stranger.browser.get(&page).await.status, 404);
}
