//! A notice of a bank has one effect or none, for good: what it found when it was taken counts, whatever has
//! come in between when it is sent again.

use chrono::TimeDelta;
use consent::{lifecycle::Level, sweeper};
use consent_domain::{GrantId, suspension::SuspensionCause};
use demo::agent::browser::Page;
use renkei_proto::bank::v1::{
    NotifyRequest,
    notify_request::{Cause, ContractClosed, ContractSuspended, Notice},
};
use sqlx::{Connection as _, PgConnection};
use tonic::Code;

use crate::{
    bench::{BANK, Bench, FIRST, Options, PIN, SECOND, ticked},
    journey_customer::{
        CONTRACT, SECOND_ID, authorize_form, linkages, linked_accounts, location, send_to,
    },
    journey_registrations::{account_closed, at_step_6},
    lifecycle_bank_notices::{notice, password_changed, port, send, tell, user_removed},
    lifecycle_given::{bank, by_operator},
    lifecycle_races::until_waiting,
    oauth_partner::Wish,
    retention_given::{as_owner, count, owner},
};

const LONG: TimeDelta = TimeDelta::days(360);
const SUSPEND_ON_PASSWORD: &str = "notice_effects = { on_password_change = \"suspend\" }";

async fn replicas(bank_settings: &'static str) -> Bench {
    Bench::with(Options {
        replicas: 2,
        bank_settings,
        ..Options::default()
    })
    .await
}

/// Sends it to each replica, which must take it.
async fn send_everywhere(bench: &Bench, notice: &NotifyRequest) {
    for replica in [1, 0] {
        let mut port = port(bench, replica).await;
        send(&mut port, notice).await.expect("taken");
    }
}

/// As if the process had ended before it could say that the notice is complete.
async fn leave_open(bench: &Bench) {
    let sql =
        "UPDATE bank_notices SET effected_at = NULL, received_at = now() - interval '1 minute'";
    as_owner(bench, sql).await;
}

async fn facts(bench: &Bench, grant: &GrantId) -> Vec<String> {
    bench.facts_of(grant).await
}

fn suspended() -> Notice {
    Notice::ContractSuspended(ContractSuspended {
        cause: Cause::CustomerRequest.into(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_a_contract_that_had_nothing_here_does_nothing_when_it_comes_again_later() {
    let bench = replicas(SUSPEND_ON_PASSWORD).await;
    let told = tell(&bench, password_changed()).await;
    bench.granted(Wish::default()).await;
    let grant = bench.consent_for(LONG).await;

    send_everywhere(&bench, &told).await;

    assert_eq!(bench.events("PasswordChanged").await, 0);
    assert_eq!(facts(&bench, &grant).await, ["AccessGranted"]);
    // With another content it is refused, as an id of something that was kept would be.
    let reused = NotifyRequest {
        notice: Some(user_removed()),
        ..told.clone()
    };
    let later = NotifyRequest {
        occurred_at: Some(prost_types::Timestamp {
            seconds: chrono::Utc::now().timestamp(),
            nanos: 0,
        }),
        ..told
    };
    for other in [reused, later] {
        let mut port = port(&bench, 1).await;
        let refused = send(&mut port, &other).await.expect_err("refused");
        assert_eq!(refused.code(), Code::AlreadyExists);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_notice_found_done_it_does_not_do_later() {
    let bench = replicas("").await;
    bench.granted(Wish::default()).await;
    let grant = bench.consent_for(LONG).await;
    let app = &bench.replicas[0].app;
    let (bank, place) = (bank(), (&app.pool, &app.bus));
    let contract = Level::Contract(consent_domain::ContractId::parse(CONTRACT).unwrap());
    let consent = Level::Consent(grant.clone());
    for (level, cause, of) in [
        (&contract, SuspensionCause::CustomerRequest, suspended()),
        (&consent, SuspensionCause::UserRemoved, user_removed()),
    ] {
        // An operator did it first; the notice finds it so, and the answer is lost.
        let acted = level.suspend(place, &bank, cause, by_operator()).await;
        acted.expect("suspended");
        let told = tell(&bench, of).await;
        leave_open(&bench).await;
        let acted = level.restore(place, &bank, cause, by_operator()).await;
        acted.expect("restored");
        let before = count(&bench, "SELECT count(*) FROM events").await;

        send_everywhere(&bench, &told).await;
        leave_open(&bench).await;
        sweeper::round(&bench.replicas[1].app).await.unwrap();

        let after = count(&bench, "SELECT count(*) FROM events").await;
        assert_eq!(after, before, "{cause:?}");
    }
    assert!(bench.consent(&grant).await.suspensions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_began_after_a_notice_is_not_concerned_by_it() {
    let bench = replicas(SUSPEND_ON_PASSWORD).await;
    bench.granted(Wish::default()).await;
    let before = bench.consent_for(LONG).await;
    let told = tell(&bench, password_changed()).await;
    leave_open(&bench).await;
    let after = bench.consent_for(LONG).await;

    send_everywhere(&bench, &told).await;
    leave_open(&bench).await;
    sweeper::round(&bench.replicas[1].app).await.unwrap();

    assert_eq!(
        facts(&bench, &before).await,
        ["AccessGranted", "AccessSuspended"]
    );
    assert_eq!(facts(&bench, &after).await, ["AccessGranted"]);
    assert_eq!(bench.events("PasswordChanged").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_whose_content_was_forgotten_is_known_as_long_as_there_is_a_database() {
    let bench = replicas(SUSPEND_ON_PASSWORD).await;
    bench.granted(Wish::default()).await;
    let told = tell(&bench, password_changed()).await;
    as_owner(
        &bench,
        "UPDATE bank_notices SET effected_at = effected_at - interval '400 days'",
    )
    .await;
    let app = &bench.replicas[0].app;
    sweeper::look_for_what_is_over(app).await.unwrap();
    let named = format!(
        "SELECT count(*) FROM bank_notices n WHERE to_jsonb(n)::text LIKE '%{CONTRACT}%'
            OR to_jsonb(n)::text LIKE '%password%'"
    );
    assert_eq!(count(&bench, &named).await, 0, "what it said is gone");
    let grant = bench.consent_for(LONG).await;

    send_everywhere(&bench, &told).await;

    assert_eq!(facts(&bench, &grant).await, ["AccessGranted"]);
    assert_eq!(bench.events("PasswordChanged").await, 1);
    let reused = NotifyRequest {
        notice: Some(Notice::ContractClosed(ContractClosed {})),
        ..told
    };
    let refused = send(&mut port(&bench, 0).await, &reused).await;
    assert_eq!(refused.expect_err("refused").code(), Code::AlreadyExists);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_take_the_first_notice_of_a_contract_at_once_agree() {
    let bench = replicas("").await;
    for _ in 0..10 {
        let told = NotifyRequest {
            contract_id: uuid::Uuid::new_v4().to_string(),
            ..notice(suspended())
        };
        let (mut one, mut other) = (port(&bench, 0).await, port(&bench, 1).await);
        let (a, b) = tokio::join!(send(&mut one, &told), send(&mut other, &told));
        a.and(b).expect("taken");
    }
    assert_eq!(bench.events("ContractSuspended").await, 10);
    let open =
        format!("SELECT count(*) FROM bank_notices WHERE bank = '{BANK}' AND effected_at IS NULL");
    assert_eq!(count(&bench, &open).await, 0);
}

/// 許可 holds the contract's row and has yet to commit: the notice waits for it, and concerns what it made.
#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_being_made_when_a_notice_comes_is_concerned_by_it() {
    let bench = replicas("").await;
    let rows = [ticked(FIRST, PIN), ticked(SECOND, PIN)];
    let (browser, authorize) = at_step_6(&bench, &rows).await;
    // 許可 ends the bank session in its statement, after it has looked at the contract.
    let mut holder = owner(&bench).await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM bank_sessions WHERE ended_at IS NULL FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    let form = authorize_form(&authorize);
    let allowing = send_to(&bench, &browser, &authorize, &form, 0);
    let mut port = port(&bench, 1).await;
    let closed = notice(account_closed());
    let telling = async {
        until_waiting(&bench, 1).await;
        assert!(is_contract_held(&bench).await, "by the authorization");
        assert!(linkages(&bench).await.is_empty(), "nobody sees it yet");
        send(&mut port, &closed).await
    };
    let release = async {
        until_waiting(&bench, 2).await;
        held.commit().await.unwrap();
    };

    let (answer, told, ()): (Page, _, ()) = tokio::join!(allowing, telling, release);

    told.expect("taken");
    assert!(
        location(&answer).ends_with("/done"),
        "{}",
        location(&answer)
    );
    let made = linkages(&bench).await;
    assert_eq!(
        facts(&bench, &made[0].grant).await,
        ["AccessGranted", "AccountRemoved"]
    );
    assert_eq!(linked_accounts(&bench).await, [SECOND_ID]);
}

/// Whether another transaction reads the contract's row until it commits.
async fn is_contract_held(bench: &Bench) -> bool {
    let sql = "SELECT FROM contract_current WHERE stream_id = $1 FOR UPDATE NOWAIT";
    sqlx::query(sql)
        .bind(format!("{BANK}:{CONTRACT}"))
        .execute(&mut PgConnection::connect(&bench.owner_url()).await.unwrap())
        .await
        .is_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_that_forget_a_notice_at_once_leave_its_digest() {
    let bench = replicas("").await;
    bench.granted(Wish::default()).await;
    let told = tell(&bench, password_changed()).await;
    as_owner(
        &bench,
        "UPDATE bank_notices SET effected_at = effected_at - interval '400 days'",
    )
    .await;
    let mut holder = owner(&bench).await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM bank_notices FOR UPDATE")
        .execute(&mut *held)
        .await
        .unwrap();
    let release = async {
        until_waiting(&bench, 2).await;
        held.commit().await.unwrap();
    };
    let forgetting = [0, 1].map(|at| sweeper::look_for_what_is_over(&bench.replicas[at].app));
    let [one, other] = forgetting;

    let (one, other, ()) = tokio::join!(one, other, release);

    one.and(other).expect("two sweeps at once");
    let said = "SELECT count(*) FROM bank_notices WHERE content IS NOT NULL";
    assert_eq!(count(&bench, said).await, 0, "what it said is gone");
    send_everywhere(&bench, &told).await;
    assert_eq!(bench.events("PasswordChanged").await, 1);
}
