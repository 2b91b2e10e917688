//! A rotation from its beginning to its end, while partners read.

use std::{
    net::TcpListener,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use consent::signing_keys::{Readiness, RotationError};
use demo::agent::partner::Tokens;
use url::Url;

use crate::{
    bench::{Bench, Options},
    guesses_counter::until,
    oauth_partner::Wish,
    signing_keys_given::{base_url, order, read},
};

/// What readers met.
#[derive(Default)]
struct Met {
    /// The key of each access token that a read was done with.
    kids: Mutex<Vec<String>>,
    failures: Mutex<Vec<String>>,
}

impl Met {
    async fn reads(&self, api: &Url, tokens: &Tokens, account: &str) {
        match read(api, &tokens.access_token, account).await {
            Ok(_) => self.kids.lock().unwrap().push(tokens.kid().unwrap()),
            Err(error) => self.failures.lock().unwrap().push(format!("{error:?}")),
        }
        // A failed read may be one without a wait, and then nobody else's turn would come.
        tokio::task::yield_now().await;
    }

    fn count(&self) -> usize {
        self.kids.lock().unwrap().len()
    }

    fn failed(&self) -> bool {
        !self.failures.lock().unwrap().is_empty()
    }

    fn count_of(&self, kid: &str) -> usize {
        let kids = self.kids.lock().unwrap();
        kids.iter().filter(|of| *of == kid).count()
    }
}

/// Waits for so many more reads.
async fn more_reads(met: &Met, reads: usize) {
    let before = met.count();
    until(async || met.count() >= before + reads || met.failed()).await;
    let failures = met.failures.lock().unwrap();
    assert!(failures.is_empty(), "{failures:?} of {}", met.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_fails_while_keys_are_rotated_on_two_replicas() {
    let bench = Bench::with(Options {
        replicas: 2,
        signing_keys_milliseconds: 100,
        ..Options::default()
    })
    .await;
    let bench = Arc::new(bench);
    let tokens = bench.granted(Wish::default()).await;
    let account = tokens.account_ids()[0].clone();
    let first = tokens.kid().unwrap();
    let servers = [bench.account_api(0), bench.account_api(1)];
    let (old, new) = (Arc::new(Met::default()), Arc::new(Met::default()));
    let old_token_lives = Arc::new(AtomicBool::new(true));
    let running = Arc::new(AtomicBool::new(true));
    let mut readers = Vec::new();
    for (replica, server) in servers.iter().enumerate() {
        let api = base_url(server);
        // One goes on with the token that it has, as long as that lives.
        let (met, lives, account_of) = (old.clone(), old_token_lives.clone(), account.clone());
        let (token, at) = (tokens.clone(), api.clone());
        readers.push(tokio::spawn(async move {
            while lives.load(Ordering::SeqCst) {
                met.reads(&at, &token, &account_of).await;
            }
        }));
        // The other takes a new token for each read, of the other replica.
        let (met, running, account) = (new.clone(), running.clone(), account.clone());
        let (bench, tokens) = (bench.clone(), tokens.clone());
        readers.push(tokio::spawn(async move {
            while running.load(Ordering::SeqCst) {
                let fresh = bench.refreshed(&tokens, 1 - replica).await;
                met.reads(&api, &fresh, &account).await;
            }
        }));
    }
    more_reads(&old, 10).await;
    more_reads(&new, 10).await;
    let second = bench.rotation().await.publish(None, &order()).await;
    let second = second.unwrap().kid;
    for replica in 0..2 {
        until(async || bench.key_set(replica).await.contains(&second)).await;
    }
    more_reads(&new, 10).await;
    let mut rotation = bench.rotation().await;
    let early = rotation.activate(&second, Readiness::Known, &order()).await;
    let early = early.unwrap_err();
    bench.let_the_publication_age(&second).await;
    let activated = rotation.activate(&second, Readiness::Known, &order()).await;
    let activated = activated.unwrap();
    until(async || new.count_of(&second) >= 20).await;
    more_reads(&old, 10).await;
    old_token_lives.store(false, Ordering::SeqCst);
    bench
        .as_owner(
            "UPDATE signing_keys SET retired_at = retired_at - interval '12 minutes'
             WHERE state = 'retired'",
        )
        .await;
    for replica in 0..2 {
        until(async || bench.key_set(replica).await == [second.clone()]).await;
    }
    more_reads(&new, 10).await;
    running.store(false, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }

    assert!(matches!(early, RotationError::TooEarly { .. }), "{early}");
    assert_eq!(activated.retired, Some(first.clone()));
    assert_eq!(activated.breaks, None);
    for met in [&old, &new] {
        let failures = met.failures.lock().unwrap();
        assert!(failures.is_empty(), "{failures:?} of {}", met.count());
    }
    assert!(old.count_of(&first) >= 20 && old.count_of(&second) == 0);
    assert!(new.count_of(&first) >= 20 && new.count_of(&second) >= 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activation_that_is_cut_off_changed_nothing_and_is_repeated() {
    let bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let first = tokens.kid().unwrap();
    let second = bench.published_long_ago().await.kid;
    // The record of the act comes after the keys were changed: it waits here.
    let owner = sqlx::PgPool::connect(&bench.owner_url()).await.unwrap();
    let mut blocker = owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE operator_acts IN SHARE MODE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let mut rotation = bench.rotation().await;
    let kid = second.clone();
    let acting = tokio::spawn(async move {
        let order = order();
        rotation.activate(&kid, Readiness::Known, &order).await
    });
    let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO operator_acts%'";
    until(async || {
        let pid: Option<i32> = sqlx::query_scalar(waiting)
            .fetch_optional(&bench.pool)
            .await
            .unwrap();
        pid.is_some()
    })
    .await;
    // Whoever reads meanwhile waits for nothing.
    bench.replicas[0]
        .app
        .keys
        .refresh(&bench.pool)
        .await
        .unwrap();

    sqlx::query(&format!(
        "SELECT pg_terminate_backend(pid, 10000) FROM ({waiting}) w"
    ))
    .execute(&bench.pool)
    .await
    .unwrap();
    let cut_off = acting.await.unwrap();
    blocker.rollback().await.unwrap();
    owner.close().await;
    bench.replicas[0]
        .app
        .keys
        .refresh(&bench.pool)
        .await
        .unwrap();
    let between = bench.refreshed(&tokens, 0).await;
    let mut rotation = bench.rotation().await;
    let again = rotation.activate(&second, Readiness::Known, &order()).await;
    let once_more = rotation.activate(&second, Readiness::Known, &order()).await;

    assert!(cut_off.is_err());
    assert_eq!(between.kid().unwrap(), first);
    assert_eq!(again.unwrap().retired, Some(first));
    assert_eq!(once_more.unwrap().retired, None);
    let acts = bench.key(&second).await.acts;
    let codes: Vec<&str> = acts
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["act"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["publish_signing_key", "activate_signing_key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_die_between_two_steps_go_on_where_the_rotation_is() {
    let mut bench = Bench::replicas(2).await;
    let tokens = bench.granted(Wish::default()).await;
    let second = bench.published_long_ago().await.kid;
    // Since then both have looked.
    for replica in &bench.replicas {
        replica.app.keys.refresh(&bench.pool).await.unwrap();
    }
    let replica = bench.replicas.remove(1);
    replica.abort().await;

    let mut rotation = bench.rotation().await;
    let activated = rotation.activate(&second, Readiness::Known, &order()).await;
    let first = activated.unwrap().retired.unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let restarted = bench.start_replica(port).await;
    bench.replicas.push(restarted);
    let of_the_restarted = bench.refreshed(&tokens, 1).await;
    // The other one has not looked yet: it goes on with the key that it knows.
    let of_the_other = bench.refreshed(&tokens, 0).await;

    assert_eq!(tokens.kid().unwrap(), first);
    assert_eq!(of_the_restarted.kid().unwrap(), second);
    assert_eq!(of_the_other.kid().unwrap(), first);
    for replica in 0..2 {
        let server = bench.account_api(replica);
        for token in [&tokens, &of_the_restarted, &of_the_other] {
            let account = &token.account_ids()[0];
            let balance = read(&base_url(&server), &token.access_token, account).await;
            balance.expect("a balance");
        }
    }
}
