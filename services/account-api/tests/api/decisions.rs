//! Before every read a decision.

use std::time::{Duration, Instant};

use renkei_proto::decision::v1::{DenialReason, Task};
use serde_json::json;
use tonic::Status;

use crate::application::{Application, GRANT_ID};
use crate::stand_ins::Conduct;

const PATHS: [&str; 3] = [
    "/v1/accounts",
    "/v1/accounts/acc-1/balance",
    "/v1/accounts/acc-1/transactions",
];

#[tokio::test]
async fn each_denial_has_its_code_on_every_resource_and_nothing_is_read() {
    let app = Application::start().await;
    for (reason, status, code) in [
        (DenialReason::UnknownGrant, 401, "unknown_grant"),
        (DenialReason::Expired, 401, "grant_expired"),
        (DenialReason::Revoked, 401, "grant_revoked"),
        (DenialReason::Superseded, 401, "grant_superseded"),
        (DenialReason::TokenRevoked, 401, "token_revoked"),
        (DenialReason::Suspended, 403, "grant_suspended"),
    ] {
        app.decisions.change(|grant| grant.denial = Some(reason));
        for path in PATHS {
            let answer = app.get(path).await;
            assert_eq!(answer.problem(), (status, code.to_owned()), "{path}");
            let challenge = answer.header("www-authenticate");
            assert_eq!(
                challenge.is_some_and(|value| value.contains("error=\"invalid_token\"")),
                status == 401
            );
        }
    }
    assert!(app.bank.calls().is_empty());
}

#[tokio::test]
async fn a_task_outside_the_grant_is_insufficient_scope() {
    let app = Application::start().await;
    app.decisions.change(|grant| {
        for account in &mut grant.accounts {
            account.tasks = vec![Task::Transactions.into()];
        }
    });
    let answer = app.get("/v1/accounts/acc-1/balance").await;
    assert_eq!(answer.problem(), (403, "task_not_in_scope".to_owned()));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\", scope=\"balance\""),
        "{challenge}"
    );
    assert!(app.bank.calls().is_empty());
}

#[tokio::test]
async fn a_token_issued_for_less_than_the_grant_reads_less() {
    let app = Application::start().await;
    let narrow_scope = app.token_with(|claims| claims["scope"] = json!("transactions"));
    let narrow_details = app.token_with(|claims| {
        claims["authorization_details"][0]["accounts"] =
            json!([{ "account_id": "acc-1", "tasks": ["transactions"] }]);
    });
    let nothing = app.token_with(|claims| {
        claims["scope"] = json!("");
        claims["authorization_details"] = json!([]);
    });
    let balance = "/v1/accounts/acc-1/balance";
    for token in [&narrow_scope, &narrow_details, &nothing] {
        assert_eq!(
            app.get_with(balance, token).await.problem().1,
            "task_not_in_scope"
        );
    }
    let other = app
        .get_with("/v1/accounts/acc-2/transactions", &narrow_details)
        .await;
    assert_eq!(other.problem(), (404, "account_not_in_scope".to_owned()));
    assert!(app.bank.calls().is_empty());
    for token in [&narrow_scope, &narrow_details] {
        assert_eq!(
            app.get_with("/v1/accounts/acc-1/transactions", token)
                .await
                .status,
            200
        );
    }
    let listed = app.get_with("/v1/accounts", &narrow_details).await.json();
    assert_eq!(listed["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(listed["accounts"][0]["tasks"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_account_that_does_not_exist_and_one_outside_the_grant_are_answered_alike() {
    let app = Application::start().await;
    let mut bodies = Vec::new();
    let odd = ["acc-9", "bank-1", "%27%20or%201", "a%00b", &"x".repeat(500)];
    for id in odd {
        for task in ["balance", "transactions"] {
            let answer = app.get(&format!("/v1/accounts/{id}/{task}")).await;
            assert_eq!(
                answer.problem(),
                (404, "account_not_in_scope".to_owned()),
                "{id}"
            );
            bodies.push(answer.text);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
    assert!(app.bank.calls().is_empty());
}

#[tokio::test]
async fn every_read_asks_again_so_that_a_revocation_holds_at_once() {
    let app = Application::start().await;
    let path = "/v1/accounts/acc-1/balance";
    assert_eq!(app.get(path).await.status, 200);
    assert_eq!(app.get(path).await.status, 200);
    app.decisions
        .change(|grant| grant.denial = Some(DenialReason::Revoked));
    assert_eq!(app.get(path).await.problem().1, "grant_revoked");
    let asked = app.decisions.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|asked| {
        (
            asked.grant_id.as_str(),
            asked.client_id.as_str(),
            asked.jti.as_str(),
        ) == (GRANT_ID, "partner-1", "token-1")
    }));
}

#[tokio::test]
async fn without_a_decision_nothing_is_read() {
    let app = Application::start().await;
    for status in [
        Status::unavailable("database"),
        Status::deadline_exceeded(""),
        Status::internal(""),
        Status::resource_exhausted(""),
    ] {
        app.decisions
            .change(|grant| grant.conduct = Conduct::Fails(status));
        for path in PATHS {
            let answer = app.get(path).await;
            assert_eq!(answer.problem(), (503, "decision_unavailable".to_owned()));
            assert_eq!(answer.header("retry-after"), Some("5"));
        }
    }
    app.decisions.change(|grant| {
        grant.conduct = Conduct::Answers;
        grant.denial = Some(DenialReason::Unspecified);
    });
    for path in PATHS {
        assert_eq!(app.get(path).await.problem().1, "decision_unavailable");
    }
    app.decisions.change(|grant| {
        grant.denial = None;
        grant.history_from = "sometime".to_owned();
    });
    for path in PATHS {
        assert_eq!(app.get(path).await.problem().1, "decision_unavailable");
    }
    assert!(app.bank.calls().is_empty());
}

#[tokio::test]
async fn a_decision_that_takes_longer_than_two_seconds_is_none() {
    let app = Application::start().await;
    app.decisions.change(|grant| grant.conduct = Conduct::Hangs);
    let started = Instant::now();
    let answer = app.get("/v1/accounts/acc-1/balance").await;
    assert_eq!(answer.problem(), (503, "decision_unavailable".to_owned()));
    assert!((Duration::from_millis(1900)..Duration::from_secs(4)).contains(&started.elapsed()));
    assert!(app.bank.calls().is_empty());
}

#[tokio::test]
async fn a_decision_port_that_is_not_there_or_does_not_know_us_is_an_outage() {
    let free_port = {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.local_addr().unwrap()
    };
    let gone =
        Application::start_wired(|wiring| wiring.decision_url = format!("http://{free_port}"))
            .await;
    let stranger =
        Application::start_wired(|wiring| wiring.decision_credential = "other".to_owned()).await;
    for app in [gone, stranger] {
        let answer = app.get("/v1/accounts/acc-1/balance").await;
        assert_eq!(answer.problem(), (503, "decision_unavailable".to_owned()));
        assert!(app.bank.calls().is_empty());
    }
}
