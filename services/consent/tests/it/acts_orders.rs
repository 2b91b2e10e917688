//! Acts on a consent and on the levels above it, ordered by an operator's program.

use chrono::TimeDelta;
use consent::operator::Role;
use consent_domain::{
    consent::{Consent, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};
use demo::agent::walk::Task;
use serde_json::json;
use sqlx::types::Uuid;

use crate::{
    acts_given::at_bank,
    bench::Bench,
    journey_customer::{CONTRACT, FIRST_ID, FOURTH_ID},
    oauth_decisions::{DecisionPort, DenialReason},
    oauth_partner::Wish,
};

const LONG: TimeDelta = TimeDelta::days(360);

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_by_the_api_stops_reads_on_the_other_replica_when_it_is_answered() {
    let bench = Bench::replicas(2).await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let tokens = bench.granted(Wish::default()).await;
    let mut elsewhere = DecisionPort::of(&bench, 1).await;
    elsewhere
        .decide(&tokens, Task::Balance)
        .await
        .expect("readable before");

    let grant = tokens.grant_id.clone().expect("a grant");
    let path = at_bank(&format!("consents/{grant}/revocation"));
    let why = json!({ "reason": "fraud" });
    let answer = bench.order(&token, &path, "k-1", &why).await;

    assert_eq!(answer.json()["outcome"], "done");
    let refused = elsewhere.decide(&tokens, Task::Balance).await.unwrap_err();
    assert_eq!(refused, DenialReason::Revoked);
    let (actor, causation): (String, Uuid) = sqlx::query_as(
        "SELECT actor_id, causation_id FROM events WHERE event_type = 'AccessRevoked'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(actor, "suzuki");
    let act: (String, String, String) = sqlx::query_as(
        "SELECT a.act, a.subject_id, o.outcome FROM operator_acts a JOIN operator_act_outcomes o USING (act_id)
         WHERE a.act_id = $1",
    )
    .bind(causation)
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(act, ("revoke_consent".to_owned(), grant, "done".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_has_the_same_outcome_and_a_key_is_good_for_one_order() {
    let bench = Bench::replicas(2).await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let other = bench.operator("tanaka", Role::Operator).await;
    let grant = bench.consent_for(LONG).await;
    let second = bench.consent_for(LONG).await;
    let path = at_bank(&format!("consents/{grant}/revocation"));
    let why = json!({ "reason": "customer_request", "on_behalf_of": "customer" });

    let first = bench.order(&token, &path, "k-1", &why).await.json();
    let again = bench
        .order_at((&token, 1), &path, Some("k-1"), &why)
        .await
        .json();
    assert_eq!((first["outcome"].as_str(), &again), (Some("done"), &first));
    assert_eq!(bench.events("AccessRevoked").await, 1);

    // Another key: the world is so already; another reason: an end is final.
    let so = bench.order(&token, &path, "k-2", &why).await.json();
    assert_eq!(so["outcome"], "already_so");
    let otherwise = json!({ "reason": "fraud" });
    let refused = bench.order(&token, &path, "k-3", &otherwise).await;
    assert_eq!(refused.code(409), "consent_ended");

    // The key belongs to its order, and to its operator.
    let elsewhere = at_bank(&format!("consents/{second}/revocation"));
    let reused = bench.order(&token, &elsewhere, "k-1", &why).await;
    assert_eq!(reused.code(422), "idempotency_key_reused");
    let done = bench.order(&other, &elsewhere, "k-1", &why).await.json();
    assert_eq!(done["outcome"], "done");
    assert!(matches!(
        bench.consent(&second).await,
        Consent::Revoked {
            by: RevokedBy::Customer,
            reason: RevocationReason::CustomerRequest,
            ..
        }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_act_does_nothing_and_what_is_not_there_is_not_told_apart() {
    let bench = Bench::new().await;
    let auditor = bench.operator("sato", Role::Auditor).await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let grant = bench.consent_for(LONG).await;
    let path = at_bank(&format!("consents/{grant}/revocation"));
    let why = json!({ "reason": "fraud" });

    let refused = bench.order(&auditor, &path, "k-1", &why).await;
    assert_eq!(refused.code(403), "role_insufficient");
    let elsewhere = path.replace("2963", "2951");
    let refused = bench.order(&token, &elsewhere, "k-1", &why).await;
    assert_eq!(refused.code(404), "not_found");
    let nowhere = at_bank("consents/no-such-grant/revocation");
    let refused = bench.order(&token, &nowhere, "k-1", &why).await;
    assert_eq!(refused.code(404), "not_found");
    let missing = bench.order_at((&token, 0), &path, None, &why).await;
    assert_eq!(missing.code(400), "idempotency_key_required");
    for bad in [
        json!({}),
        json!({ "reason": "because" }),
        json!({ "reason": "fraud", "more": 1 }),
        json!({ "reason": "fraud", "on_behalf_of": "system" }),
        json!(["fraud"]),
    ] {
        let refused = bench.order(&token, &path, "k-1", &bad).await;
        assert_eq!(refused.code(400), "invalid_body", "{bad}");
    }
    assert_eq!(bench.events("AccessRevoked").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_level_is_suspended_and_restored_for_itself() {
    let bench = Bench::replicas(2).await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let tokens = bench.granted(Wish::default()).await;
    let grant = tokens.grant_id.clone().expect("a grant");
    let mut port = DecisionPort::of(&bench, 1).await;
    let levels = [
        format!("consents/{grant}/"),
        format!("contracts/{CONTRACT}/"),
        "partners/id-of-partner-a/".to_owned(),
        String::new(),
    ];
    let cause = json!({ "cause": "suspected_fraud" });
    for (n, level) in levels.iter().enumerate() {
        let suspend = at_bank(&format!("{level}suspensions"));
        let restore = at_bank(&format!("{level}restorations"));
        let key = format!("s-{n}");
        let done = bench.order(&token, &suspend, &key, &cause).await.json();
        assert_eq!(done["outcome"], "done", "{level}");
        assert!(
            port.decide(&tokens, Task::Balance).await.is_err(),
            "{level}"
        );
        let again = bench.order(&token, &suspend, &key, &cause).await.json();
        assert_eq!(again, done, "{level}");
        let so = bench
            .order(&token, &suspend, &format!("x-{n}"), &cause)
            .await;
        let so = so.json();
        assert_eq!(so["outcome"], "already_so", "{level}");
        let key = format!("r-{n}");
        bench.order(&token, &restore, &key, &cause).await.json();
        assert!(port.decide(&tokens, Task::Balance).await.is_ok(), "{level}");
    }
    for nobody in ["contracts/no-such", "partners/no-such", "consents/no-such"] {
        let path = at_bank(&format!("{nobody}/suspensions"));
        let refused = bench.order(&token, &path, "k", &cause).await;
        assert_eq!(refused.code(404), "not_found", "{nobody}");
    }
    let all = SuspensionCause::ALL.len();
    assert!(all > 1 && bench.events("BankSuspended").await == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_account_that_is_taken_out_ends_the_consent() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let grant = bench.consent_for(LONG).await;
    let path = at_bank(&format!("consents/{grant}/account-removals"));
    for (key, account) in [("k-1", FIRST_ID), ("k-2", FOURTH_ID)] {
        let why = json!({ "account": account, "reason": "linked_by_mistake" });
        let done = bench.order(&token, &path, key, &why).await.json();
        assert_eq!(done["outcome"], "done");
    }
    assert!(matches!(
        bench.consent(&grant).await,
        Consent::Revoked { .. }
    ));

    let grant = bench.consent_for(LONG).await;
    let path = at_bank(&format!("consents/{grant}/handover"));
    let to = json!({ "to_user": "u-another" });
    let done = bench.order(&token, &path, "k-3", &to).await.json();
    assert_eq!(done["outcome"], "done");
    assert_eq!(
        bench.facts_of(&grant).await,
        ["AccessGranted", "HandedOver"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_found_everything_done_does_nothing_when_it_comes_again_later() {
    let bench = Bench::replicas(2).await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let grant = bench.consent_for(LONG).await;
    let suspensions = at_bank(&format!("consents/{grant}/suspensions"));
    let restorations = at_bank(&format!("consents/{grant}/restorations"));
    let cause = json!({ "cause": "suspected_fraud" });
    bench.order(&token, &suspensions, "k-1", &cause).await;
    let so = bench.order(&token, &suspensions, "k-2", &cause).await;
    assert_eq!(so.json()["outcome"], "already_so");
    bench.order(&token, &restorations, "k-3", &cause).await;

    let again = bench
        .order_at((&token, 1), &suspensions, Some("k-2"), &cause)
        .await;

    assert_eq!(again.json()["outcome"], "already_so", "as the first was");
    assert!(bench.consent(&grant).await.suspensions().is_empty());
    let other = json!({ "cause": "legal_order" });
    let reused = bench.order(&token, &suspensions, "k-2", &other).await;
    assert_eq!(reused.code(422), "idempotency_key_reused");
}
