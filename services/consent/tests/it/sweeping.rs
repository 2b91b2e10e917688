//! Who sweeps: every replica, but one whose settings leave it to the others, and that one says so.

use demo::agent::partner::ParRequest;

use crate::{
    bench::{Bench, Options},
    guesses_counter::until,
    store_secrets::Program,
};

/// A sample of a replica's metrics.
async fn told(program: &Program, metric: &str) -> f64 {
    let address = format!("http://{}/metrics", program.listens("operators").await);
    let answer = reqwest::get(address).await.unwrap().text().await.unwrap();
    let mut samples = answer.lines().filter_map(|line| line.split_once(' '));
    let (_, value) = samples.find(|(name, _)| *name == metric).expect(metric);
    value.parse().unwrap()
}

fn settings(bench: &Bench, sweep_milliseconds: u64) -> String {
    let other = format!("sweep_milliseconds = {sweep_milliseconds}");
    bench.settings().replace("sweep_milliseconds = 0", &other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_does_not_sweep_says_so_and_leaves_it_to_one_that_does() {
    let bench = Bench::with(Options {
        bank_settings: "journey_seconds = 1",
        ..Options::default()
    })
    .await;
    let pushed = bench.client(0).push(&ParRequest::for_both_tasks()).await;
    pushed.expect("the request is taken");
    until(async || {
        sqlx::query_scalar("SELECT bool_and(ends_at <= now()) FROM journey_current")
            .fetch_one(&bench.pool)
            .await
            .unwrap()
    })
    .await;

    let idle = Program::start(&settings(&bench, 0));
    assert_eq!(told(&idle, "renkei_sweeper_interval_seconds").await, 0.0);
    let warning = "this replica does not sweep";
    assert!(idle.logged().contains(warning), "{}", idle.logged());

    assert_eq!(bench.events("JourneyTimedOut").await, 0);
    let busy = Program::start(&settings(&bench, 200));
    until(async || bench.events("JourneyTimedOut").await == 1).await;
    assert_eq!(told(&busy, "renkei_sweeper_interval_seconds").await, 0.2);
    until(async || told(&busy, "renkei_sweeper_rounds_total").await >= 2.0).await;
    assert!(!busy.logged().contains(warning));
    assert_eq!(told(&idle, "renkei_sweeper_rounds_total").await, 0.0);
}
