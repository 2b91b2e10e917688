use std::time::Duration;

use consent_relay::{
    committed_tail::{Appended, CommittedTail as _},
    lineage,
};
use tokio::time::Instant;

use crate::bench::{Bench, append, eventually, log};

const SHORT: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_and_another_takes_over_when_the_lease_is_over() {
    let bench = Bench::new().await;
    let first = bench.lease("first", SHORT);
    let second = bench.lease("second", SHORT);

    let led = first.acquire().await.unwrap().expect("free");
    assert_eq!(second.acquire().await.unwrap(), None, "two lead");
    assert!(first.renew(&led).await.unwrap().is_some());
    let mut taken = None;
    eventually("the second takes over", async || {
        taken = second.acquire().await.unwrap();
        taken.is_some()
    })
    .await;

    assert_eq!(taken.unwrap().fence, led.fence + 1);
    assert_eq!(
        first.renew(&led).await.unwrap(),
        None,
        "the first still thinks that it leads"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_given_back_is_free_at_once() {
    let bench = Bench::new().await;
    let (first, second) = (
        bench.lease("first", Duration::from_secs(60)),
        bench.lease("second", Duration::from_secs(60)),
    );
    let term = first.acquire().await.unwrap().unwrap();
    let asked = Instant::now();

    first.release(&term).await.unwrap();

    assert!(second.acquire().await.unwrap().is_some());
    assert!(asked.elapsed() < Duration::from_secs(5));
}

/// As after SIGSTOP: the old leader knows nothing of the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_stood_still_appends_nothing_when_it_goes_on() {
    let bench = Bench::new().await;
    let tail = bench.tail();
    let old = bench.lease("old", SHORT).acquire().await.unwrap().unwrap();
    assert!(lineage::confirm(&bench.relay, &old).await.unwrap());
    append(&bench.service, "s", 1).await;
    let mut new = None;
    let successor = bench.lease("new", Duration::from_secs(600));
    eventually("the successor leads", async || {
        new = successor.acquire().await.unwrap();
        new.is_some()
    })
    .await;

    let stale = tail.append(&old, 10).await.unwrap();
    let after_stale = log(&bench.relay).await.len();
    let fresh = bench.append_all(&new.unwrap()).await;

    assert_eq!(stale, Appended::Fenced);
    assert_eq!(after_stale, 0);
    assert_eq!(fresh, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ran_out_appends_nothing_even_where_nobody_took_over() {
    let bench = Bench::new().await;
    let lease = bench.lease("late", SHORT);
    let term = lease.acquire().await.unwrap().unwrap();
    assert!(lineage::confirm(&bench.relay, &term).await.unwrap());
    append(&bench.service, "s", 1).await;
    eventually("the lease is over", async || {
        lease.renew(&term).await.unwrap().is_none() || {
            tokio::time::sleep(SHORT * 2).await;
            false
        }
    })
    .await;

    assert_eq!(
        bench.tail().append(&term, 10).await.unwrap(),
        Appended::Fenced
    );
}

/// Two relays with the same database, both sure that they lead: one log, without a gap or a repetition.
#[tokio::test(flavor = "multi_thread")]
async fn two_that_append_at_once_make_one_dense_log() {
    let bench = Bench::new().await;
    let term = bench.lead().await;
    for sequence in 1..=200 {
        append(&bench.service, "s", sequence).await;
    }
    let run = || {
        let (tail, term) = (bench.tail(), term.clone());
        tokio::spawn(async move {
            while let Appended::Events { count: 1.., .. } = tail.append(&term, 7).await.unwrap() {}
        })
    };

    let (one, two, three) = tokio::join!(run(), run(), run());

    one.and(two).and(three).unwrap();
    bench.append_all(&term).await;
    let numbers: Vec<(i64, i64)> = log(&bench.relay)
        .await
        .into_iter()
        .map(|(number, _, sequence, _)| (number, sequence))
        .collect();
    assert_eq!(numbers, (1..=200).map(|n| (n, n)).collect::<Vec<_>>());
}
