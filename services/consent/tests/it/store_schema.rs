//! The schema from day one: every column that a later release would need is there and is filled by a
//! real walk.

use std::collections::{BTreeMap, BTreeSet};

use consent::{pin_unlock::unlock_pin, sweeper};
use consent_domain::{BankCode, ContractId, PinScopeId};
use demo::agent::{
    partner::code_challenge,
    walk::{allow, choose_accounts, return_address},
};
use sqlx::{FromRow, types::Uuid};

use crate::{
    bench::{BANK, Bench, FIRST, Options, WRONG_PIN, browser, ticked},
    journey_customer::{CONTRACT, PIN_SCOPE},
    journey_ends::let_the_hour_be_over,
};

#[derive(Debug, FromRow)]
struct Event {
    event_type: String,
    event_id: Uuid,
    metadata: serde_json::Value,
    effective_at: Option<chrono::DateTime<chrono::Utc>>,
    recorded_at: chrono::DateTime<chrono::Utc>,
    bank: Option<String>,
    partner: Option<String>,
    contract: Option<String>,
    actor_kind: String,
    actor_id: Option<String>,
    causation_id: Option<Uuid>,
    request_id: Option<String>,
    traceparent: Option<String>,
    command_key: Option<String>,
    release: Option<String>,
}

async fn events(bench: &Bench) -> Vec<Event> {
    sqlx::query_as("SELECT * FROM events ORDER BY transaction_id, position")
        .fetch_all(&bench.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_have_every_column_of_the_first_day() {
    let bench = Bench::new().await;
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text, udt_name::text FROM information_schema.columns
         WHERE table_schema = 'public'",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    let columns: BTreeMap<(&str, &str), &str> = columns
        .iter()
        .map(|(t, c, u)| ((t.as_str(), c.as_str()), u.as_str()))
        .collect();
    let expected = [
        ("event_id", "uuid"),
        ("position", "int8"),
        ("transaction_id", "xid8"),
        ("recorded_at", "timestamptz"),
        ("effective_at", "timestamptz"),
        ("bank", "text"),
        ("partner", "text"),
        ("contract", "text"),
        ("actor_kind", "text"),
        ("actor_id", "text"),
        ("causation_id", "uuid"),
        ("request_id", "text"),
        ("traceparent", "text"),
        ("command_key", "text"),
        ("release", "text"),
    ];
    for (column, kind) in expected {
        assert_eq!(
            columns.get(&("events", column)),
            Some(&kind),
            "events.{column}"
        );
    }
    for (table, names) in [
        (
            "refresh_tokens",
            ["dpop_jkt", "cnf_jkt", "cnf_x5t"].as_slice(),
        ),
        ("issued_access_tokens", &["cnf_jkt", "cnf_x5t"]),
        ("authorization_codes", &["dpop_jkt"]),
        ("pushed_requests", &["dpop_jkt", "parameters"]),
        ("used_jtis", &["jti_hash", "expires_at"]),
        (
            "signing_keys",
            &["kid", "not_before", "state", "private_key_wrapped"],
        ),
        ("shared_keys", &["key_wrapped"]),
    ] {
        for name in names {
            assert!(columns.contains_key(&(table, *name)), "{table}.{name}");
        }
    }
    let partitions: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_partitioned_table p JOIN pg_inherits i ON i.inhparent = p.partrelid
         WHERE p.partrelid = 'events'::regclass AND p.partstrat = 'h'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(partitions, 16);
    let index: String =
        sqlx::query_scalar("SELECT indexdef FROM pg_indexes WHERE indexname = 'events_by_commit'")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert!(index.ends_with("(transaction_id, \"position\")"), "{index}");
}

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A pushed request of a partner that traces, pushed by hand.
async fn push_with_a_trace(bench: &Bench) {
    let client = bench.client(0);
    let mut pairs = client.authentication().unwrap();
    for (name, value) in [
        ("response_type", "code"),
        ("redirect_uri", client.registration().redirect_uri.as_str()),
        ("state", "s"),
        ("scope", "balance"),
        ("code_challenge", &code_challenge(&"v".repeat(43))),
        ("code_challenge_method", "S256"),
    ] {
        pairs.push((name.to_owned(), value.to_owned()));
    }
    let answer = reqwest::Client::new()
        .post(bench.origin.join(&format!("{BANK}/par")).unwrap())
        .header("traceparent", TRACEPARENT)
        .form(&pairs)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_walk_fills_every_column() {
    let bench = Bench::with(Options {
        bank_settings: "pin_limit = 1",
        ..Options::default()
    })
    .await;
    let browser = browser();
    let (authorize, pushed) = bench.to_authorize(&browser, 0).await;
    let end = allow(&browser, &authorize).await.unwrap();
    bench
        .client(0)
        .complete(&return_address(&end).unwrap(), &pushed)
        .await
        .unwrap();
    push_with_a_trace(&bench).await;
    let other = crate::bench::browser();
    let (accounts, _) = bench.to_accounts(&other, 0).await;
    choose_accounts(&other, &accounts, &[ticked(FIRST, WRONG_PIN)])
        .await
        .unwrap();
    let bus = &bench.replicas[0].app.bus;
    let (bank, contract) = (
        BankCode::parse(BANK).unwrap(),
        ContractId::parse(CONTRACT).unwrap(),
    );
    unlock_pin(
        bus,
        &bank,
        &contract,
        &PinScopeId::parse(PIN_SCOPE).unwrap(),
        "tester",
    )
    .await
    .unwrap();

    let events = events(&bench).await;
    let ids: BTreeSet<Uuid> = events.iter().map(|event| event.event_id).collect();
    assert_eq!(ids.len(), events.len());
    for event in &events {
        assert_eq!(event.event_id.get_version_num(), 7, "{event:?}");
        assert_eq!(
            event.release.as_deref(),
            Some(env!("CARGO_PKG_VERSION")),
            "{event:?}"
        );
        assert_flat(event);
        assert_context(event);
    }
    let traced: Vec<&str> = events
        .iter()
        // The caller's trace; which span of it wrote the event is ours to say.
        .filter(|event| {
            event
                .traceparent
                .as_deref()
                .is_some_and(|own| own.starts_with(&TRACEPARENT[..35]))
        })
        .map(|event| event.event_type.as_str())
        .collect();
    assert_eq!(traced, ["ConsentRequested"]);
    let seen: BTreeSet<&str> = events
        .iter()
        .map(|event| event.event_type.as_str())
        .collect();
    for fact in [
        "AccessGranted",
        "PartnerConnected",
        "AccountRegistered",
        "PinLocked",
        "PinUnlocked",
    ] {
        assert!(seen.contains(fact), "{fact} is missing from {seen:?}");
    }
}

/// The stock store can load a flat map of strings, and nothing else.
fn assert_flat(event: &Event) {
    let map = event.metadata.as_object().unwrap();
    assert!(map.values().all(serde_json::Value::is_string), "{event:?}");
    assert_eq!(
        map.get("actor_kind").and_then(|v| v.as_str()),
        Some(event.actor_kind.as_str())
    );
}

/// Who, for whom, and by which request.
fn assert_context(event: &Event) {
    let kind = event.actor_kind.as_str();
    let known = |column: &Option<String>| column.is_some();
    let (bank, partner, contract, actor, request, key) = match event.event_type.as_str() {
        "BankRegistered" => (true, false, false, true, false, false),
        // The legal record belongs to no bank.
        "PartnerRegistered" => (false, true, false, true, false, false),
        "PartnerEnabled" => (true, true, false, true, false, false),
        "PinUnlocked" => (true, false, true, true, false, false),
        "ConsentRequested" => (true, true, false, true, true, false),
        // From the login on the contract is known.
        "PartnerConnected" => (true, true, true, true, true, false),
        "PinLocked" => (true, true, true, false, true, false),
        _ => (true, true, true, true, true, true),
    };
    assert_eq!(known(&event.bank), bank, "bank of {event:?}");
    assert_eq!(known(&event.partner), partner, "partner of {event:?}");
    assert_eq!(known(&event.contract), contract, "contract of {event:?}");
    assert_eq!(known(&event.actor_id), actor, "actor of {event:?}");
    assert_eq!(known(&event.request_id), request, "request of {event:?}");
    assert_eq!(known(&event.command_key), key, "key of {event:?}");
    let expected = match event.event_type.as_str() {
        "BankRegistered" | "PartnerRegistered" | "PartnerEnabled" | "PinUnlocked" => "operator",
        "ConsentRequested" | "PartnerConnected" => "partner",
        "PinLocked" => "system",
        _ => "customer",
    };
    assert_eq!(kind, expected, "{event:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_clock_ended_says_since_when_and_whose_it_was() {
    let bench = Bench::new().await;
    bench.begin(&browser(), 0).await;
    let_the_hour_be_over(&bench).await;
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    let events = events(&bench).await;
    let ended = events
        .iter()
        .find(|event| event.event_type == "JourneyTimedOut")
        .unwrap();
    let effective = ended.effective_at.expect("since when");
    assert!(effective <= ended.recorded_at, "{ended:?}");
    assert_eq!(
        ended.partner.as_deref(),
        Some("id-of-partner-a"),
        "{ended:?}"
    );
    assert_eq!(
        (ended.contract.as_ref(), ended.causation_id),
        (None, None),
        "before any login"
    );
    assert_eq!(ended.actor_kind, "system");
}
