//! Where a pushed request has come to, as its partner may know it: at every step and at every end.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consent::sweeper;
use demo::agent::{
    partner::{ParRequest, Pushed},
    walk::{
        Step, Task, allow, cancel, check_registration, choose_accounts, choose_tasks, decline,
        log_in,
    },
};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, WRONG_PIN, browser, dantai01, ticked},
    journey_customer::{send, tasks_form},
    journey_ends::let_the_hour_be_over,
    oauth_partner::{post, push_parameters},
};

fn request_id(pushed: &Pushed) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(pushed.request_uri.as_bytes()))
}

impl Bench {
    async fn status_of(&self, pushed: &Pushed) -> Value {
        let token = self.token_for(0, "status").await;
        let path = format!("requests/{}", request_id(pushed));
        let answer = self.ask_as_partner(Method::GET, &path, &token).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        answer.body
    }

    /// Status, stage and reason.
    async fn stands(&self, pushed: &Pushed) -> [String; 3] {
        let body = self.status_of(pushed).await;
        ["status", "stage", "reason"].map(|member| {
            let word = body.get(member).and_then(Value::as_str);
            word.unwrap_or_default().to_owned()
        })
    }
}

fn words(status: &str, stage: &str, reason: &str) -> [String; 3] {
    [status, stage, reason].map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_to_a_pushed_request_names_it_for_support() {
    let bench = Bench::new().await;
    let parameters = push_parameters(&bench, 0);
    let answer = post(&bench.client(0), &bench.endpoint("par", 0), &parameters).await;
    let uri = answer.body["request_uri"].as_str().unwrap();
    let id = URL_SAFE_NO_PAD.encode(Sha256::digest(uri.as_bytes()));
    assert_eq!(answer.body["request_id"], id);
    // It opens nothing.
    let mut page = bench.endpoint("authorize", 0);
    let opened = format!("urn:ietf:params:oauth:request_uri:{id}");
    page.query_pairs_mut()
        .append_pair("client_id", "partner-a")
        .append_pair("request_uri", &opened);
    assert_eq!(reqwest::get(page).await.unwrap().status().as_u16(), 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_walk_is_told_and_the_grant_at_its_end() {
    let bench = Bench::new().await;
    let browser = browser();
    let client = bench.client(0);
    let pushed = client.push(&ParRequest::for_both_tasks()).await.unwrap();
    let mut seen = vec![bench.status_of(&pushed).await];
    let login = browser
        .get(client.authorization_url(&pushed))
        .await
        .unwrap();
    let login = browser.follow_to_end(login, &bench.origin).await.unwrap();
    seen.push(bench.status_of(&pushed).await);
    let tasks = log_in(&browser, &login, &dantai01()).await.unwrap();
    seen.push(bench.status_of(&pushed).await);
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL).await.unwrap();
    seen.push(bench.status_of(&pushed).await);
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, WRONG_PIN)];
    let confirm = choose_accounts(&browser, &accounts, &rows).await.unwrap();
    seen.push(bench.status_of(&pushed).await);
    let authorize = check_registration(&browser, &confirm).await.unwrap();
    seen.push(bench.status_of(&pushed).await);
    allow(&browser, &authorize).await.unwrap();
    let end = bench.status_of(&pushed).await;

    let stages: Vec<&str> = seen.iter().map(|s| s["stage"].as_str().unwrap()).collect();
    assert_eq!(
        stages,
        [
            "not_opened",
            "login",
            "tasks",
            "accounts",
            "confirm",
            "authorize"
        ]
    );
    for told in &seen {
        assert_eq!(told["status"], "in_progress");
        let mut members: Vec<&String> = told.as_object().unwrap().keys().collect();
        members.sort();
        // Nothing of who it is, which accounts there are, or that a PIN was wrong.
        assert_eq!(
            members,
            [
                "ends_at",
                "request_id",
                "requested_at",
                "stage",
                "status",
                "updated_at"
            ]
        );
        assert!(told["requested_at"].as_str() <= told["updated_at"].as_str());
    }
    let granted: String = sqlx::query_scalar("SELECT stream_id FROM consent_current")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(end["status"], "authorized");
    assert_eq!(
        end["grant_id"].as_str(),
        granted.split_once(':').map(|(_, grant)| grant)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_customer_ended_is_told_with_its_step() {
    let bench = Bench::new().await;
    let customer = browser();
    let (confirm, cancelled) = bench.to_confirm(&customer, 0).await;
    cancel(&customer, &confirm, Step::CheckRegistration)
        .await
        .unwrap();
    let customer = browser();
    let (authorize, declined) = bench.to_authorize(&customer, 0).await;
    decline(&customer, &authorize).await.unwrap();

    assert_eq!(
        bench.stands(&cancelled).await,
        words("cancelled", "confirm", "")
    );
    assert_eq!(
        bench.stands(&declined).await,
        words("declined", "authorize", "")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_went_wrong_is_told_with_a_coarse_reason() {
    let bench = Bench::new().await;
    let customer = browser();
    let (login, pushed) = bench.begin(&customer, 0).await;
    let mut tasks = log_in(&customer, &login, &dantai01()).await.unwrap();
    loop {
        let answer = send(&customer, &tasks_form(&tasks, &Task::ALL)).await;
        if answer.status != 303 {
            break;
        }
        tasks = customer.get(&tasks.url).await.expect("step 3");
    }
    assert_eq!(
        bench.stands(&pushed).await,
        words("failed", "accounts", "too_many_attempts")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn time_that_has_passed_is_told_before_anybody_records_it() {
    let bench = Bench::new().await;
    let customer = browser();
    let (login, at_tasks) = bench.begin(&customer, 0).await;
    log_in(&customer, &login, &dantai01()).await.unwrap();
    let client = bench.client(0);
    let unopened = client.push(&ParRequest::for_both_tasks()).await.unwrap();
    let_the_hour_be_over(&bench).await;
    assert_eq!(
        bench.stands(&at_tasks).await,
        words("timed_out", "tasks", "")
    );
    assert_eq!(
        bench.stands(&unopened).await,
        words("timed_out", "not_opened", "not_opened")
    );
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    assert_eq!(
        bench.stands(&at_tasks).await,
        words("timed_out", "tasks", "took_too_long")
    );
    assert_eq!(
        bench.stands(&unopened).await,
        words("timed_out", "not_opened", "not_opened")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_nobody_opened_in_its_minute_has_timed_out() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let pushed = client.push(&ParRequest::for_both_tasks()).await.unwrap();
    bench
        .as_owner("UPDATE pushed_requests SET expires_at = now()")
        .await;
    assert_eq!(
        bench.stands(&pushed).await,
        words("timed_out", "not_opened", "not_opened")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_request_and_none_at_all_are_answered_alike() {
    let bench = Bench::new().await;
    let of_b = bench
        .client(1)
        .push(&ParRequest::for_both_tasks())
        .await
        .unwrap();
    let token = bench.token_for(0, "status").await;
    let (foreign, nothing) = (request_id(&of_b), URL_SAFE_NO_PAD.encode([7_u8; 32]));
    let mut answers = Vec::new();
    for id in [foreign.as_str(), &nothing, "x", "%00", &of_b.request_uri] {
        let answer = bench
            .ask_as_partner(Method::GET, &format!("requests/{id}"), &token)
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (404, "unknown_request"),
            "{id}"
        );
        answers.push(answer.body.to_string());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    // At another bank the same request is none, too.
    bench.register_bank("2978").await;
    let url = bench
        .origin
        .join(&format!("2978/requests/{foreign}"))
        .unwrap();
    let own = bench.token_for(1, "status").await;
    let elsewhere = reqwest::Client::new().get(url).bearer_auth(own);
    let elsewhere = elsewhere.send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 401);
    assert_eq!(
        elsewhere.json::<Value>().await.unwrap()["code"],
        json!("invalid_token")
    );
}
