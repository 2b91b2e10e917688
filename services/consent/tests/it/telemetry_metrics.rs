//! What Prometheus reads from the operators' listener.

use std::collections::BTreeMap;

use demo::agent::walk::{allow, return_address};

use crate::bench::{BANK, Bench, browser};

/// Samples by name and labels, read as strictly as a scraper does.
fn parse(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with("# EOF\n"), "the end mark is missing");
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (sample, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let name = sample.split('{').next().unwrap_or_default();
        assert!(name.starts_with("renkei_"), "{line}");
        assert!(
            name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
            "{line}"
        );
        assert_eq!(sample.contains('{'), sample.ends_with('}'), "{line}");
        let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
        assert!(
            samples.insert(sample.to_owned(), value).is_none(),
            "twice: {line}"
        );
    }
    samples
}

async fn scrape(bench: &Bench) -> BTreeMap<String, f64> {
    let address = format!("http://{}/metrics", bench.replicas[0].operators);
    let answer = reqwest::get(address).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let media_type = answer.headers()["content-type"]
        .to_str()
        .expect("text")
        .to_owned();
    assert!(
        media_type.starts_with("application/openmetrics-text"),
        "{media_type}"
    );
    parse(&answer.text().await.expect("a body"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_is_counted_and_nothing_of_it_is_a_label() {
    let bench = Bench::new().await;
    // Other tests of this process count too: what is compared grew at least by this walk.
    let before = scrape(&bench).await;
    let browser = browser();
    let (authorize, pushed) = bench.to_authorize(&browser, 0).await;
    let end = allow(&browser, &authorize).await.expect("the end page");
    bench
        .client(0)
        .complete(&return_address(&end).unwrap(), &pushed)
        .await
        .expect("tokens");
    consent::sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a round");
    let after = scrape(&bench).await;

    let grew = |sample: &str| {
        let read = |samples: &BTreeMap<String, f64>| samples.get(sample).copied().unwrap_or(0.0);
        read(&after) - read(&before)
    };
    let page = "route=\"/{bank}/journeys/{journey}/login\",method=\"POST\"";
    for sample in [
        &format!("renkei_http_requests_total{{{page},status=\"3xx\"}}"),
        &format!("renkei_http_request_duration_seconds_count{{{page}}}"),
        "renkei_commands_total{stream=\"journey\",outcome=\"committed\"}",
        "renkei_guesses_total{kind=\"login\",verdict=\"match\"}",
        "renkei_guesses_total{kind=\"pin\",verdict=\"match\"}",
        "renkei_bank_calls_total{rpc=\"Authenticate\",outcome=\"ok\"}",
        "renkei_bank_call_duration_seconds_count{rpc=\"VerifyInquiryPin\"}",
        "renkei_journeys_begun_total",
        "renkei_journeys_ended_total{end=\"authorized\"}",
    ] {
        assert!(
            grew(sample) >= 1.0,
            "{sample} did not grow: {:#?}",
            after.keys()
        );
    }
    assert!(after.contains_key("renkei_oldest_unsettled_guess_age_seconds"));
    assert!(after.contains_key("renkei_sweeper_failed_rounds_total"));
    assert!(after["renkei_database_connections{state=\"idle\"}"] >= 1.0);

    let journey = authorize
        .url
        .path_segments()
        .and_then(|mut parts| parts.nth(2))
        .expect("an id");
    for secret in [BANK, journey, "partner-a", "dantai01", "5000000"] {
        let found = after.keys().find(|sample| sample.contains(secret));
        assert!(found.is_none(), "{secret} in {found:?}");
    }
}
