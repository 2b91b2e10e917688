//! `client_credentials`: tokens of a partner's own, and what they open.

use serde_json::Value;

use crate::{
    bench::{BANK, Bench},
    feed::read,
    oauth_partner::{Wish, outcome, pairs, post},
};

fn claims(token: &str) -> (Value, Value) {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut parts = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap());
    (parts.next().unwrap(), parts.next().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_own_token_names_the_partner_and_no_grant() {
    let bench = Bench::new().await;
    let asked = pairs(&[
        ("grant_type", "client_credentials"),
        ("scope", "notifications"),
    ]);

    let answer = post(&bench.client(0), &bench.endpoint("token", 0), &asked).await;

    assert_eq!(answer.status, 200);
    let mut members: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(
        members,
        ["access_token", "expires_in", "scope", "token_type"]
    );
    assert_eq!(answer.body["expires_in"], 600);
    assert_eq!(answer.body["scope"], "notifications");
    let (header, claims) = claims(answer.body["access_token"].as_str().unwrap());
    let issuer = bench.origin.join(BANK).unwrap();
    assert_eq!(header["typ"], "at+jwt");
    assert_eq!(claims["iss"], issuer.as_str());
    assert_eq!(claims["aud"], issuer.as_str());
    assert_eq!(claims["sub"], "partner-a");
    assert_eq!(claims["client_id"], "partner-a");
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        600
    );
    assert!(claims.get("grant_id").is_none() && claims.get("authorization_details").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn account_scopes_and_no_scope_are_refused() {
    let bench = Bench::new().await;
    for scope in [
        "",
        "balance",
        "notifications balance",
        "openid",
        "NOTIFICATIONS",
    ] {
        let asked = pairs(&[("grant_type", "client_credentials"), ("scope", scope)]);
        let answer = post(&bench.client(0), &bench.endpoint("token", 0), &asked).await;
        assert_eq!(outcome(&answer), (400, "invalid_scope"), "{scope}");
    }
    // And the other way round: no customer is asked for the partner's own scope.
    let mut push = crate::oauth_partner::push_parameters(&bench, 0);
    push = crate::oauth_partner::changed(push, "scope", "balance notifications");
    let pushed = post(&bench.client(0), &bench.endpoint("par", 0), &push).await;
    assert_eq!(outcome(&pushed), (400, "invalid_scope"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_partner_gets_none_and_reads_nothing_until_it_is_enabled_again() {
    let bench = Bench::new().await;
    let token = bench.own_token(0).await;
    bench.enable_only_at(&bench.partners[0], &[]).await;
    let asked = pairs(&[
        ("grant_type", "client_credentials"),
        ("scope", "notifications"),
    ]);

    let refused = post(&bench.client(0), &bench.endpoint("token", 0), &asked).await;
    let read = bench.feed(&token, "").await;
    bench.enable_only_at(&bench.partners[0], &[BANK]).await;
    let again = bench.feed(&token, "").await;

    assert_eq!(outcome(&refused), (400, "unauthorized_client"));
    assert_eq!((read.status, read.code()), (403, "partner_disabled"));
    assert_eq!(again.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_introspected_and_revoked_by_its_client_alone() {
    let bench = Bench::new().await;
    let token = bench.own_token(0).await;
    let presented = pairs(&[("token", &token)]);
    let introspect = bench.endpoint("introspect", 0);
    let revoke = bench.endpoint("revoke", 0);

    let own = post(&bench.client(0), &introspect, &presented).await;
    let others = post(&bench.client(1), &introspect, &presented).await;
    post(&bench.client(1), &revoke, &presented).await;
    let still = bench.feed(&token, "").await;
    post(&bench.client(0), &revoke, &presented).await;
    let revoked = bench.feed(&token, "").await;
    let ended = post(&bench.client(0), &introspect, &presented).await;

    assert_eq!(own.body["active"], true);
    assert_eq!(own.body["scope"], "notifications");
    assert_eq!(own.body["sub"], "partner-a");
    assert!(own.body.get("grant_id").is_none());
    assert_eq!(others.body, serde_json::json!({"active": false}));
    assert_eq!(still.status, 200);
    assert_eq!((revoked.status, revoked.code()), (401, "invalid_token"));
    assert_eq!(ended.body, serde_json::json!({"active": false}));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_for_accounts_of_another_bank_expired_or_garbled_open_no_feed() {
    let bench = Bench::new().await;
    bench.register_bank("2978").await;
    bench
        .enable_only_at(&bench.partners[0], &[BANK, "2978"])
        .await;
    let own = bench.own_token(0).await;
    let for_accounts = bench.granted(Wish::default()).await.access_token;
    let elsewhere = bench.origin.join("2978/notifications").unwrap();

    let at_another_bank = read(reqwest::Client::new().get(elsewhere).bearer_auth(&own)).await;
    let with_account_token = bench.feed(&for_accounts, "").await;
    let garbled = bench.feed(&own.replacen('.', ".x", 1), "").await;
    let feed = bench.endpoint("notifications", 0);
    let without = read(reqwest::Client::new().get(feed.clone())).await;
    let in_query = read(reqwest::Client::new().get(format!("{feed}?access_token={own}"))).await;
    bench
        .as_owner("UPDATE issued_access_tokens SET expires_at = now() WHERE grant_id IS NULL")
        .await;
    let expired = bench.feed(&own, "").await;
    let introspect = bench.endpoint("introspect", 0);
    let state = post(&bench.client(0), &introspect, &pairs(&[("token", &own)])).await;

    for refused in [&at_another_bank, &with_account_token, &garbled, &expired] {
        assert_eq!((refused.status, refused.code()), (401, "invalid_token"));
        let challenge = refused.headers["www-authenticate"].to_str().unwrap();
        assert_eq!(
            challenge,
            "Bearer realm=\"consent\", error=\"invalid_token\""
        );
    }
    assert_eq!((without.status, without.code()), (401, "missing_token"));
    assert_eq!(
        without.headers["www-authenticate"],
        "Bearer realm=\"consent\""
    );
    assert_eq!((in_query.status, in_query.code()), (400, "invalid_request"));
    assert_eq!(state.body, serde_json::json!({"active": false}));
}
