//! How the issuers' keys are had.

use std::time::{Duration, Instant};

use crate::application::Application;
use crate::stand_ins::issuer::{KeySetAnswer, TestKey};

const PATH: &str = "/v1/accounts/acc-1/balance";

#[tokio::test]
async fn the_key_set_is_loaded_once_for_many_requests_at_once() {
    let app = Application::start().await;
    assert_eq!(app.key_set.loads(), 0);
    let (path, token) = (PATH, app.token());
    let (a, b, c, d) = tokio::join!(
        app.get_with(path, &token),
        app.get_with(path, &token),
        app.get_with(path, &token),
        app.get_with(path, &token),
    );
    assert!([a, b, c, d].iter().all(|answer| answer.status == 200));
    assert_eq!(app.key_set.loads(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_and_made_up_keys_do_not_load_again_and_again() {
    let app = Application::start().await;
    assert_eq!(app.get(PATH).await.status, 200);
    let new_key = TestKey::new("key-new", 21);
    app.key_set
        .now_answers(KeySetAnswer::Keys(vec![app.key.jwk(), new_key.jwk()]));
    let rotated = new_key.sign(&new_key.header(), &app.claims());
    assert_eq!(app.get_with(PATH, &rotated).await.status, 200);
    assert_eq!(app.key_set.loads(), 2);
    for seed in 30..40 {
        let made_up = TestKey::new(&format!("key-{seed}"), seed);
        let token = made_up.sign(&made_up.header(), &app.claims());
        assert_eq!(
            app.get_with(PATH, &token).await.problem().1,
            "invalid_token"
        );
    }
    assert_eq!(app.key_set.loads(), 3);
    assert_eq!(app.get(PATH).await.status, 200);
}

#[tokio::test]
async fn keys_that_can_not_be_had_are_an_outage_and_not_a_bad_token() {
    let good_keys_elsewhere = Application::start().await.key_set.url;
    for answer in [
        KeySetAnswer::Status(500),
        KeySetAnswer::Status(404),
        KeySetAnswer::Text("no key set".to_owned()),
        KeySetAnswer::Text(format!(
            "{{\"keys\":[],\"padding\":\"{}\"}}",
            "x".repeat(70_000)
        )),
        KeySetAnswer::Redirect(good_keys_elsewhere),
        KeySetAnswer::Hangs,
    ] {
        let app = Application::start().await;
        app.key_set.now_answers(answer);
        let started = Instant::now();
        let answer = app.get(PATH).await;
        assert!(started.elapsed() < Duration::from_secs(4));
        assert_eq!(answer.problem(), (503, "keys_unavailable".to_owned()));
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert!(app.decisions.asked().is_empty());
    }
}

#[tokio::test]
async fn known_keys_outlive_an_outage_of_the_issuer() {
    let app = Application::start().await;
    assert_eq!(app.get(PATH).await.status, 200);
    app.key_set.now_answers(KeySetAnswer::Status(500));
    assert_eq!(app.get(PATH).await.status, 200);
    let unknown = TestKey::new("key-new", 21);
    let token = unknown.sign(&unknown.header(), &app.claims());
    assert_eq!(
        app.get_with(PATH, &token).await.problem().1,
        "keys_unavailable"
    );
}
