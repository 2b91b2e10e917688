//! Operators for tests, and how they ask the API.

use consent::operator::{OperatorId, Role, administration::Administration};
use consent_domain::BankCode;
use serde_json::Value;

use crate::bench::{BANK, Bench};

pub fn operator_id(name: &str) -> OperatorId {
    OperatorId::parse(name).unwrap()
}

impl Bench {
    /// The command line, as the database's owner.
    pub async fn administration(&self) -> Administration {
        Administration::connect(&self.owner_url(), "the-test")
            .await
            .expect("the owner connects")
    }

    /// Makes an operator with a role at the bank; gives a token of it.
    pub async fn operator(&self, name: &str, role: Role) -> String {
        let mut administration = self.administration().await;
        let id = operator_id(name);
        administration.add(&id, "試験 太郎").await.unwrap();
        let bank = BankCode::parse(BANK).unwrap();
        administration.grant_role(&id, &bank, role).await.unwrap();
        let issued = administration.issue_token(&id, "tests", 1).await;
        issued.unwrap().token
    }

    /// Asks the operators' API of the first replica.
    pub async fn ask(&self, token: &str, path: &str) -> Answer {
        let address = format!("http://{}{path}", self.replicas[0].operators);
        let request = reqwest::Client::new().get(address).bearer_auth(token);
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        Answer { status, text }
    }
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub text: String,
}

impl Answer {
    /// The body of an answer that must be 200.
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text);
        serde_json::from_str(&self.text).expect("JSON")
    }

    /// The problem's code of an answer that must have that status.
    pub fn code(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let body: Value = serde_json::from_str(&self.text).expect("JSON");
        body["code"].as_str().expect("a code").to_owned()
    }
}
