//! Security Event Tokens by polling (RFC 8936): what is given stays given until it is acknowledged, on
//! whichever replica.

use std::{collections::BTreeMap, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::{
    bench::{BANK, Bench},
    feed::{Read, read},
    oauth_partner::Wish,
};

impl Bench {
    pub async fn poll(&self, replica: usize, token: &str, body: &Value) -> Read {
        let url = self.endpoint("security-events/poll", replica);
        read(
            reqwest::Client::new()
                .post(url)
                .bearer_auth(token)
                .json(body),
        )
        .await
    }
}

fn sets(read: &Read) -> BTreeMap<String, String> {
    assert_eq!(read.status, 200, "{read:?}");
    serde_json::from_value(read.body["sets"].clone()).unwrap()
}

fn ids(read: &Read) -> Vec<String> {
    sets(read).into_keys().collect()
}

/// Reads a token as a recipient does that knows the issuer's address and nothing else.
pub async fn verified(issuer: &str, audience: &str, token: &str) -> (Value, Value) {
    let keys: JwkSet = reqwest::get(format!("{issuer}/jwks"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let key = keys
        .find(header.kid.as_deref().unwrap())
        .expect("a published key");
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&[issuer]);
    // A SET has no `exp` (RFC 8417 2.2).
    validation.set_required_spec_claims(&["iss", "aud"]);
    let read =
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation);
    (serde_json::to_value(header).unwrap(), read.unwrap().claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_a_token_that_a_recipient_can_verify() {
    let bench = Bench::new().await;
    let granted = bench.granted(Wish::default()).await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let feed = bench.feed(&token, "").await;

    let polled = bench
        .poll(0, &token, &json!({"returnImmediately": true}))
        .await;

    let sets = sets(&polled);
    assert_eq!(polled.body["moreAvailable"], false);
    assert_eq!(sets.len(), feed.events().len());
    let issuer = bench.origin.join(BANK).unwrap();
    for event in feed.events() {
        let id = event["id"].as_str().unwrap();
        let (header, claims) = verified(issuer.as_str(), "partner-a", &sets[id]).await;
        assert_eq!(header["typ"], "secevent+jwt");
        assert_eq!(claims["jti"], id);
        assert_eq!(
            claims["sub_id"],
            json!({"format": "opaque", "id": event["subject"]})
        );
        let uri = format!("urn:renkei:event:{}", event["type"].as_str().unwrap());
        assert_eq!(claims["events"], json!({ uri: event["data"] }));
        assert!(claims["toe"].as_i64() <= claims["iat"].as_i64());
        assert!(claims.get("exp").is_none() && claims.get("sub").is_none());
    }
    assert_eq!(feed.events()[1]["subject"], granted.grant_id.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_acknowledged_comes_again_and_what_is_never_does_whichever_replica_is_asked() {
    let bench = Bench::replicas(2).await;
    let granted = bench.granted(Wish::default()).await;
    bench
        .copy_grant(granted.grant_id.as_deref().unwrap(), 3)
        .await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let all: Vec<String> = bench
        .feed(&token, "")
        .await
        .ids()
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(all.len(), 9);
    let five = json!({"maxEvents": 5, "returnImmediately": true});

    let first = bench.poll(0, &token, &five).await;
    let again = bench.poll(1, &token, &five).await;
    // Two in the middle: what stays is not one run of the log.
    let acknowledged = [&all[1], &all[3]];
    let acknowledging = json!({"ack": acknowledged, "maxEvents": 5, "returnImmediately": true});
    let after = bench.poll(1, &token, &acknowledging).await;
    let others = json!({"ack": all, "maxEvents": 0});
    let by_another_partner = bench.poll(0, &bench.own_token(1).await, &others).await;
    let rest = bench
        .poll(0, &token, &json!({"returnImmediately": true}))
        .await;
    let none_left = bench
        .poll(0, &token, &json!({"ack": all, "returnImmediately": true}))
        .await;

    assert_eq!(sorted(ids(&first)), sorted(all[..5].to_vec()));
    assert_eq!(first.body["moreAvailable"], true);
    assert_eq!(sorted(ids(&again)), sorted(ids(&first)));
    let expected = [0, 2, 4, 5, 6].map(|n: usize| all[n].clone());
    assert_eq!(sorted(ids(&after)), sorted(expected.to_vec()));
    assert!(ids(&by_another_partner).is_empty());
    let expected = [0, 2, 4, 5, 6, 7, 8].map(|n: usize| all[n].clone());
    assert_eq!(sorted(ids(&rest)), sorted(expected.to_vec()));
    assert!(ids(&none_left).is_empty());
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_at_once_give_every_event_and_acknowledgements_hold() {
    let bench = Bench::replicas(2).await;
    let granted = bench.granted(Wish::default()).await;
    bench
        .copy_grant(granted.grant_id.as_deref().unwrap(), 40)
        .await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let all = bench.feed(&token, "limit=500").await.events().len();

    let worker = async |replica: usize| {
        let (mut mine, mut ack) = (Vec::new(), Vec::new());
        loop {
            let body = json!({"maxEvents": 7, "returnImmediately": true, "ack": ack});
            ack = ids(&bench.poll(replica, &token, &body).await);
            if ack.is_empty() {
                return mine;
            }
            mine.extend(ack.clone());
        }
    };
    let (one, two, three) = tokio::join!(worker(0), worker(1), worker(0));

    let got: std::collections::BTreeSet<String> = [one, two, three].concat().into_iter().collect();
    assert_eq!(got.len(), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_recipient_refuses_is_kept_for_operators_and_does_not_come_again() {
    let bench = Bench::new().await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let given = ids(&bench
        .poll(0, &token, &json!({"returnImmediately": true}))
        .await);
    let refusing = json!({"returnImmediately": true, "setErrs":
        {given[0].clone(): {"err": "invalid_key", "description": "no such\u{7} key"}}});

    let after = bench.poll(0, &token, &refusing).await;
    let repeated = bench.poll(0, &token, &refusing).await;

    assert!(ids(&after).is_empty() && ids(&repeated).is_empty());
    let kept: Vec<(String, String, String, String)> = sqlx::query_as(
        "SELECT bank, delivery, error, description FROM refused_events WHERE partner = 'id-of-partner-a'",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    let expected = [BANK, "poll", "invalid_key", "no such key"].map(str::to_owned);
    assert_eq!(kept, [expected.into()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_waits_for_an_event_and_a_bad_one_is_told_so() {
    let bench = Bench::new().await;
    let granted = bench.granted(Wish::default()).await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let given = ids(&bench.poll(0, &token, &json!({})).await);

    let started = std::time::Instant::now();
    let body = json!({"ack": given});
    let (polled, ()) = tokio::join!(bench.poll(0, &token, &body), async {
        while bench.replicas[0].app.feed.arrivals.count() < 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bench.revoke(granted.grant_id.as_deref().unwrap(), 0).await;
        bench.sequence().await;
    });

    assert_eq!(sets(&polled).len(), 1);
    // It would have been waited out.
    assert!(started.elapsed() < Duration::from_secs(30));
    for bad in [
        json!([]),
        json!({"maxEvents": -1}),
        json!({"ack": "x"}),
        json!({"ack": vec!["x"; 1001]}),
    ] {
        let refused = bench.poll(0, &token, &bad).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "invalid_parameter"),
            "{bad}"
        );
    }
    let url = bench.endpoint("security-events/poll", 0);
    let form = reqwest::Client::new().post(url.clone()).bearer_auth(&token);
    assert_eq!(read(form.form(&[("a", "b")])).await.status, 400);
    let without = read(reqwest::Client::new().post(url).json(&json!({}))).await;
    assert_eq!((without.status, without.code()), (401, "missing_token"));
}
