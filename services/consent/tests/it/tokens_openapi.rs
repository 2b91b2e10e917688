//! The OpenAPI documents are served as they are committed, and describe what is there.

use std::net::SocketAddr;

use reqwest::Client;
use serde_json::Value;

use crate::bench::{BANK, Bench};

const PUBLIC: &str = include_str!("../../../../docs/openapi/consent.json");
const OPERATORS: &str = include_str!("../../../../docs/openapi/consent-operators.json");

#[tokio::test(flavor = "multi_thread")]
async fn each_listener_serves_its_document_and_answers_each_operation_in_its_words() {
    let bench = Bench::new().await;
    let replica = &bench.replicas[0];
    for (at, committed) in [(replica.public, PUBLIC), (replica.operators, OPERATORS)] {
        let served = Client::new()
            .get(format!("http://{at}/openapi.json"))
            .send()
            .await
            .unwrap();
        assert_eq!(served.status().as_u16(), 200);
        assert_eq!(served.headers()["content-type"], "application/json");
        assert_eq!(served.text().await.unwrap(), committed);
        let document: Value = serde_json::from_str(committed).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                is_answered_as_described(at, path, method, operation).await;
            }
        }
    }
}

/// Asked without anything that it needs, an operation gives one of the answers of its document.
async fn is_answered_as_described(at: SocketAddr, path: &str, method: &str, operation: &Value) {
    let method = method.to_uppercase().parse().unwrap();
    let url = format!("http://{at}{}", path.replace("{bank}", BANK));
    let answer = Client::new().request(method, url).send().await.unwrap();
    let described = &operation["responses"][answer.status().as_str()]["content"];
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    let code = answer.status();
    assert!(described.get(&kind).is_some(), "{path}: {code} {kind}");
    assert_ne!(code.as_u16(), 404, "{path}");
    if kind != "application/json" {
        return;
    }
    let body: Value = answer.json().await.expect("JSON");
    if !code.is_success() {
        // An OAuth error, or the code of a problem.
        let error = body["error"].as_str().or(body["code"].as_str()).unwrap();
        assert!(
            described[&kind]["examples"].get(error).is_some(),
            "{path}: {error}"
        );
    }
}
