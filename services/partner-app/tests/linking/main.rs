//! The whole service on a free port, with a bank that is a fake of this test's own making: see
//! `fake_bank.rs` for what it does and does not check.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test program: what is not as expected ends the test"
)]

mod bank_status;
mod browser;
mod fake_bank;
mod journey;
mod languages;
mod notifications;

use browser::Browser;
use fake_bank::Wanted;
use journey::{Started, linked, start};
use serde_json::json;

#[actix_web::test]
async fn a_customer_links_a_bank_and_reads_balances_and_transactions() {
    let Started { bank, mut browser } = start().await;

    let list = browser.get("/banks").await;
    assert!(list.body.contains("中央労働金庫（法人）"));
    let sent = browser.link("2963", "default").await;
    assert_eq!(sent.status, 303);
    let pushed = bank.last_pushed();
    assert_eq!(pushed["redirect_uri"], "http://localhost:8000/callback");
    assert_eq!(pushed["code_challenge_method"], "S256");
    assert!(!pushed.contains_key("grant_management_action"));
    let details: serde_json::Value =
        serde_json::from_str(&pushed["authorization_details"]).unwrap();
    assert_eq!(
        details,
        json!([{ "type": "account_information", "tasks": ["balance", "transactions"] }])
    );

    let back = browser.get(&bank.allow(&sent.location())).await;
    assert_eq!(back.status, 303);
    let step_7 = browser.get(&back.location()).await;
    for text in [
        "サンプル会計株式会社",
        r#"<h1 id="title">金融機関と口座連携</h1>"#,
        "認証情報を取得しました",
        "以下を設定してください",
        "自動取得対象の開始日",
        "取得可能なデータをすべて取り込む",
        "開始日以降のデータのみ取り込む",
        "保存する",
        r#"id="import-form""#,
        r#"name="range" value="all""#,
        r#"name="range" value="from""#,
        r#"name="start_date""#,
        r#"id="import-submit""#,
    ] {
        assert!(
            step_7.body.contains(text),
            "{text} is missing:\n{}",
            step_7.body
        );
    }

    let saved = browser.save_range(&back.location(), "all", "").await;
    assert_eq!(saved.status, 303);
    let accounts = browser.get(&saved.location()).await;
    assert!(accounts.body.contains(r#"data-account="acc-1""#));
    assert!(accounts.body.contains("1,234,567円"));
    assert!(accounts.body.contains("取り込む範囲を保存しました"));

    let statement = browser.get("/accounts/acc-1").await;
    assert!(statement.body.contains(r#"id="transactions""#));
    assert!(statement.body.contains("カイヒ"));
    assert_eq!(bank.asked_from(), "2026-01-01");
    let second = browser.get("/accounts/acc-1?cursor=page-2").await;
    assert!(second.body.contains("最初のページ"));
    assert!(!second.body.contains("次の50件"));
}

#[actix_web::test]
async fn a_redirect_with_another_state_or_in_another_browser_links_nothing() {
    let Started { bank, mut browser } = start().await;
    let sent = browser.link("2963", "default").await;
    let genuine = bank.allow(&sent.location());

    let forged = browser.get(&genuine.replace("state=", "state=x")).await;
    let elsewhere = Browser::new(browser.origin()).get(&genuine).await;

    for page in [forged, elsewhere] {
        assert_eq!(page.status, 400);
        assert!(page.body.contains(r#"data-error="invalid_state""#));
    }
    assert_eq!(bank.token_requests(), 0);
}

#[actix_web::test]
async fn a_redirect_of_another_issuer_links_nothing_and_leaves_the_genuine_one_alone() {
    let Started { bank, mut browser } = start().await;
    let sent = browser.link("2963", "default").await;
    let genuine = bank.allow(&sent.location());
    let (without_issuer, _) = genuine.split_once("&iss=").unwrap();

    for forged in [
        format!("{without_issuer}&iss=http%3A%2F%2Fevil.example"),
        without_issuer.into(),
    ] {
        let page = browser.get(&forged).await;
        assert_eq!(page.status, 400);
        assert!(
            page.body.contains(r#"data-error="issuer_mismatch""#),
            "{}",
            page.body
        );
    }
    assert_eq!(bank.token_requests(), 0);

    assert_eq!(browser.get(&genuine).await.status, 303);
}

#[actix_web::test]
async fn a_redirect_that_is_loaded_again_shows_the_linkage_and_sends_no_code_twice() {
    let Started { bank, mut browser } = start().await;
    let sent = browser.link("2963", "default").await;
    let genuine = bank.allow(&sent.location());

    let first = browser.get(&genuine).await;
    let again = browser.get(&genuine).await;

    assert_eq!(again.status, 303);
    assert_eq!(again.location(), first.location());
    assert_eq!(bank.token_requests(), 1);
    assert!(
        browser
            .get(&again.location())
            .await
            .body
            .contains("認証情報を取得しました")
    );
}

#[actix_web::test]
async fn a_reload_while_the_code_is_on_its_way_waits_for_the_first_outcome() {
    let Started { bank, mut browser } = start().await;
    let sent = browser.link("2963", "default").await;
    let genuine = bank.allow(&sent.location());
    bank.hold_token_answers();

    let mut dropped = browser.clone();
    let address = genuine.clone();
    let first = actix_web::rt::spawn(async move { dropped.get(&address).await });
    bank.token_request_seen().await;
    first.abort();
    // Time for the service to see that the connection is gone, without a clock.
    for _ in 0..20 {
        browser.get("/healthz").await;
    }
    bank.release_token_answers();

    assert_eq!(browser.get(&genuine).await.status, 303);
    assert_eq!(bank.token_requests(), 1);
}

#[actix_web::test]
async fn a_double_click_is_one_request() {
    let Started { bank, mut browser } = start().await;

    let first = browser.link("2963", "default").await;
    let second = browser.link("2963", "default").await;

    assert_eq!(first.location(), second.location());
    assert_eq!(bank.pushed_requests(), 1);
}

#[actix_web::test]
async fn a_second_linkage_is_asked_for_by_name_and_stands_beside_the_first() {
    let Started { bank, mut browser } = linked().await;
    assert!(
        browser
            .get("/banks")
            .await
            .body
            .contains("別の連携として追加")
    );

    let sent = browser.link("2963", "create").await;
    assert_eq!(bank.last_pushed()["grant_management_action"], "create");
    bank.want(Wanted {
        grant_id: "grant-2",
        ..Wanted::default()
    });
    browser.get(&bank.allow(&sent.location())).await;

    let accounts = browser.get("/accounts").await;
    assert_eq!(
        accounts
            .body
            .matches("<tbody role=\"rowgroup\" data-linkage=")
            .count(),
        2
    );
}

#[actix_web::test]
async fn a_changed_permission_stays_one_linkage() {
    let Started { bank, mut browser } = linked().await;

    let sent = browser.link("2963", "default").await;
    browser.get(&bank.allow(&sent.location())).await;

    let accounts = browser.get("/accounts").await;
    assert_eq!(
        accounts
            .body
            .matches("<tbody role=\"rowgroup\" data-linkage=")
            .count(),
        1
    );
}

#[actix_web::test]
async fn what_the_bank_reports_is_told_in_japanese_without_its_text() {
    for (error, status, title) in [
        ("access_denied", 200, "口座連携は完了していません"),
        (
            "temporarily_unavailable",
            503,
            "ただいま金融機関を利用できません",
        ),
        ("server_error", 502, "金融機関でエラーが起きました"),
        (
            "invalid_scope",
            502,
            "口座連携を受け付けてもらえませんでした",
        ),
    ] {
        let Started { bank, mut browser } = start().await;
        let sent = browser.link("2963", "default").await;
        let address = bank.refuse(&sent.location(), error);

        for page in [browser.get(&address).await, browser.get(&address).await] {
            assert_eq!(page.status, status);
            assert!(page.body.contains(title), "{}", page.body);
            assert!(!page.body.contains("reflected"));
        }
    }
}

#[actix_web::test]
async fn a_start_date_in_the_future_is_refused() {
    let Started { mut browser, .. } = linked().await;
    let page = browser.import_page().await;

    // The clock of these tests stands at 2026-04-10 in Japan.
    let refused = browser.save_range(&page, "from", "2026-04-11").await;
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("未来の日付は指定できません"));
    assert!(refused.body.contains(r#"value="2026-04-11""#));
    assert_eq!(browser.save_range(&page, "from", "").await.status, 422);
    assert_eq!(browser.save_range(&page, "", "").await.status, 422);

    assert_eq!(
        browser.save_range(&page, "from", "2026-04-10").await.status,
        303
    );
}

#[actix_web::test]
async fn days_that_cannot_be_had_are_named_and_not_asked_for() {
    let Started { bank, mut browser } = linked().await;
    let page = browser.import_page().await;

    browser.save_range(&page, "from", "2025-12-01").await;

    let missing = "2025年12月1日から2025年12月31日までの明細は取得できません";
    assert!(browser.get("/accounts").await.body.contains(missing));
    assert!(browser.get("/accounts/acc-1").await.body.contains(missing));
    assert_eq!(bank.asked_from(), "2026-01-01");
}

#[actix_web::test]
async fn a_statement_waits_for_the_start_date() {
    let Started { mut browser, .. } = linked().await;

    let page = browser.get("/accounts/acc-1").await;

    assert_eq!(page.status, 303);
    assert!(page.location().ends_with("/import"));
}

#[actix_web::test]
async fn an_old_access_token_is_replaced_once() {
    let Started { bank, mut browser } = start().await;
    bank.want(Wanted {
        expires_in: 0,
        ..Wanted::default()
    });
    browser.finish_link(&bank).await;
    bank.want(Wanted::default());

    let page = browser.get("/accounts").await;

    assert!(page.body.contains("1,234,567円"));
    assert_eq!(bank.token_requests(), 2);
}

#[actix_web::test]
async fn a_refused_access_token_is_replaced_once() {
    let Started { bank, mut browser } = linked().await;
    bank.forget_access_tokens();

    let page = browser.get("/accounts").await;

    assert!(page.body.contains("1,234,567円"));
    assert_eq!(bank.token_requests(), 2);
}

#[actix_web::test]
async fn a_grant_that_the_bank_does_not_know_is_not_asked_for_a_new_token() {
    let Started { bank, mut browser } = linked().await;
    let token_requests = bank.token_requests();
    bank.want(Wanted {
        problem: Some(("unknown_grant", 401)),
        ..Wanted::default()
    });

    let page = browser.get("/accounts").await;

    assert!(page.body.contains(r#"data-problem="unknown_grant""#));
    assert!(page.body.contains("もう一度連携する"));
    assert_eq!(bank.token_requests(), token_requests);
}

#[actix_web::test]
async fn an_account_that_the_bank_no_longer_lists_stays_in_the_list_and_says_so() {
    let Started { bank, mut browser } = linked().await;
    let import = browser.import_page().await;
    browser.save_range(&import, "all", "").await;

    // Its names were seen before; those of an account that was never seen are not known.
    browser.get("/accounts").await;
    bank.want(Wanted {
        is_listing_lost: true,
        ..Wanted::default()
    });
    let accounts = browser.get("/accounts").await;
    assert_eq!(accounts.status, 200);
    assert!(accounts.body.contains(r#"data-account="acc-1""#));
    assert!(accounts.body.contains("普通 5000000"));
    assert!(accounts.body.contains(r#"data-account="acc-3""#));
    assert!(accounts.body.contains("金融機関で確認できない口座"));
    assert!(accounts.body.contains("取得できません"));

    let statement = browser.get("/accounts/acc-1").await;
    assert!(
        statement
            .body
            .contains(r#"data-problem="account_unavailable""#)
    );
    let import = browser.get(&import).await;
    assert!(import.body.contains("金融機関からデータを取得できません"));
}

#[actix_web::test]
async fn a_dead_refresh_token_says_that_the_linkage_is_over() {
    let Started { bank, mut browser } = linked().await;
    bank.forget_access_tokens();
    bank.want(Wanted {
        is_grant_over: true,
        ..Wanted::default()
    });

    let page = browser.get("/accounts").await;

    assert!(
        page.body.contains(r#"data-problem="linkage_ended""#),
        "{}",
        page.body
    );
    assert!(page.body.contains("もう一度連携する"));
}

#[actix_web::test]
async fn every_refusal_of_the_account_interface_has_its_own_words() {
    let Started { bank, mut browser } = linked().await;
    let import = browser.import_page().await;
    browser.save_range(&import, "all", "").await;

    for (code, status, title) in [
        ("grant_expired", 403, "連携の有効期限が切れています"),
        ("grant_revoked", 403, "連携の許可が取り消されています"),
        ("grant_superseded", 403, "新しい連携に置き換えられています"),
        ("grant_suspended", 403, "連携が一時停止されています"),
        (
            "account_not_in_scope",
            403,
            "この口座は連携の対象ではありません",
        ),
        ("task_not_in_scope", 403, "この照会は許可されていません"),
        ("token_revoked", 403, "認証情報が無効になっています"),
        ("closed_hours", 503, "金融機関のサービス時間外です"),
        ("maintenance", 503, "金融機関がメンテナンス中です"),
        ("bank_unavailable", 503, "金融機関に接続できません"),
        (
            "bank_timeout",
            503,
            "金融機関からの応答に時間がかかっています",
        ),
        (
            "account_unavailable",
            404,
            "この口座のデータを取得できません",
        ),
        (
            "decision_unavailable",
            503,
            "連携の状態を確認できませんでした",
        ),
        ("keys_unavailable", 503, "連携の状態を確認できませんでした"),
        ("unknown_grant", 401, "この連携を確認できません"),
        ("not_yet_invented", 500, "データを取得できませんでした"),
    ] {
        bank.want(Wanted {
            problem: Some((code, status)),
            ..Wanted::default()
        });
        for address in ["/accounts", "/accounts/acc-1"] {
            let page = browser.get(address).await;
            assert_eq!(page.status, 200);
            assert!(
                page.body.contains(title),
                "{code} at {address}: {}",
                page.body
            );
        }
    }
}

#[actix_web::test]
async fn metadata_of_another_issuer_is_not_trusted() {
    let Started { bank, mut browser } = start().await;
    bank.want(Wanted {
        metadata_issuer: Some("http://evil.example"),
        ..Wanted::default()
    });

    let page = browser.link("2963", "default").await;

    assert_eq!(page.status, 502);
    assert!(page.body.contains(r#"data-error="request_rejected""#));
    assert_eq!(bank.pushed_requests(), 0);
}

#[actix_web::test]
async fn a_bank_that_is_not_there_is_told_so() {
    let Started { mut browser, .. } = start().await;

    let page = browser.link("2954", "default").await;

    assert_eq!(page.status, 502);
    assert!(page.body.contains(r#"data-error="bank_unreachable""#));
}

#[actix_web::test]
async fn forms_of_elsewhere_and_broken_forms_are_refused() {
    let Started { bank, mut browser } = start().await;
    browser.get("/banks").await;

    let without_key = browser
        .post("/link", &[("form_key", "guess"), ("bank", "2963")])
        .await;
    assert_eq!(without_key.status, 403);
    let broken = browser
        .post("/link", &[("bank", "2963"), ("bank", "2954")])
        .await;
    assert_eq!(broken.status, 400);
    assert!(broken.body.contains("送信内容を読み取れませんでした"));
    let unknown = browser.link("9999", "default").await;
    assert_eq!(unknown.status, 404);
    assert_eq!(bank.pushed_requests(), 0);
}

#[actix_web::test]
async fn every_page_is_guarded_and_health_is_told() {
    let Started { bank, mut browser } = start().await;

    let page = browser.get("/banks").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"));
    assert!(policy.contains(&format!("form-action 'self' {}", bank.origin())));
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let cookie = page.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );

    assert_eq!(browser.get("/nowhere").await.status, 404);
    let health = browser.get("/healthz").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
}
