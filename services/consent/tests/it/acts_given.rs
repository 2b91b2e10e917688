//! How operators' programs order, and what they look at afterwards.

use serde_json::Value;

use crate::{
    bench::{BANK, Bench},
    operator_given::Answer,
};

/// An address of the API at the bench's bank.
pub fn at_bank(rest: &str) -> String {
    format!("/v1/banks/{BANK}/{rest}")
}

impl Bench {
    /// Sends an order to a replica, under a key if there is one.
    pub async fn order_at(
        &self,
        (token, replica): (&str, usize),
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Answer {
        let address = format!("http://{}{path}", self.replicas[replica].operators);
        let mut request = reqwest::Client::new()
            .post(address)
            .bearer_auth(token)
            .header("content-type", "application/json")
            .body(body.to_string());
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        Answer { status, text }
    }

    /// The same to the first replica.
    pub async fn order(&self, token: &str, path: &str, key: &str, body: &Value) -> Answer {
        self.order_at((token, 0), path, Some(key), body).await
    }
}
