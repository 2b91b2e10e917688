//! Each act once: its facts, who acted, what a repeat does, what the customer is told, what becomes of the
//! tokens.

use std::process::Output;

use chrono::{NaiveDate, TimeDelta};
use consent::{
    lifecycle::{ActError, Done, Level, Order, RenewalWish},
    store::{Actor, CommandError},
    sweeper,
};
use consent_domain::{
    GrantId,
    consent::{
        Consent, ConsentEvent, ConsentRefusal, ConsentStream, RemovalReason, RevocationReason,
        RevokedBy,
    },
    suspension::SuspensionCause,
};
use renkei_proto::bank::v1::NoticeKind;
use tokio::process::Command;

use crate::{
    bench::{BANK, Bench},
    journey_customer::{CONTRACT, FIRST_ID, FOURTH_ID},
    lifecycle_given::{USER, account, bank, by_operator, user},
    oauth_partner::{Wish, exchange, outcome, post},
};

/// A year, less a little.
const LONG: TimeDelta = TimeDelta::days(360);

fn with_key(key: &str) -> Order {
    Order {
        key: Some(key.to_owned()),
        ..by_operator()
    }
}

#[derive(sqlx::FromRow)]
struct Recorded {
    actor_kind: String,
    actor_id: Option<String>,
    bank: Option<String>,
    partner: Option<String>,
    contract: Option<String>,
}

async fn recorded(bench: &Bench, event_type: &str) -> Recorded {
    sqlx::query_as(
        "SELECT actor_kind, actor_id, bank, partner, contract FROM events WHERE event_type = $1",
    )
    .bind(event_type)
    .fetch_one(&bench.pool)
    .await
    .expect("one such fact")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_says_who_acted_for_whom_and_a_repeat_adds_nothing() {
    let bench = Bench::replicas(2).await;
    let (bank, grant) = (bank(), bench.consent_for(LONG).await);
    let (by, reason) = (RevokedBy::Customer, RevocationReason::CustomerRequest);
    let done = bench.on(&bank, &grant, 0).revoke(by, reason, by_operator());
    let done = done.await.expect("revoked");
    assert_eq!(
        done,
        Done::Changed(vec![ConsentEvent::AccessRevoked { by, reason }])
    );
    let again = bench.on(&bank, &grant, 1).revoke(by, reason, by_operator());
    assert_eq!(again.await.expect("a repeat"), Done::Already);

    let fact = recorded(&bench, "AccessRevoked").await;
    assert_eq!(
        (fact.actor_kind.as_str(), fact.actor_id.as_deref()),
        ("operator", Some("tester"))
    );
    assert_eq!(fact.bank.as_deref(), Some(BANK));
    assert_eq!(fact.partner.as_deref(), Some("id-of-partner-a"));
    assert_eq!(fact.contract.as_deref(), Some(CONTRACT));
    assert_eq!(bench.notices().await, ["ended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_a_repeat_harmless_and_can_not_be_used_for_something_else() {
    let bench = Bench::replicas(2).await;
    let (bank, grant) = (bank(), bench.consent_for(LONG).await);
    let wish = RenewalWish {
        user: user(USER),
        journey: None,
        continue_from: [].into(),
    };
    let (one, other) = (bench.on(&bank, &grant, 0), bench.on(&bank, &grant, 1));
    let (a, b) = tokio::join!(
        one.renew(&wish, with_key("renewal-1")),
        other.renew(&wish, with_key("renewal-1"))
    );
    let mut done = [a.expect("an answer"), b.expect("an answer")];
    done.sort_by_key(|done| matches!(done, Done::Before));
    assert!(matches!(done, [Done::Changed(_), Done::Before]), "{done:?}");
    assert_eq!(bench.events("AccessRenewed").await, 1);

    let revoked = one.revoke(
        RevokedBy::Bank,
        RevocationReason::Fraud,
        with_key("renewal-1"),
    );
    assert!(matches!(revoked.await, Err(ActError::KeyReused)));
    assert_eq!(bench.events("AccessRevoked").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_refresh_tokens_die_with_the_consent_and_do_not_come_back() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    // A change has a code of its own, which is still unused.
    let unused = bench.allowed(Wish::default()).await;
    let (bank, grant) = (
        bank(),
        GrantId::parse(tokens.grant_id.clone().unwrap()).unwrap(),
    );
    let (by, reason) = (RevokedBy::Customer, RevocationReason::NoLongerNeeded);
    let revoked = bench.on(&bank, &grant, 0).revoke(by, reason, by_operator());
    revoked.await.expect("revoked");

    let client = bench.client(0);
    let refresh_token = tokens.refresh_token.as_ref().unwrap();
    // The customer links again, which makes another grant: nothing old works for it.
    for round in 0..2 {
        let refreshed = client.refresh(refresh_token).await;
        let refused = refreshed.expect_err("refused");
        assert_eq!(refused.code(), Some("invalid_grant"), "round {round}");
        for replica in 0..2 {
            let answer = post(
                &client,
                &bench.endpoint("token", replica),
                &exchange(&unused),
            )
            .await;
            assert_eq!(outcome(&answer), (400, "invalid_grant"), "round {round}");
        }
        if round == 0 {
            let anew = bench.granted(Wish::default()).await;
            assert_ne!(anew.grant_id, tokens.grant_id);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_leaves_the_tokens_so_that_a_restoration_is_all_it_takes() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let grant = GrantId::parse(tokens.grant_id.clone().unwrap()).unwrap();
    let (bank, level) = (bank(), Level::Consent(grant));
    let app = &bench.replicas[0].app;
    let cause = SuspensionCause::CustomerRequest;
    let order = by_operator();
    let suspended = level.suspend((&app.pool, &app.bus), &bank, cause, order);
    suspended.await.expect("suspended");
    let client = bench.client(0);
    let refreshed = client.refresh(tokens.refresh_token.as_ref().unwrap()).await;
    let refreshed = refreshed.expect("a token");
    let mut port = crate::oauth_decisions::DecisionPort::of(&bench, 0).await;
    let task = demo::agent::walk::Task::Balance;
    port.decide(&refreshed, task).await.expect_err("suspended");
    let order = by_operator();
    let restored = level.restore((&app.pool, &app.bus), &bank, cause, order);
    restored.await.expect("restored");
    port.decide(&refreshed, task).await.expect("allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_leaves_with_a_notice_of_the_change_and_the_last_one_with_one_of_the_end() {
    let bench = Bench::new().await;
    let (bank, grant) = (bank(), bench.consent_for(LONG).await);
    let on = bench.on(&bank, &grant, 0);
    let (by, reason) = (RevokedBy::Customer, RemovalReason::LinkedByMistake);
    for name in [FIRST_ID, FOURTH_ID] {
        let name = account(name);
        let removed = on.remove_account(&name, by, reason, by_operator());
        removed.await.expect("removed");
    }
    let name = account(FIRST_ID);
    let again = on.remove_account(&name, by, reason, by_operator());
    assert!(matches!(
        again.await,
        Err(ActError::Command(CommandError::Refused(
            ConsentRefusal::AlreadyEnded
        )))
    ));
    assert_eq!(
        bench.facts_of(&grant).await,
        [
            "AccessGranted",
            "AccountRemoved",
            "AccountRemoved",
            "AccessRevoked"
        ]
    );
    assert!(matches!(
        bench.consent(&grant).await,
        Consent::Revoked {
            reason: RevocationReason::NoAccountLeft,
            ..
        }
    ));
    assert_eq!(bench.notices().await, ["changed", "ended"]);
    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");
    let sent = bench.bank.notices();
    assert_eq!(sent[0].kind, NoticeKind::Changed);
    assert_eq!(sent[0].account_ids, [FIRST_ID]);
    assert_eq!(sent[1].kind, NoticeKind::Ended);
    assert_eq!(sent[1].account_ids, [FOURTH_ID]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_keeps_the_grant_its_tokens_and_its_scope() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let grant = GrantId::parse(tokens.grant_id.clone().unwrap()).unwrap();
    // A period that ends sooner than a year from today.
    bench.shorten(&grant, TimeDelta::days(20)).await;
    let before = bench.consent(&grant).await;
    let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
    let wish = RenewalWish {
        user: user("u-another"),
        journey: None,
        continue_from: [(account(FIRST_ID), day)].into(),
    };
    let bank = bank();
    let renewed = bench.on(&bank, &grant, 0).renew(&wish, by_operator());
    let Ok(Done::Changed(facts)) = renewed.await else {
        panic!("not renewed");
    };
    let [ConsentEvent::AccessRenewed { continue_from, .. }] = &facts[..] else {
        panic!("{facts:?}");
    };
    assert_eq!(continue_from[&account(FIRST_ID)], day);
    let after = bench.consent(&grant).await;
    let (before, after) = (before.terms().unwrap(), after.terms().unwrap());
    assert_eq!(after.scope, before.scope);
    assert!(after.valid_until > before.valid_until);
    assert_eq!(after.user, user("u-another"));
    let client = bench.client(0);
    let refreshed = client.refresh(tokens.refresh_token.as_ref().unwrap()).await;
    assert_eq!(
        refreshed.expect("a token").account_ids(),
        tokens.account_ids()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handover_names_both_users_and_somebody_who_left_takes_nothing_over() {
    let bench = Bench::new().await;
    let (bank, grant) = (bank(), bench.consent_for(LONG).await);
    let on = bench.on(&bank, &grant, 0);
    let handed = on.hand_over(&user("u-another"), by_operator()).await;
    assert_eq!(
        handed.expect("handed over"),
        Done::Changed(vec![ConsentEvent::HandedOver {
            from_user: user(USER),
            to_user: user("u-another"),
        }])
    );
    let again = on.hand_over(&user("u-another"), by_operator()).await;
    assert_eq!(again.expect("a repeat"), Done::Already);
    let unknown = GrantId::parse("no-such-grant").unwrap();
    let refused = bench.on(&bank, &unknown, 0);
    let refused = refused.hand_over(&user("u-another"), by_operator()).await;
    assert!(matches!(
        refused,
        Err(ActError::Command(CommandError::Refused(
            ConsentRefusal::Unknown
        )))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_consent_still_holds_the_pairs_place_and_a_change_answers_what_it_can() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let grant = GrantId::parse(tokens.grant_id.clone().unwrap()).unwrap();
    let (bank, level) = (bank(), Level::Consent(grant.clone()));
    let app = &bench.replicas[0].app;
    for cause in [SuspensionCause::UserRemoved, SuspensionCause::LegalOrder] {
        let suspended = level.suspend((&app.pool, &app.bus), &bank, cause, by_operator());
        suspended.await.expect("suspended");
    }
    let again = bench.granted(Wish::default()).await;
    assert_eq!(again.grant_id, tokens.grant_id, "the same linkage");
    let left: Vec<_> = bench.consent(&grant).await.suspensions().iter().collect();
    assert_eq!(left, [SuspensionCause::LegalOrder]);
    let facts = bench.facts_of(&grant).await;
    assert_eq!(
        facts[facts.len() - 3..],
        ["AccessAmended", "AccessRestored", "PartnerConnected"]
    );
}

impl Bench {
    /// Lets the period end that long from now.
    pub async fn shorten(&self, grant: &GrantId, left: TimeDelta) {
        let journey = crate::lifecycle_given::journey();
        self.replicas[0]
            .app
            .bus
            .execute::<ConsentStream, ConsentRefusal>(
                format!("{BANK}:{grant}"),
                crate::oauth_partner::operator(),
                move |consent, now| {
                    let mut terms = consent.terms().ok_or(ConsentRefusal::Unknown)?.clone();
                    terms.valid_until = now + left;
                    let basis = terms.scope.clone();
                    Ok(vec![consent.amend(&journey, terms, &basis, now)?])
                },
                |_, _, _| Vec::new(),
            )
            .await
            .map(drop)
            .expect("the period is shorter");
    }

    /// Runs the command line with these words and the settings of this bench.
    async fn command(&self, words: &[&str]) -> Output {
        let settings = std::env::temp_dir().join(format!("{}.toml", self.database.name()));
        std::fs::write(&settings, self.settings()).expect("the settings");
        let output = Command::new(env!("CARGO_BIN_EXE_consent"))
            .args(words)
            .args(["--by", "hanako", "--bank", BANK])
            .arg("--config")
            .arg(&settings)
            .output()
            .await
            .expect("the command runs");
        std::fs::remove_file(&settings).expect("the settings");
        output
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_suspends_restores_and_revokes_by_command() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(LONG).await;
    let name = grant.as_str();
    for words in [
        ["suspend", "--grant", name, "--reason", "suspected_fraud"],
        ["restore", "--grant", name, "--reason", "suspected_fraud"],
        ["suspend", "--contract", CONTRACT, "--reason", "legal_order"],
        [
            "suspend",
            "--partner",
            "id-of-partner-a",
            "--reason",
            "other",
        ],
        ["revoke", "--grant", name, "--reason", "fraud"],
        ["revoke", "--grant", name, "--reason", "fraud"],
    ] {
        let output = bench.command(&[&["consent"][..], &words].concat()).await;
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {error}");
    }
    assert_eq!(
        bench.facts_of(&grant).await,
        [
            "AccessGranted",
            "AccessSuspended",
            "AccessRestored",
            "AccessRevoked"
        ]
    );
    for event in ["AccessRevoked", "ContractSuspended", "PartnerSuspended"] {
        let fact = recorded(&bench, event).await;
        assert_eq!(
            (fact.actor_kind.as_str(), fact.actor_id.as_deref()),
            ("operator", Some("hanako")),
            "{event}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_names_no_known_reason_or_consent_changes_nothing() {
    let bench = Bench::new().await;
    for words in [
        [
            "consent",
            "revoke",
            "--grant",
            "no-such-grant",
            "--reason",
            "fraud",
        ],
        [
            "consent",
            "revoke",
            "--grant",
            "no-such-grant",
            "--reason",
            "because",
        ],
        [
            "consent",
            "suspend",
            "--grant",
            "no-such-grant",
            "--reason",
            "other",
        ],
    ] {
        let output = bench.command(&words).await;
        assert!(!output.status.success(), "{words:?}");
    }
    let of_operator: i64 =
        sqlx::query_scalar("SELECT count(*) FROM events WHERE actor_id = 'hanako'")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert_eq!(of_operator, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_own_act_names_the_customer_in_the_fact_and_in_the_notice() {
    let bench = Bench::new().await;
    let (bank, grant) = (bank(), bench.consent_for(LONG).await);
    let order = Order::of(Actor::Customer(Some(USER.to_owned())));
    let (by, reason) = (RevokedBy::Customer, RevocationReason::NoLongerNeeded);
    let revoked = bench.on(&bank, &grant, 0).revoke(by, reason, order);
    revoked.await.expect("revoked");
    let fact = recorded(&bench, "AccessRevoked").await;
    assert_eq!(fact.actor_id.as_deref(), Some(USER));
    sweeper::round(&bench.replicas[0].app)
        .await
        .expect("a sweep");
    assert_eq!(bench.bank.notices()[0].actor_user_id, USER);
}
