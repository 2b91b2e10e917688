//! The consent tells in which language it was read.

use consent::evidence;
use consent_domain::{BankCode, JourneyId};

use crate::{
    bench::{BANK, Bench, FIRST, browser},
    journey_customer::{authorize_form, fact, send, send_on, step_of},
    locale_choice::{language, switch},
};

/// What is recorded of the one journey: the event's locale and version, and the words.
async fn recorded(bench: &Bench) -> (String, String) {
    let event = fact(bench, "AccessAuthorized").await;
    let journey = JourneyId::parse(event["journey"].as_str().unwrap()).unwrap();
    let bank = BankCode::parse(BANK).unwrap();
    let keys = &bench.replicas[0].app.keys;
    let (shown, hash) = evidence::find(&bench.pool, keys, &bank, &journey)
        .await
        .unwrap()
        .expect("a record");
    assert_eq!(event["text"]["sha256"], hash);
    assert_eq!(event["text"]["locale"], shown.locale);
    assert_eq!(event["text"]["version"], shown.text_version);
    (shown.locale, shown.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_read_in_english_is_recorded_in_english() {
    let bench = Bench::new().await;
    let browser = browser().in_english();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    assert_eq!(language(&authorize), "en");
    send(&browser, &authorize_form(&authorize)).await;

    let (locale, text) = recorded(&bench).await;
    assert_eq!(locale, "en");
    for words in [
        "I allow the bank to provide",
        "Balance inquiry",
        "(Japan time)",
        FIRST,
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_switch_in_another_tab_the_consent_is_shown_anew_before_it_counts() {
    let bench = Bench::new().await;
    let browser = browser();
    let (japanese, _) = bench.to_authorize(&browser, 0).await;
    switch(&browser, &japanese, "en").await;

    let shown_anew = send_on(&browser, &authorize_form(&japanese)).await;
    assert_eq!(step_of(&shown_anew), "authorize");
    assert_eq!(language(&shown_anew), "en");
    assert_eq!(bench.events("AccessAuthorized").await, 0);

    send(&browser, &authorize_form(&shown_anew)).await;
    assert_eq!(recorded(&bench).await.0, "en");
}
