//! Long polls: they wake when something comes for the partner, end in time, and are bounded.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::{bench::Bench, oauth_partner::Wish};

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_request_is_answered_when_an_event_comes_on_whichever_replica() {
    let bench = Bench::replicas(2).await;
    let granted = bench.granted(Wish::default()).await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let after = bench.feed(&token, "").await.next();
    let query = format!("after={after}&wait=30");

    let started = Instant::now();
    let (first, second, ()) = tokio::join!(
        bench.feed_at(0, &token, &query),
        bench.feed_at(1, &token, &query),
        async {
            waiting(&bench, 2).await;
            bench.revoke(granted.grant_id.as_deref().unwrap(), 0).await;
            bench.sequence().await;
        }
    );

    assert_eq!(first.types(), ["AccessRevoked"]);
    assert_eq!(second.events(), first.events());
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "it was waited out"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_event_wakes_nobody_and_the_wait_ends_in_its_time() {
    let bench = Bench::new().await;
    bench.granted(Wish::default()).await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let after = bench.feed(&token, "").await.next();

    let started = Instant::now();
    let query = format!("after={after}&wait=2");
    let (empty, ()) = tokio::join!(bench.feed(&token, &query), async {
        waiting(&bench, 1).await;
        bench
            .granted(Wish {
                partner: 1,
                ..Wish::default()
            })
            .await;
        bench.sequence().await;
    });

    assert!(empty.events().is_empty());
    assert_eq!(empty.next(), after);
    assert!(started.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_partner_can_not_take_all_places_to_wait() {
    let bench = Bench::new().await;
    bench.sequence().await;
    let (of_a, of_b) = (bench.own_token(0).await, bench.own_token(1).await);
    let after = bench.feed(&of_a, "").await.next();
    let query = format!("after={after}&wait=30");

    let many = join_all((0..12).map(|_| bench.feed(&of_a, &query)));
    let (many, other) = tokio::join!(many, async {
        waiting(&bench, 8).await;
        let after = bench.feed(&of_b, "").await.next();
        let other = bench.feed(&of_b, &format!("after={after}&wait=1")).await;
        // Nobody has to wait until the end of the thirty seconds.
        bench.replicas[0].app.feed.arrivals.close();
        other
    });

    let refused = many.iter().filter(|read| read.status == 429);
    assert_eq!(refused.count(), 4);
    for read in many.iter().filter(|read| read.status != 429) {
        assert!(read.events().is_empty());
    }
    assert!(other.events().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_revoked_in_the_meantime_gets_nothing() {
    let bench = Bench::new().await;
    let granted = bench.granted(Wish::default()).await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let after = bench.feed(&token, "").await.next();

    let query = format!("after={after}&wait=30");
    let (refused, ()) = tokio::join!(bench.feed(&token, &query), async {
        waiting(&bench, 1).await;
        let presented = crate::oauth_partner::pairs(&[("token", &token)]);
        let revoke = bench.endpoint("revoke", 0);
        crate::oauth_partner::post(&bench.client(0), &revoke, &presented).await;
        bench.revoke(granted.grant_id.as_deref().unwrap(), 0).await;
        bench.sequence().await;
    });

    assert_eq!((refused.status, refused.code()), (401, "invalid_token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_answers_those_who_wait() {
    let mut bench = Bench::replicas(2).await;
    bench.sequence().await;
    let token = bench.own_token(0).await;
    let after = bench.feed(&token, "").await.next();
    let stopping = bench.replicas.pop().unwrap();
    let url = format!(
        "http://{}/2963/notifications?after={after}&wait=30",
        stopping.public
    );
    let arrivals = stopping.app.feed.arrivals.clone();

    let started = Instant::now();
    let (read, ()) = tokio::join!(
        crate::feed::read(reqwest::Client::new().get(url).bearer_auth(&token)),
        async {
            while arrivals.count() < 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stopping.stop().await;
        }
    );

    assert!(read.events().is_empty());
    assert!(started.elapsed() < Duration::from_secs(30));
}

/// Until so many requests wait, on all replicas together.
async fn waiting(bench: &Bench, count: usize) {
    while bench
        .replicas
        .iter()
        .map(|replica| replica.app.feed.arrivals.count())
        .sum::<usize>()
        < count
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
