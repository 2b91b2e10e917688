//! What the customer was shown at step 6 is kept, encrypted, and its hash stands in the event.

use consent::evidence;
use consent_domain::{BankCode, JourneyId};
use demo::agent::walk::allow;

use crate::bench::{BANK, Bench, FIRST, browser};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_can_be_read_back_and_its_hash_is_the_events() {
    let bench = Bench::new().await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    allow(&browser, &authorize).await.expect("the end page");

    let (journey, in_event): (String, String) = sqlx::query_as(
        "SELECT payload #>> '{AccessAuthorized,journey}',
            payload #>> '{AccessAuthorized,text,sha256}'
         FROM events WHERE event_type = 'AccessAuthorized'",
    )
    .fetch_one(&bench.pool)
    .await
    .expect("the event");
    let app = &bench.replicas[0].app;
    let (bank, journey) = (
        BankCode::parse(BANK).unwrap(),
        JourneyId::parse(journey).unwrap(),
    );
    let (shown, hash) = evidence::find(&bench.pool, &app.keys, &bank, &journey)
        .await
        .expect("the record opens")
        .expect("there is a record");

    assert_eq!(hash, in_event);
    assert_eq!(shown.locale, "ja");
    for words in [FIRST, "partner-a株式会社", "残高照会", "日本時間"] {
        assert!(
            shown.text.contains(words),
            "{words} is missing in {}",
            shown.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_bound_to_its_journey_and_no_account_number_is_readable() {
    let bench = Bench::new().await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    allow(&browser, &authorize).await.expect("the end page");
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM evidence_records")
        .fetch_one(&bench.pool)
        .await
        .expect("the record");
    assert!(!sealed.windows(7).any(|bytes| bytes == b"5000000"));

    let owner = sqlx::PgPool::connect(&bench.owner_url())
        .await
        .expect("the owner connects");
    sqlx::query("UPDATE evidence_records SET journey_id = 'another'")
        .execute(&owner)
        .await
        .expect("the record is moved");

    let app = &bench.replicas[0].app;
    let (bank, another) = (
        BankCode::parse(BANK).unwrap(),
        JourneyId::parse("another").unwrap(),
    );
    let found = evidence::find(&bench.pool, &app.keys, &bank, &another).await;
    assert!(
        matches!(found, Err(evidence::EvidenceError::DoesNotOpen)),
        "{found:?}"
    );
}
