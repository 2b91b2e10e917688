//! Revocations of many consents: what was previewed and approved is what is revoked, each once, whatever
//! happens to the replicas that do it.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use consent::{
    bulk_revocation::{self as bulk, ItemOutcome, ItemsAfter, Worked},
    operator::Role,
};
use consent_domain::{
    GrantId, PartnerId,
    consent::{RevocationReason, RevokedBy},
};
use serde_json::{Value, json};
use sqlx::types::Uuid;

use crate::{
    acts_given::at_bank,
    bench::Bench,
    lifecycle_given::{bank, by_operator, terms},
};

const LONG: TimeDelta = TimeDelta::days(360);

/// Partner B's consent; most tests are about partner A's.
async fn of_partner_b(bench: &Bench) -> GrantId {
    bench
        .consent_with(|now| {
            let mut terms = terms(now + LONG);
            terms.partner = PartnerId::parse("id-of-partner-b").unwrap();
            terms
        })
        .await
}

async fn of_partner_a(bench: &Bench, count: usize) -> BTreeSet<String> {
    let mut grants = BTreeSet::new();
    for _ in 0..count {
        grants.insert(bench.consent_for(LONG).await.to_string());
    }
    grants
}

fn all_of_partner_a() -> Value {
    json!({ "filter": { "partner": "id-of-partner-a" }, "reason": "partner_left" })
}

async fn previewed(bench: &Bench, token: &str) -> Value {
    let path = at_bank("bulk-revocations");
    let answer = bench.order(token, &path, "b-1", &all_of_partner_a()).await;
    answer.json()
}

fn path_of(it: &Value, rest: &str) -> String {
    let id = it["bulk_id"].as_str().unwrap();
    at_bank(&format!("bulk-revocations/{id}{rest}"))
}

fn id_of(it: &Value) -> Uuid {
    it["bulk_id"].as_str().unwrap().parse().unwrap()
}

async fn approved_and_started(bench: &Bench, requester: &str, approver: &str) -> Value {
    let it = previewed(bench, requester).await;
    let digest = json!({ "digest": it["digest"] });
    bench
        .order(approver, &path_of(&it, "/approval"), "-", &digest)
        .await
        .json();
    bench
        .order(requester, &path_of(&it, "/start"), "-", &json!({}))
        .await
        .json()
}

/// Lets the pace of a test not be the point, and what a dead replica claimed be free.
async fn hurry(bench: &Bench) {
    for sql in [
        "UPDATE bulk_revocations SET next_batch_at = '-infinity'",
        "UPDATE bulk_revocation_items SET claimed_until = '-infinity'",
    ] {
        sqlx::query(sql).execute(&bench.pool).await.unwrap();
    }
}

async fn work_to_the_end(bench: &Bench, replica: usize) {
    let app = &bench.replicas[replica].app;
    loop {
        hurry(bench).await;
        if bulk::work(&app.pool, &app.bus).await.unwrap() == Worked::Nothing {
            return;
        }
    }
}

async fn revoked(bench: &Bench) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT split_part(aggregate_id, ':', 2) FROM events WHERE event_type = 'AccessRevoked' ORDER BY 1",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_what_was_previewed_is_revoked_after_a_second_person_approved_it() {
    let bench = Bench::replicas(2).await;
    let suzuki = bench.operator("suzuki", Role::Operator).await;
    let tanaka = bench.operator("tanaka", Role::Operator).await;
    let auditor = bench.operator("sato", Role::Auditor).await;
    let grants = of_partner_a(&bench, 5).await;
    let beside = of_partner_b(&bench).await;

    let it = previewed(&bench, &suzuki).await;
    assert_eq!(
        (it["items"].as_i64(), it["state"].as_str()),
        (Some(5), Some("previewed"))
    );
    assert_eq!(it["sample"].as_array().unwrap().len(), 5);
    let later = bench.consent_for(LONG).await;
    let again = previewed(&bench, &suzuki).await;
    assert_eq!(
        (&again["bulk_id"], &again["digest"]),
        (&it["bulk_id"], &it["digest"])
    );

    // Not before the approval, not by the requester, not by an auditor, not for something else.
    let nothing = json!({});
    let start = path_of(&it, "/start");
    let refused = bench.order(&suzuki, &start, "-", &nothing).await;
    assert_eq!(refused.code(409), "needs_approval");
    let approval = path_of(&it, "/approval");
    let digest = json!({ "digest": it["digest"] });
    let refused = bench.order(&suzuki, &approval, "-", &digest).await;
    assert_eq!(refused.code(403), "same_person");
    let refused = bench.order(&auditor, &approval, "-", &digest).await;
    assert_eq!(refused.code(403), "role_insufficient");
    let other = json!({ "digest": "0".repeat(64) });
    let refused = bench.order(&tanaka, &approval, "-", &other).await;
    assert_eq!(refused.code(409), "digest_differs");
    assert!(revoked(&bench).await.is_empty());

    bench.order(&tanaka, &approval, "-", &digest).await.json();
    bench.order(&suzuki, &start, "-", &nothing).await.json();
    work_to_the_end(&bench, 1).await;

    let done = bench.ask(&auditor, &path_of(&it, "")).await.json();
    assert_eq!(done["state"], "completed");
    assert_eq!(
        done["totals"],
        json!({ "items": 5, "revoked": 5, "already_ended": 0, "failed": 0, "open": 0 })
    );
    assert_eq!(
        revoked(&bench).await,
        grants.into_iter().collect::<Vec<_>>()
    );
    for live in [beside, later] {
        assert_eq!(bench.facts_of(&live).await, ["AccessGranted"]);
    }
    let acts: Vec<&str> = done["acts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["requested", "approved", "started", "completed"]);
    let by: Vec<(String, Option<Uuid>)> = sqlx::query_as(
        "SELECT DISTINCT actor_id, causation_id FROM events WHERE event_type = 'AccessRevoked'",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert_eq!(by, [("suzuki".to_owned(), Some(id_of(&it)))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_dies_in_the_middle_costs_nothing_and_doubles_nothing() {
    let bench = Bench::replicas(2).await;
    let suzuki = bench.operator("suzuki", Role::Operator).await;
    let tanaka = bench.operator("tanaka", Role::Operator).await;
    let grants = of_partner_a(&bench, 60).await;
    let it = approved_and_started(&bench, &suzuki, &tanaka).await;

    // The first replica is dropped once it has revoked some.
    let first = &bench.replicas[0].app;
    tokio::select! {
        worked = bulk::work(&first.pool, &first.bus) => {
            worked.unwrap();
        }
        () = async { while revoked(&bench).await.len() < 3 { tokio::task::yield_now().await } } => {}
    }
    let by_the_first = revoked(&bench).await.len();
    assert!(by_the_first >= 3, "{by_the_first}");
    // One that was revoked, and whose outcome was not written; its key is long forgotten.
    for sql in [
        "UPDATE bulk_revocation_items SET outcome = NULL, settled_at = NULL WHERE outcome = 'revoked'",
        "DELETE FROM command_keys",
    ] {
        sqlx::query(sql).execute(&bench.pool).await.unwrap();
    }
    work_to_the_end(&bench, 1).await;

    assert_eq!(
        revoked(&bench).await,
        grants.into_iter().collect::<Vec<_>>(),
        "each once"
    );
    let totals = bulk::totals(&bench.pool, &bank(), id_of(&it))
        .await
        .unwrap();
    assert_eq!(
        (totals.revoked, totals.already_ended, totals.open),
        (60, 0, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_in_between_is_told_as_such_and_every_item_has_an_outcome() {
    let bench = Bench::new().await;
    let suzuki = bench.operator("suzuki", Role::Operator).await;
    let tanaka = bench.operator("tanaka", Role::Operator).await;
    let grants = of_partner_a(&bench, 4).await;
    let it = approved_and_started(&bench, &suzuki, &tanaka).await;
    let gone = GrantId::parse(grants.first().unwrap().as_str()).unwrap();
    let (by, reason) = (RevokedBy::Bank, RevocationReason::PartnerLeft);
    let bank = bank();
    let ended = bench.on(&bank, &gone, 0).revoke(by, reason, by_operator());
    ended.await.unwrap();

    work_to_the_end(&bench, 0).await;

    let all = ItemsAfter {
        limit: 100,
        ..ItemsAfter::default()
    };
    let items = bulk::items(&bench.pool, &bank, id_of(&it), all)
        .await
        .unwrap();
    let outcomes: Vec<&str> = items
        .iter()
        .map(|item| item.outcome.as_deref().unwrap())
        .collect();
    assert_eq!(outcomes, ["already_ended", "revoked", "revoked", "revoked"]);
    assert_eq!(items[0].grant_id, gone.as_str());

    let page = path_of(&it, "/items?limit=3&outcome=revoked");
    let first = bench.ask(&suzuki, &page).await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 3);
    assert!(first["next_cursor"].is_null());
    let csv = bench.ask(&suzuki, &path_of(&it, "/items?format=csv")).await;
    let lines: Vec<&str> = csv.text.lines().collect();
    assert_eq!(lines.len(), 5, "{}", csv.text);
    assert_eq!(
        lines[0],
        "\u{feff}ordinal,grant_id,contract,partner,outcome,why,settled_at"
    );
    assert!(lines[1].starts_with(&format!("1,{gone},")), "{}", lines[1]);
    let ndjson = bench
        .ask(
            &suzuki,
            &path_of(&it, "/items?format=ndjson&outcome=already_ended"),
        )
        .await;
    let line: Value = serde_json::from_str(ndjson.text.trim()).unwrap();
    assert_eq!(line["outcome"], ItemOutcome::AlreadyEnded.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_while_it_is_paused_and_for_good_when_it_is_cancelled() {
    let bench = Bench::with(crate::bench::Options {
        bank_settings: "operator_rules = { bulk_revocation_needs_approval = false, bulk_revocations_per_second = 2 }",
        ..Default::default()
    })
    .await;
    let suzuki = bench.operator("suzuki", Role::Operator).await;
    of_partner_a(&bench, 6).await;
    let it = previewed(&bench, &suzuki).await;
    let nothing = json!({});
    let step = async |rest: &str| {
        bench
            .order(&suzuki, &path_of(&it, rest), "-", &nothing)
            .await
    };
    let app = &bench.replicas[0].app;

    // Nobody else has to approve here; a batch is what the pace allows in a second.
    assert_eq!(step("/start").await.json()["state"], "running");
    assert_eq!(
        bulk::work(&app.pool, &app.bus).await.unwrap(),
        Worked::Items(2)
    );
    assert_eq!(
        bulk::work(&app.pool, &app.bus).await.unwrap(),
        Worked::Nothing,
        "the pace holds"
    );

    assert_eq!(step("/pause").await.json()["state"], "paused");
    work_to_the_end(&bench, 0).await;
    assert_eq!(revoked(&bench).await.len(), 2);
    assert_eq!(step("/resumption").await.json()["state"], "running");
    hurry(&bench).await;
    assert_eq!(
        bulk::work(&app.pool, &app.bus).await.unwrap(),
        Worked::Items(2)
    );
    assert_eq!(step("/cancellation").await.json()["state"], "cancelled");
    work_to_the_end(&bench, 0).await;
    assert_eq!(revoked(&bench).await.len(), 4);
    assert_eq!(step("/resumption").await.code(409), "wrong_state");
    assert_eq!(
        step("/start").await.json()["state"],
        "cancelled",
        "a repeat of the start"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_and_an_approval_are_good_for_a_day() {
    let bench = Bench::new().await;
    let suzuki = bench.operator("suzuki", Role::Operator).await;
    let tanaka = bench.operator("tanaka", Role::Operator).await;
    of_partner_a(&bench, 1).await;
    let it = previewed(&bench, &suzuki).await;
    let digest = json!({ "digest": it["digest"] });
    let nothing = json!({});
    let too_late = async || {
        sqlx::query("UPDATE bulk_revocations SET valid_until = now()")
            .execute(&bench.pool)
            .await
            .unwrap();
    };
    let day = "UPDATE bulk_revocations SET valid_until = now() + interval '1 minute'";

    too_late().await;
    let refused = bench
        .order(&tanaka, &path_of(&it, "/approval"), "-", &digest)
        .await;
    assert_eq!(refused.code(409), "expired");
    sqlx::query(day).execute(&bench.pool).await.unwrap();
    bench
        .order(&tanaka, &path_of(&it, "/approval"), "-", &digest)
        .await
        .json();
    too_late().await;
    let refused = bench
        .order(&suzuki, &path_of(&it, "/start"), "-", &nothing)
        .await;
    assert_eq!(refused.code(409), "expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_narrows_by_each_of_its_members_and_an_empty_one_is_refused() {
    let bench = Bench::new().await;
    let suzuki = bench.operator("suzuki", Role::Operator).await;
    of_partner_a(&bench, 2).await;
    of_partner_b(&bench).await;
    let suspended = bench.consent_for(LONG).await;
    let path = at_bank(&format!("consents/{suspended}/suspensions"));
    let cause = json!({ "cause": "suspected_fraud" });
    bench.order(&suzuki, &path, "s", &cause).await.json();
    let bulk = at_bank("bulk-revocations");
    let count = async |key: &str, filter: Value| {
        let wanted = json!({ "filter": filter, "reason": "fraud" });
        let it = bench.order(&suzuki, &bulk, key, &wanted).await.json();
        it["items"].as_i64().unwrap()
    };
    let contract = crate::journey_customer::CONTRACT;
    let first = crate::journey_customer::FIRST_ID;
    assert_eq!(count("1", json!({ "partner": "id-of-partner-a" })).await, 3);
    assert_eq!(count("2", json!({ "client": "partner-a" })).await, 4);
    assert_eq!(count("3", json!({ "contract": contract })).await, 4);
    assert_eq!(count("4", json!({ "contract": "c-other" })).await, 0);
    assert_eq!(count("5", json!({ "account": first })).await, 4);
    assert_eq!(count("6", json!({ "account": "a-other" })).await, 0);
    assert_eq!(count("7", json!({ "status": "suspended" })).await, 1);
    assert_eq!(count("8", json!({ "status": "active" })).await, 3);
    assert_eq!(
        count("9", json!({ "began_from": "2020-01-01T00:00:00Z" })).await,
        4
    );
    assert_eq!(
        count("10", json!({ "began_before": "2020-01-01T00:00:00Z" })).await,
        0
    );
    for bad in [json!({}), json!({ "partner": null })] {
        let wanted = json!({ "filter": bad, "reason": "fraud" });
        let refused = bench.order(&suzuki, &bulk, "11", &wanted).await;
        assert_eq!(refused.code(400), "empty_filter");
    }
    let reused = json!({ "filter": { "status": "active" }, "reason": "fraud" });
    let refused = bench.order(&suzuki, &bulk, "1", &reused).await;
    assert_eq!(refused.code(422), "idempotency_key_reused");
}
