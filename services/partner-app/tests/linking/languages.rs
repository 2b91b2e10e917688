//! The pages in English: by the browser's wish or the visitor's choice, and the bank is told.

use crate::browser::{Browser, Page};
use crate::fake_bank::Wanted;
use crate::journey::{Started, start};

/// Names that stay as their owners write them: company, service, branch, kind of account, remarks; and
/// the other language's own name.
const NAMES: [&str; 10] = [
    "サンプル会計株式会社",
    "かんたん会計",
    "東北労働金庫（法人）",
    "インターネット支店",
    "豊後支店",
    "普通",
    "当座",
    "カイヒ",
    "／",
    "日本語",
];

fn is_japanese(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}')
}

fn assert_english(page: &Page, what: &str) {
    assert!(page.body.contains("<html lang=\"en\">"), "{what}");
    let mut text = page.body.clone();
    for name in NAMES {
        text = text.replace(name, "");
    }
    let left: Vec<&str> = text
        .lines()
        .filter(|line| line.chars().any(is_japanese))
        .collect();
    assert!(left.is_empty(), "{what}: {left:#?}");
}

async fn start_in(language: &'static str) -> Started {
    let Started { bank, browser } = start().await;
    Started {
        bank,
        browser: browser.reading(language),
    }
}

#[actix_web::test]
async fn every_page_is_english_for_a_browser_that_asks_for_it() {
    let Started { bank, mut browser } = start_in("en-US,en;q=0.9,ja;q=0.5").await;
    assert_english(&browser.get("/").await, "home, empty");
    assert_english(&browser.get("/accounts").await, "accounts, empty");
    let list = browser.get("/banks").await;
    assert_english(&list, "banks");
    assert!(list.body.contains("Chuo Labour Bank (corporate)"));
    browser.finish_link(&bank).await;
    assert_eq!(bank.last_pushed()["ui_locales"], "en");
    assert_english(&browser.get("/banks").await, "banks, one linked");
    assert_english(&browser.get("/").await, "home");
    let status = browser.status_page().await;
    for told in ["active", "suspended", "expired", "revoked", "superseded"] {
        bank.tell_of_grant("grant-1", serde_json::json!({ "status": told }));
        assert_english(&browser.get(&status).await, told);
    }
    bank.tell_of_grant("grant-1", serde_json::json!({ "status": "active" }));
    assert_english(&browser.end(&status, "").await, "end without the tick");
    let import = browser.import_page().await;
    assert_english(&browser.get(&import).await, "step 7");
    for (range, start) in [
        ("", ""),
        ("from", ""),
        ("from", "x"),
        ("from", "2999-01-01"),
        ("from", "1999-01-01"),
    ] {
        let refused = browser.save_range(&import, range, start).await;
        assert_eq!(refused.status, 422);
        assert_english(&refused, start);
    }
    let saved = browser.save_range(&import, "from", "2025-01-01").await;
    let accounts = browser.get(&saved.location()).await;
    assert_english(&accounts, "accounts");
    assert!(accounts.body.contains("1,234,567 yen"), "{}", accounts.body);
    let statement = browser.get("/accounts/acc-1").await;
    assert_english(&statement, "statement");
    assert!(
        statement.body.contains("January 1, 2025"),
        "{}",
        statement.body
    );
}

#[actix_web::test]
async fn every_refusal_is_english_too() {
    let Started { bank, mut browser } = start_in("en").await;
    assert_english(&browser.get("/nowhere").await, "not found");
    assert_english(&browser.get("/callback?code=x&state=x").await, "no attempt");
    assert_english(
        &browser
            .post("/link", &[("form_key", "x"), ("bank", "2963")])
            .await,
        "key",
    );
    assert_english(&browser.post("/link", &[("x", "y")]).await, "form");
    assert_english(&browser.link("2954", "default").await, "unreachable");
    for error in [
        "access_denied",
        "temporarily_unavailable",
        "server_error",
        "invalid_scope",
    ] {
        let sent = browser.link("2963", "create").await;
        let refused = browser.get(&bank.refuse(&sent.location(), error)).await;
        assert_english(&refused, error);
    }
    browser.finish_link(&bank).await;
    let import = browser.import_page().await;
    browser.save_range(&import, "all", "").await;
    for (code, status) in [
        ("grant_expired", 401),
        ("grant_revoked", 401),
        ("unknown_grant", 401),
        ("grant_superseded", 401),
        ("grant_suspended", 403),
        ("account_not_in_scope", 404),
        ("task_not_in_scope", 403),
        ("token_revoked", 401),
        ("closed_hours", 503),
        ("maintenance", 503),
        ("bank_unavailable", 503),
        ("bank_timeout", 503),
        ("account_unavailable", 404),
        ("decision_unavailable", 503),
        ("record_unavailable", 503),
        ("of_a_later_version", 500),
    ] {
        bank.want(Wanted {
            problem: Some((code, status)),
            ..Wanted::default()
        });
        assert_english(&browser.get("/accounts").await, code);
    }
}

#[actix_web::test]
async fn the_visitors_choice_comes_before_the_browsers_and_leads_back() {
    let Started { bank, mut browser } = start_in("en").await;
    let hop = browser.get("/language/ja?page=%2Fbanks").await;
    assert_eq!((hop.status, hop.location().as_str()), (303, "/banks"));
    let list = browser.get("/banks").await;
    assert!(list.body.contains("<html lang=\"ja\">") && list.body.contains("中央労働金庫（法人）"));
    assert!(list.body.contains("/language/en?page=%2Fbanks"));
    browser.link("2963", "default").await;
    assert_eq!(bank.last_pushed()["ui_locales"], "ja");

    for foreign in [
        "https://elsewhere.test",
        "//elsewhere.test",
        "/%5Celsewhere.test",
    ] {
        let hop = browser.get(&format!("/language/en?page={foreign}")).await;
        assert_eq!(hop.location(), "/", "{foreign}");
    }
    assert_eq!(browser.get("/language/fr").await.status, 404);
    let other: Browser = Browser::new(browser.origin().to_owned());
    assert!(
        other
            .reading("")
            .get("/")
            .await
            .body
            .contains("<html lang=\"ja\">")
    );
}
