//! GET /v1/accounts.

use serde_json::json;

use crate::application::{Application, GRANT_ID};

#[tokio::test]
async fn the_accounts_of_the_grant_are_listed_in_the_banks_order() {
    let app = Application::start().await;
    app.decisions
        .change(|grant| grant.history_from = "2026-01-01".to_owned());
    let answer = app.get("/v1/accounts").await;
    assert_eq!(answer.status, 200);
    let tasks = json!([
        { "task": "balance", "available_from": "2026-04-15" },
        { "task": "transactions", "available_from": "2026-03-01" },
    ]);
    assert_eq!(
        answer.json(),
        json!({
            "accounts": [
                {
                    "account_id": "acc-1", "status": "available",
                    "branch_code": "000", "branch_name": "インターネット支店",
                    "account_type": "ordinary", "account_type_name": "普通",
                    "account_number": "5000000", "tasks": tasks,
                },
                {
                    "account_id": "acc-2", "status": "available",
                    "branch_code": "490", "branch_name": "豊後支店",
                    "account_type": "ordinary", "account_type_name": "普通",
                    "account_number": "1000014", "tasks": tasks,
                },
            ],
            "grant": {
                "grant_id": GRANT_ID,
                "valid_until": "2027-03-31T23:59:59+09:00",
                "history_from": "2026-01-01",
            },
        })
    );
}

#[tokio::test]
async fn an_account_that_the_bank_no_longer_lists_is_unavailable_and_comes_last() {
    let app = Application::start().await;
    app.bank.change(|core| {
        core.accounts
            .retain(|account| account.account_id != "bank-1")
    });
    let answer = app.get("/v1/accounts").await.json();
    assert_eq!(answer["accounts"][0]["account_id"], "acc-2");
    assert_eq!(
        answer["accounts"][1],
        json!({
            "account_id": "acc-1", "status": "unavailable", "branch_code": null,
            "branch_name": null, "account_type": null, "account_type_name": null,
            "account_number": null, "tasks": [],
        })
    );
    for task in ["balance", "transactions"] {
        let answer = app.get(&format!("/v1/accounts/acc-1/{task}")).await;
        assert_eq!(answer.problem(), (404, "account_unavailable".to_owned()));
    }
}

#[tokio::test]
async fn a_task_that_the_bank_no_longer_offers_is_left_out() {
    let app = Application::start().await;
    app.bank.change(|core| {
        for account in &mut core.accounts {
            account.tasks.remove(0);
        }
    });
    let answer = app.get("/v1/accounts").await.json();
    assert_eq!(answer["accounts"][0]["tasks"].as_array().unwrap().len(), 1);
    let answer = app.get("/v1/accounts/acc-1/balance").await;
    assert_eq!(answer.problem(), (404, "account_unavailable".to_owned()));
}
