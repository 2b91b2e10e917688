//! `private_key_jwt`: whoever can't prove the client's key learns nothing, and a proof counts once.

use std::net::TcpListener;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::Utc;
use demo::agent::partner::{PartnerClient, generate_key};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{
    bench::{BANK, Bench},
    oauth_partner::{changed, outcome, pairs, post, proof, push_parameters},
};

fn with(client: &PartnerClient, claim: &str, value: Value) -> String {
    let mut claims = client.assertion_claims();
    claims[claim] = value;
    client.sign(&claims).unwrap()
}

fn without(client: &PartnerClient, claim: &str) -> String {
    let mut claims = client.assertion_claims();
    claims.as_object_mut().unwrap().remove(claim);
    client.sign(&claims).unwrap()
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({"alg": "none"})), part(claims))
}

/// Signed with the client's public key as if it were a shared secret.
fn symmetric(bench: &Bench, client: &PartnerClient) -> String {
    let key = &bench.partners[0].key;
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(key.kid.clone());
    let secret = EncodingKey::from_secret(key.public_jwk.to_string().as_bytes());
    jsonwebtoken::encode(&header, &client.assertion_claims(), &secret).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_does_not_hold_is_refused_in_the_same_words_whatever_is_wrong() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let now = Utc::now().timestamp();
    let issuer = client.issuer().to_owned();
    let other_key = generate_key().unwrap();
    let nobody = bench.impostor("nobody", &bench.partners[0].key);
    let cases = [
        (
            "another key",
            bench.impostor("partner-a", &other_key).assertion().unwrap(),
        ),
        (
            "a client that is not registered",
            nobody.assertion().unwrap(),
        ),
        ("aud as a list", with(&client, "aud", json!([issuer]))),
        (
            "aud the token endpoint",
            with(&client, "aud", json!(format!("{issuer}/token"))),
        ),
        (
            "aud with a slash",
            with(&client, "aud", json!(format!("{issuer}/"))),
        ),
        (
            "aud another bank",
            with(&client, "aud", json!(issuer.replace(BANK, "2978"))),
        ),
        ("no aud", without(&client, "aud")),
        ("expired", with(&client, "exp", json!(now - 1))),
        ("exp too far ahead", with(&client, "exp", json!(now + 330))),
        ("no exp", without(&client, "exp")),
        ("nbf to come", with(&client, "nbf", json!(now + 60))),
        ("iat to come", with(&client, "iat", json!(now + 60))),
        ("no jti", without(&client, "jti")),
        ("an empty jti", with(&client, "jti", json!(""))),
        ("a long jti", with(&client, "jti", json!("j".repeat(257)))),
        ("another iss", with(&client, "iss", json!("partner-b"))),
        ("another sub", with(&client, "sub", json!("partner-b"))),
        ("alg none", unsigned(&client.assertion_claims())),
        ("alg HS256", symmetric(&bench, &client)),
        ("no JWT", "zz".to_owned()),
        ("nothing", String::new()),
    ];
    let mut answers = Vec::new();
    for endpoint in ["par", "token"] {
        let url = bench.endpoint(endpoint, 0);
        for (what, assertion) in &cases {
            let body = [push_parameters(&bench, 0), proof(assertion)].concat();
            let answer = client.post(&url, &body).await.unwrap();
            assert_eq!(
                outcome(&answer),
                (401, "invalid_client"),
                "{what} at {endpoint}"
            );
            answers.push(answer.body);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "probing learns something: {answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_of_another_kind_or_for_another_client_is_refused() {
    let bench = Bench::new().await;
    let (a, b) = (bench.client(0), bench.client(1));
    let url = bench.endpoint("par", 0);
    let fresh = || proof(&a.assertion().unwrap());
    let type_of = "client_assertion_type";
    for (what, sent, expected) in [
        (
            "no proof",
            pairs(&[("client_id", "partner-a")]),
            (401, "invalid_client"),
        ),
        (
            "a secret",
            pairs(&[("client_id", "partner-a"), ("client_secret", "s")]),
            (401, "invalid_client"),
        ),
        (
            "a secret too",
            [fresh(), pairs(&[("client_secret", "s")])].concat(),
            (401, "invalid_client"),
        ),
        (
            "another type",
            changed(fresh(), type_of, "urn:of:nobody"),
            (401, "invalid_client"),
        ),
        (
            "two proofs",
            [fresh(), fresh()].concat(),
            (400, "invalid_request"),
        ),
        (
            "another client's proof",
            [
                proof(&b.assertion().unwrap()),
                pairs(&[("client_id", "partner-a")]),
            ]
            .concat(),
            (401, "invalid_client"),
        ),
    ] {
        let body = [push_parameters(&bench, 0), sent].concat();
        let answer = a.post(&url, &body).await.unwrap();
        assert_eq!(outcome(&answer), expected, "{what}");
    }
    // B's own proof makes the request B's, whose redirect URI is another.
    let body = [push_parameters(&bench, 0), proof(&b.assertion().unwrap())].concat();
    let answer = a.post(&url, &body).await.unwrap();
    assert_eq!(outcome(&answer), (400, "invalid_request"));
    assert_eq!(bench.events("ConsentRequested").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_parallel_uses_of_one_proof_at_two_replicas_one_counts() {
    let bench = Bench::replicas(2).await;
    let client = bench.client(0);
    let assertion = client.assertion().unwrap();
    let body = [push_parameters(&bench, 0), proof(&assertion)].concat();
    let urls: Vec<_> = (0..2)
        .map(|replica| bench.endpoint("par", replica))
        .collect();
    let uses = (0..50).map(|number: usize| client.post(&urls[number % 2], &body));
    let mut taken = 0;
    for answer in join_all(uses).await {
        let answer = answer.unwrap();
        match answer.status {
            201 => taken += 1,
            _ => assert_eq!(outcome(&answer), (401, "invalid_client")),
        }
    }
    assert_eq!(taken, 1);
    assert_eq!(bench.events("ConsentRequested").await, 1);
    // Nor does a replica that starts later take it, at another endpoint.
    let later = bench
        .start_replica(TcpListener::bind("127.0.0.1:0").unwrap())
        .await;
    let mut url = bench.endpoint("token", 0);
    url.set_port(Some(later.public.port())).unwrap();
    let answer = client.post(&url, &body).await.unwrap();
    assert_eq!(outcome(&answer), (401, "invalid_client"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_the_bank_does_not_let_in_is_told_so_once_it_has_proven_its_key() {
    let bench = Bench::new().await;
    bench.register_bank("2978").await;
    bench.enable_only_at(&bench.partners[1], &["2978"]).await;
    for endpoint in ["par", "token"] {
        let url = bench.endpoint(endpoint, 0);
        let parameters = push_parameters(&bench, 1);
        let answer = post(&bench.client(1), &url, &parameters).await;
        assert_eq!(outcome(&answer), (400, "unauthorized_client"));
        let impostor = bench.impostor("partner-b", &generate_key().unwrap());
        let answer = post(&impostor, &url, &parameters).await;
        assert_eq!(outcome(&answer), (401, "invalid_client"));
    }
}
