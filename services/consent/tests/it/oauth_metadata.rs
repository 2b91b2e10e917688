//! What a partner finds before it asks for anything: metadata, keys, and which methods work.

use demo::agent::partner::Tokens;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode_header};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::{
    bench::{BANK, Bench},
    oauth_partner::Wish,
};

async fn get(url: Url) -> Response {
    // What a client says of the host counts for nothing.
    let request = Client::new().get(url).header("host", "evil.example");
    request.send().await.expect("an answer")
}

async fn document(url: Url) -> Value {
    let response = get(url).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-origin")
    );
    response.json().await.expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bank_has_its_own_metadata_at_both_well_known_forms() {
    let bench = Bench::new().await;
    bench.register_bank("2978").await;
    for code in [BANK, "2978"] {
        let prefixed = format!(".well-known/oauth-authorization-server/{code}");
        let suffixed = format!("{code}/.well-known/oauth-authorization-server");
        let metadata = document(bench.origin.join(&prefixed).unwrap()).await;
        assert_eq!(
            document(bench.origin.join(&suffixed).unwrap()).await,
            metadata
        );
        let issuer = format!("{}{code}", bench.origin);
        assert_eq!(metadata["issuer"], issuer);
        for (name, path) in [
            ("pushed_authorization_request_endpoint", "par"),
            ("authorization_endpoint", "authorize"),
            ("token_endpoint", "token"),
            ("jwks_uri", "jwks"),
        ] {
            assert_eq!(metadata[name], format!("{issuer}/{path}"));
        }
        for (name, value) in [
            ("require_pushed_authorization_requests", json!(true)),
            ("response_types_supported", json!(["code"])),
            (
                "grant_types_supported",
                json!(["authorization_code", "refresh_token", "client_credentials"]),
            ),
            ("code_challenge_methods_supported", json!(["S256"])),
            (
                "token_endpoint_auth_methods_supported",
                json!(["private_key_jwt"]),
            ),
            (
                "authorization_response_iss_parameter_supported",
                json!(true),
            ),
        ] {
            assert_eq!(metadata[name], value, "{name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_no_banks_is_not_found() {
    let bench = Bench::new().await;
    for code in ["2978", "abcd", "29633", "%00%FF", "..%2F2963", "２９６３"] {
        for path in [
            format!("/.well-known/oauth-authorization-server/{code}"),
            format!("/{code}/.well-known/oauth-authorization-server"),
            format!("/{code}/jwks"),
        ] {
            let response = get(bench.origin.join(&path).unwrap()).await;
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            let body: Value = response.json().await.expect("JSON");
            assert_eq!(body["error"], "not_found", "{path}");
        }
    }
}

fn published<'a>(jwks: &'a Value, tokens: &Tokens) -> &'a Value {
    let kid = decode_header(&tokens.access_token)
        .unwrap()
        .kid
        .expect("a kid");
    let keys = jwks["keys"].as_array().expect("keys");
    keys.iter()
        .find(|key| key["kid"] == kid)
        .expect("the key that signed")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_that_signed_is_published_by_every_replica() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let mut sets = Vec::new();
    for replica in 0..2 {
        let response = get(bench.endpoint("jwks", replica)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()["content-type"],
            "application/jwk-set+json"
        );
        sets.push(response.json::<Value>().await.expect("JSON"));
    }
    assert_eq!(sets[0], sets[1]);
    let key = published(&sets[1], &tokens);
    assert!(key.get("d").is_none(), "a private key is published");
    let text = |member: &str| key[member].as_str().unwrap();
    let key = DecodingKey::from_ec_components(text("x"), text("y")).unwrap();
    let mut expected = Validation::new(Algorithm::ES256);
    expected.set_audience(&["http://127.0.0.1:8090"]);
    expected.set_issuer(&[format!("{}{BANK}", bench.origin)]);
    jsonwebtoken::decode::<Value>(&tokens.access_token, &key, &expected).expect("a good signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_does_not_have_is_told_which_ones_it_has() {
    let bench = Bench::new().await;
    let well_known = format!("/.well-known/oauth-authorization-server/{BANK}");
    let http = Client::new();
    for (path, allowed) in [
        (well_known.as_str(), "GET"),
        ("/2963/jwks", "GET"),
        ("/2963/authorize", "GET"),
        ("/2963/par", "POST"),
        ("/2963/token", "POST"),
        ("/2963/revoke", "POST"),
        ("/2963/introspect", "POST"),
        ("/2963/journeys/j/login", "GET, POST"),
        ("/2963/journeys/j/certificate-login", "GET"),
        ("/2963/journeys/j/tasks", "GET, POST"),
        ("/2963/journeys/j/accounts", "GET, POST"),
        ("/2963/journeys/j/confirm", "GET, POST"),
        ("/2963/journeys/j/authorize", "GET, POST"),
        ("/2963/journeys/j/cancel", "POST"),
        ("/2963/journeys/j/done", "GET"),
    ] {
        let methods = [
            "GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW",
        ];
        for method in methods
            .into_iter()
            .filter(|method| !allowed.split(", ").any(|a| a == *method))
        {
            let method_of = Method::from_bytes(method.as_bytes()).unwrap();
            let url = bench.origin.join(path).unwrap();
            let response = http
                .request(method_of, url)
                .send()
                .await
                .expect("an answer");
            assert_eq!(
                response.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_eq!(response.headers()["allow"], allowed, "{method} {path}");
        }
    }
    let nowhere = http
        .post(bench.origin.join("/2963/nowhere").unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}
