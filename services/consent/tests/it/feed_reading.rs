//! What a partner reads: its own events, all of them, in the log's order, as often as it likes.

use consent::feed::{arrivals::Whose, page};
use consent_domain::{BankCode, PartnerId};
use demo::agent::partner::ParRequest;
use reqwest::Client;
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::{
    bench::{BANK, Bench},
    feed::read,
    oauth_partner::Wish,
};

fn of_partner_b() -> Wish {
    Wish {
        partner: 1,
        ..Wish::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_partner_reads_its_own_events_of_the_bank_and_no_others() {
    let bench = Bench::new().await;
    bench.register_bank("2978").await;
    bench
        .enable_only_at(&bench.partners[0], &[BANK, "2978"])
        .await;
    let of_a = bench.granted(Wish::default()).await;
    let of_b = bench.granted(of_partner_b()).await;
    bench.revoke(of_a.grant_id.as_deref().unwrap(), 0).await;
    bench.sequence().await;

    let a = bench.feed(&bench.own_token(0).await, "").await;
    let b = bench.feed(&bench.own_token(1).await, "").await;

    assert_eq!(
        a.types(),
        [
            "PartnerEnabled",
            "AccessAuthorized",
            "PartnerConnected",
            "AccessRevoked"
        ]
    );
    assert_eq!(
        b.types(),
        ["PartnerEnabled", "AccessAuthorized", "PartnerConnected"]
    );
    assert_eq!(
        a.headers["content-type"],
        "application/cloudevents-batch+json"
    );
    let issuer = bench.origin.join(BANK).unwrap();
    for (answer, grant) in [(&a, &of_a.grant_id), (&b, &of_b.grant_id)] {
        assert!(answer.sequences().is_sorted());
        for event in answer.events() {
            assert_eq!(event["source"], issuer.as_str());
        }
        assert_eq!(answer.events()[1]["subject"], grant.as_deref().unwrap());
    }
    let granted = &a.events()[1]["data"];
    assert_eq!(granted["client_id"], "partner-a");
    assert_eq!(
        granted["access"]["accounts"][0]["account_id"],
        of_a.authorization_details[0]["accounts"][0]["account_id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_gap_or_repetition_and_can_be_replayed() {
    let bench = Bench::new().await;
    let granted = bench.granted(Wish::default()).await;
    bench
        .copy_grant(granted.grant_id.as_deref().unwrap(), 30)
        .await;
    bench.sequence().await;
    let token = bench.own_token(0).await;

    let whole = bench.feed(&token, "limit=500").await;
    let (mut after, mut paged) = (0, Vec::new());
    loop {
        let page = bench.feed(&token, &format!("after={after}&limit=7")).await;
        if page.events().is_empty() {
            assert_eq!(page.next(), after);
            break;
        }
        paged.extend(page.ids().into_iter().map(str::to_owned));
        assert_eq!(page.next(), *page.sequences().last().unwrap());
        after = page.next();
    }
    let seventh = whole.sequences()[6];
    let replayed = bench
        .feed(&token, &format!("after={seventh}&limit=500"))
        .await;

    assert_eq!(whole.events().len(), 1 + 31 * 2);
    assert_eq!(paged, whole.ids());
    assert_eq!(replayed.events(), &whole.events()[7..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_can_not_be_meant_is_told_so() {
    let bench = Bench::new().await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    for query in [
        "after=1&after=2",
        "limit=0",
        "limit=501",
        "wait=31",
        "from=1",
        "after=-1",
        "after=abc",
    ] {
        let refused = bench.feed(&token, query).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "invalid_parameter"),
            "{query}"
        );
    }
    let ahead = bench.feed(&token, "after=99999").await;
    let waiting_ahead = bench.feed(&token, "after=99999&wait=30").await;
    let unknown = bench.origin.join("2999/notifications").unwrap();
    let unknown = read(Client::new().get(unknown).bearer_auth(&token)).await;
    let posted = read(Client::new().post(bench.endpoint("notifications", 0))).await;

    assert_eq!((ahead.status, ahead.code()), (400, "ahead_of_log"));
    assert_eq!(
        (waiting_ahead.status, waiting_ahead.code()),
        (400, "ahead_of_log")
    );
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
    assert_eq!((posted.status, posted.code()), (405, "invalid_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_that_can_not_be_read_stops_the_feed_of_its_partner_and_of_nobody_else() {
    let bench = Bench::new().await;
    bench.granted(Wish::default()).await;
    let insert = format!(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
             metadata, bank, partner)
         VALUES ('mandate', '{BANK}:m1', 1, 'MandateGiven', '1', '{{}}', '{{}}', '{BANK}',
             'id-of-partner-a')"
    );
    sqlx::query(&insert).execute(&bench.pool).await.unwrap();
    bench.granted(of_partner_b()).await;
    let again = Wish {
        request: ParRequest::for_both_tasks().set("grant_management_action", "create"),
        ..Wish::default()
    };
    bench.granted(again).await;
    bench.sequence().await;
    let token = bench.own_token(0).await;

    let before = bench.feed(&token, "").await;
    let at_it = bench
        .feed(&token, &format!("after={}", before.next()))
        .await;
    let of_b = bench.feed(&bench.own_token(1).await, "").await;

    assert_eq!(
        before.types(),
        ["PartnerEnabled", "AccessAuthorized", "PartnerConnected"]
    );
    assert_eq!((at_it.status, at_it.code()), (503, "event_unreadable"));
    assert_eq!(at_it.headers["retry-after"], "60");
    assert_eq!(of_b.types().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_of_a_grant_without_its_partner_can_not_be_written() {
    let bench = Bench::new().await;
    for (kind, partner) in [("consent", "NULL"), ("partner_at_bank", "NULL")] {
        let refused = sqlx::query(&format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                 payload, metadata, bank, partner)
             VALUES ('{kind}', '{BANK}:x', 1, 'AccessGranted', '1', '{{}}', '{{}}', '{BANK}', {partner})"
        ))
        .execute(&bench.pool)
        .await
        .unwrap_err();
        let constraint = refused.as_database_error().unwrap().constraint();
        assert_eq!(constraint, Some("events_of_a_partner_name_it"));
    }
}

/// Rows of the log and of the events that this connection has read so far, by index or otherwise.
async fn rows_read(one: &PgPool) -> i64 {
    sqlx::query("SELECT pg_stat_force_next_flush()")
        .execute(one)
        .await
        .unwrap();
    sqlx::query_scalar(
        "SELECT ((SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 'event%')
             + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname LIKE 'event%'))::bigint",
    )
    .fetch_one(one)
    .await
    .unwrap()
}

/// A partner with few events among another's many: rows are read in proportion to the page.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_reads_at_most_three_rows_for_each_that_it_gives() {
    let bench = Bench::new().await;
    let of_a = bench.granted(Wish::default()).await.grant_id.unwrap();
    let of_b = bench.granted(of_partner_b()).await.grant_id.unwrap();
    bench.copy_grant(&of_b, 2000).await;
    bench.copy_grant(&of_a, 300).await;
    bench.copy_grant(&format!("{of_b}-1"), 2000).await;
    bench.sequence().await;
    let one = PgPoolOptions::new()
        .max_connections(1)
        .connect(&bench.service_url())
        .await
        .unwrap();
    let whose = Whose {
        bank: BankCode::parse(BANK).unwrap(),
        partner: PartnerId::parse("id-of-partner-a").unwrap(),
    };
    let names = &bench.replicas[0].app.feed.names;

    for (after, limit) in [(0, 100), (4301, 100), (0, 500)] {
        let before = rows_read(&one).await;
        let mut connection = one.acquire().await.unwrap();
        let page = page::read(&mut connection, names, whose.clone(), after, limit).await;
        drop(connection);
        let given = i64::try_from(page.unwrap().events.len()).unwrap();
        let read = rows_read(&one).await - before;
        assert!(given >= 100, "{given}");
        assert!(read >= 2 * given, "not counted: {read} for {given}");
        assert!(read <= 3 * given, "after {after}: {read} for {given}");
    }
}
