//! Searching and exporting at the operators' API.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use consent::operator::Role;
use consent_domain::consent::{RevocationReason, RevokedBy};
use serde_json::Value;

use crate::{
    bench::{BANK, Bench, FIRST, browser},
    journey_customer::{CONTRACT, FIRST_ID},
    lifecycle_given::{bank, by_operator},
};

fn ids(page: &Value) -> Vec<String> {
    let found = page["found"].as_array().unwrap().iter();
    found
        .map(|row| row["grant_id"].as_str().unwrap().to_owned())
        .collect()
}

fn at(path: &str) -> String {
    format!("/v1/banks/{BANK}/{path}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_is_found_by_what_is_known_of_it_and_each_search_is_on_record() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let live = bench.consent_for(TimeDelta::days(100)).await;
    let over = bench.consent_for(TimeDelta::seconds(-1)).await;
    let revoked = bench.consent_for(TimeDelta::days(50)).await;
    let bank = bank();
    bench
        .on(&bank, &revoked, 0)
        .revoke(RevokedBy::Bank, RevocationReason::Fraud, by_operator())
        .await
        .unwrap();
    let one = |grant: &consent_domain::GrantId| vec![grant.to_string()];
    let all = vec![revoked.to_string(), over.to_string(), live.to_string()];
    let cases = [
        ("".to_owned(), all.clone()),
        ("partner=id-of-partner-a".to_owned(), all.clone()),
        ("partner=id-of-partner-b".to_owned(), vec![]),
        (format!("contract={CONTRACT}"), all.clone()),
        (format!("account={FIRST_ID}"), all.clone()),
        (format!("account={FIRST_ID}&status=live"), one(&live)),
        ("account=unknown".to_owned(), vec![]),
        ("status=live".to_owned(), one(&live)),
        ("status=expired".to_owned(), one(&over)),
        ("status=revoked&reason=fraud".to_owned(), one(&revoked)),
        (
            "reason=fraud&partner=id-of-partner-a".to_owned(),
            one(&revoked),
        ),
        ("status=superseded".to_owned(), vec![]),
        (
            "began_from=2020-01-01T00:00:00Z&began_to=2021-01-01T00:00:00Z".to_owned(),
            vec![],
        ),
        (
            "ended_to=2099-01-01T00:00:00Z".to_owned(),
            vec![revoked.to_string(), over.to_string()],
        ),
    ];
    for (query, expected) in &cases {
        let page = bench
            .ask(&token, &at(&format!("consents?{query}")))
            .await
            .json();
        assert_eq!(&ids(&page), expected, "{query}");
    }
    let page = bench.ask(&token, &at("consents?reason=fraud")).await;
    assert!(page.text.contains("\"ended_by\":\"bank\""), "{}", page.text);
    let recorded: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM operator_acts WHERE act = 'search' AND outcome = 'done'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(recorded, i64::try_from(cases.len()).unwrap() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_index_serves_and_what_is_malformed_is_refused() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let refused = bench
        .ask(
            &token,
            &at("consents?status=live&began_from=2026-01-01T00:00:00Z"),
        )
        .await;
    assert_eq!(refused.code(400), "filters_not_combinable");
    for query in [
        "consents?status=gone",
        "consents?reason=because",
        "consents?status=live&reason=fraud",
        "consents?partner=a%27%3B+DROP+TABLE+events--",
        "consents?contract=%E5%9B%A3%E4%BD%93",
        "consents?account=%00",
        "consents?began_from=yesterday",
        "consents?began_from=2026-01-02T00:00:00Z&began_to=2026-01-01T00:00:00Z",
        "consents?cursor=AAAA",
        "consents?nothing=1",
        "consents.csv?limit=1",
        "journeys?stage=accounts",
        "journeys?status=authorized&stage=accounts",
        "journeys?journey=a&request_uri=b",
    ] {
        let refused = bench.ask(&token, &at(query)).await;
        assert_eq!(refused.code(400), "invalid_parameter", "{query}");
    }
    let elsewhere = bench.ask(&token, "/v1/banks/2951/consents").await;
    assert_eq!(elsewhere.code(404), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_no_doubles_and_no_holes_while_consents_begin() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let mut before = BTreeSet::new();
    for days in 1..=9 {
        before.insert(bench.consent_for(TimeDelta::days(days)).await.to_string());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench
            .ask(&token, &at(&format!("consents?limit=2&cursor={cursor}")))
            .await
            .json();
        seen.extend(ids(&page));
        bench.consent_for(TimeDelta::days(100)).await;
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        let other = bench
            .ask(&token, &at(&format!("consents?status=live&cursor={next}")))
            .await;
        assert_eq!(other.code(400), "invalid_parameter", "another search's");
        cursor = next.to_owned();
    }
    assert_eq!(seen.len(), 9);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_tells_where_it_is_stuck() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let browser = browser();
    let (_, pushed) = bench.to_accounts(&browser, 0).await;
    let by_uri = format!(
        "journeys?request_uri={}",
        url::form_urlencoded::byte_serialize(pushed.request_uri.as_bytes()).collect::<String>()
    );
    let page = bench.ask(&token, &at(&by_uri)).await.json();
    let journey = &page["found"][0];
    assert_eq!(journey["status"], "in_progress");
    assert_eq!(journey["stage"], "accounts");
    assert_eq!(journey["contract"], CONTRACT);
    let id = journey["journey_id"].as_str().unwrap();
    for (query, found) in [
        (format!("journey={id}"), 1),
        ("status=in_progress&stage=accounts".to_owned(), 1),
        ("status=in_progress&stage=login".to_owned(), 0),
        ("status=in_progress&partner=id-of-partner-b".to_owned(), 0),
        ("status=cancelled".to_owned(), 0),
    ] {
        let page = bench
            .ask(&token, &at(&format!("journeys?{query}")))
            .await
            .json();
        assert_eq!(page["found"].as_array().unwrap().len(), found, "{query}");
    }
    // Ids only: no account's number, no name.
    assert!(!page.to_string().contains(FIRST));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_row_a_header_and_an_end() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    for days in 1..=3 {
        bench.consent_for(TimeDelta::days(days)).await;
    }
    let csv = bench.ask(&token, &at("consents.csv?status=live")).await;
    assert_eq!(csv.status, 200, "{}", csv.text);
    let lines: Vec<&str> = csv.text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 3 + 1, "{lines:#?}");
    assert!(lines[0].contains("grant_id"), "{}", lines[0]);
    assert!(lines[4].starts_with("END,3"), "{}", lines[4]);
    let commas = lines[0].matches(',').count();
    assert!(lines.iter().all(|line| line.matches(',').count() == commas));

    let ndjson = bench.ask(&token, &at("consents.ndjson")).await;
    let last = ndjson.text.lines().last().unwrap();
    assert_eq!(last, "{\"end\":true,\"rows\":3}");
    assert_eq!(ndjson.text.lines().count(), 4);
    let none = bench.ask(&token, &at("journeys.csv")).await;
    assert_eq!(none.text, "END,0\r\n");

    let acts = bench
        .ask(
            &token,
            &at("acts?operator=suzuki&subject_kind=consents&subject_id=x"),
        )
        .await
        .json();
    assert_eq!(acts["acts"], serde_json::json!([]));
    let outcomes: Vec<(String, Value)> =
        sqlx::query_as("SELECT outcome, detail FROM operator_act_outcomes ORDER BY ended_at")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.iter().all(|(outcome, _)| outcome == "done"));
    assert_eq!(outcomes[0].1["rows"], 3);
}
