//! The login of the customer's own page: the same limits as step 2's, a cookie of its own, and sessions
//! that end.

use demo::agent::walk::Credentials;

use crate::{
    bench::{BANK, Bench, browser, dantai01},
    journey_customer::{send, send_on},
    linkages_given::filled,
};

/// Makes every session so much older.
async fn later(bench: &Bench, seconds: f64) {
    sqlx::query(
        "UPDATE customer_sessions SET last_seen_at = last_seen_at - make_interval(secs => $1),
            login_at = login_at - make_interval(secs => $1)",
    )
    .bind(seconds)
    .execute(&bench.pool)
    .await
    .expect("the sessions are older");
}

pub async fn sessions(bench: &Bench) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM customer_sessions")
        .fetch_one(&bench.pool)
        .await
        .expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_gives_another_cookie_and_a_double_click_opens_one_session() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let login = bench.linkages(&browser, "").await;
    let before = browser.cookies("127.0.0.1");
    let form = filled(&login, &dantai01());
    let at_other = bench.at_replica(form.action(), 1);
    let (fields, same_browser) = (form.fields(), browser.fork());
    let (one, other) = tokio::join!(
        send(&browser, &form),
        same_browser.post(Some(&login), at_other, &fields)
    );
    let other = other.expect("an answer");
    assert_eq!((one.status, other.status), (303, 303));
    assert_eq!(
        one.location().unwrap().path(),
        other.location().unwrap().path()
    );
    assert_ne!(browser.cookies("127.0.0.1"), before);
    assert_eq!(sessions(&bench).await, 1);

    // Late, from the history: nobody is let in anew, and the list is shown all the same.
    let again = send_on(&browser, &form).await;
    assert_eq!(
        again.text("h1#title").as_deref(),
        Some("API連携の確認・解除")
    );
    assert_eq!(sessions(&bench).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_here_and_at_step_two_count_together() {
    let bench = Bench::new().await;
    let wrong = Credentials {
        password: "Wrong2026".to_owned(),
        ..dantai01()
    };
    let (at_bank, step2) = (browser(), browser());
    for _ in 0..3 {
        let login = bench.linkages(&at_bank, "").await;
        let page = send_on(&at_bank, &filled(&login, &wrong)).await;
        assert!(page.has("#problems"), "{}", page.excerpt(300));
    }
    let (mut login, _) = bench.begin(&step2, 0).await;
    for _ in 0..2 {
        let form = crate::journey_customer::login_form_of(&login, &wrong);
        login = send_on(&step2, &form).await;
    }
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), 5);

    // Even the right password is not sent to the bank any more.
    let login = bench.linkages(&at_bank, "").await;
    let page = send_on(&at_bank, &filled(&login, &dantai01())).await;
    assert!(page.text("#problems").unwrap().contains("約15分後"));
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), 5);
    assert_eq!(sessions(&bench).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_idle_minutes_end_the_session_and_a_new_login_leads_back_to_the_page() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(chrono::TimeDelta::days(90)).await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    let path = format!("/{grant}");
    let page = bench.linkages(&browser, &path).await;
    assert!(page.has("#deadline[data-seconds-left='600']"));
    later(&bench, 601.0).await;
    let login = bench.linkages(&browser, &path).await;
    assert!(login.has("#login-form"));
    assert!(
        login
            .text(".notice")
            .unwrap()
            .contains("ログアウトしました")
    );
    let back = send_on(&browser, &filled(&login, &dantai01())).await;
    assert_eq!(back.url.path(), format!("/{BANK}/linkages/{grant}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hours_end_it_however_much_was_done() {
    let bench = Bench::new().await;
    let (browser, _) = bench.at_linkages(&dantai01()).await;
    later(&bench, 2.0 * 3600.0).await;
    sqlx::query("UPDATE customer_sessions SET last_seen_at = now()")
        .execute(&bench.pool)
        .await
        .expect("somebody looked");
    assert!(bench.linkages(&browser, "").await.has("#login-form"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_logout_the_old_cookie_opens_nothing() {
    let bench = Bench::new().await;
    let (browser, list) = bench.at_linkages(&dantai01()).await;
    let other_tab = browser.fork();
    let out = send_on(&browser, &list.form("form#logout-form").unwrap()).await;
    assert!(out.text(".notice").unwrap().contains("ログアウトしました"));
    assert!(bench.linkages(&other_tab, "").await.has("#login-form"));
    // A second time it is as if.
    let again = send_on(&browser, &list.form("form#logout-form").unwrap()).await;
    assert!(again.has("#login-form"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_contract_is_told_whom_to_ask() {
    let bench = Bench::new().await;
    let browser = browser();
    let login = bench.linkages(&browser, "").await;
    let who = Credentials {
        login_id: "dantai03".to_owned(),
        password: "Rokin2028".to_owned(),
    };
    let page = send_on(&browser, &filled(&login, &who)).await;
    let said = page.text("#problems").unwrap();
    assert!(said.contains("電子証明書方式"), "{said}");
    assert!(said.contains("お問い合わせ先へお申し出ください"), "{said}");
    assert!(!page.has("#certificate-login"));
    let nowhere = bench.linkages(&browser, "/certificate-login").await;
    assert_eq!(nowhere.error_code().as_deref(), Some("not_found"));
    assert_eq!(sessions(&bench).await, 0);
}
