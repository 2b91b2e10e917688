//! Who may use the operators' API and console, and that everything is recorded.

use actix_web::web;
use consent::{
    app::App,
    operator::{
        Role,
        password::{LoginError, log_in},
        session,
    },
    request_context::RequestContext,
};
use consent_domain::BankCode;
use sqlx::types::Uuid;
use zeroize::Zeroizing;

use crate::{
    bench::{BANK, Bench},
    operator_given::operator_id,
};

fn acts() -> String {
    format!("/v1/banks/{BANK}/acts")
}

async fn recorded(bench: &Bench) -> Vec<(String, Option<String>, String, String)> {
    sqlx::query_as("SELECT operator, bank, act, outcome FROM operator_acts ORDER BY act_id")
        .fetch_all(&bench.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_token_nobody_is_let_in() {
    let bench = Bench::new().await;
    let good = bench.operator("suzuki", Role::Auditor).await;
    let address = format!("http://{}{}", bench.replicas[0].operators, acts());
    let answer = reqwest::get(&address).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));

    let expired = bench.operator("tanaka", Role::Auditor).await;
    let owner = sqlx::PgPool::connect(&bench.owner_url()).await.unwrap();
    sqlx::query(
        "UPDATE operator_tokens SET expires_at = now() - interval '1 s' WHERE operator_id = 'tanaka'",
    )
    .execute(&owner)
    .await
    .unwrap();
    let revoked = bench.operator("sato", Role::Auditor).await;
    let id: Uuid =
        sqlx::query_scalar("SELECT token_id FROM operator_tokens WHERE operator_id = 'sato'")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    bench.administration().await.revoke_token(id).await.unwrap();
    let disabled = bench.operator("ito", Role::Operator).await;
    let mut administration = bench.administration().await;
    administration.disable(&operator_id("ito")).await.unwrap();

    let longer = format!("{good}x");
    let long = "x".repeat(4096);
    for wrong in ["", "x", &longer, &long, &expired, &revoked, &disabled] {
        let refused = bench.ask(wrong, &acts()).await;
        assert_eq!(refused.code(401), "invalid_token", "{wrong}");
    }
    assert_eq!(bench.ask(&good, &acts()).await.status, 200);
    administration.enable(&operator_id("ito")).await.unwrap();
    assert_eq!(bench.ask(&disabled, &acts()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_without_a_role_is_like_one_that_is_not_there() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let elsewhere = bench.ask(&token, "/v1/banks/2951/acts").await;
    let nowhere = bench.ask(&token, "/v1/banks/9999/acts").await;
    let nonsense = bench.ask(&token, "/v1/banks/a'%20OR%201=1--/acts").await;
    assert_eq!(elsewhere.code(404), "not_found");
    assert_eq!(elsewhere.text, nowhere.text);
    assert_eq!(elsewhere.text, nonsense.text);

    let mut administration = bench.administration().await;
    let bank = BankCode::parse(BANK).unwrap();
    assert_eq!(bench.ask(&token, &acts()).await.status, 200);
    let id = operator_id("suzuki");
    assert!(administration.remove_role(&id, &bank).await.unwrap());
    assert_eq!(bench.ask(&token, &acts()).await.text, nowhere.text);
    // What was tried is on record.
    let tried = recorded(&bench)
        .await
        .into_iter()
        .filter(|(.., outcome)| outcome == "refused")
        .map(|(operator, bank, act, _)| (operator, bank.unwrap(), act))
        .collect::<Vec<_>>();
    let of = |bank: &str| ("suzuki".to_owned(), bank.to_owned(), "enter".to_owned());
    assert_eq!(tried, [of("2951"), of("9999"), of(BANK)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_is_on_record_and_the_record_can_be_read() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let me = bench.ask(&token, "/v1/me").await.json();
    assert_eq!(me["id"], "suzuki");
    assert_eq!(me["banks"][0]["role"], "auditor");

    for _ in 0..3 {
        bench.ask(&token, &acts()).await.json();
    }
    let page = bench
        .ask(&token, &format!("{}?limit=2&operator=suzuki", acts()))
        .await
        .json();
    assert_eq!(page["acts"].as_array().unwrap().len(), 2);
    assert_eq!(page["acts"][0]["act"], "read_acts");
    assert_eq!(page["acts"][0]["via"], "api");
    assert!(page["acts"][0]["request_id"].is_string());
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = bench
        .ask(
            &token,
            &format!("{}?operator=suzuki&cursor={cursor}", acts()),
        )
        .await
        .json();
    // Three reads and the first page's own; two were on it, and the second page's own is newer.
    assert_eq!(rest["acts"].as_array().unwrap().len(), 2);
    let text = rest.to_string() + &page.to_string();
    assert!(!text.contains("試験"), "no name is in the record");
    for bad in [
        "limit=0",
        "limit=x",
        "cursor=x",
        "other=1",
        "limit=1&limit=1",
        "subject_id=1",
    ] {
        let refused = bench.ask(&token, &format!("{}?{bad}", acts())).await;
        assert_eq!(refused.code(400), "invalid_parameter", "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_makes_no_operator_and_changes_no_record() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    bench.ask(&token, &acts()).await.json();
    for sql in [
        "INSERT INTO operators (operator_id, name) VALUES ('mallory', 'x')",
        "UPDATE operator_roles SET role = 'operator'",
        "UPDATE operator_passwords SET password_hash = 'x'",
        "UPDATE operator_tokens SET expires_at = now()",
        "DELETE FROM operator_acts",
        "UPDATE operator_acts SET operator = 'x'",
        "TRUNCATE operator_acts CASCADE",
    ] {
        let refused = sqlx::query(sql).execute(&bench.pool).await.unwrap_err();
        let code = refused.as_database_error().unwrap().code().unwrap();
        assert_eq!(code, "42501", "{sql}");
    }
    let owner = sqlx::PgPool::connect(&bench.owner_url()).await.unwrap();
    for sql in [
        "DELETE FROM operator_acts",
        "UPDATE operator_acts SET operator = 'x'",
    ] {
        let refused = sqlx::query(sql).execute(&owner).await.unwrap_err();
        let code = refused.as_database_error().unwrap().code().unwrap();
        assert_eq!(code, "RK002", "{sql}");
    }
}

const PASSWORD: &str = "correct horse battery";

async fn with_password(bench: &Bench, name: &str) {
    bench.operator(name, Role::Operator).await;
    let mut administration = bench.administration().await;
    let id = operator_id(name);
    administration.set_password(&id, PASSWORD).await.unwrap();
}

async fn try_login(app: &web::Data<App>, id: &str, password: &str) -> Result<(), LoginError> {
    let request = RequestContext {
        request_id: "r".to_owned(),
        traceparent: None,
    };
    let password = Zeroizing::new(password.to_owned());
    log_in(app, id, password, request).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_locked_after_five_wrong_ones_however_many_come_at_once() {
    let bench = Bench::new().await;
    with_password(&bench, "suzuki").await;
    let app = &bench.replicas[0].app;
    try_login(app, "suzuki", PASSWORD).await.unwrap();
    for id in ["nobody", "", "a'; DROP TABLE operators; --"] {
        let refused = try_login(app, id, PASSWORD).await.unwrap_err();
        assert!(matches!(refused, LoginError::Refused), "{id}");
    }
    let guesses = (0..8).map(|n| {
        let app = app.clone();
        async move { try_login(&app, "suzuki", &format!("wrong password {n}")).await }
    });
    let guesses = futures_util::future::join_all(guesses).await;
    assert!(guesses.iter().all(Result::is_err));
    let refused = try_login(app, "suzuki", PASSWORD).await.unwrap_err();
    assert!(matches!(refused, LoginError::Refused), "locked");
    // Five were looked at; the rest left no row.
    let on_record = recorded(&bench).await;
    let refusals = on_record
        .iter()
        .filter(|(_, _, act, outcome)| act == "log_in" && outcome == "refused");
    assert_eq!(refusals.count(), 5);

    sqlx::query("UPDATE operator_login_counters SET locked_until = now() - interval '1 s'")
        .execute(&bench.pool)
        .await
        .unwrap();
    try_login(app, "suzuki", PASSWORD).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_sessions_are_forgotten() {
    let bench = Bench::new().await;
    with_password(&bench, "suzuki").await;
    try_login(&bench.replicas[0].app, "suzuki", PASSWORD)
        .await
        .unwrap();
    assert_eq!(session::forget_old(&bench.pool, 30).await.unwrap(), 0);
    sqlx::query("UPDATE operator_sessions SET expires_at = now() - interval '31 days'")
        .execute(&bench.pool)
        .await
        .unwrap();
    assert_eq!(session::forget_old(&bench.pool, 30).await.unwrap(), 1);
}
