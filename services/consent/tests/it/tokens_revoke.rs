//! Revocation (RFC 7009): what a client ended is ended at once and everywhere, and nothing else is.

use demo::agent::{
    partner::{PartnerError, Tokens},
    walk::Task,
};
use futures_util::future::join_all;
use tokio::sync::Notify;

use crate::{
    bench::Bench,
    oauth_decisions::{DecisionPort, DenialReason},
    oauth_partner::{Wish, outcome, pairs, post},
    tokens_presented::refresh_token,
};

async fn refreshed(bench: &Bench, tokens: &Tokens) -> Tokens {
    let mut fresh = bench
        .client(0)
        .refresh(refresh_token(tokens))
        .await
        .expect("a token");
    fresh.refresh_token.clone_from(&tokens.refresh_token);
    fresh
}

/// What a refresh at a replica is answered with.
async fn refresh_at(bench: &Bench, tokens: &Tokens, replica: usize) -> (u16, String) {
    let parameters = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token(tokens)),
    ]);
    let url = bench.endpoint("token", replica);
    let answer = post(&bench.client(0), &url, &parameters).await;
    let (status, error) = outcome(&answer);
    (status, error.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_refresh_token_is_dead_on_every_replica_with_every_access_token_that_it_gave() {
    let bench = Bench::replicas(2).await;
    let first = bench.granted(Wish::default()).await;
    let second = refreshed(&bench, &first).await;
    bench.end_token(refresh_token(&first), 0).await;
    for replica in [0, 1] {
        let refused = (400, "invalid_grant".to_owned());
        assert_eq!(refresh_at(&bench, &first, replica).await, refused);
        let mut port = DecisionPort::of(&bench, replica).await;
        for tokens in [&first, &second] {
            let denied = port
                .decide(tokens, Task::Balance)
                .await
                .expect_err("denied");
            assert_eq!(denied, DenialReason::TokenRevoked);
            assert!(!bench.is_active(&tokens.access_token, replica).await);
        }
        assert!(!bench.is_active(refresh_token(&first), replica).await);
    }
    assert_eq!(bench.events("AccessRevoked").await, 0, "the grant lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_tokens_of_the_grant_live_on() {
    let bench = Bench::replicas(2).await;
    let first = bench.granted(Wish::default()).await;
    // The same linkage allowed once more: the same grant, by a code of its own.
    let second = bench.granted(Wish::default()).await;
    assert_eq!(first.grant_id, second.grant_id);
    bench.end_token(refresh_token(&first), 0).await;
    let mut port = DecisionPort::of(&bench, 1).await;
    port.decide(&second, Task::Balance).await.expect("allowed");
    assert_eq!(refresh_at(&bench, &second, 1).await.0, 200);
    assert!(bench.is_active(refresh_token(&second), 1).await);
    assert_eq!(
        port.decide(&first, Task::Balance)
            .await
            .expect_err("denied"),
        DenialReason::TokenRevoked
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_access_token_takes_nothing_else_with_it() {
    let bench = Bench::replicas(2).await;
    let first = bench.granted(Wish::default()).await;
    let second = refreshed(&bench, &first).await;
    bench.end_token(&first.access_token, 0).await;
    let mut port = DecisionPort::of(&bench, 1).await;
    let denied = port
        .decide(&first, Task::Balance)
        .await
        .expect_err("denied");
    assert_eq!(denied, DenialReason::TokenRevoked);
    assert!(!bench.is_active(&first.access_token, 1).await);
    port.decide(&second, Task::Balance).await.expect("allowed");
    assert_eq!(refresh_at(&bench, &first, 1).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_token_is_left_alone_and_answered_like_one_that_never_was() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let mut seen = Vec::new();
    for token in [
        &tokens.access_token,
        refresh_token(&tokens),
        "5mW0gQkzv0nq8N1i3cJ7yX2bT4uH6sLdRfPeAoVhKxE",
        "a.b.c",
        "…",
    ] {
        let answer = bench.present(1, "revoke", token, 0).await;
        let mut headers = answer.headers.clone();
        headers.remove("date");
        seen.push((answer.status, headers, answer.body));
    }
    assert_eq!(seen[0].0, 200);
    assert!(seen.iter().all(|answer| answer == &seen[0]), "{seen:?}");
    assert!(bench.is_active(&tokens.access_token, 0).await);
    assert!(bench.is_active(refresh_token(&tokens), 0).await);
    DecisionPort::of(&bench, 0)
        .await
        .decide(&tokens, Task::Balance)
        .await
        .expect("allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_decides_nothing_and_a_repeat_is_as_good_as_the_first() {
    let bench = Bench::new().await;
    for hint in ["refresh_token", "access_token", "nonsense", ""] {
        let tokens = bench.granted(Wish::default()).await;
        for token in [&tokens.access_token, refresh_token(&tokens)] {
            let parameters = pairs(&[("token", token), ("token_type_hint", hint)]);
            for _ in 0..2 {
                let url = bench.endpoint("revoke", 0);
                assert_eq!(
                    post(&bench.client(0), &url, &parameters).await.status,
                    200,
                    "{hint}"
                );
            }
            assert!(!bench.is_active(token, 0).await, "{hint}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_understood_or_not_proven_ends_nothing() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let client = bench.client(0);
    let token = refresh_token(&tokens);
    for act in ["revoke", "introspect"] {
        let url = bench.endpoint(act, 0);
        for parameters in [
            pairs(&[]),
            pairs(&[("token", "")]),
            pairs(&[("token", token), ("token", token)]),
            pairs(&[
                ("token", token),
                ("token_type_hint", "a"),
                ("token_type_hint", "a"),
            ]),
        ] {
            let answer = post(&client, &url, &parameters).await;
            assert_eq!(
                outcome(&answer),
                (400, "invalid_request"),
                "{act} {parameters:?}"
            );
        }
        let unproven = client
            .post(&url, &pairs(&[("token", token)]))
            .await
            .unwrap();
        assert_eq!(outcome(&unproven), (401, "invalid_client"), "{act}");
        let other_key = &bench.partners[1].key;
        let impostor = bench.impostor(bench.partners[0].client_id, other_key);
        let answer = post(&impostor, &url, &pairs(&[("token", token)])).await;
        assert_eq!(outcome(&answer), (401, "invalid_client"), "{act}");
    }
    assert!(bench.is_active(token, 0).await);
    assert!(bench.is_active(&tokens.access_token, 0).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_refreshes_that_go_on_during_a_revocation_none_leaves_a_token_that_works() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let (bench, token) = (&bench, refresh_token(&tokens));
    let first = &Notify::new();
    let refresh_until_refused = |_| async move {
        let mut given = Vec::new();
        loop {
            match bench.client(0).refresh(token).await {
                Ok(fresh) => given.push(fresh),
                Err(PartnerError::Refused(error)) if error.error == "invalid_grant" => {
                    return given;
                }
                Err(error) => panic!("{error}"),
            }
            first.notify_one();
        }
    };
    let end = async {
        first.notified().await;
        bench.end_token(token, 1).await;
    };
    let (given, ()) = tokio::join!(join_all((0..6).map(refresh_until_refused)), end);
    let given = given.concat();
    assert!(!given.is_empty());
    let mut port = DecisionPort::of(bench, 0).await;
    for fresh in given {
        let denied = port
            .decide(&fresh, Task::Balance)
            .await
            .expect_err("denied");
        assert_eq!(denied, DenialReason::TokenRevoked);
    }
}
