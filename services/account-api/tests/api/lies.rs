//! A bank whose answers lie: none of it reaches the partner, and the grant is not spoken ill of.

use renkei_proto::bank::v1::{Account, Asked, Transaction};

use crate::application::Application;
use crate::stand_ins::bank::{Core, account};

/// What a lie is called, and what it changes.
type Lie<T> = (&'static str, fn(&mut T));

const BALANCE: &str = "/v1/accounts/acc-1/balance";
const TRANSACTIONS: &str = "/v1/accounts/acc-1/transactions";

async fn is_no_answer(app: &Application, path: &str, what: &str) {
    let answer = app.get(path).await;
    assert_eq!(
        answer.problem(),
        (503, "bank_unavailable".to_owned()),
        "{what} {path}"
    );
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.text.contains("script") && !answer.text.contains("0000000"));
}

#[tokio::test]
async fn an_answer_to_another_question_is_no_answer() {
    let app = Application::start().await;
    for asked in [
        None,
        Some(Asked::default()),
        Some(Asked {
            bank_code: "2951".to_owned(),
            contract_id: "contract-1".to_owned(),
            account_id: "bank-1".to_owned(),
            ..Asked::default()
        }),
        Some(Asked {
            bank_code: "2963".to_owned(),
            contract_id: "contract-1".to_owned(),
            account_id: "bank-2".to_owned(),
            ..Asked::default()
        }),
    ] {
        app.bank.change(|core| core.asked = Some(asked.clone()));
        for path in ["/v1/accounts", BALANCE, TRANSACTIONS] {
            is_no_answer(&app, path, &format!("{asked:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_balance_of_another_account_is_no_balance() {
    // The list is honest: only the balance is not the one that was asked for.
    let app = Application::start().await;
    app.bank.change(|core| {
        core.balance_asked = Some(Asked {
            bank_code: "2963".to_owned(),
            contract_id: "contract-1".to_owned(),
            account_id: "bank-2".to_owned(),
            ..Asked::default()
        });
    });
    is_no_answer(&app, BALANCE, "another account").await;
    assert_eq!(app.get("/v1/accounts").await.status, 200);
}

#[tokio::test]
async fn a_list_that_breaks_the_contract_is_no_list() {
    let lies: [Lie<Core>; 6] = [
        ("twice", |core| core.accounts.push(core.accounts[0].clone())),
        ("too many", |core| {
            let more = |n| account(&format!("more-{n}"), ("000", "支店"), "0000000");
            core.accounts.extend((0..5_000).map(more));
        }),
        ("no id", |core| core.accounts[0].account_id.clear()),
        ("no number", |core| core.accounts[1].number.clear()),
        ("overlong", |core| {
            core.accounts[1].branch_name = "長".repeat(10_000)
        }),
        ("control", |core| {
            core.accounts[1].branch_name = "<script>\u{0}".to_owned();
        }),
    ];
    for (what, lie) in lies {
        let app = Application::start().await;
        app.bank.change(lie);
        for path in ["/v1/accounts", BALANCE, TRANSACTIONS] {
            is_no_answer(&app, path, what).await;
        }
    }
}

#[tokio::test]
async fn a_page_of_transactions_that_breaks_the_contract_is_no_page() {
    let lies: [Lie<Vec<Transaction>>; 5] = [
        ("twice", |items| {
            let last = items.last().cloned();
            items.extend(last);
        }),
        ("no day", |items| {
            for item in items {
                item.transaction_date.clear();
            }
        }),
        ("no direction", |items| {
            items.iter_mut().for_each(|item| item.direction = 99)
        }),
        ("control", |items| {
            for item in items {
                item.remarks = "<script>\u{1b}".to_owned();
            }
        }),
        ("overlong", |items| {
            for item in items {
                item.remarks = "長".repeat(10_000);
            }
        }),
    ];
    for (what, lie) in lies {
        let app = Application::start().await;
        app.bank.change(|core| {
            core.range = crate::stand_ins::bank::RangeConduct::Ignored;
            core.transactions
                .retain(|item| item.transaction_date.as_str() >= "2026-04-01");
            lie(&mut core.transactions);
        });
        let path = format!("{TRANSACTIONS}?from=2026-04-01&to=2026-04-15");
        is_no_answer(&app, &path, what).await;
    }
}

#[tokio::test]
async fn a_page_that_leads_back_to_itself_ends_there() {
    let app = Application::start().await;
    let path = format!("{TRANSACTIONS}?from=2026-04-01&to=2026-04-15&limit=5");
    let first = app.get(&path).await.json();
    let cursor = first["next_cursor"].as_str().unwrap();
    app.bank
        .change(|core| core.next_page_token = Some("position:5".to_owned()));
    is_no_answer(&app, &format!("{path}&cursor={cursor}"), "a circle").await;
}

#[tokio::test]
async fn a_type_or_task_of_a_later_version_is_left_out_and_the_rest_is_answered() {
    let app = Application::start().await;
    app.bank.change(|core| {
        let Account { r#type, tasks, .. } = &mut core.accounts[1];
        *r#type = 99;
        tasks[0].task = 99;
    });
    let answer = app.get("/v1/accounts").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(!answer.text.contains("99,"), "{}", answer.text);
}
