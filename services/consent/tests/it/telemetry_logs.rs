//! What a walk leaves in the log: who asked for the record finds it, and nobody finds a secret.

use demo::agent::walk::{Credentials, Task, choose_accounts, choose_tasks, log_in};
use serde_json::Value;

use crate::{
    bench::{Bench, FIRST, browser, dantai01, ticked},
    telemetry_collector::collector,
};

/// The lines of a request, by the value of one of its span's fields.
fn lines_with(log: &str, field: &str, value: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}")))
        .filter(|line| {
            let spans = line["spans"].as_array().cloned().unwrap_or_default();
            spans.iter().any(|span| span[field] == value)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_by_its_trace_and_by_the_number_on_the_page() {
    let collector = collector();
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let (traceparent, request_id): (String, String) = sqlx::query_as(
        "SELECT traceparent, request_id FROM events WHERE event_type = 'LoginSucceeded'",
    )
    .fetch_one(&bench.pool)
    .await
    .expect("the event");
    let of_trace = lines_with(&collector.log(), "trace_id", &traceparent[3..35]);
    let answered = of_trace
        .iter()
        .find(|line| line["fields"]["message"] == "answered");
    let answered = answered.expect("the request's own line");
    assert_eq!(answered["fields"]["status"], 303);
    assert_eq!(answered["spans"][0]["request_id"], request_id);
    assert_eq!(
        answered["spans"][0]["http.route"],
        "/{bank}/journeys/{journey}/login"
    );

    let nowhere = bench
        .origin
        .join("2963/journeys/nowhere/login")
        .expect("an address");
    let error = browser.get(nowhere).await.expect("an error page");
    let number = error.text("#inquiry-number").expect("a number");
    let found = lines_with(&collector.log(), "inquiry_number", &number);
    assert_eq!(found.len(), 1, "{number}");
}

const MARKED_PASSWORD: &str = "Marked-Password-e3b0c442";
const MARKED_LOGIN_ID: &str = "markedid98fc1c14";
const MARKED_PIN: &str = "7391";

#[tokio::test(flavor = "multi_thread")]
async fn neither_passwords_nor_pins_are_in_logs_or_spans() {
    let collector = collector();
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let typed = Credentials {
        login_id: MARKED_LOGIN_ID.to_owned(),
        password: MARKED_PASSWORD.to_owned(),
    };
    log_in(&browser, &login, &typed)
        .await
        .expect_err("nobody of that name");
    let (login, _) = bench.begin(&browser, 0).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    choose_accounts(&browser, &accounts, &[ticked(FIRST, MARKED_PIN)])
        .await
        .expect("step 5");
    assert_eq!(
        bench.bank.pin_requests().len(),
        1,
        "the PIN reached the bank"
    );

    let (log, spans) = (collector.log(), collector.all_spans().await);
    assert!(
        spans.contains("VerifyInquiryPin") && log.contains("/{bank}/journeys/{journey}/accounts")
    );
    for (place, text) in [("log", &log), ("spans", &spans)] {
        for secret in [MARKED_PASSWORD, MARKED_LOGIN_ID, "Rokin2026", "dantai01"] {
            assert!(!text.contains(secret), "{secret} is in the {place}");
        }
        // Digits by themselves; as part of an id or a time they are chance.
        for number in [MARKED_PIN, "5000000"] {
            let found = text
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(|word| word == number);
            assert!(!found, "{number} is in the {place}");
        }
    }
}
