//! GET /v1/accounts/{account_id}/transactions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::application::Application;
use crate::stand_ins::bank::RangeConduct;

const PATH: &str = "/v1/accounts/acc-1/transactions";

fn keys(answer: &Value) -> Vec<String> {
    let list = answer["transactions"].as_array().unwrap();
    list.iter()
        .map(|item| item["item_key"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_transaction_has_its_amount_on_the_side_it_belongs_to() {
    let app = Application::start().await;
    let answer = app
        .get(&format!("{PATH}?from=2026-04-01&to=2026-04-02"))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "account_id": "acc-1", "from": "2026-04-01", "to": "2026-04-02",
            "clamped": false, "adjustments": [], "next_cursor": null,
            "transactions": [
                {
                    "item_key": "item-059", "transaction_date": "2026-04-01",
                    "value_date": "2026-04-01", "type": "withdrawal", "deposit_amount": null,
                    "withdrawal_amount": 1059, "balance_after": 1_000_000, "remarks": "フリコミ",
                },
                {
                    "item_key": "item-060", "transaction_date": "2026-04-02",
                    "value_date": "2026-04-02", "type": "deposit", "deposit_amount": 1060,
                    "withdrawal_amount": null, "balance_after": 1_000_000, "remarks": "フリコミ",
                },
            ],
        })
    );
}

#[tokio::test]
async fn without_parameters_everything_from_the_first_available_day_to_today_is_read() {
    let app = Application::start().await;
    let answer = app.get(PATH).await.json();
    assert_eq!(
        (&answer["from"], &answer["to"]),
        (&json!("2026-03-01"), &json!("2026-04-15"))
    );
    assert_eq!(answer["clamped"], false);
    assert_eq!(keys(&answer).len(), 46);
}

#[tokio::test]
async fn pages_put_together_are_the_one_big_page() {
    let app = Application::start().await;
    for range in ["", "&from=2026-01-01&to=2026-04-10", "&from=2026-03-15"] {
        let whole = app.get(&format!("{PATH}?limit=500{range}")).await.json();
        assert_eq!(whole["next_cursor"], Value::Null);
        for repeated in ["", range] {
            let mut collected = Vec::new();
            let mut page = app.get(&format!("{PATH}?limit=7{range}")).await.json();
            loop {
                collected.extend(keys(&page));
                for member in ["from", "to", "clamped", "adjustments"] {
                    assert_eq!(page[member], whole[member]);
                }
                let Some(cursor) = page["next_cursor"].as_str() else {
                    break;
                };
                let next = app
                    .get(&format!("{PATH}?limit=7&cursor={cursor}{repeated}"))
                    .await;
                assert_eq!(next.status, 200, "{}", next.text);
                page = next.json();
            }
            assert_eq!(collected, keys(&whole));
        }
    }
}

#[tokio::test]
async fn the_first_day_is_the_latest_of_the_three_and_the_answer_says_why() {
    let app = Application::start().await;
    let reason = |reason: &str, limit: &str| json!({ "parameter": "from", "reason": reason, "limit": limit });
    let early = app.get(&format!("{PATH}?from=2026-02-01")).await.json();
    assert_eq!(early["from"], "2026-03-01");
    assert_eq!(early["clamped"], true);
    assert_eq!(
        early["adjustments"],
        json!([reason("from_before_available", "2026-03-01")])
    );
    assert_eq!(keys(&early).len(), 46);

    app.decisions
        .change(|grant| grant.history_from = "2026-04-01".to_owned());
    let later = app.get(&format!("{PATH}?from=2026-03-10")).await.json();
    assert_eq!(later["from"], "2026-04-01");
    assert_eq!(
        later["adjustments"],
        json!([reason("from_before_history_from", "2026-04-01")])
    );
    assert_eq!(keys(&later).len(), 15);

    let both = app.get(&format!("{PATH}?from=2026-02-10")).await.json();
    assert_eq!(both["adjustments"].as_array().unwrap().len(), 2);

    let everything = app.get(PATH).await.json();
    assert_eq!(everything["from"], "2026-04-01");
    assert_eq!(everything["clamped"], false);

    let before = app
        .get(&format!("{PATH}?from=2026-02-01&to=2026-02-20"))
        .await
        .json();
    assert_eq!(before["transactions"], json!([]));
    assert_eq!(before["next_cursor"], Value::Null);

    let asked = app.bank.ranges.lock().unwrap().clone();
    assert!(
        asked
            .iter()
            .all(|asked| asked.from_date.as_str() >= "2026-03-01")
    );
    assert_eq!(asked.len(), 4);
}

#[tokio::test]
async fn a_bank_that_answers_days_outside_the_range_is_not_passed_on() {
    let app = Application::start().await;
    app.bank.change(|core| core.range = RangeConduct::Ignored);
    let answer = app.get(&format!("{PATH}?from=2026-04-01")).await;
    assert_eq!(answer.problem(), (503, "bank_unavailable".to_owned()));
}

#[tokio::test]
async fn bad_parameters_are_refused_before_anybody_is_asked_and_not_repeated() {
    let app = Application::start().await;
    for query in [
        "from=2026-02-30",
        "from=2026-4-01",
        "from=",
        "to=today",
        "from=2026-04-16",
        "to=2026-04-16",
        "from=2026-04-02&to=2026-04-01",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=%2B5",
        "limit=1.5",
        "limit=",
        "limit=99999999999999999999",
        "from=2026-04-01&from=2026-04-01",
        "offset=1",
        "from=%3Cscript%3E",
    ] {
        let answer = app.get(&format!("{PATH}?{query}")).await;
        assert_eq!(
            answer.problem(),
            (400, "invalid_parameter".to_owned()),
            "{query}"
        );
        assert!(!answer.text.contains("script"));
    }
    assert!(app.decisions.asked().is_empty());
}

#[tokio::test]
async fn a_cursor_belongs_to_its_account_its_client_and_its_range() {
    let app = Application::start().await;
    let first = app
        .get(&format!("{PATH}?limit=5&from=2026-03-10&to=2026-04-10"))
        .await
        .json();
    let cursor = first["next_cursor"].as_str().unwrap();
    let refused = |answer: crate::application::Answer, what: &str| {
        assert_eq!(
            answer.problem(),
            (400, "invalid_cursor".to_owned()),
            "{what}"
        );
    };

    let elsewhere = format!("/v1/accounts/acc-2/transactions?cursor={cursor}");
    refused(app.get(&elsewhere).await, "another account");
    let other_client = app.token_with(|claims| claims["client_id"] = json!("partner-2"));
    refused(
        app.get_with(&format!("{PATH}?cursor={cursor}"), &other_client)
            .await,
        "client",
    );
    for range in [
        "from=2026-03-11",
        "to=2026-04-11",
        "from=2026-03-10&to=2026-04-09",
    ] {
        refused(
            app.get(&format!("{PATH}?cursor={cursor}&{range}")).await,
            range,
        );
    }
    for made_up in ["", "abc", "e30", "%00", &cursor[1..], &"a".repeat(5000)] {
        refused(
            app.get(&format!("{PATH}?cursor={made_up}")).await,
            "made up",
        );
    }
    for change in [
        |wire: &mut Value| wire["f"] = json!("2026-03-01"),
        |wire: &mut Value| wire["t"] = json!("2026-04-15"),
        |wire: &mut Value| wire["p"] = json!("position:0"),
        |wire: &mut Value| wire["v"] = json!(2),
        |wire: &mut Value| wire["x"] = json!(1),
    ] {
        let mut wire = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
        change(&mut wire);
        let tampered = URL_SAFE_NO_PAD.encode(wire.to_string());
        refused(
            app.get(&format!("{PATH}?cursor={tampered}")).await,
            "tampered",
        );
    }
    assert_eq!(
        app.get(&format!("{PATH}?cursor={cursor}")).await.status,
        200
    );
}

#[tokio::test]
async fn a_cursor_ends_when_the_limits_move_past_its_first_day() {
    let app = Application::start().await;
    let first = app
        .get(&format!("{PATH}?limit=5&from=2026-03-10"))
        .await
        .json();
    let cursor = first["next_cursor"].as_str().unwrap();
    app.decisions
        .change(|grant| grant.history_from = "2026-04-01".to_owned());
    let answer = app.get(&format!("{PATH}?cursor={cursor}")).await;
    assert_eq!(answer.problem(), (400, "invalid_cursor".to_owned()));
}
