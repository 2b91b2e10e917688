//! Which access tokens are believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::application::{Application, ISSUER, OTHER_ISSUER, now};
use crate::stand_ins::issuer::{TestKey, unsigned};

const PATH: &str = "/v1/accounts/acc-1/balance";

#[tokio::test]
async fn a_request_without_a_bearer_token_is_challenged_without_an_error_code() {
    let app = Application::start().await;
    for request in [
        app.request("GET", PATH),
        app.request("GET", PATH)
            .basic_auth("partner", Some("secret")),
        app.request("GET", PATH).header("authorization", "DPoP abc"),
    ] {
        let answer = app.send(request).await;
        assert_eq!(answer.problem(), (401, "missing_token".to_owned()));
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"account-api\"")
        );
    }
}

#[tokio::test]
async fn a_token_in_the_query_or_twice_is_an_invalid_request() {
    let app = Application::start().await;
    let token = app.token();
    for request in [
        app.request("GET", &format!("{PATH}?access_token={token}")),
        app.request("GET", &format!("{PATH}?access_token={token}"))
            .bearer_auth(&token),
        app.request("GET", PATH)
            .bearer_auth(&token)
            .bearer_auth(&token),
    ] {
        let answer = app.send(request).await;
        assert_eq!(answer.problem(), (400, "invalid_request".to_owned()));
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(
            challenge.contains("error=\"invalid_request\""),
            "{challenge}"
        );
    }
    assert!(app.decisions.asked().is_empty());
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_before_anybody_is_asked() {
    let app = Application::start().await;
    let now = now().timestamp();
    let claim = |name: &'static str, value: Value| app.token_with(|claims| claims[name] = value);
    let without = |name: &str| {
        app.token_with(|claims| {
            claims.as_object_mut().unwrap().remove(name).unwrap();
        })
    };
    let header = |name: &'static str, value: Value| {
        let mut header = app.key.header();
        header[name] = value;
        app.key.sign(&header, &app.claims())
    };
    let good = app.token();
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let mut other_claims = app.claims();
    other_claims["grant_id"] = json!("another");
    let forged = URL_SAFE_NO_PAD.encode(other_claims.to_string());
    let stranger = TestKey::new("key-1", 11);
    let mut with_own_key = app.key.header();
    with_own_key["jwk"] = stranger.jwk();
    let hmac = encode(
        &Header {
            typ: Some("at+jwt".to_owned()),
            kid: Some("key-1".to_owned()),
            ..Header::default()
        },
        &app.claims(),
        &EncodingKey::from_secret(app.key.jwk().to_string().as_bytes()),
    )
    .unwrap();

    let bad = [
        ("expired", claim("exp", json!(now - 10))),
        ("issued later", claim("iat", json!(now + 11))),
        ("not yet", claim("nbf", json!(now + 11))),
        (
            "for another resource",
            claim("aud", json!("http://elsewhere.test")),
        ),
        (
            "of an unknown issuer",
            claim("iss", json!("https://evil.test/2963")),
        ),
        (
            "of another bank's issuer",
            claim("iss", json!(OTHER_ISSUER)),
        ),
        ("bound to a key", claim("cnf", json!({ "jkt": "abc" }))),
        (
            "with details of another shape",
            claim(
                "authorization_details",
                json!([{ "type": "account_information", "accounts": 1 }]),
            ),
        ),
        ("without exp", without("exp")),
        ("without aud", without("aud")),
        ("without jti", without("jti")),
        ("without grant_id", without("grant_id")),
        ("with an empty client_id", claim("client_id", json!(""))),
        ("of type JWT", header("typ", json!("JWT"))),
        ("with crit", header("crit", json!(["b64"]))),
        ("with an unknown kid", header("kid", json!("key-9"))),
        ("with a kid that is no text", header("kid", json!(1))),
        ("that says ES384", header("alg", json!("ES384"))),
        ("that says none", header("alg", json!("none"))),
        (
            "without a signature",
            format!(
                "{}.",
                unsigned(
                    &json!({"typ": "at+jwt", "alg": "none", "kid": "key-1"}),
                    &app.claims()
                )
            ),
        ),
        ("signed with the public key as a secret", hmac),
        (
            "signed by a stranger",
            stranger.sign(&stranger.header(), &app.claims()),
        ),
        (
            "that brings its own key",
            stranger.sign(&with_own_key, &app.claims()),
        ),
        (
            "signed with another bank's key",
            app.other_key.sign(&app.key.header(), &app.claims()),
        ),
        ("with other claims", format!("{head}.{forged}.{signature}")),
        ("cut short", message.to_owned()),
        ("that is no token", "abc".to_owned()),
    ];
    for (what, token) in bad {
        let answer = app.get_with(PATH, &token).await;
        assert_eq!(
            answer.problem(),
            (401, "invalid_token".to_owned()),
            "a token {what}"
        );
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    }
    assert!(app.decisions.asked().is_empty());
    assert!(app.bank.calls().is_empty());
}

#[tokio::test]
async fn clocks_may_differ_by_ten_seconds_and_the_audience_may_be_a_list() {
    let app = Application::start().await;
    let now = now().timestamp();
    for (name, value) in [
        ("exp", json!(now - 9)),
        ("iat", json!(now + 10)),
        ("nbf", json!(now + 10)),
        (
            "aud",
            json!(["http://elsewhere.test", "http://accounts.test"]),
        ),
    ] {
        let token = app.token_with(|claims| claims[name] = value);
        assert_eq!(app.get_with(PATH, &token).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn the_bank_asked_about_is_the_one_whose_issuer_signed() {
    let app = Application::start().await;
    let mut claims = app.claims();
    claims["iss"] = json!(OTHER_ISSUER);
    let token = app.other_key.sign(&app.other_key.header(), &claims);
    assert_eq!(app.get_with(PATH, &token).await.status, 200);
    assert_eq!(app.get_with(PATH, &app.token()).await.status, 200);
    let banks: Vec<_> = app
        .decisions
        .asked()
        .into_iter()
        .map(|asked| asked.bank_code)
        .collect();
    assert_eq!(banks, ["2951", "2963"]);
    assert!(ISSUER.ends_with("2963"));
}
