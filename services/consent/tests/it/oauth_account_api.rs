//! The account API in front of the real decisions and the sandbox bank: what a partner reads.

use std::net::TcpListener;

use account_api::{RunningServer, Settings};
use chrono::{DateTime, Days, FixedOffset, NaiveDate, Utc};
use demo::agent::{
    account_api::{AccountApi, Problem, ReadError, TransactionQuery},
    partner::{ParRequest, Tokens},
    walk::Task,
};
use sandbox_bank::{Closure, ClosureReason};
use serde_json::{Value, json};
use url::Url;

use crate::{
    bench::{BANK, Bench, DECISION_CREDENTIAL, FIRST, FOURTH, PIN, ticked},
    oauth_partner::{Wish, outcome, pairs, post},
};

/// A server that asks that replica.
pub fn serve(bench: &Bench, replica: usize) -> RunningServer {
    let origin = bench.origin.as_str();
    let decisions = bench.replicas[replica].decisions;
    let bank = bench.bank_address;
    let settings = Settings::parse(&format!(
        "listen = \"127.0.0.1:0\"
         resource_identifier = \"http://127.0.0.1:8090\"
         decision_url = \"http://{decisions}\"
         decision_credential = \"{}\"
         bank_port_url = \"http://{bank}\"
         [[issuers]]
         issuer = \"{origin}{BANK}\"
         bank_code = \"{BANK}\"
         jwks_url = \"{origin}{BANK}/jwks\"",
        DECISION_CREDENTIAL
    ))
    .expect("settings");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    account_api::start(settings, listener).expect("the account API starts")
}

fn reader(server: &RunningServer, tokens: &Tokens) -> AccountApi {
    let base = Url::parse(&server.base_url()).expect("an address");
    AccountApi::try_new(base, &tokens.access_token).expect("a reader")
}

fn refused(result: Result<Value, ReadError>) -> Problem {
    result
        .expect_err("refused")
        .problem()
        .expect("a problem")
        .clone()
}

fn code(problem: &Problem) -> (u16, &str) {
    (problem.status, problem.code.as_deref().unwrap_or_default())
}

fn today() -> NaiveDate {
    Utc::now()
        .with_timezone(&FixedOffset::east_opt(9 * 3600).unwrap())
        .date_naive()
}

fn query(from: Option<NaiveDate>, limit: Option<u32>) -> TransactionQuery {
    TransactionQuery {
        from: from.map(|day| day.to_string()),
        limit,
        ..TransactionQuery::default()
    }
}

fn days(answer: &Value) -> Vec<NaiveDate> {
    let rows = answer["transactions"].as_array().expect("transactions");
    rows.iter()
        .map(|row| row["transaction_date"].as_str().unwrap().parse().unwrap())
        .collect()
}

fn available_from(accounts: &Value, row: usize) -> NaiveDate {
    let tasks = accounts["accounts"][row]["tasks"]
        .as_array()
        .expect("tasks");
    let task = tasks
        .iter()
        .find(|task| task["task"] == "transactions")
        .expect("the task");
    task["available_from"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_reads_the_accounts_balances_and_statements_that_were_allowed() {
    let bench = Bench::new().await;
    let rows = vec![ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let tokens = bench
        .granted(Wish {
            rows,
            ..Wish::default()
        })
        .await;
    let server = serve(&bench, 0);
    let api = reader(&server, &tokens);

    let accounts = api.accounts().await.expect("accounts");
    let listed: Vec<(&str, &str)> = accounts["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["branch_code"].as_str().unwrap(),
                row["account_number"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(listed, [("000", "5000000"), ("490", "1000014")]);
    assert_eq!(
        accounts["grant"]["grant_id"],
        tokens.grant_id.clone().unwrap()
    );
    let ids: Vec<&str> = (0..2)
        .map(|row| accounts["accounts"][row]["account_id"].as_str().unwrap())
        .collect();

    for id in &ids {
        let balance = api.balance(id).await.expect("a balance");
        assert_eq!(balance["balance"]["currency"], "JPY");
        let all = api
            .transactions(id, &query(None, Some(500)))
            .await
            .expect("transactions");
        let last = all["transactions"]
            .as_array()
            .unwrap()
            .last()
            .expect("a transaction");
        assert_eq!(
            last["balance_after"], balance["balance"]["amount"],
            "books and balance agree"
        );
    }

    // Page by page the same, each row once, oldest first.
    let range = query(Some(available_from(&accounts, 1)), Some(500));
    let whole = api
        .transactions(ids[1], &range)
        .await
        .expect("transactions");
    assert!(whole["next_cursor"].is_null());
    let mut paged = Vec::new();
    let mut page = api
        .transactions(
            ids[1],
            &TransactionQuery {
                limit: Some(7),
                ..range.clone()
            },
        )
        .await
        .unwrap();
    loop {
        paged.extend(page["transactions"].as_array().unwrap().clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        let next = TransactionQuery {
            cursor: Some(cursor.to_owned()),
            limit: Some(7),
            ..TransactionQuery::default()
        };
        page = api
            .transactions(ids[1], &next)
            .await
            .expect("the next page");
    }
    assert!(paged.len() > 7, "one page proves nothing");
    assert_eq!(json!(paged), whole["transactions"]);
    assert!(days(&whole).is_sorted());

    // Both ends are in.
    let day = days(&whole)[paged.len() / 2];
    let one = TransactionQuery {
        from: Some(day.to_string()),
        to: Some(day.to_string()),
        ..TransactionQuery::default()
    };
    let of_day = days(&api.transactions(ids[1], &one).await.unwrap());
    let expected = days(&whole)
        .into_iter()
        .filter(|other| *other == day)
        .count();
    assert_eq!(of_day, vec![day; expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn days_before_the_banks_first_day_or_the_customers_are_not_read() {
    let bench = Bench::new().await;
    let rows = || vec![ticked(FOURTH, PIN)];
    let whole = bench
        .granted(Wish {
            rows: rows(),
            ..Wish::default()
        })
        .await;
    let server = serve(&bench, 0);
    let api = reader(&server, &whole);
    let accounts = api.accounts().await.unwrap();
    let id = whole.account_ids()[0].clone();
    let first = available_from(&accounts, 0);
    let long_ago = first - Days::new(400);

    let clamped = api
        .transactions(&id, &query(Some(long_ago), Some(500)))
        .await
        .unwrap();
    assert_eq!(clamped["from"], first.to_string());
    assert_eq!(clamped["clamped"], true);
    let because = json!([{"parameter": "from", "reason": "from_before_available", "limit": first.to_string()}]);
    assert_eq!(clamped["adjustments"], because);
    assert!(days(&clamped).into_iter().all(|day| day >= first));

    let since = first + Days::new(20);
    let request = ParRequest::new()
        .create_grant()
        .authorization_details(&json!([{
            "type": "account_information", "tasks": ["balance", "transactions"],
            "history_from": since.to_string(),
        }]));
    let limited = bench
        .granted(Wish {
            request,
            rows: rows(),
            ..Wish::default()
        })
        .await;
    assert_eq!(limited.account_ids(), whole.account_ids());
    let api = reader(&server, &limited);
    assert_eq!(
        api.accounts().await.unwrap()["grant"]["history_from"],
        since.to_string()
    );
    for from in [None, Some(first), Some(long_ago)] {
        let read = api
            .transactions(&id, &query(from, Some(500)))
            .await
            .unwrap();
        assert_eq!(read["from"], since.to_string());
        assert!(days(&read).into_iter().all(|day| day >= since));
    }
    // The other grant's cursor opens nothing here, nor does its range.
    let page = reader(&server, &whole)
        .transactions(&id, &query(Some(first), Some(2)))
        .await
        .unwrap();
    let cursor = page["next_cursor"].as_str().expect("more pages").to_owned();
    let foreign = TransactionQuery {
        cursor: Some(cursor),
        ..TransactionQuery::default()
    };
    assert_eq!(
        code(&refused(api.transactions(&id, &foreign).await)),
        (400, "invalid_cursor")
    );
    let future = query(Some(today() + Days::new(1)), None);
    assert_eq!(
        code(&refused(api.transactions(&id, &future).await)),
        (400, "invalid_parameter")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reason_for_no_data_is_told_apart() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let server = serve(&bench, 1);
    let api = reader(&server, &tokens);
    let id = tokens.account_ids()[0].clone();
    api.balance(&id).await.expect("a balance");

    // A token narrower than its grant.
    let narrow = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh_token.as_ref().unwrap()),
        ("scope", "transactions"),
    ]);
    let answer = post(&bench.client(0), &bench.endpoint("token", 0), &narrow).await;
    let narrow: Tokens = answer.read().expect("a token");
    let problem = refused(reader(&server, &narrow).balance(&id).await);
    assert_eq!(code(&problem), (403, "task_not_in_scope"));

    // Another partner's ids are nobody's.
    let of_b = bench
        .granted(Wish {
            partner: 1,
            ..Wish::default()
        })
        .await;
    let foreign = refused(api.balance(&of_b.account_ids()[0]).await);
    assert_eq!(code(&foreign), (404, "account_not_in_scope"));

    let reopens_at: DateTime<Utc> = Utc::now() + chrono::TimeDelta::hours(3);
    let closure = Closure {
        reason: ClosureReason::Hours,
        reopens_at: Some(reopens_at),
    };
    bench.bank.set_closure(BANK, Some(closure)).unwrap();
    let closed = refused(api.balance(&id).await);
    assert_eq!(code(&closed), (503, "closed_hours"));
    assert!(closed.retry_after.is_some());
    assert!(closed.body["reopens_at"].is_string());
    // An ended grant is told while the bank is closed, too: it is no matter of hours.
    bench.revoke(of_b.grant_id.as_ref().unwrap(), 0).await;
    let ended = refused(reader(&server, &of_b).accounts().await);
    assert_eq!(code(&ended), (401, "grant_revoked"));
    bench.bank.set_closure(BANK, None).unwrap();

    bench.enable_only_at(&bench.partners[0], &[]).await;
    assert_eq!(
        code(&refused(api.balance(&id).await)),
        (403, "grant_suspended")
    );
    bench.enable_only_at(&bench.partners[0], &[BANK]).await;
    api.balance(&id).await.expect("a balance again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_read_after_a_revocation_is_refused() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let id = tokens.account_ids()[0].clone();
    let servers = [serve(&bench, 0), serve(&bench, 1)];
    for server in &servers {
        reader(server, &tokens)
            .balance(&id)
            .await
            .expect("a balance");
    }
    bench.revoke(tokens.grant_id.as_ref().unwrap(), 0).await;
    for server in &servers {
        let api = reader(server, &tokens);
        let reads = [
            api.accounts().await,
            api.balance(&id).await,
            api.transactions(&id, &TransactionQuery::default()).await,
        ];
        for read in reads {
            assert_eq!(code(&refused(read)), (401, "grant_revoked"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_code_that_was_used_twice_read_nothing() {
    let bench = Bench::new().await;
    let allowed = bench.allowed(Wish::default()).await;
    let tokens = bench.redeemed(&allowed).await;
    let server = serve(&bench, 0);
    let id = tokens.account_ids()[0].clone();
    reader(&server, &tokens)
        .balance(&id)
        .await
        .expect("a balance");
    let again = crate::oauth_partner::exchange(&allowed);
    let answer = post(&bench.client(0), &bench.endpoint("token", 0), &again).await;
    assert_eq!(outcome(&answer), (400, "invalid_grant"));
    let problem = refused(reader(&server, &tokens).balance(&id).await);
    assert_eq!(code(&problem), (401, "token_revoked"));
    // The grant lives: another journey gives tokens that work.
    let tasks = vec![Task::Balance];
    let anew = bench
        .granted(Wish {
            tasks,
            ..Wish::default()
        })
        .await;
    assert_eq!(anew.grant_id, tokens.grant_id);
    reader(&server, &anew)
        .balance(&id)
        .await
        .expect("a balance");
}
