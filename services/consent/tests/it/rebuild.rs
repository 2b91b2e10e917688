//! Rebuilding the projections from the events.

use std::sync::atomic::{AtomicBool, Ordering};

use consent::{
    rebuild::{Purpose, Rebuilt, rebuild},
    store::{Actor, Bus, CommandContext},
};
use consent_domain::{
    Instant, PinScopeId,
    contract::{Contract, ContractStream, ResetBy},
};
use demo::agent::walk::allow;
use sqlx::PgPool;

use crate::bench::{Bench, browser};

fn total(rebuilt: &[Rebuilt]) -> i64 {
    rebuilt
        .iter()
        .map(|projection| projection.differences)
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuilt_projections_equal_the_live_ones() {
    let bench = Bench::new().await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    allow(&browser, &authorize).await.expect("the end page");

    let rebuilt = rebuild(&bench.owner_url(), Purpose::Verify)
        .await
        .expect("a rebuild");

    assert_eq!(total(&rebuilt), 0, "{rebuilt:?}");
    let streams: u64 = rebuilt.iter().map(|projection| projection.streams).sum();
    assert_eq!(
        streams,
        1 + 1 + 1 + 2 + 2 + 1,
        "journey, consent, contract, partners, bank"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_was_tampered_with_is_found_and_put_right() {
    let bench = Bench::new().await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    allow(&browser, &authorize).await.expect("the end page");
    let owner = PgPool::connect(&bench.owner_url())
        .await
        .expect("the owner connects");
    let before = consents(&bench.pool).await;
    sqlx::query("UPDATE consent_current SET state = jsonb_set(state, '{status}', '\"revoked\"')")
        .execute(&owner)
        .await
        .expect("the row is spoilt");

    let found = rebuild(&bench.owner_url(), Purpose::Verify)
        .await
        .expect("a rebuild");
    assert_eq!(total(&found), 1);
    rebuild(&bench.owner_url(), Purpose::Replace)
        .await
        .expect("a rebuild");

    assert_eq!(consents(&bench.pool).await, before);
    let after = rebuild(&bench.owner_url(), Purpose::Verify)
        .await
        .expect("a rebuild");
    assert_eq!(total(&after), 0);
    // Rights and indexes came along: the service role walks another journey, and the pair's one
    // place is still guarded.
    let another = crate::bench::browser();
    let (authorize, _) = bench.to_authorize(&another, 1).await;
    allow(&another, &authorize).await.expect("the end page");
    let guarded: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_indexes WHERE indexname = 'consent_current_one_default')",
    )
    .fetch_one(&bench.pool)
    .await
    .expect("an answer");
    assert!(guarded);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_go_on_while_the_projections_are_replaced() {
    let bench = Bench::new().await;
    let stop = AtomicBool::new(false);
    let (written, rebuilt) = tokio::join!(write_until(&bench, &stop), async {
        let rebuilt = rebuild(&bench.owner_url(), Purpose::Replace).await;
        stop.store(true, Ordering::Relaxed);
        rebuilt.expect("a rebuild")
    });

    assert_eq!(total(&rebuilt), 0, "{rebuilt:?}");
    assert!(written > 0, "nothing was written meanwhile");
    let verified = rebuild(&bench.owner_url(), Purpose::Verify)
        .await
        .expect("a rebuild");
    assert_eq!(total(&verified), 0, "{verified:?}");
    assert_eq!(
        bench.events("PinLocked").await + bench.events("PinUnlocked").await,
        written
    );
}

/// Locks and unlocks PIN scopes of many contracts until told to stop. Gives how many facts that made.
async fn write_until(bench: &Bench, stop: &AtomicBool) -> i64 {
    let bus = Bus::new(bench.pool.clone());
    let scope = PinScopeId::parse("p-1").unwrap();
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        for contract in 0..5 {
            let scope = scope.clone();
            let context = CommandContext {
                bank: Some("2963".to_owned()),
                partner: None,
                contract: None,
                actor: Actor::System,
                causation_id: None,
                request_id: None,
                traceparent: None,
                key: None,
            };
            bus.execute::<ContractStream, std::convert::Infallible>(
                format!("2963:c-{contract}"),
                context,
                move |state: &Contract, _: Instant| {
                    Ok(if state.is_pin_locked(&scope) {
                        state.unlock_pin(&scope, ResetBy::Operator)
                    } else {
                        state.lock_pin(&scope, 5)
                    }
                    .into_events())
                },
                |_, _, _| Vec::new(),
            )
            .await
            .expect("a write succeeds while the projections are rebuilt");
            written += 1;
        }
    }
    written
}

async fn consents(pool: &PgPool) -> Vec<(String, i64, serde_json::Value)> {
    sqlx::query_as("SELECT stream_id, version, state FROM consent_current ORDER BY stream_id")
        .fetch_all(pool)
        .await
        .expect("rows")
}
