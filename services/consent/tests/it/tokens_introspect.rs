//! Introspection (RFC 7662): the truth of this moment to those whom a token concerns, and the same
//! nothing to everybody else.

use std::collections::BTreeSet;

use chrono::{Duration, Utc};
use demo::agent::{partner::ParRequest, walk::Task};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    bench::{BANK, Bench, FIRST, PIN, SECOND, ticked, unticked},
    oauth_partner::{Wish, outcome},
    tokens_presented::{AUDIENCE, RESOURCE_SERVER, ask_as_resource_server, refresh_token},
};

fn inactive() -> Value {
    json!({ "active": false })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_access_token_is_told_as_it_was_issued() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let mut expected = tokens.claims().unwrap();
    expected["active"] = json!(true);
    expected["token_type"] = json!("Bearer");
    assert_eq!(bench.state(&tokens.access_token, 1).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_refresh_token_is_told_with_what_its_grant_is_now() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let claims = tokens.claims().unwrap();
    let state = bench.state(refresh_token(&tokens), 0).await;
    for member in [
        "iss",
        "sub",
        "client_id",
        "grant_id",
        "scope",
        "authorization_details",
    ] {
        assert_eq!(state[member], claims[member], "{member}");
    }
    let valid_until = claims["authorization_details"][0]["valid_until"]
        .as_str()
        .unwrap();
    let valid_until: chrono::DateTime<Utc> = valid_until.parse().unwrap();
    assert_eq!(state["exp"], valid_until.timestamp());
    assert_eq!(state["iat"], claims["iat"]);
    let members: BTreeSet<_> = state
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert!(
        members.is_disjoint(&BTreeSet::from(["jti", "aud", "token_type"])),
        "{members:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_does_not_work_is_told_in_the_same_two_words() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let foreign = bench
        .granted(Wish {
            partner: 1,
            ..Wish::default()
        })
        .await;
    let token = tokens.access_token.as_str();
    let parts: Vec<&str> = token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let partners_key =
        EncodingKey::from_ec_pem(bench.partners[0].key.private_key_pem.as_bytes()).unwrap();
    let mut forged_header = Header::new(Algorithm::ES256);
    forged_header.typ = Some("at+jwt".to_owned());
    forged_header.kid = jsonwebtoken::decode_header(token).unwrap().kid;
    let forged =
        jsonwebtoken::encode(&forged_header, &tokens.claims().unwrap(), &partners_key).unwrap();
    let other_claims = foreign.access_token.split('.').nth(1).unwrap();
    let cases: Vec<(&str, String)> = vec![
        (
            "another client's access token",
            foreign.access_token.clone(),
        ),
        (
            "another client's refresh token",
            refresh_token(&foreign).to_owned(),
        ),
        (
            "a refresh token that never was",
            "5mW0gQkzv0nq8N1i3cJ7yX2bT4uH6sLdRfPeAoVhKxE".into(),
        ),
        ("garbage", "garbage".into()),
        ("garbage with dots", "a.b.c".into()),
        ("dots", "..".into()),
        ("not ASCII", "口座.口座.口座".into()),
        ("no signature", format!("{header}.{claims}.")),
        (
            "another's claims under this signature",
            format!("{header}.{other_claims}.{signature}"),
        ),
        (
            "another algorithm",
            format!("eyJhbGciOiJub25lIn0.{claims}."),
        ),
        ("signed by the partner", forged),
        (
            "expired",
            bench.minted_like(&tokens, |minted| {
                minted.issued_at = Utc::now() - Duration::hours(1)
            }),
        ),
        (
            "another bank's",
            bench.minted_like(&tokens, |minted| minted.bank = "2978".to_owned()),
        ),
        (
            "never recorded",
            bench.minted_like(&tokens, |minted| minted.jti = Uuid::new_v4().to_string()),
        ),
        (
            "another grant's",
            bench.minted_like(&tokens, |minted| {
                minted.grant_id = "no-such-grant".to_owned()
            }),
        ),
    ];
    // What the cases are changed from does work.
    assert!(
        bench
            .is_active(&bench.minted_like(&tokens, |_| {}), 0)
            .await
    );
    let mut seen = Vec::new();
    for (what, token) in &cases {
        let answer = bench.present(0, "introspect", token, 0).await;
        assert_eq!((answer.status, &answer.body), (200, &inactive()), "{what}");
        let mut headers = answer.headers;
        headers.remove("date");
        seen.push(headers);
    }
    assert!(seen.iter().all(|headers| headers == &seen[0]), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_ended_takes_the_state_of_its_tokens_with_it_on_every_replica() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    bench.revoke(tokens.grant_id.as_deref().unwrap(), 0).await;
    for token in [&tokens.access_token, refresh_token(&tokens)] {
        assert_eq!(bench.state(token, 1).await, inactive());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_grant_lost_since_the_token_was_issued_is_told_no_longer() {
    let bench = Bench::new().await;
    let rows = vec![ticked(FIRST, PIN), ticked(SECOND, PIN)];
    let old = bench
        .granted(Wish {
            rows,
            ..Wish::default()
        })
        .await;
    let request = ParRequest::for_both_tasks();
    let rows = vec![unticked(FIRST), ticked(SECOND, PIN)];
    let tasks = vec![Task::Balance];
    let new = bench
        .granted(Wish {
            partner: 0,
            request,
            tasks,
            rows,
        })
        .await;
    assert_eq!(old.grant_id, new.grant_id);
    assert_eq!(old.account_ids().len(), 2);
    let state = bench.state(&old.access_token, 0).await;
    assert_eq!(state["scope"], "balance");
    assert_eq!(
        state["authorization_details"][0]["accounts"],
        json!([{ "account_id": new.account_ids()[0], "tasks": ["balance"] }])
    );
    assert_eq!(
        bench.state(refresh_token(&old), 0).await["scope"],
        "balance"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_server_sees_the_access_tokens_meant_for_it_and_no_refresh_token() {
    let bench = Bench::new().await;
    let replica = bench.replica_with_resource_server().await;
    let credential = format!("Bearer {RESOURCE_SERVER}");
    let ask = async |token: &str| {
        let answer = ask_as_resource_server(&replica, Some(&credential), token).await;
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        answer.json::<Value>().await.expect("JSON")
    };
    let tokens = bench.granted(Wish::default()).await;
    let others = bench
        .granted(Wish {
            partner: 1,
            ..Wish::default()
        })
        .await;
    for tokens in [&tokens, &others] {
        let state = ask(&tokens.access_token).await;
        assert_eq!(state["active"], true);
        assert_eq!(state["client_id"], tokens.claims().unwrap()["client_id"]);
        assert_eq!(state["aud"], AUDIENCE);
        assert_eq!(ask(refresh_token(tokens)).await, inactive());
    }
    let elsewhere = bench.minted_like(&tokens, |minted| {
        "https://elsewhere.example".clone_into(&mut minted.audience);
    });
    assert_eq!(ask(&elsewhere).await, inactive());
    assert_eq!(ask("garbage").await, inactive());
    // The bank no longer lets the partner in.
    bench.enable_only_at(&bench.partners[0], &[]).await;
    assert_eq!(ask(&tokens.access_token).await, inactive());
    let refused = bench
        .present(0, "introspect", &tokens.access_token, 0)
        .await;
    assert_eq!(outcome(&refused), (400, "unauthorized_client"));
    bench.enable_only_at(&bench.partners[0], &[BANK]).await;
    bench.end_token(&others.access_token, 0).await;
    assert_eq!(ask(&tokens.access_token).await["active"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_credential_a_resource_server_learns_nothing() {
    let bench = Bench::new().await;
    let known = bench.replica_with_resource_server().await;
    let tokens = bench.granted(Wish::default()).await;
    let mut seen = BTreeSet::new();
    // The first replica knows one resource server, the other none.
    for replica in [&known, &bench.replicas[0]] {
        for credential in [
            None,
            Some("Bearer "),
            Some("Bearer a resource server's credential, for testing"),
            Some(RESOURCE_SERVER),
            Some("Basic YTpi"),
        ] {
            for token in [tokens.access_token.as_str(), "garbage"] {
                let answer = ask_as_resource_server(replica, credential, token).await;
                assert_eq!(answer.status().as_u16(), 401, "{credential:?}");
                let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
                assert!(challenge.starts_with("Bearer"), "{challenge}");
                seen.insert(answer.text().await.unwrap());
            }
        }
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
    // A credential that another replica knows.
    let credential = format!("Bearer {RESOURCE_SERVER}");
    let nobodys = &bench.replicas[0];
    let answer = ask_as_resource_server(nobodys, Some(&credential), &tokens.access_token).await;
    assert_eq!(answer.status().as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_credential_of_a_resource_server_is_nothing_at_the_public_listener() {
    let bench = Bench::new().await;
    let replica = bench.replica_with_resource_server().await;
    let tokens = bench.granted(Wish::default()).await;
    let answer = reqwest::Client::new()
        .post(format!("http://{}/{BANK}/introspect", replica.public))
        .header("authorization", format!("Bearer {RESOURCE_SERVER}"))
        .form(&[("token", tokens.access_token.as_str())])
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status().as_u16(), 401);
    assert_eq!(
        answer.json::<Value>().await.unwrap()["error"],
        "invalid_client"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_tells_where_tokens_are_ended_and_asked_about() {
    let bench = Bench::new().await;
    let client = bench.client(0);
    let metadata = &client.metadata().await.expect("metadata").document;
    for (kind, path) in [("revocation", "revoke"), ("introspection", "introspect")] {
        assert_eq!(
            metadata[format!("{kind}_endpoint")],
            format!("{}/{path}", client.issuer())
        );
        let methods = &metadata[format!("{kind}_endpoint_auth_methods_supported")];
        assert_eq!(methods, &json!(["private_key_jwt"]));
        let algorithms = &metadata[format!("{kind}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(algorithms, &json!(["ES256", "PS256", "EdDSA"]));
    }
}
