//! A partner asks for its own grants, and ends one. Another's are nobody's.

use std::collections::BTreeSet;

use chrono::{TimeDelta, Utc};
use consent::lifecycle::Level;
use consent_domain::{
    ContractId, GrantId, PartnerId,
    consent::{GrantTerms, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};
use demo::agent::{account_api::AccountApi, partner::Tokens, walk::Task};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::{
    bench::{BANK, Bench, FIRST, FOURTH, PIN, ticked},
    feed::{Read, read},
    journey_customer::CONTRACT,
    lifecycle_given::{bank, by_operator, terms},
    oauth_account_api::serve,
    oauth_decisions::DecisionPort,
    oauth_partner::{Wish, outcome, pairs, post},
};

const QUERY: &str = "grant_management_query";
const REVOKE: &str = "grant_management_revoke";

impl Bench {
    /// A token of the partner's own for that scope.
    pub async fn token_for(&self, partner: usize, scope: &str) -> String {
        let asked = pairs(&[("grant_type", "client_credentials"), ("scope", scope)]);
        let answer = post(&self.client(partner), &self.endpoint("token", 0), &asked).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.body["scope"], scope);
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Asks under the issuer with a token.
    pub async fn ask_as_partner(&self, method: Method, path: &str, token: &str) -> Read {
        self.ask_at(0, method, path, token).await
    }

    pub async fn ask_at(&self, replica: usize, method: Method, path: &str, token: &str) -> Read {
        let url = self.endpoint(path, replica);
        read(
            reqwest::Client::new()
                .request(method, url)
                .bearer_auth(token),
        )
        .await
    }

    async fn told(&self, grant: &GrantId) -> Value {
        let token = self.token_for(0, QUERY).await;
        let answer = self
            .ask_as_partner(Method::GET, &format!("grants/{grant}"), &token)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers["cache-control"], "no-store");
        answer.body
    }
}

fn grant_of(tokens: &Tokens) -> GrantId {
    GrantId::parse(tokens.grant_id.clone().unwrap()).unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    let grants = page["grants"].as_array().expect("grants").iter();
    grants
        .map(|grant| grant["grant_id"].as_str().unwrap().to_owned())
        .collect()
}

/// dantai01's terms with partner B.
fn terms_of_b(until: chrono::DateTime<Utc>) -> GrantTerms {
    GrantTerms {
        client: consent_domain::ClientId::parse("partner-b").unwrap(),
        partner: PartnerId::parse("id-of-partner-b").unwrap(),
        ..terms(until)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_its_own_grants_page_by_page_and_no_other() {
    let bench = Bench::new().await;
    let mut own = BTreeSet::new();
    for _ in 0..5 {
        own.insert(bench.consent_for(TimeDelta::days(100)).await.to_string());
    }
    let foreign = bench
        .consent_with(|now| terms_of_b(now + TimeDelta::days(100)))
        .await;
    let token = bench.token_for(0, &format!("{QUERY} {REVOKE}")).await;

    let whole = bench
        .ask_as_partner(Method::GET, "grants", &token)
        .await
        .body;
    let mut paged = Vec::new();
    let mut query = "grants?limit=2".to_owned();
    loop {
        let page = bench.ask_as_partner(Method::GET, &query, &token).await.body;
        paged.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("grants?limit=2&cursor={cursor}");
    }
    let others = bench.token_for(1, QUERY).await;
    let of_b = bench
        .ask_as_partner(Method::GET, "grants", &others)
        .await
        .body;

    assert_eq!(whole["next_cursor"], Value::Null);
    assert_eq!(ids(&whole), paged, "the same in the same order");
    assert_eq!(paged.iter().cloned().collect::<BTreeSet<_>>(), own);
    assert_eq!(paged.len(), own.len(), "each once");
    assert_eq!(ids(&of_b), [foreign.to_string()]);

    // A foreign grant and none at all are answered alike, and the foreign one goes on.
    let mut answers = Vec::new();
    for id in [
        foreign.as_str(),
        "nothing",
        "%27%20or%201",
        &"x".repeat(500),
    ] {
        for method in [Method::GET, Method::DELETE] {
            let answer = bench
                .ask_as_partner(method, &format!("grants/{id}"), &token)
                .await;
            assert_eq!((answer.status, answer.code()), (404, "unknown_grant"));
            answers.push(answer.body.to_string());
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(bench.facts_of(&foreign).await, ["AccessGranted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_told_as_tokens_and_reads_know_it() {
    let bench = Bench::new().await;
    let rows = vec![ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let tokens = bench
        .granted(Wish {
            rows,
            ..Wish::default()
        })
        .await;
    let before = bench.told(&grant_of(&tokens)).await;
    let server = serve(&bench, 0);
    let base = Url::parse(&server.base_url()).unwrap();
    let api = AccountApi::try_new(base, &tokens.access_token).unwrap();
    let account = tokens.account_ids()[1].clone();
    for _ in 0..2 {
        api.balance(&account).await.expect("a balance");
    }
    let query = demo::agent::account_api::TransactionQuery::default();
    let read = api.transactions(&account, &query).await.expect("a page");
    let told = bench.told(&grant_of(&tokens)).await;

    let mut details = serde_json::to_value(&tokens.authorization_details).unwrap();
    let mut said = told["authorization_details"].clone();
    for details in [&mut details, &mut said] {
        details[0]["accounts"]
            .as_array_mut()
            .unwrap()
            .sort_by_key(|account| account["account_id"].to_string());
    }
    assert_eq!(said, details);
    let scopes = json!([{"scope": "balance transactions", "resources": ["http://127.0.0.1:8090"]}]);
    assert_eq!(told["scopes"], scopes);
    assert_eq!(told["claims"], json!([]));
    assert_eq!(
        (&told["status"], &told["causes"]),
        (&json!("active"), &json!([]))
    );
    assert_eq!(before["reads"], json!([]));
    let reads = told["reads"].as_array().unwrap();
    assert_eq!(reads.len(), 2, "{reads:?}");
    for (summary, task, times) in [(&reads[0], "balance", 2), (&reads[1], "transactions", 1)] {
        assert_eq!(summary["account_id"], account);
        assert_eq!(
            (&summary["task"], &summary["reads"]),
            (&json!(task), &json!(times))
        );
    }
    assert!(reads[0].get("last_served_date").is_none());
    let yesterday = |to: &Value| {
        let to: chrono::NaiveDate = to.as_str().unwrap().parse().unwrap();
        to.pred_opt().unwrap().to_string()
    };
    assert_eq!(reads[1]["last_served_date"], yesterday(&read["to"]));
    // No id of the bank's and nobody's name.
    let text = told.to_string();
    for id in [
        CONTRACT,
        crate::journey_customer::FIRST_ID,
        crate::lifecycle_given::USER,
    ] {
        assert!(!text.contains(id), "{id}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_is_told_as_far_as_a_partner_may_know_at_every_level() {
    let bench = Bench::new().await;
    let grant = bench.consent_for(TimeDelta::days(100)).await;
    let (app, bank) = (&bench.replicas[0].app, bank());
    for (level, cause, told) in [
        (
            Level::Consent(grant.clone()),
            SuspensionCause::CustomerRequest,
            json!(["customer"]),
        ),
        (
            Level::Consent(grant.clone()),
            SuspensionCause::LegalOrder,
            json!(["bank"]),
        ),
        (
            Level::Consent(grant.clone()),
            SuspensionCause::PasswordChanged,
            json!(["authorization_needed"]),
        ),
        (
            Level::Contract(ContractId::parse(CONTRACT).unwrap()),
            SuspensionCause::SuspectedFraud,
            json!([]),
        ),
        (Level::Bank, SuspensionCause::SecurityIncident, json!([])),
    ] {
        let at = (&app.pool, &app.bus);
        level
            .suspend(at, &bank, cause, by_operator())
            .await
            .expect("suspended");
        let suspended = bench.told(&grant).await;
        assert_eq!(suspended["status"], "suspended", "{level:?}");
        assert_eq!(suspended["causes"], told, "{level:?}");
        level
            .restore(at, &bank, cause, by_operator())
            .await
            .expect("restored");
        assert_eq!(bench.told(&grant).await["status"], "active", "{level:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_is_told_apart_and_not_more_of_it_than_events_tell() {
    let bench = Bench::new().await;
    let bank = bank();
    for (by, reason, told_by, told) in [
        (
            RevokedBy::Customer,
            RevocationReason::NoLongerNeeded,
            "customer",
            Some("no_longer_needed"),
        ),
        (
            RevokedBy::Bank,
            RevocationReason::Fraud,
            "bank",
            Some("security"),
        ),
        (RevokedBy::Bank, RevocationReason::LegalOrder, "bank", None),
        (
            RevokedBy::System,
            RevocationReason::PasswordChanged,
            "platform",
            None,
        ),
    ] {
        let grant = bench.consent_for(TimeDelta::days(100)).await;
        let on = bench.on(&bank, &grant, 0);
        on.revoke(by, reason, by_operator()).await.expect("revoked");
        let ended = bench.told(&grant).await;
        assert_eq!(
            (&ended["status"], &ended["revoked_by"]),
            (&json!("revoked"), &json!(told_by))
        );
        assert_eq!(ended.get("reason").and_then(Value::as_str), told);
    }
    // The clock has ended it, whether or not anybody has recorded that.
    let expired = bench.consent_for(TimeDelta::seconds(-5)).await;
    let told = bench.told(&expired).await;
    assert_eq!(told["status"], "expired");
    assert!(told.get("revoked_by").is_none());
    // Which grant took its place may be another partner's affair.
    let superseded = bench.consent_for(TimeDelta::days(100)).await;
    let other = GrantId::parse("another-partners-grant").unwrap();
    bench
        .supersede(&superseded, &other, "another-partners-client")
        .await;
    let told = bench.told(&superseded).await;
    assert_eq!(told["status"], "superseded");
    assert!(!told.to_string().contains("another-partners-grant"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_its_partner_ends_is_over_at_once_on_every_replica() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let grant = grant_of(&tokens);
    let path = format!("grants/{grant}");
    let token = bench.token_for(0, REVOKE).await;
    for replica in 0..2 {
        let mut port = DecisionPort::of(&bench, replica).await;
        port.decide(&tokens, Task::Balance).await.expect("allowed");
    }
    let notices = bench.notices().await.len();

    let ended = bench.ask_at(1, Method::DELETE, &path, &token).await;

    assert_eq!(ended.status, 204);
    for replica in 0..2 {
        let mut port = DecisionPort::of(&bench, replica).await;
        assert!(port.decide(&tokens, Task::Balance).await.is_err());
    }
    let refresh = pairs(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.refresh_token.as_ref().unwrap()),
    ]);
    let refused = post(&bench.client(0), &bench.endpoint("token", 0), &refresh).await;
    assert_eq!(outcome(&refused), (400, "invalid_grant"));
    let told = bench.told(&grant).await;
    assert_eq!(
        (&told["status"], &told["revoked_by"]),
        (&json!("revoked"), &json!("partner"))
    );
    // The customer is told, and the fact says who it was.
    assert_eq!(bench.notices().await.len(), notices + 1);
    let fact: (String, Option<String>, Option<String>) = sqlx::query_as(
        "SELECT actor_kind, actor_id, request_id FROM events WHERE event_type = 'AccessRevoked'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(
        (fact.0.as_str(), fact.1.as_deref()),
        ("partner", Some("partner-a"))
    );
    assert!(fact.2.is_some());

    // Again, and of a grant that ended otherwise: nothing more happens.
    let expired = bench.consent_for(TimeDelta::seconds(-5)).await;
    for path in [path, format!("grants/{expired}")] {
        let again = bench.ask_as_partner(Method::DELETE, &path, &token).await;
        assert_eq!(again.status, 204, "{path}");
    }
    assert_eq!(bench.events("AccessRevoked").await, 1);
    assert_eq!(bench.notices().await.len(), notices + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scope_opens_its_own_and_nothing_else() {
    let bench = Bench::new().await;
    let tokens = bench.granted(Wish::default()).await;
    let path = format!("grants/{}", grant_of(&tokens));
    let request = format!("requests/{}", "x".repeat(43));
    for (scope, needed) in [
        ("notifications", [QUERY, QUERY, REVOKE, "status"]),
        (QUERY, ["", "", REVOKE, "status"]),
        (REVOKE, [QUERY, QUERY, "", "status"]),
        ("status", [QUERY, QUERY, REVOKE, ""]),
    ] {
        let token = bench.token_for(0, scope).await;
        let asked = [
            (Method::GET, "grants"),
            (Method::GET, path.as_str()),
            (Method::DELETE, path.as_str()),
            (Method::GET, request.as_str()),
        ];
        for ((method, path), needed) in asked.into_iter().zip(needed) {
            if needed.is_empty() {
                continue;
            }
            let refused = bench.ask_as_partner(method, path, &token).await;
            assert_eq!(
                (refused.status, refused.code()),
                (403, "insufficient_scope")
            );
            let challenge = refused.headers["www-authenticate"].to_str().unwrap();
            assert!(
                challenge.ends_with(&format!("scope=\"{needed}\"")),
                "{challenge}"
            );
        }
    }
    assert_eq!(bench.events("AccessRevoked").await, 0);
    // A customer's token opens none of them.
    for path in ["grants", path.as_str(), request.as_str()] {
        let refused = bench
            .ask_as_partner(Method::GET, path, &tokens.access_token)
            .await;
        assert_eq!((refused.status, refused.code()), (401, "invalid_token"));
    }
    let token = bench.token_for(0, QUERY).await;
    for query in [
        "limit=0",
        "limit=101",
        "limit=1&limit=2",
        "other=1",
        "cursor=",
    ] {
        let refused = bench
            .ask_as_partner(Method::GET, &format!("grants?{query}"), &token)
            .await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "invalid_parameter"),
            "{query}"
        );
    }
    let wrong_method = bench.ask_as_partner(Method::PUT, "grants", &token).await;
    assert_eq!(
        (wrong_method.status, wrong_method.code()),
        (405, "invalid_request")
    );
    assert_eq!(
        bench.endpoint("grants", 0).path(),
        format!("/{BANK}/grants")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_leads_to_grants_requests_and_events() {
    let bench = Bench::new().await;
    let url = bench
        .origin
        .join(&format!("{BANK}/.well-known/oauth-authorization-server"))
        .unwrap();
    let metadata: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    for (member, path) in [
        ("grant_management_endpoint", "grants"),
        ("authorization_request_status_endpoint", "requests"),
        ("notification_endpoint", "notifications"),
    ] {
        let address = format!("{}{BANK}/{path}", bench.origin);
        assert_eq!(metadata[member], address);
    }
    for (member, words) in [
        (
            "grant_management_actions_supported",
            ["create", "query", "revoke"].as_slice(),
        ),
        (
            "scopes_supported",
            &["notifications", QUERY, REVOKE, "status"],
        ),
    ] {
        let supported = metadata[member].as_array().unwrap();
        for word in words {
            assert!(supported.contains(&json!(word)), "{member}: {word}");
        }
    }
}
