//! Pushed authorization requests: what is taken, and how each mistake is named.

use chrono::{Days, Utc};
use demo::agent::partner::{Answer, ParRequest};
use reqwest::Client;
use serde_json::{Value, json};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, ticked},
    oauth_partner::{Wish, outcome, pairs, proof, push_parameters},
};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Stands in what is sent, and never in what comes back.
const MARK: &str = "zz-sent-zz";

#[tokio::test(flavor = "multi_thread")]
async fn a_push_with_plain_scopes_begins_a_journey() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let mut body = push_parameters(&bench, 0);
    body.extend(client.authentication().unwrap());
    let answer = client.post(&bench.endpoint("par", 0), &body).await.unwrap();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["expires_in"], 60);
    let uri = answer.body["request_uri"].as_str().unwrap();
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"));
    assert_eq!(bench.events("ConsentRequested").await, 1);
    let stored: Value = sqlx::query_scalar("SELECT parameters FROM pushed_requests")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert!(stored.get("client_assertion").is_none(), "a proof was kept");
    assert_eq!(stored["scope"], "balance transactions");
}

fn details(of: &Value) -> ParRequest {
    ParRequest::new().authorization_details(of)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_for_by_details_comes_back_as_granted() {
    let bench = Bench::new().await;
    let first = bench.granted(Wish::default()).await;
    let history_from = (Utc::now().date_naive() - Days::new(40)).to_string();
    let request = details(&json!([{
        "type": "account_information", "tasks": ["balance"],
        "accounts": first.account_ids(), "history_from": history_from,
    }]));
    let tasks = vec![demo::agent::walk::Task::Balance];
    let tokens = bench
        .granted(Wish {
            request,
            tasks,
            ..Wish::default()
        })
        .await;
    assert_eq!(
        tokens.grant_id, first.grant_id,
        "the pair's one linkage is amended"
    );
    assert_eq!(tokens.scope.as_deref(), Some("balance"));
    let granted = &tokens.authorization_details[0];
    assert_eq!(granted["type"], "account_information");
    assert_eq!(granted["history_from"], history_from);
    let account = json!({"account_id": first.account_ids()[0], "tasks": ["balance"]});
    assert_eq!(granted["accounts"], json!([account]));
}

#[tokio::test(flavor = "multi_thread")]
async fn create_makes_another_grant_beside_the_first() {
    let bench = Bench::new().await;
    let first = bench.granted(Wish::default()).await;
    let request = ParRequest::for_both_tasks().create_grant();
    let rows = vec![ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let second = bench
        .granted(Wish {
            request,
            rows,
            ..Wish::default()
        })
        .await;
    assert_ne!(second.grant_id, first.grant_id);
    let client = bench.client(0);
    for tokens in [&first, &second] {
        let refreshed = client
            .refresh(tokens.refresh_token.as_ref().unwrap())
            .await
            .unwrap();
        assert_eq!(refreshed.account_ids(), tokens.account_ids());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_in_a_push_has_the_error_of_its_rfc() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let tomorrow = (Utc::now().date_naive() + Days::new(2)).to_string();
    let good = ParRequest::for_both_tasks;
    let of_type = |kind: &str| details(&json!([{"type": kind, "tasks": ["balance"]}]));
    let callback = bench.partners[0].redirect_uri.as_str();
    let with = |name: &str, value: &str| good().set(name, value);
    let invalid_details = "invalid_authorization_details";
    let cases = [
        (good().remove("code_challenge"), 400, "invalid_request"),
        (with("code_challenge", MARK), 400, "invalid_request"),
        (
            with("code_challenge", &format!("{CHALLENGE}=")),
            400,
            "invalid_request",
        ),
        (
            with("code_challenge_method", "plain"),
            400,
            "invalid_request",
        ),
        (
            good().remove("code_challenge_method"),
            400,
            "invalid_request",
        ),
        (good().remove("redirect_uri"), 400, "invalid_request"),
        (
            with("redirect_uri", &format!("{callback}/")),
            400,
            "invalid_request",
        ),
        (
            with("redirect_uri", &format!("{callback}?{MARK}=1")),
            400,
            "invalid_request",
        ),
        (
            with("redirect_uri", &callback.replace("callback", "%63allback")),
            400,
            "invalid_request",
        ),
        (
            with("redirect_uri", &callback.replace("localhost", "LOCALHOST")),
            400,
            "invalid_request",
        ),
        (
            with("redirect_uri", bench.partners[1].redirect_uri.as_str()),
            400,
            "invalid_request",
        ),
        (good().remove("response_type"), 400, "invalid_request"),
        (
            with("response_type", "token"),
            400,
            "unsupported_response_type",
        ),
        (
            with("response_type", "code id_token"),
            400,
            "unsupported_response_type",
        ),
        (with("response_mode", "fragment"), 400, "invalid_request"),
        (
            with("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            400,
            "invalid_request",
        ),
        (with("request", "a.b.c"), 400, "request_not_supported"),
        (good().repeat("state", MARK), 400, "invalid_request"),
        (
            good().repeat("scope", "balance transactions"),
            400,
            "invalid_request",
        ),
        (
            good()
                .set("of_no_meaning", "1")
                .repeat("of_no_meaning", "1"),
            400,
            "invalid_request",
        ),
        (with("state", "a\nb"), 400, "invalid_request"),
        (with("state", &"s".repeat(1025)), 400, "invalid_request"),
        (with("scope", MARK), 400, "invalid_scope"),
        (
            with("scope", "balance transactions openid"),
            400,
            "invalid_scope",
        ),
        (ParRequest::new(), 400, "invalid_scope"),
        (of_type(MARK), 400, invalid_details),
        (details(&json!([])), 400, invalid_details),
        (
            details(&json!([{"type": "account_information", "tasks": [MARK]}])),
            400,
            invalid_details,
        ),
        (with("authorization_details", "[{"), 400, invalid_details),
        (
            details(&json!([{
                "type": "account_information", "tasks": ["balance"], "history_from": tomorrow,
            }])),
            400,
            invalid_details,
        ),
        (
            with("grant_management_action", "replace"),
            400,
            "invalid_request",
        ),
        (with("grant_id", MARK), 400, "invalid_request"),
        (with("client_id", "partner-b"), 401, "invalid_client"),
    ];
    for (request, status, error) in cases {
        let refused = client.push(&request).await.expect_err("refused");
        let refused = refused.refusal().expect("an OAuth error");
        assert_eq!(
            (refused.status, refused.error.as_str()),
            (status, error),
            "{request:?}"
        );
        let said = refused.description.as_deref().unwrap_or_default();
        assert!(!said.contains(MARK), "{said}");
    }
    assert_eq!(bench.events("ConsentRequested").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_no_proper_form_is_refused() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let form = "application/x-www-form-urlencoded";
    let encoded = |more: &[u8]| {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(push_parameters(&bench, 0));
        body.extend_pairs(proof(&client.assertion().unwrap()));
        [body.finish().as_bytes(), b"&", more].concat()
    };
    let many = "a=1&".repeat(64);
    let long = [b"x=".to_vec(), vec![b'a'; 17 * 1024]].concat();
    let huge = [b"x=".to_vec(), vec![b'a'; 66 * 1024]].concat();
    for (what, content_type, body, status) in [
        ("an honest form", form, encoded(b""), 201),
        ("JSON", "application/json", encoded(b""), 400),
        (
            "a multipart form",
            "multipart/form-data; boundary=x",
            encoded(b""),
            400,
        ),
        ("no type", "", encoded(b""), 400),
        ("an escape of no UTF-8", form, encoded(b"x=%ff"), 400),
        ("a byte of no UTF-8", form, encoded(b"x=\xff"), 400),
        ("a NUL", form, encoded(b"x=%00"), 400),
        ("a broken escape", form, encoded(b"x=%4"), 400),
        ("a value without a name", form, encoded(b"=zz-sent-zz"), 400),
        ("too many fields", form, encoded(many.as_bytes()), 400),
        ("a field too long", form, encoded(&long), 400),
        ("a body too large", form, encoded(&huge), 413),
    ] {
        let mut request = Client::new().post(bench.endpoint("par", 0)).body(body);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let response = request.send().await.expect("an answer");
        let headers = response.headers().clone();
        let answered = response.status().as_u16();
        assert_eq!(headers["content-type"], "application/json", "{what}");
        assert_eq!(headers["cache-control"], "no-store", "{what}");
        let body = response.json().await.expect("JSON");
        let answer = Answer {
            status: answered,
            headers,
            body,
        };
        let error = if status == 201 { "" } else { "invalid_request" };
        assert_eq!(outcome(&answer), (status, error), "{what}");
        assert!(!answer.body.to_string().contains(MARK), "{what}");
    }
    assert_eq!(bench.events("ConsentRequested").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_the_partner_never_learned_name_nothing() {
    let bench = Bench::new().await;
    let of_a = bench.granted(Wish::default()).await;
    // B's request with A's id is taken like one with an id of nobody: probing tells nothing.
    let client = bench.client(1);
    for id in [of_a.account_ids()[0].as_str(), "AAAAAAAAAAAAAAAAAAAAAA"] {
        let details = json!([{
            "type": "account_information", "tasks": ["balance"], "accounts": [id],
        }]);
        let mut body = pairs(&[
            ("response_type", "code"),
            ("redirect_uri", bench.partners[1].redirect_uri.as_str()),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("authorization_details", &details.to_string()),
        ]);
        body.extend(client.authentication().unwrap());
        let answer = client.post(&bench.endpoint("par", 0), &body).await.unwrap();
        assert_eq!(answer.status, 201);
    }
    let named: Vec<i32> = sqlx::query_scalar(
        "SELECT json_array_length(payload #> '{ConsentRequested,accounts}') FROM events
         WHERE event_type = 'ConsentRequested' AND actor_id = 'partner-b'",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert_eq!(named, [0, 0]);
}
