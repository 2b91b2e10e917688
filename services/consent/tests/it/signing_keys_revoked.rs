//! A key that got out: nothing that it signed is believed any more, whoever still knows the key.

use consent_domain::BankCode;

use crate::{
    bench::{BANK, Bench},
    oauth_partner::Wish,
    signing_keys_given::{base_url, order, read, refusal},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_next_read_with_a_token_of_a_revoked_key_is_refused_whatever_is_cached() {
    // No replica reads its keys again by itself here: the worst case.
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let own_token = bench.own_token(0).await;
    let first = tokens.kid().unwrap();
    let account = tokens.account_ids()[0].clone();
    let server = bench.account_api(1);
    let api = base_url(&server);
    read(&api, &tokens.access_token, &account).await.unwrap();
    assert!(bench.is_active(&tokens.access_token, 0).await);
    assert_eq!(bench.feed(&own_token, "").await.status, 200);

    let mut rotation = bench.rotation().await;
    let revoked = rotation.revoke(&first, &order()).await.unwrap();

    let refused = refusal(read(&api, &tokens.access_token, &account).await);
    assert_eq!(refused, (401, "token_revoked".to_owned()));
    assert!(!bench.is_active(&tokens.access_token, 0).await);
    assert_eq!(bench.feed(&own_token, "").await.status, 401);

    // Within seconds the replicas sign with another key, and the refresh token is still good.
    for replica in &bench.replicas {
        replica.app.keys.refresh(&bench.pool).await.unwrap();
    }
    let second = revoked.signs_now.expect("another key");
    for replica in 0..2 {
        assert_eq!(bench.key_set(replica).await, std::slice::from_ref(&second));
        let fresh = bench.refreshed(&tokens, replica).await;
        assert_eq!(fresh.kid().unwrap(), second);
        read(&api, &fresh.access_token, &account).await.unwrap();
    }
    let again = rotation.revoke(&first, &order()).await.unwrap();
    assert_eq!(
        (again.revoked_at, again.signs_now),
        (revoked.revoked_at, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_forged_with_another_key_than_it_was_issued_under_is_refused() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let account = tokens.account_ids()[0].clone();
    let server = bench.account_api(1);
    let api = base_url(&server);
    // The account API keeps the first key for a while after this.
    read(&api, &tokens.access_token, &account).await.unwrap();
    let second = bench.rotated().await;
    bench.replicas[1]
        .app
        .keys
        .refresh(&bench.pool)
        .await
        .unwrap();
    let fresh = bench.refreshed(&tokens, 1).await;
    assert_eq!(fresh.kid().unwrap(), second);

    // Replica 0 has not looked yet, and signs with the first key as whoever stole it could.
    let forged = bench.minted_like(&fresh, |_| {});
    let not_forged = read(&api, &fresh.access_token, &account).await;

    not_forged.expect("a balance");
    let refused = refusal(read(&api, &forged, &account).await);
    assert_eq!(refused, (401, "token_revoked".to_owned()));
    assert!(!bench.is_active(&forged, 0).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_key_takes_over_from_a_revoked_one_at_once() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let mut rotation = bench.rotation().await;
    let waiting = rotation.publish(None, &order()).await.unwrap().kid;

    let first = tokens.kid().unwrap();
    let revoked = rotation.revoke(&first, &order()).await.unwrap();

    assert_eq!(revoked.signs_now.as_deref(), Some(waiting.as_str()));
    let record = bench.key(&first).await;
    assert_eq!(record.revoked_at, Some(revoked.revoked_at));
    assert_eq!(record.in_key_set_until, Some(revoked.revoked_at));
    assert_eq!(record.acts[0]["by"], "sato");
    // A token that the release before recorded without its key may have been signed with any. It has ended,
    // and whoever has the key may sign another one of its id, which has not.
    bench
        .as_owner(
            "UPDATE issued_access_tokens SET kid = NULL, issued_at = issued_at - interval '1 hour',
                expires_at = expires_at - interval '1 hour'",
        )
        .await;
    assert!(bench.is_active(&tokens.access_token, 0).await);
    rotation.publish(None, &order()).await.unwrap();
    rotation.revoke(&waiting, &order()).await.unwrap();
    assert!(!bench.is_active(&tokens.access_token, 0).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banks_own_key_that_is_revoked_gives_way_to_that_of_every_bank() {
    let bench = Bench::new().await;
    let shared = bench.granted(Wish::default()).await.kid().unwrap();
    let bank = BankCode::parse(BANK).unwrap();
    let mut rotation = bench.rotation().await;
    let own = rotation.publish(Some(&bank), &order()).await.unwrap().kid;
    bench.let_the_publication_age(&own).await;
    let readiness = consent::signing_keys::Readiness::Known;
    rotation.activate(&own, readiness, &order()).await.unwrap();
    let keys = &bench.replicas[0].app.keys;
    keys.refresh(&bench.pool).await.unwrap();
    let by_own = bench.granted(Wish::default()).await.kid().unwrap();

    let revoked = rotation.revoke(&own, &order()).await.unwrap();
    keys.refresh(&bench.pool).await.unwrap();
    let after = bench.granted(Wish::default()).await.kid().unwrap();

    assert_eq!((by_own, revoked.signs_now, after), (own, None, shared));
}
