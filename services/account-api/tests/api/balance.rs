//! GET /v1/accounts/{account_id}/balance, and how the bank's troubles are told.

use renkei_proto::bank::v1::ClosedReason;
use serde_json::json;
use tonic::Status;

use crate::application::{Application, now};
use crate::stand_ins::Conduct;
use crate::stand_ins::bank::closed;

const PATH: &str = "/v1/accounts/acc-1/balance";

#[tokio::test]
async fn the_balance_is_told_in_yen_with_its_time() {
    let app = Application::start().await;
    let answer = app.get(PATH).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "account_id": "acc-1",
            "balance": { "amount": 1_234_567, "currency": "JPY" },
            "available_balance": { "amount": 1_200_000, "currency": "JPY" },
            "as_of": "2026-04-15T12:00:00+09:00",
        })
    );
}

#[tokio::test]
async fn closed_hours_and_maintenance_say_when_to_come_back() {
    let app = Application::start().await;
    let in_an_hour = Some(now().timestamp() + 3600);
    for (reason, reopens_at, code, retry_after) in [
        (ClosedReason::Hours, in_an_hour, "closed_hours", "3600"),
        (ClosedReason::Hours, None, "closed_hours", "600"),
        (
            ClosedReason::Hours,
            Some(now().timestamp() - 5),
            "closed_hours",
            "600",
        ),
        (ClosedReason::Maintenance, in_an_hour, "maintenance", "3600"),
    ] {
        app.bank
            .change(|core| core.conduct = Conduct::Fails(closed(reason, reopens_at)));
        for path in ["/v1/accounts", PATH, "/v1/accounts/acc-1/transactions"] {
            let answer = app.get(path).await;
            assert_eq!(answer.problem(), (503, code.to_owned()));
            assert_eq!(answer.header("retry-after"), Some(retry_after));
            let told = answer.json()["reopens_at"].is_string();
            assert_eq!(told, reopens_at > Some(now().timestamp()));
        }
    }
}

#[tokio::test]
async fn the_banks_outages_are_told_apart_from_the_grants_end() {
    let app = Application::start().await;
    for (status, code) in [
        (
            Status::unavailable("core 50xx for 5000000"),
            "bank_unavailable",
        ),
        (
            Status::failed_precondition("no details"),
            "bank_unavailable",
        ),
        (Status::unknown(""), "bank_unavailable"),
        (Status::deadline_exceeded(""), "bank_timeout"),
    ] {
        app.bank
            .change(|core| core.conduct = Conduct::Fails(status));
        let answer = app.get(PATH).await;
        assert_eq!(answer.problem(), (503, code.to_owned()));
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.text.contains("5000000"));
    }
}

#[tokio::test]
async fn a_bank_that_does_not_answer_is_not_waited_for_longer_than_four_seconds() {
    let app = Application::start().await;
    app.bank.change(|core| core.conduct = Conduct::Hangs);
    let started = std::time::Instant::now();
    assert_eq!(
        app.get(PATH).await.problem(),
        (503, "bank_timeout".to_owned())
    );
    assert!(started.elapsed() < std::time::Duration::from_secs(6));
}
