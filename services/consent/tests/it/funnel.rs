//! How far journeys come: counted from the log once, kept when the journeys are gone.

use chrono::{Days, NaiveDate, TimeDelta, Utc};
use consent::funnel::{Funnel, FunnelStep, Leaving, Period, count_ended, read};
use consent_domain::{BankCode, PartnerId};
use demo::agent::walk::{allow, choose_accounts, return_address};

use crate::{
    bench::{BANK, Bench, FIRST, browser, ticked},
    journey_customer::{cancel_form, decline_form, send_on},
};

fn today() -> NaiveDate {
    (Utc::now() + TimeDelta::hours(9)).date_naive()
}

/// Yesterday to tomorrow: a test may run over midnight.
fn around_today() -> Period {
    let day = today();
    Period::try_new(day - Days::new(1), day + Days::new(1)).unwrap()
}

async fn funnel(bench: &Bench, partner: Option<&str>) -> Funnel {
    let partner = partner.map(|id| PartnerId::parse(id).unwrap());
    let bank = BankCode::parse(BANK).unwrap();
    read(&bench.pool, &bank, around_today(), partner.as_ref())
        .await
        .expect("the funnel")
}

fn came(funnel: &Funnel) -> Vec<i64> {
    FunnelStep::ALL
        .iter()
        .map(|step| funnel.came_to(*step))
        .collect()
}

async fn cancel_at_accounts(bench: &Bench, partner: usize) {
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, partner).await;
    send_on(&browser, &cancel_form(&accounts)).await;
}

async fn walk_to_a_token(bench: &Bench) {
    let browser = browser();
    let (authorize, pushed) = bench.to_authorize(&browser, 0).await;
    let end = allow(&browser, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    let tokens = bench.client(0).complete(&returned, &pushed).await;
    tokens.expect("tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_journey_stands_where_it_ended_and_why() {
    // Given journeys that end in different ways, and one that goes on
    let bench = Bench::new().await;
    walk_to_a_token(&bench).await;
    cancel_at_accounts(&bench, 0).await;
    cancel_at_accounts(&bench, 1).await;
    let declining = browser();
    let (authorize, _) = bench.to_authorize(&declining, 1).await;
    send_on(&declining, &decline_form(&authorize)).await;
    let mistyping = browser();
    let (accounts, _) = bench.to_accounts(&mistyping, 0).await;
    choose_accounts(&mistyping, &accounts, &[ticked(FIRST, "0000")])
        .await
        .expect("step 5");

    // When the log has them and is counted
    bench.sequence().await;
    count_ended(&bench.pool).await.expect("the counts");

    // Then
    let all = funnel(&bench, None).await;
    assert_eq!(came(&all), [5, 5, 5, 5, 3, 2, 1]);
    assert_eq!(all.went_on(FunnelStep::Connect), 1);
    let at_accounts: Vec<_> = all.reasons_at(FunnelStep::Accounts).collect();
    assert_eq!(at_accounts, [(Leaving::Cancelled, 2)]);
    let at_confirm: Vec<_> = all.reasons_at(FunnelStep::Confirm).collect();
    assert_eq!(at_confirm, [(Leaving::Open, 1)]);
    let at_authorize: Vec<_> = all.reasons_at(FunnelStep::Authorize).collect();
    assert_eq!(at_authorize, [(Leaving::Declined, 1)]);
    assert_eq!(all.rejected_rows.get("pin_mismatch"), Some(&1));
    assert_eq!(all.weeks.iter().map(|week| week.ended).sum::<i64>(), 4);
    assert_eq!(all.uncounted, 0);

    // And of one partner only its own; the table of partners names both either way
    let of_b = funnel(&bench, Some("id-of-partner-b")).await;
    assert_eq!(came(&of_b), [2, 2, 2, 2, 1, 1, 0]);
    let partners: Vec<_> = of_b
        .partners
        .iter()
        .map(|row| {
            (
                row.partner.as_str(),
                row.ended,
                row.authorized,
                row.connected,
            )
        })
        .collect();
    assert_eq!(
        partners,
        [("id-of-partner-a", 2, 1, 1), ("id-of-partner-b", 2, 0, 0)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_count_at_once_count_each_end_once() {
    let bench = Bench::new().await;
    for _ in 0..3 {
        cancel_at_accounts(&bench, 0).await;
    }
    bench.sequence().await;
    let counting: Vec<_> = (0..8)
        .map(|_| {
            let pool = bench.pool.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    count_ended(&pool).await.expect("the counts");
                }
            })
        })
        .collect();
    for task in counting {
        task.await.expect("no panic");
    }
    let all = funnel(&bench, None).await;
    assert_eq!(all.left_at(FunnelStep::Accounts), 3);

    // What comes later is added to the same day.
    cancel_at_accounts(&bench, 0).await;
    bench.sequence().await;
    count_ended(&bench.pool).await.expect("the counts");
    let all = funnel(&bench, None).await;
    assert_eq!(all.left_at(FunnelStep::Accounts), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_stay_when_the_journeys_have_left() {
    let bench = Bench::new().await;
    cancel_at_accounts(&bench, 0).await;
    bench.sequence().await;
    count_ended(&bench.pool).await.expect("the counts");
    // As after its time in the read models.
    let owner = sqlx::PgPool::connect(&bench.owner_url()).await.unwrap();
    sqlx::query("DELETE FROM journey_current")
        .execute(&owner)
        .await
        .expect("the owner may");
    owner.close().await;
    let all = funnel(&bench, None).await;
    assert_eq!(came(&all), [1, 1, 1, 1, 0, 0, 0]);
}
