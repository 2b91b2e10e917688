//! The token endpoint: a code for tokens once, a refresh token as long as its grant lives.

use demo::agent::{
    partner::{ParRequest, Tokens},
    walk::Task,
};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, decode_header};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    bench::{BANK, Bench, FIRST, FOURTH, Options, PIN, ticked},
    oauth_decisions::{DecisionPort, DenialReason},
    oauth_partner::{Allowed, Wish, changed, code_of, exchange, outcome, pairs, post},
};

fn refresh_token(tokens: &Tokens) -> &str {
    tokens.refresh_token.as_deref().expect("a refresh token")
}

fn refreshing(tokens: &Tokens, scope: Option<&str>) -> Vec<(String, String)> {
    let mut parameters = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token(tokens)),
    ]);
    parameters.extend(scope.map(|scope| ("scope".to_owned(), scope.to_owned())));
    parameters
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_response_says_what_was_granted_and_the_access_token_says_the_same() {
    let bench = Bench::new().await;
    let allowed = bench.allowed(Wish::default()).await;
    let answer = post(
        &bench.client(0),
        &bench.endpoint("token", 0),
        &exchange(&allowed),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let body = &answer.body;
    let mut members: Vec<&String> = body.as_object().unwrap().keys().collect();
    members.sort();
    let expected = [
        "access_token",
        "authorization_details",
        "expires_in",
        "grant_id",
        "refresh_token",
        "scope",
        "token_type",
    ];
    assert_eq!(members, expected);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 600);
    assert_eq!(body["scope"], "balance transactions");
    let grant = body["grant_id"].as_str().unwrap();
    Uuid::parse_str(grant).expect("a UUID");
    let details = &body["authorization_details"];
    assert_eq!(details.as_array().unwrap().len(), 1);
    assert_eq!(
        details[0]["accounts"][0]["tasks"],
        json!(["balance", "transactions"])
    );
    let until = details[0]["valid_until"].as_str().unwrap();
    // The end of a day in Japan.
    assert!(
        until.ends_with("T14:59:59Z") || until.ends_with("T15:00:00Z"),
        "{until}"
    );

    let tokens: Tokens = answer.read().unwrap();
    let header = decode_header(&tokens.access_token).unwrap();
    assert_eq!(
        (header.alg, header.typ.as_deref()),
        (Algorithm::ES256, Some("at+jwt"))
    );
    let claims = tokens.claims().unwrap();
    let mut members: Vec<&String> = claims.as_object().unwrap().keys().collect();
    members.sort();
    let expected = [
        "aud",
        "authorization_details",
        "client_id",
        "exp",
        "grant_id",
        "iat",
        "iss",
        "jti",
        "scope",
        "sub",
    ];
    assert_eq!(members, expected);
    assert_eq!(claims["iss"], format!("{}{BANK}", bench.origin));
    assert_eq!(claims["aud"], "http://127.0.0.1:8090");
    assert_eq!(claims["client_id"], "partner-a");
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        600
    );
    assert_eq!(claims["scope"], body["scope"]);
    assert_eq!(claims["grant_id"], body["grant_id"]);
    assert_eq!(&claims["authorization_details"], details);
    Uuid::parse_str(claims["jti"].as_str().unwrap()).expect("a UUID");
    // Neither the bank's own ids nor an account number.
    let said = format!("{body}{claims}");
    for secret in ["c-7f3a91d2", "u-2d6e80b1", "a-1c84e6f0", "5000000"] {
        assert!(!said.contains(secret), "{secret} is told to the partner");
    }
    let stored: Vec<String> = sqlx::query_scalar(
        "SELECT t::text FROM refresh_tokens t UNION ALL SELECT t::text FROM authorization_codes t
         UNION ALL SELECT t::text FROM issued_access_tokens t
         UNION ALL SELECT t::text FROM pushed_requests t UNION ALL SELECT t::text FROM events t",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    for secret in [
        refresh_token(&tokens),
        &tokens.access_token,
        &code_of(&allowed.returned),
    ] {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(
            !stored
                .iter()
                .any(|row| row.contains(secret) || row.contains(&hex))
        );
    }
}

fn subject(tokens: &Tokens) -> Value {
    tokens.claims().expect("claims")["sub"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_the_partners_own_and_the_same_in_each_of_its_grants() {
    let bench = Bench::new().await;
    let both = || vec![ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let of_a = bench
        .granted(Wish {
            rows: both(),
            ..Wish::default()
        })
        .await;
    let request = ParRequest::for_both_tasks().create_grant();
    let beside = bench
        .granted(Wish {
            request,
            ..Wish::default()
        })
        .await;
    let of_b = bench
        .granted(Wish {
            partner: 1,
            rows: both(),
            ..Wish::default()
        })
        .await;

    assert_ne!(of_a.grant_id, beside.grant_id);
    assert_eq!(subject(&of_a), subject(&beside));
    assert_ne!(subject(&of_a), subject(&of_b));
    assert_eq!(of_a.account_ids().len(), 2);
    assert!(of_a.account_ids().contains(&beside.account_ids()[0]));
    for id in of_b.account_ids() {
        assert!(
            !of_a.account_ids().contains(&id),
            "{id} is known to two partners"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_parallel_exchanges_at_two_replicas_one_wins_and_the_reuse_ends_its_tokens_only() {
    let bench = Bench::replicas(2).await;
    let earlier = bench.granted(Wish::default()).await;
    let allowed = bench.allowed(Wish::default()).await;
    let client = bench.client(0);
    let urls: Vec<_> = (0..2)
        .map(|replica| bench.endpoint("token", replica))
        .collect();
    let requests: Vec<_> = (0..50)
        .map(|_| [client.authentication().unwrap(), exchange(&allowed)].concat())
        .collect();
    let uses = requests
        .iter()
        .enumerate()
        .map(|(number, request)| client.post(&urls[number % 2], request));
    let mut won = Vec::new();
    for answer in join_all(uses).await {
        let answer = answer.unwrap();
        match answer.status {
            200 => won.push(answer.read::<Tokens>().unwrap()),
            _ => assert_eq!(outcome(&answer), (400, "invalid_grant")),
        }
    }
    let [winner] = &won[..] else {
        panic!("{} exchanges won", won.len())
    };
    assert_eq!(winner.grant_id, earlier.grant_id);

    let refused = post(&client, &urls[0], &refreshing(winner, None)).await;
    assert_eq!(outcome(&refused), (400, "invalid_grant"));
    for replica in 0..2 {
        let mut port = DecisionPort::of(&bench, replica).await;
        let denied = port
            .decide(winner, Task::Balance)
            .await
            .expect_err("denied");
        assert_eq!(denied, DenialReason::TokenRevoked);
        port.decide(&earlier, Task::Balance)
            .await
            .expect("an earlier code's token lives");
    }
    client
        .refresh(refresh_token(&earlier))
        .await
        .expect("so does its refresh token");
    assert_eq!(bench.events("AccessRevoked").await, 0);
    assert_eq!(bench.events("PartnerConnected").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn rivals_for_a_code_do_not_keep_the_winner_from_its_tokens() {
    let options = Options {
        database_connections: 2,
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let allowed = bench.allowed(Wish::default()).await;
    let client = bench.client(0);
    let url = bench.endpoint("token", 0);
    // Every connection that the replica has waits for the code's row.
    let observer = PgPool::connect(bench.database.url()).await.unwrap();
    let mut holder = observer.begin().await.unwrap();
    sqlx::query("SELECT FROM authorization_codes FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();
    let rivals = tokio::spawn(async move {
        let parameters = exchange(&allowed);
        let uses = (0..6).map(|_| post(&client, &url, &parameters));
        join_all(uses).await
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting)
        .fetch_one(&observer)
        .await
        .unwrap()
        < 2
    {
        tokio::task::yield_now().await;
    }
    holder.rollback().await.unwrap();

    let mut outcomes: Vec<u16> = rivals
        .await
        .unwrap()
        .iter()
        .map(|answer| answer.status)
        .collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [200, 400, 400, 400, 400, 400]);
    observer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lacks_the_client_the_verifier_or_the_redirect_uri_does_not_use_the_code_up() {
    let bench = Bench::new().await;
    let allowed = bench.allowed(Wish::default()).await;
    let (a, b) = (bench.client(0), bench.client(1));
    let url = bench.endpoint("token", 0);
    let good = exchange(&allowed);
    let callback = bench.partners[0].redirect_uri.as_str();
    let of_b = bench.partners[1].redirect_uri.as_str();
    let lost = |name: &str| {
        let mut parameters = good.clone();
        parameters.retain(|(sent, _)| sent != name);
        parameters
    };
    for (what, client, parameters, error) in [
        (
            "verifier",
            &a,
            changed(good.clone(), "code_verifier", &"v".repeat(43)),
            "invalid_grant",
        ),
        (
            "short verifier",
            &a,
            changed(good.clone(), "code_verifier", "v"),
            "invalid_grant",
        ),
        ("no verifier", &a, lost("code_verifier"), "invalid_request"),
        (
            "no redirect URI",
            &a,
            lost("redirect_uri"),
            "invalid_request",
        ),
        ("no code", &a, lost("code"), "invalid_request"),
        (
            "slash",
            &a,
            changed(good.clone(), "redirect_uri", &format!("{callback}/")),
            "invalid_grant",
        ),
        (
            "B's redirect URI",
            &b,
            changed(good.clone(), "redirect_uri", of_b),
            "invalid_grant",
        ),
        ("client B", &b, good.clone(), "invalid_grant"),
        (
            "code",
            &a,
            changed(good.clone(), "code", &"A".repeat(43)),
            "invalid_grant",
        ),
        (
            "grant type",
            &a,
            changed(good.clone(), "grant_type", "password"),
            "unsupported_grant_type",
        ),
        ("no grant type", &a, lost("grant_type"), "invalid_request"),
        (
            "two codes",
            &a,
            [good.clone(), pairs(&[("code", "x")])].concat(),
            "invalid_request",
        ),
    ] {
        let answer = post(client, &url, &parameters).await;
        assert_eq!(outcome(&answer), (400, error), "{what}");
    }
    let tokens = bench.redeemed(&allowed).await;

    // Nor does such a second use end what the first gave.
    let answer = post(&b, &url, &good).await;
    assert_eq!(outcome(&answer), (400, "invalid_grant"));
    let guessed = changed(good, "code_verifier", &"v".repeat(43));
    let answer = post(&a, &url, &guessed).await;
    assert_eq!(outcome(&answer), (400, "invalid_grant"));
    a.refresh(refresh_token(&tokens))
        .await
        .expect("the tokens live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_is_a_minute_old_or_whose_grant_has_ended_gives_nothing() {
    let bench = Bench::new().await;
    let url = bench.endpoint("token", 0);
    let client = bench.client(0);
    let late = bench.allowed(Wish::default()).await;
    let lifetime: i32 = sqlx::query_scalar(
        "SELECT extract(epoch FROM expires_at - issued_at)::int FROM authorization_codes",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(lifetime, 60);
    bench
        .as_owner("UPDATE authorization_codes SET expires_at = expires_at - interval '1 minute'")
        .await;
    let answer = post(&client, &url, &exchange(&late)).await;
    assert_eq!(outcome(&answer), (400, "invalid_grant"));

    let ended: Allowed = bench.allowed(Wish::default()).await;
    let grant: String = sqlx::query_scalar(
        "SELECT grant_id FROM authorization_codes ORDER BY issued_at DESC LIMIT 1",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    bench.revoke(&grant, 0).await;
    let answer = post(&client, &url, &exchange(&ended)).await;
    assert_eq!(outcome(&answer), (400, "invalid_grant"));
    let issued: i64 = sqlx::query_scalar("SELECT count(*) FROM issued_access_tokens")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(issued, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_serves_its_own_client_again_and_again_until_the_grant_ends() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let client = bench.client(0);
    let urls: Vec<_> = (0..2)
        .map(|replica| bench.endpoint("token", replica))
        .collect();
    let mut given = Vec::new();
    for (scope, granted) in [
        (None, "balance transactions"),
        (Some("balance"), "balance"),
        (Some("transactions balance"), "balance transactions"),
        (None, "balance transactions"),
    ] {
        let answer = post(&client, &urls[given.len() % 2], &refreshing(&tokens, scope)).await;
        assert_eq!(answer.status, 200);
        assert!(
            answer.body.get("refresh_token").is_none(),
            "it is not rotated"
        );
        assert_eq!(answer.body["scope"], granted);
        let fresh: Tokens = answer.read().unwrap();
        let claims = fresh.claims().unwrap();
        assert_eq!(claims["scope"], granted);
        // What the token is for in detail is no more than its scope.
        let tasks: Vec<&str> = claims["authorization_details"][0]["accounts"][0]["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(serde_json::Value::as_str)
            .collect();
        assert_eq!(tasks.join(" "), granted);
        given.push(fresh.claims().unwrap()["jti"].clone());
    }
    given.sort_by_key(ToString::to_string);
    given.dedup();
    assert_eq!(given.len(), 4, "a jti came twice");

    let answer = post(&bench.client(1), &urls[0], &refreshing(&tokens, None)).await;
    assert_eq!(outcome(&answer), (400, "invalid_grant"));
    let unknown = pairs(&[("grant_type", "refresh_token"), ("refresh_token", "zz")]);
    assert_eq!(
        outcome(&post(&client, &urls[0], &unknown).await),
        (400, "invalid_grant")
    );

    bench.revoke(tokens.grant_id.as_ref().unwrap(), 0).await;
    for url in &urls {
        let answer = post(&client, url, &refreshing(&tokens, None)).await;
        assert_eq!(outcome(&answer), (400, "invalid_grant"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_gives_no_more_than_the_customer_allowed() {
    let bench = Bench::new().await;
    let tasks = vec![Task::Balance];
    let tokens = bench
        .granted(Wish {
            tasks,
            ..Wish::default()
        })
        .await;
    assert_eq!(tokens.scope.as_deref(), Some("balance"));
    let url = bench.endpoint("token", 0);
    for scope in [
        "transactions",
        "balance transactions",
        "openid",
        "balance  ",
    ] {
        let answer = post(&bench.client(0), &url, &refreshing(&tokens, Some(scope))).await;
        assert_eq!(outcome(&answer), (400, "invalid_scope"), "{scope}");
    }
}
