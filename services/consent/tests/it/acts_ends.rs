//! What ended, whether everybody was told of it, and whom a partner's doings concern.

use chrono::{TimeDelta, Utc};
use consent::{
    operator::Role,
    store::{Actor, CommandContext},
    sweeper,
};
use consent_domain::{
    GrantId,
    consent::{ConsentRefusal, ConsentStream, RemovalReason, RevocationReason, RevokedBy},
    scope::Scope,
};
use serde_json::{Value, json};
use sqlx::{PgPool, types::Uuid};

use crate::{
    acts_given::at_bank,
    bench::{BANK, Bench},
    guesses_counter::until,
    journey_customer::{FIRST_ID, FOURTH_ID},
    lifecycle_given::{USER, account, bank, by_operator, journey, terms},
};

const LONG: TimeDelta = TimeDelta::days(360);

async fn superuser(bench: &Bench) -> PgPool {
    PgPool::connect(bench.database.url()).await.unwrap()
}

async fn revoke(bench: &Bench, grant: &GrantId) {
    let (bank, why) = (bank(), RevocationReason::Fraud);
    let done = bench
        .on(&bank, grant, 0)
        .revoke(RevokedBy::Bank, why, by_operator());
    done.await.unwrap();
}

/// The whole of today, give or take a day.
fn around_now() -> String {
    let time = |days| {
        let time = Utc::now() + TimeDelta::days(days);
        time.to_rfc3339().replace('+', "%2B")
    };
    format!("from={}&to={}", time(-1), time(1))
}

async fn ended(bench: &Bench, token: &str, rest: &str) -> Vec<Value> {
    let path = at_bank(&format!("ended-consents?{}{rest}", around_now()));
    let page = bench.ask(token, &path).await.json();
    page["consents"].as_array().unwrap().clone()
}

async fn states(bench: &Bench, token: &str) -> (String, String, String, String, bool) {
    let ends = ended(bench, token, "").await;
    let word = |name: &str| ends[0][name].as_str().unwrap().to_owned();
    let arrived = ends[0]["all_arrived"].as_bool().unwrap();
    (
        word("mail"),
        word("kafka"),
        word("poll"),
        word("push"),
        arrived,
    )
}

fn expected(
    mail: &str,
    kafka: &str,
    poll: &str,
    push: &str,
    arrived: bool,
) -> (String, String, String, String, bool) {
    (mail.into(), kafka.into(), poll.into(), push.into(), arrived)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_says_when_by_whom_and_why_and_pages_follow_each_other() {
    let bench = Bench::new().await;
    let token = bench.operator("sato", Role::Auditor).await;
    let revoked = bench.consent_for(LONG).await;
    let superseded = bench.consent_for(LONG).await;
    let live = bench.consent_for(LONG).await;
    revoke(&bench, &revoked).await;
    bench.supersede(&superseded, &live, "another-client").await;
    let late = bench.consent_for(TimeDelta::milliseconds(-1)).await;
    sweeper::round(&bench.replicas[0].app).await.unwrap();

    let ends = ended(&bench, &token, "").await;
    let told: Vec<[&str; 3]> = ends
        .iter()
        .map(|end| {
            let word = |name: &str| end[name].as_str().unwrap_or("-");
            [word("grant_id"), word("status"), word("actor_kind")]
        })
        .collect();
    assert_eq!(
        told,
        [
            [revoked.as_str(), "revoked", "operator"],
            [superseded.as_str(), "superseded", "operator"],
            [late.as_str(), "expired", "system"],
        ]
    );
    assert_eq!(
        (&ends[0]["by"], &ends[0]["reason"]),
        (&json!("bank"), &json!("fraud"))
    );
    assert_eq!(ends[0]["actor_id"], "tester");
    assert_eq!(
        (&ends[1]["by"], ends[1]["superseded_by"].as_str()),
        (&Value::Null, Some(live.as_str()))
    );
    let time =
        |name: &str| chrono::DateTime::parse_from_rfc3339(ends[2][name].as_str().unwrap()).unwrap();
    assert!(
        time("effective_at") < time("ended_at"),
        "the clock was first"
    );

    let path = at_bank(&format!("ended-consents?{}&limit=2", around_now()));
    let first = bench.ask(&token, &path).await.json();
    assert_eq!(first["consents"].as_array().unwrap().len(), 2);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = bench
        .ask(&token, &format!("{path}&cursor={cursor}"))
        .await
        .json();
    assert_eq!(second["consents"], json!([ends[2]]));
    assert!(second["next_cursor"].is_null());
    let csv = bench.ask(&token, &format!("{path}&format=csv")).await;
    assert_eq!(
        (csv.status, csv.text.lines().count()),
        (200, 4),
        "{}",
        csv.text
    );
    let nobodys = ended(&bench, &token, "&partner=id-of-partner-b").await;
    assert!(nobodys.is_empty());
    let act = Uuid::new_v4();
    assert!(
        ended(&bench, &token, &format!("&causation_id={act}"))
            .await
            .is_empty()
    );
    for bad in [
        "from=x&to=y",
        "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
    ] {
        let refused = bench
            .ask(&token, &at_bank(&format!("ended-consents?{bad}")))
            .await;
        assert_eq!(refused.code(400), "invalid_parameter");
    }
}

/// The mail was not sent yet, whatever the replica's first sweep did with it.
async fn mail_waits(bench: &Bench) {
    until(async || {
        sweeper::round(&bench.replicas[0].app).await.unwrap();
        sqlx::query_scalar("SELECT bool_and(sent_at IS NOT NULL) FROM notices")
            .fetch_one(&bench.pool)
            .await
            .unwrap()
    })
    .await;
    sqlx::query("UPDATE notices SET sent_at = NULL, next_try_at = now() + interval '1 hour'")
        .execute(&bench.pool)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn each_notice_of_an_end_is_followed_until_it_has_arrived() {
    let bench = Bench::new().await;
    let token = bench.operator("sato", Role::Auditor).await;
    let grant = bench.consent_for(LONG).await;
    revoke(&bench, &grant).await;
    let owner = superuser(&bench).await;

    mail_waits(&bench).await;
    let nothing_yet = expected("waiting", "waiting", "not_polled", "no_target", false);
    assert_eq!(states(&bench, &token).await, nothing_yet);
    assert_eq!(ended(&bench, &token, "&notices=outstanding").await.len(), 1);

    // The bank takes the mail; the relay has published all that there is.
    sqlx::query("UPDATE notices SET next_try_at = now()")
        .execute(&bench.pool)
        .await
        .unwrap();
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    bench.sequence().await;
    let publish =
        "INSERT INTO relay_positions (published_to) SELECT global_sequence - $1 FROM sequencer
        ON CONFLICT (one) DO UPDATE SET published_to = excluded.published_to";
    sqlx::query(publish)
        .bind(1_i64)
        .execute(&owner)
        .await
        .unwrap();
    let logged = expected("sent", "waiting", "not_polled", "no_target", false);
    assert_eq!(states(&bench, &token).await, logged, "all but the last");
    sqlx::query(publish)
        .bind(0_i64)
        .execute(&owner)
        .await
        .unwrap();
    let published = expected("sent", "published", "not_polled", "no_target", true);
    assert_eq!(states(&bench, &token).await, published);
    assert!(
        ended(&bench, &token, "&notices=outstanding")
            .await
            .is_empty()
    );

    // The partner polls, and acknowledges.
    let own = bench.own_token(0).await;
    let ask = json!({ "returnImmediately": true });
    let polled = bench.poll(0, &own, &ask).await;
    let handed_out = expected("sent", "published", "handed_out", "no_target", false);
    assert_eq!(states(&bench, &token).await, handed_out);
    let ids: Vec<&String> = polled.body["sets"].as_object().unwrap().keys().collect();
    bench
        .poll(0, &own, &json!({ "ack": ids, "maxEvents": 0 }))
        .await;
    let acknowledged = expected("sent", "published", "acknowledged", "no_target", true);
    assert_eq!(states(&bench, &token).await, acknowledged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_event_and_a_push_that_stands_still_are_told() {
    let bench = Bench::new().await;
    let token = bench.operator("sato", Role::Auditor).await;
    let grant = bench.consent_for(LONG).await;
    let owner = superuser(&bench).await;
    bench.sequence().await;
    sqlx::query(
        "INSERT INTO push_targets (bank, partner, client_id, url, set_by, delivered_to)
         SELECT $1, 'id-of-partner-a', 'partner-a', 'http://127.0.0.1:1/', 'tester', global_sequence
         FROM sequencer",
    )
    .bind(BANK)
    .execute(&owner)
    .await
    .unwrap();
    revoke(&bench, &grant).await;
    bench.sequence().await;
    for sql in [
        "INSERT INTO relay_positions (published_to) SELECT global_sequence FROM sequencer",
        "INSERT INTO parked_events (global_sequence, event_id, aggregate_type, aggregate_id, state, cause)
         SELECT global_sequence, event_id, aggregate_type, aggregate_id, 'parked', 'too_large' FROM event_log
         ORDER BY global_sequence DESC LIMIT 1",
    ] {
        sqlx::query(sql).execute(&owner).await.unwrap();
    }
    mail_waits(&bench).await;
    let standing = expected("waiting", "parked", "not_polled", "waiting", false);
    assert_eq!(states(&bench, &token).await, standing);
}

/// Notes a read as account-api would.
async fn read_under(bench: &Bench, grant: &GrantId, at: &str) {
    sqlx::query(&format!(
        "INSERT INTO access_records (record_id, occurred_at, bank, grant_id, contract, client, partner, task,
            account, rows, jti, request_id)
         VALUES (gen_random_uuid(), {at}, $1, $2, 'c', 'partner-a', 'id-of-partner-a', 'balance', $3, 1,
            gen_random_uuid(), 'r')"
    ))
    .bind(BANK)
    .bind(grant.as_str())
    .bind(FIRST_ID)
    .execute(&bench.pool)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_concerns_whoever_had_a_live_consent_then_with_what_it_allowed_then() {
    let bench = Bench::new().await;
    let token = bench.operator("sato", Role::Auditor).await;
    let (bank, kept) = (bank(), bench.consent_for(LONG).await);
    let gone_before = bench.consent_for(LONG).await;
    revoke(&bench, &gone_before).await;
    let from: chrono::DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    // Within the time: one account leaves, and the scope changes to another.
    let leaves = account(FIRST_ID);
    let removed = bench.on(&bank, &kept, 0).remove_account(
        &leaves,
        RevokedBy::Bank,
        RemovalReason::Other,
        by_operator(),
    );
    removed.await.unwrap();
    read_under(&bench, &kept, "now()").await;
    let to: chrono::DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    let begun_after = bench.consent_for(LONG).await;
    read_under(&bench, &begun_after, "now()").await;

    let window = |from: chrono::DateTime<Utc>, to: chrono::DateTime<Utc>| {
        let time = |time: chrono::DateTime<Utc>| time.to_rfc3339().replace('+', "%2B");
        format!(
            "partners/id-of-partner-a/affected-consents?from={}&to={}",
            time(from),
            time(to)
        )
    };
    let page = bench.ask(&token, &at_bank(&window(from, to))).await.json();
    let consents = page["consents"].as_array().unwrap();
    assert_eq!(consents.len(), 1, "{page}");
    assert_eq!(consents[0]["grant_id"], kept.as_str());
    assert_eq!(consents[0]["users"], json!([USER]));
    let mut accounts = [FIRST_ID, FOURTH_ID];
    accounts.sort_unstable();
    let told: Vec<&str> = consents[0]["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["account"].as_str().unwrap())
        .collect();
    assert_eq!(told, accounts, "also the one that left in that time");
    assert_eq!(
        (consents[0]["reads"].as_i64(), consents[0]["rows"].as_i64()),
        (Some(1), Some(1))
    );

    // Afterwards the account is out, and nothing was read under it.
    let later = bench
        .ask(
            &token,
            &at_bank(&window(to, Utc::now() + TimeDelta::days(1))),
        )
        .await
        .json();
    let later = later["consents"].as_array().unwrap();
    let told: Vec<(&str, usize, i64)> = later
        .iter()
        .map(|it| {
            let accounts = it["accounts"].as_array().unwrap().len();
            (
                it["grant_id"].as_str().unwrap(),
                accounts,
                it["reads"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(kept.as_str(), 1, 0), (begun_after.as_str(), 2, 1)]);
    let ndjson = bench
        .ask(
            &token,
            &at_bank(&format!("{}&format=ndjson", window(from, to))),
        )
        .await;
    assert_eq!(ndjson.text.lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_goes_on_over_many_pages() {
    let bench = Bench::new().await;
    let token = bench.operator("sato", Role::Auditor).await;
    let app = &bench.replicas[0].app;
    for _ in 0..505 {
        let grant = GrantId::parse(Uuid::new_v4().to_string()).unwrap();
        let context = CommandContext {
            bank: Some(BANK.to_owned()),
            partner: Some("id-of-partner-a".to_owned()),
            ..CommandContext::of(Actor::System)
        };
        let begun = app.bus.execute::<ConsentStream, ConsentRefusal>(
            format!("{BANK}:{grant}"),
            context,
            |consent, now| {
                let mut said = terms(now + LONG);
                said.scope = Scope::from_iter(said.scope.iter().take(1).cloned());
                Ok(vec![consent.grant(
                    &journey(),
                    said,
                    consent_domain::consent::Place::Beside,
                )?])
            },
            |_, _, _| Vec::new(),
        );
        begun.await.map(drop).unwrap();
    }
    let path = format!(
        "partners/id-of-partner-a/affected-consents?{}&format=csv",
        around_now()
    );
    let csv = bench.ask(&token, &at_bank(&path)).await;
    assert_eq!(csv.text.lines().count(), 1 + 505);
}
