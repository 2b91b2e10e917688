//! What is done with signing keys, what is refused, and what is recorded.

use consent::{
    protocol::keys::{KeyError, SigningKeyState},
    signing_keys::{Readiness, Rotation, RotationError},
};
use consent_domain::BankCode;

use crate::{
    bench::{BANK, Bench},
    oauth_partner::Wish,
    signing_keys_given::{order, wrapping},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_listed_with_its_state_and_times_and_who_did_what() {
    let bench = Bench::new().await;
    let first = bench.granted(Wish::default()).await.kid().unwrap();
    let second = bench.rotated().await;

    let (old, new) = (bench.key(&first).await, bench.key(&second).await);

    assert_eq!(old.state, SigningKeyState::Retired);
    assert_eq!(old.acts, serde_json::json!([]));
    let until = old.signed_until.unwrap() + chrono::TimeDelta::minutes(12);
    assert_eq!(old.in_key_set_until, Some(until));
    assert_eq!((new.state, new.bank), (SigningKeyState::Active, None));
    assert_eq!(
        (new.signs_since, new.in_key_set_until),
        (old.signed_until, None)
    );
    assert_eq!(
        new.may_sign_from - new.published_at,
        chrono::TimeDelta::minutes(66)
    );
    for (act, code) in ["publish_signing_key", "activate_signing_key"]
        .iter()
        .enumerate()
    {
        assert_eq!(new.acts[act]["act"], *code);
        assert_eq!(new.acts[act]["by"], "sato");
        assert_eq!(new.acts[act]["reason"], "a test");
        assert!(new.acts[act]["at"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_activation_is_refused_and_by_force_says_what_it_breaks() {
    let bench = Bench::new().await;
    let mut rotation = bench.rotation().await;
    let published = rotation.publish(None, &order()).await.unwrap();
    let kid = published.kid.as_str();

    let refused = rotation.activate(kid, Readiness::Known, &order()).await;
    let twice = rotation.publish(None, &order()).await;
    let forced = rotation
        .activate(kid, Readiness::Now, &order())
        .await
        .unwrap();

    match refused.unwrap_err() {
        RotationError::TooEarly { may_sign_from, .. } => {
            assert_eq!(may_sign_from, published.may_sign_from);
        }
        other => panic!("{other}"),
    }
    assert!(matches!(twice, Err(RotationError::AlreadyPublished(waits)) if waits == kid));
    assert!(forced.breaks.unwrap().contains("10 seconds"));
    assert_eq!(bench.key(kid).await.state, SigningKeyState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_key_is_taken_back_and_the_last_key_is_not() {
    let bench = Bench::new().await;
    let first = bench.granted(Wish::default()).await.kid().unwrap();
    let mut rotation = bench.rotation().await;
    let unwanted = rotation.publish(None, &order()).await.unwrap().kid;

    let retired = rotation.retire(&unwanted, &order()).await.unwrap();
    let again = rotation.retire(&unwanted, &order()).await.unwrap();
    let activated = rotation.activate(&unwanted, Readiness::Now, &order()).await;
    let last = rotation.retire(&first, &order()).await;
    let unknown = rotation.revoke("nobody's", &order()).await;
    let nowhere = BankCode::parse("2997").unwrap();
    let nowhere = rotation.publish(Some(&nowhere), &order()).await;

    assert_eq!(retired, again);
    assert!(matches!(activated, Err(RotationError::Over { .. })));
    assert!(matches!(last, Err(RotationError::Needed(kid)) if kid == first));
    assert!(matches!(unknown, Err(RotationError::Unknown(_))));
    assert!(matches!(nowhere, Err(RotationError::UnknownBank(_))));
    assert_eq!(bench.key(&unwanted).await.signs_since, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_may_have_a_key_of_its_own() {
    let bench = Bench::new().await;
    bench.register_bank("2978").await;
    let shared = bench.granted(Wish::default()).await.kid().unwrap();
    let bank = BankCode::parse(BANK).unwrap();
    let mut rotation = bench.rotation().await;

    let own = rotation.publish(Some(&bank), &order()).await.unwrap().kid;
    bench.let_the_publication_age(&own).await;
    let activated = rotation.activate(&own, Readiness::Known, &order()).await;
    let keys = &bench.replicas[0].app.keys;
    keys.refresh(&bench.pool).await.unwrap();
    let signed = bench.granted(Wish::default()).await.kid().unwrap();
    let key_sets = (bench.key_set(0).await, bench.key_set_of("2978", 0).await);
    let retired = rotation.retire(&own, &order()).await;
    keys.refresh(&bench.pool).await.unwrap();
    let after = bench.granted(Wish::default()).await.kid().unwrap();

    assert_eq!(activated.unwrap().retired, None);
    assert_eq!((signed.as_str(), &after), (own.as_str(), &shared));
    retired.unwrap();
    let (mut of_the_bank, of_the_other) = key_sets;
    of_the_bank.sort();
    let mut both = [own.clone(), shared.clone()];
    both.sort();
    assert_eq!(of_the_bank, both);
    assert_eq!(of_the_other, [shared]);
    let other = BankCode::parse("2978").unwrap();
    let of_the_other = rotation.list(Some(&other)).await.unwrap();
    assert!(of_the_other.iter().all(|key| key.bank.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_retired_long_before_it_was_revoked_left_the_key_set_then() {
    let bench = Bench::new().await;
    let first = bench.granted(Wish::default()).await.kid().unwrap();
    bench.rotated().await;
    bench
        .as_owner(
            "UPDATE signing_keys SET retired_at = retired_at - interval '1 day'
             WHERE state = 'retired'",
        )
        .await;
    let retired = bench.key(&first).await;

    let mut rotation = bench.rotation().await;
    rotation.revoke(&first, &order()).await.unwrap();

    let revoked = bench.key(&first).await;
    assert_eq!(revoked.state, SigningKeyState::Revoked);
    assert_eq!(revoked.in_key_set_until, retired.in_key_set_until);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_made_that_the_replicas_could_not_open() {
    let bench = Bench::new().await;
    let first = bench.granted(Wish::default()).await.kid().unwrap();
    let another = wrapping(&"E".repeat(43));
    let mut rotation = Rotation::connect(&bench.service_url(), another)
        .await
        .unwrap();

    let published = rotation.publish(None, &order()).await.unwrap_err();
    let revoked = rotation.revoke(&first, &order()).await.unwrap_err();

    for refused in [published, revoked] {
        let not_opened = RotationError::Key(KeyError::DoesNotOpen(format!("signing_key:{first}")));
        assert_eq!(refused.to_string(), not_opened.to_string());
    }
    assert_eq!(bench.rotation().await.list(None).await.unwrap().len(), 1);
    assert_eq!(bench.key(&first).await.state, SigningKeyState::Active);
}
