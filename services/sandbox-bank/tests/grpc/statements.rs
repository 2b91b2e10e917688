//! Balances and statements.

use std::collections::HashSet;

use renkei_proto::bank::v1::{
    Direction, GetBalanceRequest, GetBalanceResponse, ListTransactionsRequest,
    ListTransactionsResponse, Transaction,
};
use sandbox_bank::Clock;
use tonic::{Code, Status};

use crate::running::{BANK, RunningBank};

/// Every account that serves statements: contract, account, first served day.
const SERVED: [(&str, &str, &str); 6] = [
    ("c-7f3a91d2", "a-1c84e6f0", "2024-11-20"),
    ("c-7f3a91d2", "a-93d05b7e", "2026-10-01"),
    ("c-7f3a91d2", "a-48f7a2c9", "2025-08-20"),
    ("c-7f3a91d2", "a-e05d3716", "2026-09-01"),
    ("c-0e58b4a6", "a-6b29f4d8", "2025-08-20"),
    ("c-0e58b4a6", "a-f17c03e5", "2026-09-01"),
];

fn query(contract: &str, account: &str, from: &str, to: &str) -> ListTransactionsRequest {
    ListTransactionsRequest {
        bank_code: BANK.into(),
        contract_id: contract.into(),
        account_id: account.into(),
        from_date: from.into(),
        to_date: to.into(),
        page_token: String::new(),
        page_size: 500,
    }
}

async fn list(
    running: &RunningBank,
    request: ListTransactionsRequest,
) -> Result<ListTransactionsResponse, Status> {
    Ok(running
        .port
        .clone()
        .list_transactions(request)
        .await?
        .into_inner())
}

async fn all(running: &RunningBank, mut request: ListTransactionsRequest) -> Vec<Transaction> {
    let mut transactions = Vec::new();
    loop {
        let page = list(running, request.clone()).await.unwrap();
        assert!(page.transactions.len() <= 500);
        transactions.extend(page.transactions);
        if page.next_page_token.is_empty() {
            return transactions;
        }
        request.page_token = page.next_page_token;
    }
}

async fn balance(running: &RunningBank, contract: &str, account: &str) -> GetBalanceResponse {
    let request = GetBalanceRequest {
        bank_code: BANK.into(),
        contract_id: contract.into(),
        account_id: account.into(),
    };
    running
        .port
        .clone()
        .get_balance(request)
        .await
        .unwrap()
        .into_inner()
}

fn signed_yen(transaction: &Transaction) -> i64 {
    match transaction.direction() {
        Direction::Deposit => transaction.amount_yen,
        Direction::Withdrawal => -transaction.amount_yen,
        Direction::Unspecified => panic!("no direction"),
    }
}

#[tokio::test]
async fn balances_follow_from_item_to_item_never_below_zero_and_end_at_todays() {
    let running = RunningBank::start().await;
    for (contract, account, first_day) in SERVED {
        let items = all(
            &running,
            query(contract, account, "2020-01-01", "2099-12-31"),
        )
        .await;
        assert!(items.len() >= 3, "{account} has {} items", items.len());
        for pair in items.windows(2) {
            assert_eq!(
                pair[0].balance_after_yen + signed_yen(&pair[1]),
                pair[1].balance_after_yen,
                "{account} {}",
                pair[1].item_key
            );
            assert!(pair[0].transaction_date <= pair[1].transaction_date);
        }
        for item in &items {
            assert!(
                item.amount_yen > 0 && item.balance_after_yen >= 0,
                "{item:?}"
            );
            assert!(item.value_date >= item.transaction_date, "{item:?}");
            assert!(!item.remarks.is_empty());
            assert!(
                item.transaction_date.as_str() >= first_day,
                "{account} {item:?}"
            );
            assert!(item.transaction_date.as_str() <= "2026-11-20", "{item:?}");
        }
        let keys: HashSet<&str> = items.iter().map(|item| item.item_key.as_str()).collect();
        assert_eq!(keys.len(), items.len());
        let balance = balance(&running, contract, account).await;
        assert_eq!(balance.balance_yen, items.last().unwrap().balance_after_yen);
        assert!(balance.available_balance_yen <= balance.balance_yen);
        assert_eq!(balance.as_of.unwrap().seconds, 1_795_143_600);
    }
}

#[tokio::test]
async fn the_past_is_the_same_tomorrow() {
    let running = RunningBank::start().await;
    let request = query("c-7f3a91d2", "a-1c84e6f0", "2025-01-01", "2026-11-20");
    let today = all(&running, request.clone()).await;
    running
        .bank
        .set_clock(Clock::StoppedAt("2026-12-21T03:00:00Z".parse().unwrap()));
    assert_eq!(all(&running, request).await, today);
    let later = query("c-7f3a91d2", "a-1c84e6f0", "2026-11-21", "2026-12-31");
    let later = all(&running, later).await;
    let next = later.first().unwrap();
    assert_eq!(
        today.last().unwrap().balance_after_yen + signed_yen(next),
        next.balance_after_yen
    );
}

#[tokio::test]
async fn a_union_pays_wages_and_bills_and_gets_dues_and_interest() {
    let running = RunningBank::start().await;
    let request = query("c-7f3a91d2", "a-1c84e6f0", "2025-08-21", "2026-11-20");
    let items = all(&running, request).await;
    let count = |word: &str| {
        items
            .iter()
            .filter(|item| item.remarks.contains(word))
            .count()
    };
    assert_eq!(count("組合費"), 15);
    assert_eq!(count("給与振込"), 15 + 2);
    assert_eq!(count("デンキ"), 15);
    assert_eq!(count("利息"), 2);
    assert!(count("振込手数料") > 15);
    assert!(count("ATM") > 5);
    // May 25 2026 is a Monday; April 25 a Saturday: wages come before it, dues after it.
    let on = |word: &str, day: &str| {
        items
            .iter()
            .any(|item| item.remarks.contains(word) && item.transaction_date == day)
    };
    assert!(on("給与振込", "2026-05-25") && on("組合費", "2026-05-25"));
    assert!(on("給与振込", "2026-04-24") && on("組合費", "2026-04-27"));
}

#[tokio::test]
async fn pages_are_the_whole_without_gap_or_repeat() {
    let running = RunningBank::start().await;
    let whole = query("c-0e58b4a6", "a-6b29f4d8", "2026-06-01", "2026-10-31");
    let all_at_once = all(&running, whole.clone()).await;
    let mut request = ListTransactionsRequest {
        page_size: 7,
        ..whole
    };
    let mut paged = Vec::new();
    loop {
        let page = list(&running, request.clone()).await.unwrap();
        paged.extend(page.transactions);
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert!(paged.len() > 100);
    assert_eq!(paged, all_at_once);

    let default_size = ListTransactionsRequest {
        page_size: 0,
        page_token: String::new(),
        ..request
    };
    assert_eq!(
        list(&running, default_size)
            .await
            .unwrap()
            .transactions
            .len(),
        100
    );
}

#[tokio::test]
async fn strange_dates_sizes_and_tokens_are_refused() {
    let running = RunningBank::start().await;
    let good = query("c-0e58b4a6", "a-6b29f4d8", "2026-06-01", "2026-10-31");
    let small = ListTransactionsRequest {
        page_size: 5,
        ..good.clone()
    };
    let token = list(&running, small.clone()).await.unwrap().next_page_token;
    let with_token = |token: &str| ListTransactionsRequest {
        page_token: token.into(),
        ..good.clone()
    };
    for request in [
        ListTransactionsRequest {
            from_date: "2026-6-1".into(),
            ..good.clone()
        },
        ListTransactionsRequest {
            from_date: "2026-02-30".into(),
            ..good.clone()
        },
        ListTransactionsRequest {
            from_date: String::new(),
            ..good.clone()
        },
        ListTransactionsRequest {
            from_date: "2026-11-01".into(),
            ..good.clone()
        },
        ListTransactionsRequest {
            page_size: 501,
            ..good.clone()
        },
        with_token("x"),
        with_token("口座口座口座"),
        with_token(&format!("{token}0")),
        ListTransactionsRequest {
            page_token: token.clone(),
            from_date: "2026-06-02".into(),
            ..good.clone()
        },
        ListTransactionsRequest {
            account_id: "a-82ae5190".into(),
            ..good.clone()
        },
    ] {
        let status = list(&running, request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{request:?}");
    }
    for request in [
        ListTransactionsRequest {
            contract_id: "c-7f3a91d2".into(),
            ..good.clone()
        },
        ListTransactionsRequest {
            account_id: "a-none".into(),
            ..good.clone()
        },
        ListTransactionsRequest {
            bank_code: "2951".into(),
            ..good.clone()
        },
    ] {
        assert_eq!(
            list(&running, request).await.unwrap_err().code(),
            Code::NotFound
        );
    }
}

#[tokio::test]
async fn cheques_in_clearing_are_in_the_balance_but_can_not_be_drawn() {
    let running = RunningBank::start().await;
    let mut seen = false;
    for day in 1..=28 {
        let noon = format!("2026-09-{day:02}T03:00:00Z").parse().unwrap();
        running.bank.set_clock(Clock::StoppedAt(noon));
        let balance = balance(&running, "c-0e58b4a6", "a-f17c03e5").await;
        seen |= balance.available_balance_yen < balance.balance_yen;
    }
    assert!(seen);
}
