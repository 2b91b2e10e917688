//! Partners as operators administer them.

use chrono::{TimeDelta, Utc};
use consent::{operator::Role, sweeper};
use consent_domain::partner::{PartnerAtBank, PartnerAtBankStream};
use demo::agent::{
    partner::{GeneratedKey, ParRequest, PartnerClient, Registration, generate_key},
    walk::Task,
};
use serde_json::{Value, json};

use crate::{
    acts_given::at_bank,
    bench::{BANK, Bench},
    oauth_decisions::DecisionPort,
    oauth_partner::Wish,
    operator_given::operator_id,
};

const PARTNER: &str = "id-of-partner-a";
const LONG: TimeDelta = TimeDelta::days(360);

fn here(rest: &str) -> String {
    at_bank(&format!("partners/{PARTNER}/{rest}"))
}

fn of_the_platform(rest: &str) -> String {
    format!("/v1/partners/{PARTNER}{rest}")
}

/// An operator of the platform, with the role auditor at the bank.
async fn platform(bench: &Bench, name: &str) -> String {
    let token = bench.operator(name, Role::Auditor).await;
    let mut administration = bench.administration().await;
    administration
        .grant_platform(&operator_id(name))
        .await
        .unwrap();
    token
}

async fn send(bench: &Bench, token: &str, path: &str, body: &Value) -> Value {
    bench.order_at((token, 0), path, None, body).await.json()
}

/// Partner A's client with another key.
fn client_with(bench: &Bench, key: &GeneratedKey) -> PartnerClient {
    PartnerClient::try_new(Registration {
        client_id: "partner-a".to_owned(),
        private_key_pem: key.private_key_pem.clone(),
        kid: key.kid.clone(),
        redirect_uri: bench.partners[0].redirect_uri.clone(),
        issuer: bench.origin.join(BANK).unwrap(),
    })
    .unwrap()
}

async fn may_push(client: &PartnerClient) -> bool {
    client.push(&ParRequest::for_both_tasks()).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_partner_begins_nothing_and_reads_nothing_until_it_is_enabled() {
    let bench = Bench::replicas(2).await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let tokens = bench.granted(Wish::default()).await;
    let client = bench.client(0);
    let mut port = DecisionPort::of(&bench, 1).await;
    assert!(may_push(&client).await && port.decide(&tokens, Task::Balance).await.is_ok());

    let done = send(&bench, &token, &here("disablement"), &json!({})).await;
    assert_eq!(done["outcome"], "done");
    assert!(!may_push(&client).await);
    assert!(port.decide(&tokens, Task::Balance).await.is_err());
    let again = send(&bench, &token, &here("disablement"), &json!({})).await;
    assert_eq!(again["outcome"], "already_so");

    send(&bench, &token, &here("enablement"), &json!({})).await;
    assert!(may_push(&client).await);
    assert!(port.decide(&tokens, Task::Balance).await.is_ok());
    let listed = bench.ask(&token, &at_bank("partners?limit=1")).await.json();
    assert_eq!(listed["partners"][0]["partner_id"], PARTNER);
    assert_eq!(listed["partners"][0]["enabled"], true);
    assert!(listed["next_cursor"].is_string());
    let unknown = at_bank("partners/no-such/enablement");
    let refused = bench
        .order_at((&token, 0), &unknown, None, &json!({}))
        .await;
    assert_eq!(refused.code(404), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_on_a_partner_that_comes_again_late_under_its_key_does_nothing() {
    let bench = Bench::replicas(2).await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let client = bench.client(0);
    let (enable, disable) = (here("enablement"), here("disablement"));
    let so = bench.order(&token, &enable, "k-1", &json!({})).await;
    assert_eq!(so.json()["outcome"], "already_so");
    bench.order(&token, &disable, "k-2", &json!({})).await;

    let again = bench
        .order_at((&token, 1), &enable, Some("k-1"), &json!({}))
        .await;

    assert_eq!(again.json()["outcome"], "already_so", "as the first was");
    assert!(!may_push(&client).await);
    let again = bench.order(&token, &disable, "k-2", &json!({})).await;
    assert_eq!(again.json()["outcome"], "done", "as the first was");
    let reused = bench.order(&token, &enable, "k-2", &json!({})).await;
    assert_eq!(reused.code(422), "idempotency_key_reused");
    let none = bench.order(&token, &enable, "", &json!({})).await;
    assert_eq!(none.code(400), "idempotency_key_required");
    bench.order(&token, &enable, "k-3", &json!({})).await.json();
    assert!(may_push(&client).await);

    let target = here("push-target");
    let to = json!({ "url": "https://partner.example/events" });
    for _ in 0..2 {
        bench.order(&token, &target, "k-4", &to).await.json();
    }
    let removal = here("push-target/removal");
    for _ in 0..2 {
        bench
            .order(&token, &removal, "k-5", &json!({}))
            .await
            .json();
    }
    bench.order(&token, &target, "k-4", &to).await.json();
    let listed = bench.ask(&token, &at_bank("push-targets")).await.json();
    assert_eq!(listed["targets"], json!([]), "a late repeat sets none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_gone_does_not_come_back_with_a_late_repeat_under_its_key() {
    let bench = Bench::new().await;
    let token = platform(&bench, "kanri").await;
    let new = generate_key().unwrap();
    let jwk = json!({ "jwk": new.jwks()["keys"][0] });
    let keys = of_the_platform("/keys");
    bench.order(&token, &keys, "k-1", &jwk).await.json();
    let retire = of_the_platform(&format!("/keys/{}/retirement", new.kid));
    let never = json!({ "retire_at": "0000-06-01T00:00:00Z" });
    let refused = bench.order(&token, &retire, "k-2", &never).await;
    assert_eq!(refused.code(400), "invalid_body");
    let at_once = json!({ "retire_at": "2020-01-01T00:00:00Z" });
    for _ in 0..2 {
        let told = bench.order(&token, &retire, "k-2", &at_once).await.json();
        assert_eq!(told["keys"].as_array().unwrap().len(), 1);
    }

    let again = bench.order(&token, &keys, "k-1", &jwk).await.json();

    assert_eq!(again["keys"].as_array().unwrap().len(), 1);
    let gone = bench.order_at((&token, 0), &retire, None, &at_once).await;
    assert_eq!(gone.code(404), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_changes_its_key_over_without_an_interruption() {
    let bench = Bench::new().await;
    let token = platform(&bench, "kanri").await;
    let (old, new) = (bench.client(0), generate_key().unwrap());
    let next = client_with(&bench, &new);
    assert!(may_push(&old).await && !may_push(&next).await);

    let jwk = new.jwks()["keys"][0].clone();
    let added = send(
        &bench,
        &token,
        &of_the_platform("/keys"),
        &json!({ "jwk": jwk }),
    )
    .await;
    assert_eq!(
        (
            added["record_version"].as_i64(),
            added["keys"].as_array().unwrap().len()
        ),
        (Some(2), 2)
    );
    assert!(
        may_push(&old).await && may_push(&next).await,
        "both are good"
    );
    let again = send(
        &bench,
        &token,
        &of_the_platform("/keys"),
        &json!({ "jwk": jwk }),
    )
    .await;
    assert_eq!(again["record_version"], 2, "a repeat is no new version");

    let old_kid = &bench.partners[0].key.kid;
    let retire = |kid: &str| of_the_platform(&format!("/keys/{kid}/retirement"));
    let tomorrow = json!({ "retire_at": Utc::now() + TimeDelta::days(1) });
    let told = send(&bench, &token, &retire(old_kid), &tomorrow).await;
    let old_key = told["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == old_kid.as_str());
    assert!(old_key.unwrap()["retire_at"].is_string());
    assert!(may_push(&old).await, "until then");
    let last = bench
        .order_at((&token, 0), &retire(&new.kid), None, &tomorrow)
        .await;
    assert_eq!(last.code(409), "last_key");

    sqlx::query("UPDATE partner_key_retirements SET retire_at = now()")
        .execute(&bench.pool)
        .await
        .unwrap();
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    assert!(!may_push(&old).await && may_push(&next).await);
    let gone = bench.ask(&token, &of_the_platform("")).await.json();
    assert_eq!(gone["keys"].as_array().unwrap().len(), 1);
    let bad = json!({ "jwk": { "kty": "EC", "kid": "x" } });
    let refused = bench
        .order_at((&token, 0), &of_the_platform("/keys"), None, &bad)
        .await;
    assert_eq!(refused.code(400), "invalid_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_legal_record_is_the_platforms_and_a_change_names_the_version_that_it_is_for() {
    let bench = Bench::new().await;
    let token = platform(&bench, "kanri").await;
    let of_the_bank = bench.operator("suzuki", Role::Operator).await;
    let record = json!({
        "legal_name": "新会計株式会社", "service_name": "新会計",
        "registration_number": "関東財務局長（電代）第1号", "complaint_contact": "0120-222-222",
        "onward_recipients": ["税理士法人"],
    });
    let path = of_the_platform("/record");
    let change = |version: u32| json!({ "record_version": version, "record": record });

    let refused = bench
        .order_at((&of_the_bank, 0), &path, None, &change(1))
        .await;
    assert_eq!(refused.code(404), "not_found", "no bank's role is enough");
    let changed = send(&bench, &token, &path, &change(1)).await;
    assert_eq!(
        (&changed["legal_name"], &changed["record_version"]),
        (&json!("新会計株式会社"), &json!(2))
    );
    assert_eq!(
        send(&bench, &token, &path, &change(1)).await,
        changed,
        "a repeat"
    );
    let mut other = change(1);
    other["record"]["service_name"] = json!("別の名前");
    let refused = bench.order_at((&token, 0), &path, None, &other).await;
    assert_eq!(refused.code(409), "changed_meanwhile");
    other["record"]["service_name"] = json!("");
    let refused = bench.order_at((&token, 0), &path, None, &other).await;
    assert_eq!(refused.code(400), "invalid_record");
    let uris = json!({ "record_version": 2, "redirect_uris": ["http://partner.example/callback"] });
    let refused = bench
        .order_at((&token, 0), &of_the_platform("/redirect-uris"), None, &uris)
        .await;
    assert_eq!(refused.code(400), "invalid_record");

    let key = generate_key().unwrap();
    let new = json!({
        "partner_id": "p-new", "client_id": "client-new", "record": record,
        "redirect_uris": ["https://partner.example/callback"], "jwks": key.jwks(),
    });
    let registered = bench
        .order(&token, "/v1/partners", "k-1", &new)
        .await
        .json();
    let again = bench.order(&token, "/v1/partners", "k-1", &new).await;
    assert_eq!(again.json(), registered, "a repeat");
    assert_eq!(
        (&registered["record_version"], &registered["banks"]),
        (&json!(1), &json!([]))
    );
    let refused = bench
        .order_at((&token, 0), "/v1/partners", None, &new)
        .await;
    assert_eq!(refused.code(409), "partner_exists");
    let listed = bench.ask(&token, "/v1/partners").await.json();
    assert_eq!(listed["partners"].as_array().unwrap().len(), 3);
    let done = send(
        &bench,
        &of_the_bank,
        &at_bank("partners/p-new/enablement"),
        &json!({}),
    )
    .await;
    assert_eq!(done["outcome"], "done");
    let actor: String = sqlx::query_scalar(
        "SELECT DISTINCT actor_id FROM events WHERE event_type = 'PartnerChanged'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(actor, "kanri");
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_are_told_of_a_contracts_end_and_then_the_clock_disables_the_partner() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let app = &bench.replicas[0].app;
    let grant = bench.consent_for(LONG).await;
    sqlx::query("UPDATE consent_current SET began_at = began_at - interval '1 hour'")
        .execute(&bench.pool)
        .await
        .unwrap();
    let today = (Utc::now() + TimeDelta::hours(9)).date_naive();
    let days = |ends: i64| {
        let starts = today - TimeDelta::days(100);
        json!({ "starts_on": starts, "ends_on": today + TimeDelta::days(ends) })
    };

    // Far away: nobody is told; near: each once.
    send(&bench, &token, &here("contract"), &days(60)).await;
    sweeper::round(app).await.unwrap();
    assert!(bench.notices().await.is_empty());
    send(&bench, &token, &here("contract"), &days(20)).await;
    for _ in 0..2 {
        sweeper::round(app).await.unwrap();
    }
    assert_eq!(bench.notices().await, ["expiring"]);
    let told: String = sqlx::query_scalar("SELECT grant_id FROM notices")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    assert_eq!(told, grant.as_str());

    // The last day was yesterday.
    send(&bench, &token, &here("contract"), &days(-1)).await;
    assert_eq!(bench.events("PartnerDisabled").await, 0);
    sweeper::round(app).await.unwrap();
    let (actor, late): (String, bool) = sqlx::query_as(
        "SELECT actor_kind, effective_at < recorded_at FROM events WHERE event_type = 'PartnerDisabled'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!((actor.as_str(), late), ("system", true));
    let stream = format!("{BANK}:{PARTNER}");
    let state = consent::store::state_of::<PartnerAtBankStream>(&bench.pool, &stream)
        .await
        .unwrap();
    assert!(matches!(state, PartnerAtBank::Disabled { .. }));
    assert!(!may_push(&bench.client(0)).await);
    let refused = bench
        .order_at((&token, 0), &here("enablement"), None, &json!({}))
        .await;
    assert_eq!(refused.code(409), "contract_ended");
    let backwards = json!({ "starts_on": "2026-02-02", "ends_on": "2026-01-01" });
    let refused = bench
        .order_at((&token, 0), &here("contract"), None, &backwards)
        .await;
    assert_eq!(refused.code(400), "invalid_contract");
    send(&bench, &token, &here("contract"), &days(100)).await;
    send(&bench, &token, &here("enablement"), &json!({})).await;
    assert!(may_push(&bench.client(0)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_target_is_set_and_removed_and_never_inside_our_networks() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Operator).await;
    let set = here("push-target");
    for inside in [
        "http://10.0.0.1/",
        "https://192.168.1.1/",
        "https://[fd00::1]/",
        "ftp://x.example/",
        "x",
    ] {
        let refused = bench
            .order_at((&token, 0), &set, None, &json!({ "url": inside }))
            .await;
        assert_eq!(refused.code(400), "invalid_target", "{inside}");
    }
    let good =
        json!({ "url": "https://partner.example/events", "authorization": "Bearer of-tests-only" });
    send(&bench, &token, &set, &good).await;
    let listed = bench.ask(&token, &at_bank("push-targets")).await;
    assert!(!listed.text.contains("of-tests-only"));
    let listed = listed.json();
    assert_eq!(
        listed["targets"][0]["url"],
        "https://partner.example/events"
    );
    assert_eq!(listed["targets"][0]["set_by"], "suzuki");
    let on_record: String =
        sqlx::query_scalar("SELECT string_agg(detail::text, ' ') FROM operator_acts")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert!(!on_record.contains("of-tests-only"));
    let remove = here("push-target/removal");
    send(&bench, &token, &remove, &json!({})).await;
    let refused = bench.order_at((&token, 0), &remove, None, &json!({})).await;
    assert_eq!(refused.code(404), "not_found");
}
