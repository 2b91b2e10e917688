//! One consent at the operators' API: how it stood at any moment, its story, and why it stopped.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use consent::{
    history::{life, life::Depth},
    lifecycle::{Level, bank_told},
    operator::Role,
};
use consent_domain::{
    ContractId, GrantId, PartnerId, Stream,
    bank::BankStream,
    bank_notice::BankNotice,
    consent::{Consent, ConsentStream, RemovalReason, RevocationReason, RevokedBy},
    contract::ContractStream,
    partner::PartnerAtBankStream,
    standing::Standing,
    suspension::SuspensionCause,
};
use demo::agent::walk::allow;
use serde_json::Value;
use sqlx::types::Uuid;

use crate::{
    bench::{BANK, Bench, browser},
    journey_customer::{CONTRACT, FIRST_ID, FOURTH_ID},
    lifecycle_given::{account, bank, by_operator, user},
    store_tap::Tap,
};

fn at(grant: &GrantId, rest: &str) -> String {
    format!("/v1/banks/{BANK}/consents/{grant}{rest}")
}

fn contract() -> Level {
    Level::Contract(ContractId::parse(CONTRACT).unwrap())
}

fn partner() -> Level {
    Level::Partner(PartnerId::parse("id-of-partner-a").unwrap())
}

async fn suspend(bench: &Bench, level: Level, cause: SuspensionCause) {
    let app = &bench.replicas[0].app;
    let (database, bank) = ((&app.pool, &app.bus), bank());
    let done = level.suspend(database, &bank, cause, by_operator());
    done.await.unwrap();
}

async fn restore(bench: &Bench, level: Level, cause: SuspensionCause) {
    let app = &bench.replicas[0].app;
    let (database, bank) = ((&app.pool, &app.bus), bank());
    let done = level.restore(database, &bank, cause, by_operator());
    done.await.unwrap();
}

/// The bank tells something of dantai01's contract, which happened a while before.
async fn tell(bench: &Bench, notice: BankNotice, before: TimeDelta) -> Uuid {
    let now: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    let told = bank_told::Told {
        bank: bank(),
        id: Uuid::new_v4(),
        contract: ContractId::parse(CONTRACT).unwrap(),
        notice,
        occurred_at: now - before,
    };
    let app = &bench.replicas[0].app;
    bank_told::take(&app.pool, &app.bus, &told).await.unwrap();
    told.id
}

/// A life with something of everything, until its last account is closed.
async fn rich_life(bench: &Bench) -> GrantId {
    let grant = bench.consent_for(TimeDelta::days(100)).await;
    let bank = bank();
    for level in [
        Level::Consent(grant.clone()),
        contract(),
        partner(),
        Level::Bank,
    ] {
        for cause in [SuspensionCause::SuspectedFraud, SuspensionCause::LegalOrder] {
            suspend(bench, level.clone(), cause).await;
        }
        restore(bench, level.clone(), SuspensionCause::LegalOrder).await;
        restore(bench, level, SuspensionCause::SuspectedFraud).await;
    }
    let on = bench.on(&bank, &grant, 0);
    on.hand_over(&user("another-user"), by_operator())
        .await
        .unwrap();
    let fourth = account(FOURTH_ID);
    on.remove_account(
        &fourth,
        RevokedBy::Customer,
        RemovalReason::NoLongerNeeded,
        by_operator(),
    )
    .await
    .unwrap();
    let first = account(FIRST_ID);
    tell(
        bench,
        BankNotice::AccountClosed { account: first },
        TimeDelta::milliseconds(1),
    )
    .await;
    grant
}

/// What a stream's facts up to a moment add up to.
async fn folded<S: Stream>(bench: &Bench, id: &str, moment: DateTime<Utc>) -> S::State {
    let facts: Vec<Value> = sqlx::query_scalar(
        "SELECT payload FROM events WHERE aggregate_type = $1 AND aggregate_id = $2
           AND coalesce(effective_at, recorded_at) <= $3 ORDER BY sequence",
    )
    .bind(S::TYPE)
    .bind(id)
    .bind(moment)
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    let facts: Vec<S::Event> = facts
        .into_iter()
        .map(|fact| serde_json::from_value(fact).unwrap())
        .collect();
    S::replay(&facts)
}

async fn assert_as_of(bench: &Bench, token: &str, grant: &GrantId, moment: DateTime<Utc>) -> Value {
    let text = moment.to_rfc3339_opts(SecondsFormat::Micros, true);
    let path = at(grant, &format!("?as_of={text}"));
    let told = bench.ask(token, &path).await.json();
    let of = |id: &str| format!("{BANK}:{id}");
    let consent = folded::<ConsentStream>(bench, &of(grant.as_str()), moment).await;
    let levels = [
        folded::<ContractStream>(bench, &of(CONTRACT), moment)
            .await
            .standing(),
        folded::<PartnerAtBankStream>(bench, &of("id-of-partner-a"), moment)
            .await
            .standing(),
        folded::<BankStream>(bench, BANK, moment).await.standing(),
    ];
    let status = match &consent {
        Consent::Absent => "absent",
        Consent::Live { terms, .. } if terms.valid_until <= moment => "expired",
        Consent::Live { .. } if !consent.suspensions().is_empty() => "suspended",
        Consent::Live { .. } => "live",
        Consent::Expired { .. } => "expired",
        Consent::Revoked { .. } => "revoked",
        Consent::Superseded { .. } => "superseded",
    };
    assert_eq!(told["status"], status, "{moment}");
    let readable = status == "live" && levels.iter().all(|level| *level == Standing::Clear);
    assert_eq!(told["readable"], readable, "{moment}: {told:#}");
    if readable {
        assert_eq!(told["suspended_by"], serde_json::json!([]), "{moment}");
    } else {
        assert!(told["why_not"].is_string(), "{moment}");
    }
    let Some(terms) = consent.terms() else {
        assert_eq!(told["scope"], serde_json::json!([]));
        return told;
    };
    assert_eq!(told["user"], terms.user.as_str());
    let accounts: Vec<&str> = told["scope"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["account"].as_str().unwrap())
        .collect();
    let expected = terms.scope.accounts();
    let expected: Vec<&str> = expected.iter().map(|id| id.as_str()).collect();
    assert_eq!(accounts, expected, "{moment}");
    assert_eq!(told["allowed_by"]["type"], "AccessGranted");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_at_every_boundary_of_a_life_is_the_fold_of_what_held() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let grant = rich_life(&bench).await;
    let boundaries: Vec<DateTime<Utc>> = sqlx::query_scalar(
        "SELECT DISTINCT coalesce(effective_at, recorded_at) FROM events
         WHERE aggregate_type IN ('consent', 'contract', 'partner_at_bank', 'bank') ORDER BY 1",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert!(boundaries.len() > 20, "{}", boundaries.len());
    let mut statuses = std::collections::BTreeSet::new();
    for boundary in boundaries {
        for moment in [boundary - TimeDelta::microseconds(1), boundary] {
            let told = assert_as_of(&bench, &token, &grant, moment).await;
            statuses.insert(told["status"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(
        statuses.into_iter().collect::<Vec<_>>(),
        ["absent", "live", "revoked", "suspended"]
    );
    let now = bench.ask(&token, &at(&grant, "")).await.json();
    assert_eq!(now["status"], "revoked");
    let future = Utc::now() + TimeDelta::days(1);
    let path = at(
        &grant,
        &format!(
            "?as_of={}",
            future.to_rfc3339_opts(SecondsFormat::Secs, true)
        ),
    );
    assert_eq!(
        bench.ask(&token, &path).await.code(400),
        "invalid_parameter"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_told_late_holds_from_when_it_happened_and_is_named() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let grant = bench.consent_for(TimeDelta::days(9)).await;
    let moment: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    let path = at(
        &grant,
        &format!(
            "?as_of={}",
            moment.to_rfc3339_opts(SecondsFormat::Micros, true)
        ),
    );
    assert_eq!(bench.ask(&token, &path).await.json()["readable"], true);
    tell(&bench, BankNotice::ContractClosed, TimeDelta::minutes(5)).await;
    let told = bench.ask(&token, &path).await.json();
    assert_eq!(told["readable"], false);
    assert_eq!(told["status"], "live", "its own end came later");
    assert_eq!(told["suspended_by"][0]["cause"], "contract_closed");
    assert_eq!(told["known_later"][0], told["suspended_by"][0]["event_id"]);
}

/// What each chain is made of.
async fn chains(bench: &Bench, token: &str, grant: &GrantId) -> (String, Vec<Vec<String>>) {
    let told = bench.ask(token, &at(grant, "/why")).await.json();
    let chains = told["chains"].as_array().unwrap().iter();
    let names = chains.map(|chain| {
        let links = chain.as_array().unwrap().iter();
        links
            .map(|link| {
                let code = link["code"].as_str().unwrap_or("-");
                format!("{} {code}", link["what"].as_str().unwrap())
            })
            .collect()
    });
    (told["status"].as_str().unwrap().to_owned(), names.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_stop_has_its_causes() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let bank = bank();
    let live = bench.consent_for(TimeDelta::days(100)).await;
    assert_eq!(
        chains(&bench, &token, &live).await,
        ("live".to_owned(), vec![])
    );

    let closed = rich_life(&bench).await;
    let (status, told) = chains(&bench, &token, &closed).await;
    assert_eq!(status, "revoked");
    assert_eq!(
        told,
        [[
            "AccessRevoked no_account_left",
            "AccountRemoved account_closed",
            "bank_notice account_closed"
        ]]
    );

    let revoked = bench.consent_for(TimeDelta::days(100)).await;
    let on = bench.on(&bank, &revoked, 0);
    on.revoke(
        RevokedBy::Customer,
        RevocationReason::CustomerRequest,
        by_operator(),
    )
    .await
    .unwrap();
    let told = bench.ask(&token, &at(&revoked, "/why")).await.json();
    let link = &told["chains"][0][0];
    assert_eq!(link["code"], "customer_request");
    assert_eq!(
        link["actor"],
        serde_json::json!({ "kind": "operator", "id": "tester" })
    );

    let over = bench.consent_for(TimeDelta::seconds(-1)).await;
    let (status, told) = chains(&bench, &token, &over).await;
    assert_eq!(status, "expired");
    assert_eq!(told, [["validity_passed -", "AccessGranted -"]]);
    consent::sweeper::round(&bench.replicas[0].app)
        .await
        .unwrap();
    let (_, told) = chains(&bench, &token, &over).await;
    assert_eq!(
        told,
        [["AccessExpired -", "validity_passed -", "AccessGranted -"]]
    );

    let superseded = bench.consent_for(TimeDelta::days(100)).await;
    bench.supersede(&superseded, &live, "another-client").await;
    let (status, told) = chains(&bench, &token, &superseded).await;
    assert_eq!(
        (status.as_str(), told),
        ("superseded", vec![vec![format!("AccessSuperseded {live}")]])
    );

    suspend(
        &bench,
        Level::Consent(live.clone()),
        SuspensionCause::CustomerRequest,
    )
    .await;
    suspend(&bench, partner(), SuspensionCause::SecurityIncident).await;
    suspend(&bench, Level::Bank, SuspensionCause::Other).await;
    let (status, told) = chains(&bench, &token, &live).await;
    assert_eq!(status, "suspended");
    assert_eq!(
        told,
        [
            ["AccessSuspended customer_request"],
            ["PartnerSuspended security_incident"],
            ["BankSuspended other"]
        ]
    );
    let told = bench.ask(&token, &at(&live, "/why")).await.json();
    assert_eq!(told["chains"][1][0]["level"], "partner_at_bank");
    assert_eq!(told["chains"][1][0]["actor"]["id"], "tester");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_tells_the_journey_and_the_levels_and_no_name() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let browser = browser();
    let (authorize, _) = bench.to_authorize(&browser, 0).await;
    allow(&browser, &authorize).await.expect("the end page");
    let page = bench
        .ask(&token, &format!("/v1/banks/{BANK}/consents"))
        .await
        .json();
    let grant = GrantId::parse(page["found"][0]["grant_id"].as_str().unwrap()).unwrap();
    suspend(&bench, partner(), SuspensionCause::SecurityIncident).await;

    let answer = bench.ask(&token, &at(&grant, "/story")).await;
    let story = answer.json();
    let types: Vec<String> = story["facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| {
            format!(
                "{} {}",
                fact["stream"].as_str().unwrap(),
                fact["type"].as_str().unwrap()
            )
        })
        .collect();
    for expected in [
        "journey ConsentRequested",
        "journey LoginSucceeded",
        "journey AccessAuthorized",
        "consent AccessGranted",
        "partner_at_bank PartnerSuspended",
    ] {
        let here = types.iter().any(|found| found == expected);
        assert!(here, "{expected}: {types:#?}");
    }
    assert_eq!(story["facts"][0]["type"], "ConsentRequested");
    assert_eq!(story["facts"][0]["actor"]["kind"], "partner");
    for name in ["団体", "口座メモ", "5000000", "株式会社", "dantai01"] {
        assert!(!answer.text.contains(name), "{name}");
    }
    let acts: Vec<String> = sqlx::query_scalar(
        "SELECT act FROM operator_acts WHERE subject_kind = 'consent' AND subject_id = $1",
    )
    .bind(grant.as_str())
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert_eq!(acts, ["read_story"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partner_could_read_is_told_page_by_page() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let mut grants = Vec::new();
    for days in 1..=5 {
        grants.insert(
            0,
            bench.consent_for(TimeDelta::days(days)).await.to_string(),
        );
    }
    let moment: DateTime<Utc> = sqlx::query_scalar("SELECT now()")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    bench.consent_for(TimeDelta::days(9)).await;
    suspend(&bench, partner(), SuspensionCause::SecurityIncident).await;
    let moment = moment.to_rfc3339_opts(SecondsFormat::Micros, true);
    let base = format!("/v1/banks/{BANK}/partners/id-of-partner-a/access?limit=2&as_of={moment}");
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench
            .ask(&token, &format!("{base}&cursor={cursor}"))
            .await
            .json();
        for consent in page["consents"].as_array().unwrap() {
            assert_eq!(consent["readable"], true, "the suspension came later");
            seen.push(consent["grant_id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            None => break,
            Some(next) => cursor = next.to_owned(),
        }
    }
    assert_eq!(seen, grants);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_of_another_bank_is_like_none() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let grant = bench.consent_for(TimeDelta::days(1)).await;
    let nowhere = bench
        .ask(&token, &format!("/v1/banks/{BANK}/consents/none"))
        .await;
    assert_eq!(nowhere.code(404), "not_found");
    for path in [
        format!("/v1/banks/2951/consents/{grant}"),
        format!("/v1/banks/{BANK}/consents/a%27%20OR%201=1/story"),
        format!("/v1/banks/2951/consents/{grant}/why"),
        "/v1/banks/2951/partners/id-of-partner-a/access".to_owned(),
    ] {
        let answer = bench.ask(&token, &path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.text, nowhere.text, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_bears_on_a_consent_is_one_statement_of_few_rows() {
    let bench = Bench::new().await;
    let grant = rich_life(&bench).await;
    let tap = Tap::open(&bench.service_url()).await;
    let pool = sqlx::PgPool::connect(tap.url()).await.unwrap();
    life::of_grant(&pool, &bank(), &grant, Depth::Life)
        .await
        .unwrap();
    tap.take();
    let told = life::of_grant(&pool, &bank(), &grant, Depth::Life)
        .await
        .unwrap();
    assert_eq!(tap.statements().len(), 1);
    assert_eq!(told.consent.len(), 1 + 4 + 1 + 1 + 2);
}
