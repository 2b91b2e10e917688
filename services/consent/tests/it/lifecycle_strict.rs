//! What is acknowledged holds for every read that starts later, on every replica.
//!
//! Readers ask two replicas all the time while one of them is told. A read that starts after the
//! acknowledgement and succeeds is the failure that these tests look for. `RENKEI_READS` sets how many
//! such reads there are per act (2,000 unless it does).

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use consent::lifecycle::{Done, Level};
use consent_domain::{
    ContractId, GrantId, JourneyId, PartnerId,
    consent::{ConsentRefusal, ConsentStream, RemovalReason, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};
use demo::agent::{partner::Tokens, walk::Task};

use crate::{
    bench::{BANK, Bench, FIRST, FOURTH, PIN, ticked},
    journey_customer::CONTRACT,
    lifecycle_given::{account, bank, by_operator},
    oauth_decisions::{DecisionPort, DenialReason},
    oauth_partner::{Wish, operator},
};

const READERS_PER_REPLICA: usize = 8;

fn reads() -> u64 {
    std::env::var("RENKEI_READS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2_000)
}

/// What the readers saw.
#[derive(Default)]
struct Seen {
    acknowledged: AtomicBool,
    allowed_before: AtomicU64,
    allowed_after: AtomicU64,
    denied_after: AtomicU64,
}

/// Reads on both replicas while `act` happens, until enough reads have started after it. Gives how often
/// each reason was told to those.
async fn reads_around<T>(
    bench: &Bench,
    tokens: &Tokens,
    act: impl Future<Output = T>,
) -> (T, BTreeMap<String, u64>) {
    let seen = Arc::new(Seen::default());
    let mut readers = tokio::task::JoinSet::new();
    for replica in 0..bench.replicas.len() {
        for _ in 0..READERS_PER_REPLICA {
            let port = DecisionPort::of(bench, replica).await;
            readers.spawn(read(port, tokens.clone(), Arc::clone(&seen)));
        }
    }
    // They read before the act, too, else nothing would be shown.
    while seen.allowed_before.load(Ordering::SeqCst) < 20 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let done = act.await;
    seen.acknowledged.store(true, Ordering::SeqCst);
    let mut reasons = BTreeMap::new();
    while let Some(of_one) = readers.join_next().await {
        for (reason, count) in of_one.expect("a reader") {
            *reasons.entry(reason).or_default() += count;
        }
    }
    let allowed = seen.allowed_after.load(Ordering::SeqCst);
    assert_eq!(allowed, 0, "reads that succeeded after the acknowledgement");
    assert!(seen.denied_after.load(Ordering::SeqCst) >= reads());
    (done, reasons)
}

async fn read(mut port: DecisionPort, tokens: Tokens, seen: Arc<Seen>) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    loop {
        let after = seen.acknowledged.load(Ordering::SeqCst);
        let decided = port.decide(&tokens, Task::Balance).await;
        match (after, decided) {
            (false, Ok(_)) => {
                seen.allowed_before.fetch_add(1, Ordering::SeqCst);
            }
            (false, Err(_)) => {}
            (true, Ok(_)) => {
                seen.allowed_after.fetch_add(1, Ordering::SeqCst);
            }
            (true, Err(reason)) => {
                *reasons.entry(format!("{reason:?}")).or_default() += 1;
                seen.denied_after.fetch_add(1, Ordering::SeqCst);
            }
        }
        let done =
            seen.denied_after.load(Ordering::SeqCst) + seen.allowed_after.load(Ordering::SeqCst);
        if done >= reads() {
            return reasons;
        }
    }
}

/// Every one of them was told the same.
fn only(reasons: &BTreeMap<String, u64>, reason: DenialReason) {
    let told: Vec<&String> = reasons.keys().collect();
    assert_eq!(told, [&format!("{reason:?}")]);
}

fn grant_of(tokens: &Tokens) -> GrantId {
    GrantId::parse(tokens.grant_id.clone().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_that_starts_after_a_revocation_succeeds() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let (bank, grant) = (bank(), grant_of(&tokens));
    let on = bench.on(&bank, &grant, 1);
    let revoke = on.revoke(
        RevokedBy::Customer,
        RevocationReason::NoLongerNeeded,
        by_operator(),
    );
    let (revoked, reasons) = Box::pin(reads_around(&bench, &tokens, revoke)).await;
    assert!(matches!(revoked, Ok(Done::Changed(_))));
    only(&reasons, DenialReason::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_that_starts_after_an_expiry_succeeds_whether_or_not_it_is_recorded() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let grant = grant_of(&tokens);
    let (_, reasons) = Box::pin(reads_around(&bench, &tokens, let_expire(&bench, &grant))).await;
    only(&reasons, DenialReason::Expired);
    assert_eq!(bench.events("AccessExpired").await, 0, "the clock alone");
}

/// Lets it end in half a second, and returns when the database's clock is past that.
async fn let_expire(bench: &Bench, grant: &GrantId) {
    let journey = JourneyId::parse("a-journey-of-tests").unwrap();
    bench.replicas[0]
        .app
        .bus
        .execute::<ConsentStream, ConsentRefusal>(
            format!("{BANK}:{grant}"),
            operator(),
            move |consent, now| {
                let mut terms = consent.terms().ok_or(ConsentRefusal::Unknown)?.clone();
                terms.valid_until = now + chrono::TimeDelta::milliseconds(500);
                let basis = terms.scope.clone();
                Ok(vec![consent.amend(&journey, terms, &basis, now)?])
            },
            |_, _, _| Vec::new(),
        )
        .await
        .map(drop)
        .expect("the grant is amended");
    loop {
        let over: bool = sqlx::query_scalar(
            "SELECT valid_until <= now() FROM consent_current WHERE stream_id = $1",
        )
        .bind(format!("{BANK}:{grant}"))
        .fetch_one(&bench.pool)
        .await
        .unwrap();
        if over {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_that_starts_after_a_suspension_succeeds_at_any_level_until_it_is_restored() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let bank = bank();
    let before = bench.consent(&grant_of(&tokens)).await;
    for (replica, level) in [
        Level::Consent(grant_of(&tokens)),
        Level::Contract(ContractId::parse(CONTRACT).unwrap()),
        Level::Partner(PartnerId::parse("id-of-partner-a").unwrap()),
        Level::Bank,
    ]
    .into_iter()
    .enumerate()
    {
        let app = &bench.replicas[replica % 2].app;
        let cause = SuspensionCause::SuspectedFraud;
        let suspend = level.suspend((&app.pool, &app.bus), &bank, cause, by_operator());
        let (suspended, reasons) = Box::pin(reads_around(&bench, &tokens, suspend)).await;
        assert!(matches!(suspended, Ok(Done::Changed(_))), "{level:?}");
        only(&reasons, DenialReason::Suspended);

        let restored = level
            .restore((&app.pool, &app.bus), &bank, cause, by_operator())
            .await;
        assert!(matches!(restored, Ok(Done::Changed(_))), "{level:?}");
        for replica in 0..2 {
            let mut port = DecisionPort::of(&bench, replica).await;
            let allowed = port.decide(&tokens, Task::Balance).await;
            allowed.expect("allowed as before");
        }
    }
    assert_eq!(bench.consent(&grant_of(&tokens)).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_of_an_account_that_starts_after_its_removal_succeeds_and_the_others_go_on() {
    let bench = Bench::replicas(2).await;
    let rows = vec![ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let tokens = bench
        .granted(Wish {
            rows,
            ..Wish::default()
        })
        .await;
    let (bank, grant) = (bank(), grant_of(&tokens));
    let mut port = DecisionPort::of(&bench, 0).await;
    let read = port.decide(&tokens, Task::Balance).await.expect("allowed");
    let account = account(&read.bank_account_id);
    let on = bench.on(&bank, &grant, 0);
    let remove = on.remove_account(
        &account,
        RevokedBy::Customer,
        RemovalReason::LinkedByMistake,
        by_operator(),
    );
    let (removed, reasons) = Box::pin(reads_around(&bench, &tokens, remove)).await;
    assert!(matches!(removed, Ok(Done::Changed(_))));
    only(&reasons, DenialReason::AccountNotInScope);
    for replica in 0..2 {
        let mut port = DecisionPort::of(&bench, replica).await;
        let other = port.decide_nth(&tokens, 1, Task::Balance).await;
        other.expect("the other account is still allowed");
    }
}
