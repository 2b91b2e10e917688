//! A partner, or a resource server, presents a token: the requests that the tests of revocation and
//! introspection share.

use std::net::TcpListener;

use chrono::{DateTime, Utc};
use consent::{
    protocol::{
        access_token::{AccessTokenContent, mint},
        authorization_details::GrantedAccess,
        issuer::Issuer,
        pairwise::PairwiseId,
    },
    startup::Running,
};
use consent_domain::{BankCode, ClientId, GrantId};
use demo::agent::partner::{Answer, Tokens};
use reqwest::Response;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    bench::{BANK, Bench},
    oauth_partner::{pairs, post},
};

pub const RESOURCE_SERVER: &str = "a resource server's credential, for tests";
/// Of the bench's settings.
pub const AUDIENCE: &str = "http://127.0.0.1:8090";

pub fn refresh_token(tokens: &Tokens) -> &str {
    tokens.refresh_token.as_deref().expect("a refresh token")
}

impl Bench {
    /// A partner presents a token at a replica, to `revoke` or to `introspect`.
    pub async fn present(&self, partner: usize, act: &str, token: &str, replica: usize) -> Answer {
        let url = self.endpoint(act, replica);
        post(&self.client(partner), &url, &pairs(&[("token", token)])).await
    }

    /// Revokes a token of partner A's; acknowledged when this returns.
    pub async fn end_token(&self, token: &str, replica: usize) {
        let answer = self.present(0, "revoke", token, replica).await;
        assert_eq!((answer.status, &answer.body), (200, &Value::Null));
        assert_eq!(answer.headers["cache-control"], "no-store");
    }

    /// The state of a token of partner A's.
    pub async fn state(&self, token: &str, replica: usize) -> Value {
        let answer = self.present(0, "introspect", token, replica).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["content-type"], "application/json");
        answer.body
    }

    pub async fn is_active(&self, token: &str, replica: usize) -> bool {
        self.state(token, replica).await["active"]
            .as_bool()
            .expect("a bool")
    }

    /// A replica whose operators' listener knows a resource server.
    pub async fn replica_with_resource_server(&self) -> Running {
        let public = TcpListener::bind("127.0.0.1:0").expect("a port");
        let settings = format!(
            "{}\n[[resource_servers]]\nname = \"account-api\"\ncredential = \"{RESOURCE_SERVER}\"",
            self.settings()
        );
        self.start_replica_with(public, &settings).await
    }

    /// A token that says what this one says, changed and signed anew with the service's own key.
    pub fn minted_like(&self, tokens: &Tokens, change: impl FnOnce(&mut Minted)) -> String {
        let claims = tokens.claims().expect("claims");
        let text = |name: &str| claims[name].as_str().expect("a text").to_owned();
        let mut minted = Minted {
            bank: BANK.to_owned(),
            audience: text("aud"),
            client_id: text("client_id"),
            jti: text("jti"),
            grant_id: text("grant_id"),
            issued_at: DateTime::from_timestamp(claims["iat"].as_i64().unwrap(), 0).unwrap(),
        };
        change(&mut minted);
        let details: Vec<GrantedAccess> =
            serde_json::from_value(claims["authorization_details"].clone()).expect("details");
        let bank = BankCode::parse(minted.bank.as_str()).unwrap();
        let app = &self.replicas[0].app;
        let content = AccessTokenContent {
            issuer: &Issuer::new(self.origin.as_str(), &bank),
            subject: &PairwiseId::parse(&text("sub")).unwrap(),
            audience: &minted.audience,
            jti: Uuid::parse_str(&minted.jti).unwrap(),
            client_id: &ClientId::parse(minted.client_id.as_str()).unwrap(),
            scope: &text("scope"),
            grant_id: &GrantId::parse(minted.grant_id.as_str()).unwrap(),
            authorization_details: &details,
            issued_at: minted.issued_at,
        };
        let ring = app.keys.ring();
        let key = ring.signing_key(&bank).expect("a key");
        mint(key, &content).expect("a token").expose().to_owned()
    }
}

/// What may differ in a token that only the service itself could have signed.
pub struct Minted {
    pub bank: String,
    pub audience: String,
    pub client_id: String,
    pub jti: String,
    pub grant_id: String,
    pub issued_at: DateTime<Utc>,
}

/// A resource server asks for a token's state at the operators' listener.
pub async fn ask_as_resource_server(
    replica: &Running,
    credential: Option<&str>,
    token: &str,
) -> Response {
    let url = format!("http://{}/{BANK}/introspect", replica.operators);
    let mut request = reqwest::Client::new().post(url).form(&[("token", token)]);
    if let Some(credential) = credential {
        request = request.header("authorization", credential);
    }
    request.send().await.expect("an answer")
}
