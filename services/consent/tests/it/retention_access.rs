//! Months of the access record leave whole when they are past their time; what is held stays.

use consent::{
    retention::legal_hold::{self, Held},
    sweeper,
};
use consent_domain::{ContractId, GrantId};

use crate::{
    bench::{BANK, Bench},
    retention_given::{as_owner, bank, count, order, owner, waits_for_a_lock},
};

/// A read of each of two grants in a month that lies so many months back.
async fn read_months_ago(bench: &Bench, months: u32) {
    let at = format!("now() - interval '{months} months'");
    as_owner(
        bench,
        &format!(
            "SELECT make_access_records_partition({at});
             INSERT INTO access_records (record_id, occurred_at, bank, grant_id, contract, client, partner,
                 task, rows, jti, request_id)
             SELECT gen_random_uuid(), {at}, '{BANK}', grant_id, contract, 'client', 'partner', 'accounts', 1,
                 gen_random_uuid(), 'r'
             FROM (VALUES ('11111111-1111-4111-8111-111111111111', 'c-held'),
                          ('22222222-2222-4222-8222-222222222222', 'c-other')) AS g (grant_id, contract)"
        ),
    )
    .await;
}

async fn look(bench: &Bench) {
    sweeper::look_for_what_is_over(&bench.replicas[0].app)
        .await
        .unwrap();
}

async fn partitions(bench: &Bench) -> i64 {
    count(
        bench,
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'access_records'::regclass",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_past_its_time_leaves_whole_and_the_next_one_stays() {
    let bench = Bench::new().await;
    let before = partitions(&bench).await;
    read_months_ago(&bench, 62).await;
    // Of this month some days are not five years old.
    read_months_ago(&bench, 60).await;
    assert_eq!(partitions(&bench).await, before + 2);

    look(&bench).await;

    assert_eq!(partitions(&bench).await, before + 1);
    assert_eq!(
        count(&bench, "SELECT count(*) FROM access_records").await,
        2
    );
    let refused = sqlx::query("SELECT remove_access_records(interval '2 months')")
        .execute(&bench.pool)
        .await;
    assert!(refused.is_err(), "the service can't be made to forget more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_contracts_reads_stay_when_their_month_is_over_and_the_others_go() {
    let bench = Bench::new().await;
    let before = partitions(&bench).await;
    read_months_ago(&bench, 62).await;
    let held = Held::Contract(ContractId::parse("c-held").unwrap());
    let hold = legal_hold::place(&mut owner(&bench).await, &bank(), &held, &order())
        .await
        .unwrap();

    look(&bench).await;
    let left: Vec<String> = sqlx::query_scalar("SELECT contract FROM access_records")
        .fetch_all(&bench.pool)
        .await
        .unwrap();
    assert_eq!(left, ["c-held"]);

    assert!(
        legal_hold::lift(&mut owner(&bench).await, hold, &order())
            .await
            .unwrap()
    );
    look(&bench).await;
    assert_eq!(partitions(&bench).await, before);
}

/// The hold is being placed, and has not committed, when the sweeper comes: it waits, and sees the hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_comes_while_a_hold_is_placed_waits_for_it() {
    use sqlx::Connection as _;
    let bench = Bench::new().await;
    let grant = "11111111-1111-4111-8111-111111111111";
    read_months_ago(&bench, 62).await;
    as_owner(
        &bench,
        &format!(
            "INSERT INTO evidence_records (bank, journey_id, grant_id, sealed, sha256, retain_until) VALUES
                 ('{BANK}', 'held', '{grant}', '\\x00', '', now() - interval '1 minute'),
                 ('{BANK}', 'other', 'another', '\\x00', '', now() - interval '1 minute')"
        ),
    )
    .await;
    let mut holder = owner(&bench).await;
    let mut open = holder.begin().await.unwrap();
    let held = Held::Grant(GrantId::parse(grant).unwrap());
    legal_hold::place(&mut open, &bank(), &held, &order())
        .await
        .unwrap();
    let sweeping = look(&bench);
    tokio::pin!(sweeping);
    waits_for_a_lock(&bench, &mut sweeping).await;
    open.commit().await.unwrap();
    sweeping.await;

    let evidence: Vec<String> = sqlx::query_scalar("SELECT journey_id FROM evidence_records")
        .fetch_all(&bench.pool)
        .await
        .unwrap();
    assert_eq!(evidence, ["held"]);
    let reads: Vec<String> = sqlx::query_scalar("SELECT grant_id FROM access_records")
        .fetch_all(&bench.pool)
        .await
        .unwrap();
    assert_eq!(reads, [grant]);
}
