//! The application under test, with its stand-ins.

use std::net::TcpListener;

use account_api::{Clock, RunningServer, Settings};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::stand_ins::bank::BankStandIn;
use crate::stand_ins::decisions::{CREDENTIAL, DecisionStandIn};
use crate::stand_ins::issuer::{KeySetAnswer, KeySetServer, TestKey};

pub(crate) const RESOURCE: &str = "http://accounts.test";
pub(crate) const ISSUER: &str = "https://bank.test/2963";
pub(crate) const OTHER_ISSUER: &str = "https://bank.test/2951";
pub(crate) const GRANT_ID: &str = "0196384e-7c5a-7c3e-9d5f-0a6b1c2d3e4f";

/// Noon of 15 April 2026 in Japan.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-04-15T03:00:00Z".parse().unwrap()
}

pub(crate) struct Application {
    pub(crate) server: RunningServer,
    pub(crate) key: TestKey,
    pub(crate) other_key: TestKey,
    pub(crate) key_set: KeySetServer,
    pub(crate) decisions: DecisionStandIn,
    pub(crate) bank: BankStandIn,
    http: reqwest::Client,
}

/// Addresses and the credential, for tests that break one.
pub(crate) struct Wiring {
    pub(crate) decision_url: String,
    pub(crate) decision_credential: String,
    pub(crate) bank_port_url: String,
    /// Sections on TLS.
    pub(crate) tls: String,
    /// Whom the tests' client trusts.
    pub(crate) trusted: Vec<reqwest::Certificate>,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and `code`, after checking that it is a whole problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.text
        );
        let body = self.json();
        let code = body["code"].as_str().unwrap().to_owned();
        assert_eq!(body["type"], format!("/problems/{code}"));
        assert_eq!(body["status"], self.status);
        assert!(body["title"].is_string() && body["detail"].is_string());
        (self.status, code)
    }
}

impl Application {
    pub(crate) async fn start() -> Self {
        Self::start_wired(|_| {}).await
    }

    pub(crate) async fn start_wired(change: impl FnOnce(&mut Wiring)) -> Self {
        let (key, other_key) = (TestKey::new("key-1", 7), TestKey::new("key-2", 9));
        let key_set = KeySetServer::start(KeySetAnswer::Keys(vec![key.jwk()]));
        let other_key_set = KeySetServer::start(KeySetAnswer::Keys(vec![other_key.jwk()]));
        let (decisions, decision_address) = DecisionStandIn::start().await;
        let (bank, bank_address) = BankStandIn::start().await;
        let mut wiring = Wiring {
            decision_url: format!("http://{decision_address}"),
            decision_credential: CREDENTIAL.to_owned(),
            bank_port_url: format!("http://{bank_address}"),
            tls: String::new(),
            trusted: Vec::new(),
        };
        change(&mut wiring);
        let Wiring {
            decision_url,
            decision_credential,
            bank_port_url,
            tls,
            trusted,
        } = wiring;
        let (jwks_url, other_jwks_url) = (&key_set.url, &other_key_set.url);
        let text = format!(
            r#"
            listen = "127.0.0.1:0"
            resource_identifier = "{RESOURCE}"
            decision_url = "{decision_url}"
            decision_credential = "{decision_credential}"
            bank_port_url = "{bank_port_url}"
            [[issuers]]
            issuer = "{ISSUER}"
            bank_code = "2963"
            jwks_url = "{jwks_url}"
            [[issuers]]
            issuer = "{OTHER_ISSUER}"
            bank_code = "2951"
            jwks_url = "{other_jwks_url}"
            {tls}
            "#
        );
        let settings = Settings::parse(&text).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let server = account_api::start_with_clock(settings, listener, Clock::new(now)).unwrap();
        tls::install();
        let http = reqwest::Client::builder()
            .tls_certs_only(trusted)
            .no_proxy()
            .build()
            .unwrap();
        Self {
            server,
            key,
            other_key,
            key_set,
            decisions,
            bank,
            http,
        }
    }

    /// The claims of a good token for both accounts and both tasks.
    pub(crate) fn claims(&self) -> Value {
        let issued_at = now().timestamp();
        let both = ["balance", "transactions"];
        json!({
            "iss": ISSUER, "sub": "pairwise-1", "aud": RESOURCE, "client_id": "partner-1",
            "jti": "token-1", "grant_id": GRANT_ID, "scope": "balance transactions",
            "iat": issued_at, "exp": issued_at + 600,
            "authorization_details": [{
                "type": "account_information",
                "accounts": [
                    { "account_id": "acc-1", "tasks": both },
                    { "account_id": "acc-2", "tasks": both },
                ],
                "valid_until": "2027-03-31T14:59:59Z",
            }],
        })
    }

    /// A good token, changed.
    pub(crate) fn token_with(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        self.key.sign(&self.key.header(), &claims)
    }

    pub(crate) fn token(&self) -> String {
        self.token_with(|_| {})
    }

    /// GET with a good token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &self.token()).await
    }

    pub(crate) async fn get_with(&self, path: &str, token: &str) -> Answer {
        self.send(self.request("GET", path).bearer_auth(token))
            .await
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.server.base_url());
        self.http.request(method.parse().unwrap(), url)
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }
}
