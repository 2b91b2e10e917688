use std::sync::OnceLock;

use jsonwebtoken::{DecodingKey, Validation, jwk::Jwk};

use super::*;
use crate::agent::fake_server::{FakeServer, Reply, Request};

/// An authorization server that answers a push with what it was sent, in its headers.
async fn server() -> FakeServer {
    let base: std::sync::Arc<OnceLock<Url>> = Default::default();
    let own = std::sync::Arc::clone(&base);
    let server =
        FakeServer::start(move |request: &Request| answer(own.get().unwrap(), request)).await;
    base.set(server.url.clone()).unwrap();
    server
}

fn answer(base: &Url, request: &Request) -> Reply {
    let at = |path: &str| base.join(path).unwrap().to_string();
    match request.url.path() {
        "/.well-known/oauth-authorization-server/2963" => Reply::json(
            200,
            &json!({
                "issuer": at("2963"),
                "authorization_endpoint": at("2963/authorize"),
                "pushed_authorization_request_endpoint": at("2963/par"),
                "token_endpoint": at("2963/token"),
                "jwks_uri": at("2963/jwks"),
            }),
        ),
        "/2963/par" if request.field("scope").is_none() => Reply::json(
            400,
            &json!({"error": "invalid_scope", "error_description": "scope is missing"}),
        ),
        "/2963/par" => Reply::json(
            201,
            &json!({"request_uri": "urn:ietf:params:oauth:request_uri:a+b", "expires_in": 60}),
        ),
        "/2963/token" => Reply::json(
            200,
            &json!({
                "access_token": "e30.eyJzdWIiOiJzIn0.x", "token_type": "Bearer",
                "expires_in": 600, "refresh_token": "r", "scope": "balance", "grant_id": "g",
                "authorization_details": [{"type": "account_information", "accounts": [
                    {"account_id": "a1", "tasks": ["balance"]},
                    {"account_id": "a2", "tasks": ["balance"]},
                ]}],
            }),
        ),
        _ => Reply::new(404, ""),
    }
}

fn client(server: &FakeServer, key: &GeneratedKey) -> PartnerClient {
    PartnerClient::try_new(Registration {
        client_id: "sample".to_owned(),
        private_key_pem: key.private_key_pem.clone(),
        kid: key.kid.clone(),
        redirect_uri: Url::parse("http://localhost:8000/callback").unwrap(),
        issuer: server.at("/2963"),
    })
    .unwrap()
}

#[tokio::test]
async fn a_push_is_authenticated_and_carries_a_challenge_of_the_verifier() {
    let (server, key) = (server().await, generate_key().unwrap());
    let client = client(&server, &key);
    let pushed = client.push(&ParRequest::for_both_tasks()).await.unwrap();
    let sent = server.last();
    assert_eq!(
        sent.field("code_challenge"),
        Some(code_challenge(&pushed.verifier))
    );
    assert_eq!(sent.field("state").as_deref(), Some(pushed.state.as_str()));
    assert_eq!(sent.field("scope").as_deref(), Some("balance transactions"));

    let jwk: Jwk = serde_json::from_value(key.public_jwk.clone()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[client.issuer()]);
    let assertion = sent.field("client_assertion").unwrap();
    let token = jsonwebtoken::decode::<Value>(
        &assertion,
        &DecodingKey::from_jwk(&jwk).unwrap(),
        &validation,
    )
    .unwrap();
    assert_eq!(token.header.kid, Some(key.kid));
    assert_eq!(token.claims["sub"], "sample");

    let url = client.authorization_url(&pushed);
    let expected = "client_id=sample&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Aa%2Bb";
    assert_eq!(url.query(), Some(expected));
}

#[tokio::test]
async fn every_parameter_can_be_changed_repeated_or_left_out() {
    let (server, key) = (server().await, generate_key().unwrap());
    let request = ParRequest::new()
        .scope("balance")
        .set("code_challenge_method", "plain")
        .repeat("state", "again")
        .remove("client_assertion")
        .create_grant();
    client(&server, &key).push(&request).await.unwrap();
    let sent = server.last();
    assert_eq!(
        sent.field("code_challenge_method").as_deref(),
        Some("plain")
    );
    assert_eq!(
        sent.fields()
            .iter()
            .filter(|(name, _)| name == "state")
            .count(),
        2
    );
    assert_eq!(sent.field("client_assertion"), None);
    assert_eq!(
        sent.field("grant_management_action").as_deref(),
        Some("create")
    );
}

#[tokio::test]
async fn a_refusal_comes_as_the_servers_own_error() {
    let (server, key) = (server().await, generate_key().unwrap());
    let error = client(&server, &key)
        .push(&ParRequest::new())
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("invalid_scope"));
    assert_eq!(error.refusal().unwrap().status, 400);
}

#[tokio::test]
async fn a_code_gives_tokens_that_can_be_looked_into() {
    let (server, key) = (server().await, generate_key().unwrap());
    let client = client(&server, &key);
    let pushed = client.push(&ParRequest::for_both_tasks()).await.unwrap();
    let mut url = Url::parse("http://localhost:8000/callback").unwrap();
    url.query_pairs_mut().extend_pairs([
        ("code", "c"),
        ("state", &pushed.state),
        ("iss", client.issuer()),
    ]);
    let tokens = client.complete(&url, &pushed).await.unwrap();
    assert_eq!(tokens.account_ids(), ["a1", "a2"]);
    assert_eq!(tokens.claims(), Some(json!({"sub": "s"})));
    let sent = server.last();
    assert_eq!(sent.field("code_verifier"), Some(pushed.verifier));
    assert!(!format!("{tokens:?}").contains("e30"));
}

#[tokio::test]
async fn another_issuers_metadata_is_refused() {
    let server = FakeServer::start(|_request: &Request| {
        Reply::json(
            200,
            &json!({
                "issuer": "http://evil.example", "authorization_endpoint": "http://e/a",
                "pushed_authorization_request_endpoint": "http://e/p",
                "token_endpoint": "http://e/t", "jwks_uri": "http://e/j",
            }),
        )
    })
    .await;
    let client = client(&server, &generate_key().unwrap());
    assert!(matches!(
        client.metadata().await,
        Err(PartnerError::Metadata { .. })
    ));
}

#[tokio::test]
async fn a_return_is_read_only_when_it_is_this_clients() {
    let server = server().await;
    let client = client(&server, &generate_key().unwrap());
    let iss = client.issuer().replace(':', "%3A").replace('/', "%2F");
    let read = |text: String| client.parse_return(&Url::parse(&text).unwrap());
    let callback = "http://localhost:8000/callback";

    assert_eq!(
        read(format!("{callback}?code=c&state=s&iss={iss}"))
            .unwrap()
            .code,
        "c"
    );
    assert!(matches!(
        read(format!("{callback}?error=access_denied&state=s&iss={iss}")),
        Err(ReturnError::Refused { error, .. }) if error == "access_denied"
    ));
    assert_eq!(
        read(format!("{callback}?code=c&state=s")),
        Err(ReturnError::OtherIssuer { seen: None })
    );
    assert_eq!(
        read(format!("{callback}?code=c&code=d&state=s&iss={iss}")),
        Err(ReturnError::Parameter {
            name: "code",
            count: 2
        })
    );
    assert!(matches!(
        read(format!(
            "http://127.0.0.1:8000/callback?code=c&state=s&iss={iss}"
        )),
        Err(ReturnError::Elsewhere { .. })
    ));
}
