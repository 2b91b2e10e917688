//! What tests of signing keys begin with.

use std::net::TcpListener;

use account_api::{RunningServer, Settings};
use consent::{
    operator::Order,
    protocol::key_wrap::KeyEncryptionKey,
    signing_keys::{Published, Readiness, Rotation, SigningKeyRecord},
};
use demo::agent::{
    account_api::{AccountApi, ReadError},
    partner::Tokens,
};
use serde_json::Value;
use url::Url;

use crate::{
    bench::{BANK, Bench, DECISION_CREDENTIAL},
    oauth_partner::{pairs, post},
    tokens_presented::refresh_token,
};

/// The bench's key-encryption key.
pub const WRAPPING: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

pub fn wrapping(text: &str) -> KeyEncryptionKey {
    KeyEncryptionKey::parse(text).unwrap()
}

pub fn order() -> Order {
    Order {
        by: "sato".to_owned(),
        reason: "a test".to_owned(),
    }
}

impl Bench {
    pub async fn rotation(&self) -> Rotation {
        let rotation = Rotation::connect(&self.service_url(), wrapping(WRAPPING)).await;
        rotation.expect("the database is there")
    }

    /// Publishes a key of every bank, as if long enough ago.
    pub async fn published_long_ago(&self) -> Published {
        let published = self.rotation().await.publish(None, &order()).await;
        let published = published.expect("a key is published");
        self.let_the_publication_age(&published.kid).await;
        published
    }

    pub async fn let_the_publication_age(&self, kid: &str) {
        self.as_owner(&format!(
            "UPDATE signing_keys SET created_at = created_at - interval '66 minutes',
                not_before = not_before - interval '66 minutes' WHERE kid = '{kid}'"
        ))
        .await;
    }

    /// Publishes another key of every bank, and activates it.
    pub async fn rotated(&self) -> String {
        let published = self.published_long_ago().await;
        let mut rotation = self.rotation().await;
        let activated = rotation
            .activate(&published.kid, Readiness::Known, &order())
            .await;
        activated.expect("it signs");
        published.kid
    }

    /// The key as it is now.
    pub async fn key(&self, kid: &str) -> SigningKeyRecord {
        let keys = self.rotation().await.list(None).await.unwrap();
        keys.into_iter().find(|key| key.kid == kid).expect("a key")
    }

    /// The ids in the key set of the bank, at a replica.
    pub async fn key_set(&self, replica: usize) -> Vec<String> {
        self.key_set_of(BANK, replica).await
    }

    pub async fn key_set_of(&self, bank: &str, replica: usize) -> Vec<String> {
        let url = self.origin.join(&format!("{bank}/jwks")).unwrap();
        let answer = reqwest::get(self.at_replica(&url, replica)).await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "public, max-age=300");
        let set: Value = answer.json().await.unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }

    /// A new access token of the same grant, by a replica.
    pub async fn refreshed(&self, tokens: &Tokens, replica: usize) -> Tokens {
        let asked = pairs(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token(tokens)),
        ]);
        let answer = post(&self.client(0), &self.endpoint("token", replica), &asked).await;
        answer.read().expect("a token")
    }

    /// An account API that has decisions and key set of that replica.
    pub fn account_api(&self, replica: usize) -> RunningServer {
        let (origin, bank) = (self.origin.as_str(), self.bank_address);
        let (decisions, jwks) = (
            self.replicas[replica].decisions,
            self.endpoint("jwks", replica),
        );
        let settings = Settings::parse(&format!(
            "listen = \"127.0.0.1:0\"
             resource_identifier = \"http://127.0.0.1:8090\"
             decision_url = \"http://{decisions}\"
             decision_credential = \"{DECISION_CREDENTIAL}\"
             bank_port_url = \"http://{bank}\"
             [[issuers]]
             issuer = \"{origin}{BANK}\"
             bank_code = \"{BANK}\"
             jwks_url = \"{jwks}\""
        ))
        .expect("settings");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        account_api::start(settings, listener).expect("the account API starts")
    }
}

/// Reads a balance with an access token.
pub async fn read(api: &Url, access_token: &str, account: &str) -> Result<Value, ReadError> {
    let reader = AccountApi::try_new(api.clone(), access_token).expect("a reader");
    reader.balance(account).await
}

pub fn base_url(server: &RunningServer) -> Url {
    Url::parse(&server.base_url()).expect("an address")
}

/// Status and code of a refused read.
pub fn refusal(read: Result<Value, ReadError>) -> (u16, String) {
    let error = read.expect_err("refused");
    let problem = error.problem().expect("a problem");
    (problem.status, problem.code.clone().unwrap_or_default())
}
