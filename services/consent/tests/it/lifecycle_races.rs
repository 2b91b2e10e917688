//! Two acts on one consent at the same moment, at two replicas: the state is one of those that either
//! order allows, and each fact is recorded once.

use std::time::Duration;

use chrono::TimeDelta;
use consent::{
    lifecycle::{ActError, Done, Level, RenewalWish},
    store::CommandError,
    sweeper,
};
use consent_domain::{
    GrantId,
    consent::{Consent, ConsentEvent, ConsentRefusal, ConsentStream, RevocationReason, RevokedBy},
    scope::Scope,
    suspension::SuspensionCause,
};

use renkei_proto::bank::v1::notify_request::{Notice, UserRemoved};
use sqlx::Connection as _;

use crate::{
    bench::{BANK, Bench},
    guesses_counter::until,
    journey_customer::FIRST_ID,
    lifecycle_bank_notices::{notice, port, send},
    lifecycle_given::{USER, account, bank, by_operator, journey, terms, user},
    oauth_partner::{Wish, operator},
    retention_given::{count, owner},
};

const ROUNDS: usize = 12;
/// Too long for a warning, and shorter than what a renewal gives.
const LEFT: TimeDelta = TimeDelta::days(200);

type Acted = Result<Done<ConsentEvent>, ActError<ConsentRefusal>>;

fn won(acted: &Acted) -> bool {
    match acted {
        Ok(Done::Changed(_)) => true,
        Err(ActError::Command(CommandError::Refused(
            ConsentRefusal::AlreadyEnded | ConsentRefusal::ChangedMeanwhile,
        ))) => false,
        other => panic!("{other:?}"),
    }
}

async fn revoke(bench: &Bench, grant: &GrantId, replica: usize) -> bool {
    let (bank, by) = (bank(), RevokedBy::Customer);
    let reason = RevocationReason::NoLongerNeeded;
    let on = bench.on(&bank, grant, replica);
    won(&on.revoke(by, reason, by_operator()).await)
}

async fn renew(bench: &Bench, grant: &GrantId, replica: usize) -> bool {
    let wish = RenewalWish {
        user: user(USER),
        journey: None,
        continue_from: [].into(),
    };
    let bank = bank();
    let on = bench.on(&bank, grant, replica);
    won(&on.renew(&wish, by_operator()).await)
}

/// 許可 of another journey, to one account less.
async fn amend(bench: &Bench, grant: &GrantId, replica: usize) -> bool {
    let amended = bench.replicas[replica]
        .app
        .bus
        .execute::<ConsentStream, ConsentRefusal>(
            format!("{BANK}:{grant}"),
            operator(),
            |consent, now| {
                let basis = terms(now).scope;
                let mut said = terms(now + TimeDelta::days(365));
                said.scope = less(&basis);
                Ok(vec![consent.amend(&journey(), said, &basis, now)?])
            },
            |_, _, _| Vec::new(),
        )
        .await;
    match amended {
        Ok(_) => true,
        Err(CommandError::Refused(ConsentRefusal::AlreadyEnded)) => false,
        Err(error) => panic!("{error}"),
    }
}

fn less(scope: &Scope) -> Scope {
    scope.without(&account(FIRST_ID))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_revocation_and_a_change_the_revocation_stands_in_the_end() {
    let bench = Bench::replicas(2).await;
    for _ in 0..ROUNDS {
        let grant = bench.consent_for(LEFT).await;
        let (revoked, amended) = tokio::join!(revoke(&bench, &grant, 0), amend(&bench, &grant, 1));
        assert!(revoked, "nothing stands against it");
        let Consent::Revoked { terms, .. } = bench.consent(&grant).await else {
            panic!("not revoked");
        };
        // What it said last is what the change made of it, if that came first.
        assert_eq!(!terms.scope.has_account(&account(FIRST_ID)), amended);
    }
    assert_eq!(bench.events("AccessRevoked").await, ROUNDS as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_revocation_and_a_renewal_the_revocation_stands_in_the_end() {
    let bench = Bench::replicas(2).await;
    let mut renewals = 0;
    for _ in 0..ROUNDS {
        let grant = bench.consent_for(LEFT).await;
        let (revoked, renewed) = tokio::join!(revoke(&bench, &grant, 0), renew(&bench, &grant, 1));
        assert!(revoked, "nothing stands against it");
        renewals += i64::from(renewed);
        assert!(matches!(
            bench.consent(&grant).await,
            Consent::Revoked { .. }
        ));
        let last = bench.facts_of(&grant).await.pop();
        assert_eq!(last.as_deref(), Some("AccessRevoked"));
    }
    assert_eq!(bench.events("AccessRenewed").await, renewals);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_expiry_and_a_renewal_the_clock_decides_and_only_one_is_recorded() {
    let bench = Bench::replicas(2).await;
    for round in 0..ROUNDS {
        let left = TimeDelta::milliseconds(40);
        let grant = bench.consent_for(left).await;
        // Now before the end, now after it, now in between.
        let pause = Duration::from_millis(8 * round as u64);
        let sweep = async {
            tokio::time::sleep(pause).await;
            sweeper::round(&bench.replicas[0].app)
                .await
                .expect("a sweep");
        };
        let renewal = async {
            tokio::time::sleep(pause).await;
            renew(&bench, &grant, 1).await
        };
        let ((), renewed) = tokio::join!(sweep, renewal);
        if !renewed {
            tokio::time::sleep(Duration::from_millis(50)).await;
            sweeper::round(&bench.replicas[1].app)
                .await
                .expect("a sweep");
        }
        let mut facts = bench.facts_of(&grant).await;
        // A sweep that came before the end has warned of it.
        facts.retain(|fact| fact != "ExpiryWarned");
        let consent = bench.consent(&grant).await;
        if renewed {
            assert!(matches!(consent, Consent::Live { .. }), "{facts:?}");
            assert_eq!(facts, ["AccessGranted", "AccessRenewed"]);
        } else {
            assert!(matches!(consent, Consent::Expired { .. }), "{facts:?}");
            assert_eq!(facts, ["AccessGranted", "AccessExpired"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_suspension_and_a_revocation_the_revocation_stands_in_the_end() {
    let bench = Bench::replicas(2).await;
    let bank = bank();
    for _ in 0..ROUNDS {
        let grant = bench.consent_for(LEFT).await;
        let app = &bench.replicas[0].app;
        let level = Level::Consent(grant.clone());
        let cause = SuspensionCause::SuspectedFraud;
        let suspension = level.suspend((&app.pool, &app.bus), &bank, cause, by_operator());
        let (suspended, revoked) = tokio::join!(suspension, revoke(&bench, &grant, 1));
        assert!(revoked, "nothing stands against it");
        assert!(matches!(
            bench.consent(&grant).await,
            Consent::Revoked { .. }
        ));
        let facts = bench.facts_of(&grant).await;
        match suspended {
            Ok(_) => assert_eq!(facts, ["AccessGranted", "AccessSuspended", "AccessRevoked"]),
            Err(_) => assert_eq!(facts, ["AccessGranted", "AccessRevoked"]),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_suspension_at_two_replicas_is_one_fact_and_two_causes_are_two() {
    let bench = Bench::replicas(2).await;
    let (bank, grant) = (bank(), bench.consent_for(LEFT).await);
    let level = Level::Consent(grant.clone());
    for cause in [SuspensionCause::SuspectedFraud, SuspensionCause::LegalOrder] {
        let [a, b] = [0, 1].map(|replica| {
            let app = &bench.replicas[replica].app;
            level.suspend((&app.pool, &app.bus), &bank, cause, by_operator())
        });
        let (a, b) = tokio::join!(a, b);
        let done = [a.expect("done"), b.expect("done")];
        assert!(done.contains(&Done::Already), "{done:?}");
    }
    assert_eq!(bench.events("AccessSuspended").await, 2);
}

/// The consent's row is held up until both have looked: whoever answers for it in the end has not left, or it is
/// suspended for that.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_handover_or_a_renewal_and_that_users_leaving_no_consent_goes_on_with_who_left() {
    let bench = Bench::replicas(2).await;
    bench.granted(Wish::default()).await;
    for renews in [false, true] {
        let grant = bench.consent_for(LEFT).await;
        let to = user(if renews { "u-renews" } else { "u-takes-over" });
        let mut holder = owner(&bench).await;
        let mut held = holder.begin().await.unwrap();
        sqlx::query("SELECT FROM consent_current WHERE stream_id = $1 FOR UPDATE")
            .bind(format!("{BANK}:{grant}"))
            .execute(&mut *held)
            .await
            .unwrap();
        let bank = bank();
        let acting = async {
            let on = bench.on(&bank, &grant, 0);
            if renews {
                let wish = RenewalWish {
                    user: to.clone(),
                    journey: None,
                    continue_from: [].into(),
                };
                on.renew(&wish, by_operator()).await
            } else {
                on.hand_over(&to, by_operator()).await
            }
        };
        let mut port = port(&bench, 1).await;
        let left = notice(Notice::UserRemoved(UserRemoved {
            user_id: to.to_string(),
        }));
        let telling = async {
            until_waiting(&bench, 1).await;
            send(&mut port, &left).await
        };
        let release = async {
            // The notice is through, or waits for the act.
            let told = "SELECT count(*) FROM bank_notices WHERE effected_at IS NOT NULL";
            let waited = until(async || {
                count(&bench, told).await > i64::from(renews) || waiting(&bench).await >= 2
            });
            waited.await;
            held.commit().await.unwrap();
        };
        let (acted, told, ()) = tokio::join!(acting, telling, release);
        told.expect("taken");
        let consent = bench.consent(&grant).await;
        let answers = &consent.terms().expect("terms").user;
        assert!(
            *answers != to || consent.suspensions().contains(SuspensionCause::UserRemoved),
            "{acted:?}: {consent:?}"
        );
    }
}

/// How many of the database's sessions wait for a lock.
async fn waiting(bench: &Bench) -> i64 {
    let sql = "SELECT count(DISTINCT pid) FROM pg_stat_activity a JOIN pg_locks l USING (pid)
        WHERE a.datname = current_database() AND NOT l.granted";
    count(bench, sql).await
}

/// Until so many wait for a lock.
pub async fn until_waiting(bench: &Bench, statements: i64) {
    until(async || waiting(bench).await >= statements).await;
}
