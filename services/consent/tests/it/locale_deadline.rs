//! The deadline in words: printed, near, and put off without loading the page anew.

use serde_json::Value;

use crate::{
    bench::{Bench, Options, browser, dantai01},
    journey_customer::{assert_error, facts, location, login_form_of, notice, open_step, send_on},
};

async fn age_session(bench: &Bench, seconds: f64) {
    let aged = sqlx::query(
        "UPDATE bank_sessions SET last_seen_at = last_seen_at - make_interval(secs => $1)",
    )
    .bind(seconds)
    .execute(&bench.pool)
    .await
    .expect("the time moves");
    assert_eq!(aged.rows_affected(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_puts_the_deadline_off_and_the_journey_does_not_change() {
    let bench = Bench::new().await;
    let browser = browser().in_english();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let url = accounts.link("#extend").unwrap().join("extend").unwrap();
    assert_eq!(
        accounts
            .attribute("#deadline", "data-extend-url")
            .as_deref(),
        Some(url.path())
    );
    let before = facts(&bench).await;
    age_session(&bench, 500.0).await;

    let answer = browser.get(&url).await.unwrap();

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let words: Value = serde_json::from_str(&answer.html).unwrap();
    assert_eq!(words["seconds_left"], 600);
    assert_eq!(words["extendable"], true);
    assert!(
        words["line"]
            .as_str()
            .unwrap()
            .starts_with("You will be logged out at ")
    );
    // Another 500 seconds later the session is still there, which it would not be without.
    age_session(&bench, 500.0).await;
    assert_eq!(open_step(&browser, &accounts, "accounts").await.status, 200);
    assert_eq!(facts(&bench).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_not_put_off() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let url = accounts.url.join("extend").unwrap();
    let foreign = crate::bench::browser().get(&url).await.unwrap();
    assert_error(&foreign, 404, "journey_not_found");

    age_session(&bench, 601.0).await;

    let answer = browser.get(&url).await.unwrap();
    assert!(
        location(&answer).ends_with("/login?m=idle"),
        "{}",
        location(&answer)
    );
    let after = accounts.attribute("#deadline", "data-after-url").unwrap();
    assert_eq!(location(&answer), after);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_the_journey_is_announced_when_it_is_near_and_can_not_be_put_off() {
    let options = Options {
        bank_settings: "journey_seconds = 100",
        ..Options::default()
    };
    let bench = Bench::with(options).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    assert!(notice(&login).contains("あと約2分"), "{}", notice(&login));

    let tasks = send_on(&browser, &login_form_of(&login, &dantai01())).await;

    assert!(notice(&tasks).contains("あと約2分"), "{}", notice(&tasks));
    assert!(
        tasks
            .text("#deadline")
            .unwrap()
            .starts_with("お手続きの期限")
    );
    assert!(!tasks.has("#extend"));
    let answer = browser
        .get(tasks.url.join("extend").unwrap())
        .await
        .unwrap();
    let words: Value = serde_json::from_str(&answer.html).unwrap();
    assert_eq!(words["extendable"], false);
    assert!(words["seconds_left"].as_u64().unwrap() <= 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_script_comes_from_the_service_and_the_policy_lets_it_in() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let address = login.attribute("script", "src").unwrap();
    let script = browser
        .get(bench.origin.join(&address).unwrap())
        .await
        .unwrap();
    assert_eq!(script.status, 200);
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    let policy = login.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
    ] {
        assert!(policy.split("; ").any(|each| each == part), "{policy}");
    }
    assert!(!policy.contains("unsafe"));
}
