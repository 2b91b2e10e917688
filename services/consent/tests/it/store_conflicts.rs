//! Rivals: whatever commands do to each other, no event is lost, doubled or left out of order.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use consent::store::{Bus, CommandError, Executed};
use consent_domain::{
    PinScopeId,
    contract::{ContractEvent, ContractStream},
};
use futures_util::future::join_all;
use sqlx::{Connection as _, PgConnection, PgPool};

use crate::{
    bench::Bench,
    store_facts::{
        append, append_pair, assert_whole, blocking, fact, keyed, keyless, pool, sequences, stream,
        version,
    },
};

/// The facts of a stream, by the PIN scope that names each.
async fn facts(pool: &PgPool, id: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT payload #>> '{PinLocked,pin_scope}' FROM events
         WHERE aggregate_id = $1 ORDER BY sequence",
    )
    .bind(id)
    .fetch_all(pool)
    .await
    .unwrap()
}

async fn count(pool: &PgPool, sql: &str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rivals_on_one_stream_all_succeed_or_are_told_to_come_back() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let id = stream("contested");
    let commands = (0..60).map(|number| {
        let (bus, id, name) = (bus.clone(), id.clone(), format!("s-{number}"));
        async move {
            (
                name.clone(),
                append(&bus, &id, keyless(), fact(&name)).await,
            )
        }
    });
    let mut succeeded = BTreeSet::new();
    for (name, outcome) in join_all(commands).await {
        match outcome {
            Ok(Executed::Committed(_)) => assert!(succeeded.insert(name)),
            Err(CommandError::Busy) => {}
            Ok(Executed::Repeated(_)) => panic!("{name} has no key"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    let logged = facts(&bench.pool, &id).await;
    assert_eq!(
        logged.iter().cloned().collect::<BTreeSet<_>>(),
        succeeded,
        "lost or unasked for"
    );
    assert_eq!(logged.len(), succeeded.len(), "doubled");
    assert!(!logged.is_empty());
    assert_whole(&bench.pool, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_fifty_times_at_once_has_one_effect_and_one_outcome() {
    let bench = Bench::new().await;
    // Two replicas share nothing but the database.
    let url = bench.service_url();
    let buses = [Bus::new(pool(&url, 8).await), Bus::new(pool(&url, 8).await)];
    let id = stream("c-1");
    let commands = (0..50).map(|number| {
        let (bus, id) = (buses[number % 2].clone(), id.clone());
        let (context, event) = (
            keyed("the key", &format!("/{number}")),
            fact(&format!("s-{number}")),
        );
        async move { append(&bus, &id, context, event).await.unwrap() }
    });
    let mut winners = Vec::new();
    let mut outcomes = BTreeSet::new();
    for (number, executed) in join_all(commands).await.into_iter().enumerate() {
        match executed {
            Executed::Committed(_) => winners.push(number),
            Executed::Repeated(spent) => {
                outcomes.insert(spent.outcome);
            }
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(
        outcomes,
        BTreeSet::from([format!("/{}", winners[0])]),
        "the winner's, for everybody"
    );
    assert_eq!(facts(&bench.pool, &id).await, [format!("s-{}", winners[0])]);
    assert_whole(&bench.pool, &id).await;
}

#[derive(Debug, thiserror::Error)]
#[error("not any more")]
struct NotAnyMore;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_gets_its_outcome_even_where_the_command_would_be_refused_by_now() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let id = stream("c-1");
    let once = async |key: &str| {
        bus.execute::<ContractStream, NotAnyMore>(
            id.clone(),
            keyed(key, "/done"),
            |state, _| {
                let before = state.is_pin_locked(&PinScopeId::parse("s").unwrap());
                if before {
                    Err(NotAnyMore)
                } else {
                    Ok(vec![fact("s")])
                }
            },
            |_, _, _| Vec::new(),
        )
        .await
    };
    assert!(matches!(once("a").await, Ok(Executed::Committed(_))));
    assert!(matches!(once("a").await, Ok(Executed::Repeated(spent)) if spent.outcome == "/done"));
    assert!(matches!(
        once("b").await,
        Err(CommandError::Refused(NotAnyMore))
    ));
    assert_eq!(assert_whole(&bench.pool, &id).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_finds_everything_done_spends_its_key_where_that_says_what_to_record() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let id = stream("c-1");
    let once = async |key: &str, if_unchanged: Option<&str>, events: Vec<ContractEvent>| {
        let mut context = keyed(key, "/done");
        if let Some(key) = &mut context.key {
            key.if_unchanged = if_unchanged.map(str::to_owned);
        }
        bus.execute::<ContractStream, NotAnyMore>(
            id.clone(),
            context,
            move |_, _| Ok(events.clone()),
            |_, _, _| Vec::new(),
        )
        .await
        .unwrap()
    };
    for (key, if_unchanged) in [("says-nothing", None), ("says-so", Some("/nothing-to-do"))] {
        let nothing = once(key, if_unchanged, Vec::new()).await;
        assert!(matches!(nothing, Executed::Committed(_)), "{key}");
        let again = once(key, if_unchanged, vec![fact(key)]).await;
        match again {
            Executed::Committed(_) => assert_eq!(if_unchanged, None),
            Executed::Repeated(spent) => assert_eq!(Some(spent.outcome.as_str()), if_unchanged),
        }
    }
    assert_eq!(facts(&bench.pool, &id).await, ["says-nothing"]);
    // What changes something is recorded as ever.
    once("changes", Some("/nothing-to-do"), vec![fact("s")]).await;
    let again = once("changes", Some("/nothing-to-do"), Vec::new()).await;
    assert!(matches!(again, Executed::Repeated(spent) if spent.outcome == "/done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_on_two_streams_at_once_changes_one_of_them() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    for round in 0..10 {
        let (a, b) = (stream(&format!("a-{round}")), stream(&format!("b-{round}")));
        let key = format!("key-{round}");
        let (one, other) = tokio::join!(
            append(&bus, &a, keyed(&key, "/a"), fact("s")),
            append(&bus, &b, keyed(&key, "/b"), fact("s")),
        );
        let committed = [one.unwrap(), other.unwrap()]
            .iter()
            .filter(|executed| matches!(executed, Executed::Committed(_)))
            .count();
        assert_eq!(committed, 1);
        let events = assert_whole(&bench.pool, &a).await + assert_whole(&bench.pool, &b).await;
        assert_eq!(events, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_second_stream_moved_nothing_of_the_first_is_written() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let (first, second) = (stream("first"), stream("second"));
    append(&bus, &second, keyless(), fact("before"))
        .await
        .unwrap();

    // Between each load and its append somebody else is first on the second stream.
    let rival = {
        let (bus, second) = (bus.clone(), second.clone());
        blocking(move || {
            let (bus, second) = (bus.clone(), second.clone());
            async move {
                drop(
                    append(&bus, &second, keyless(), fact("rival"))
                        .await
                        .unwrap(),
                )
            }
        })
    };
    let outcome = append_pair(
        &bus,
        (&first, &second),
        keyed("the key", "/done"),
        (fact("ours-1"), fact("ours-2")),
        rival,
    )
    .await;
    assert!(matches!(outcome, Err(CommandError::Busy)));

    assert_eq!(sequences(&bench.pool, &first).await, [0_i64; 0]);
    assert_eq!(version(&bench.pool, &first).await, None);
    assert!(
        !facts(&bench.pool, &second)
            .await
            .contains(&"ours-2".to_owned())
    );
    assert_whole(&bench.pool, &second).await;
    assert_eq!(
        count(&bench.pool, "SELECT count(*) FROM command_keys").await,
        0,
        "the key is unspent"
    );

    // The same command, undisturbed: all of it.
    append_pair(
        &bus,
        (&first, &second),
        keyed("the key", "/done"),
        (fact("ours-1"), fact("ours-2")),
        || {},
    )
    .await
    .unwrap();
    assert_eq!(assert_whole(&bench.pool, &first).await, 1);
    assert_eq!(facts(&bench.pool, &second).await.last().unwrap(), "ours-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_once_is_decided_anew_on_the_new_state() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let (first, second) = (stream("first"), stream("second"));
    let once = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let rival = {
        let (bus, second) = (bus.clone(), second.clone());
        blocking(move || {
            let (bus, second) = (bus.clone(), second.clone());
            let go = once.swap(false, std::sync::atomic::Ordering::SeqCst);
            async move {
                if go {
                    drop(
                        append(&bus, &second, keyless(), fact("rival"))
                            .await
                            .unwrap(),
                    );
                }
            }
        })
    };
    append_pair(
        &bus,
        (&first, &second),
        keyless(),
        (fact("ours-1"), fact("ours-2")),
        rival,
    )
    .await
    .unwrap();
    assert_eq!(facts(&bench.pool, &first).await, ["ours-1"]);
    assert_eq!(facts(&bench.pool, &second).await, ["rival", "ours-2"]);
    assert_whole(&bench.pool, &second).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_row_that_vanished_is_never_filled_by_a_hole() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let (first, second) = (stream("first"), stream("second"));
    for name in ["s-1", "s-2"] {
        append(&bus, &second, keyless(), fact(name)).await.unwrap();
    }
    // Only the owner can do this; the service has no right to.
    let delete = {
        let (url, second) = (bench.owner_url(), second.clone());
        blocking(move || {
            let (url, second) = (url.clone(), second.clone());
            async move {
                let mut owner = PgConnection::connect(&url).await.unwrap();
                sqlx::query("DELETE FROM contract_current WHERE stream_id = $1")
                    .bind(second)
                    .execute(&mut owner)
                    .await
                    .unwrap();
                owner.close().await.unwrap();
            }
        })
    };
    let outcome = append_pair(
        &bus,
        (&first, &second),
        keyless(),
        (fact("a"), fact("b")),
        delete,
    )
    .await;
    assert!(matches!(outcome, Err(CommandError::Busy)));
    assert_eq!(sequences(&bench.pool, &second).await, [1, 2]);
    assert_eq!(
        version(&bench.pool, &second).await,
        None,
        "no row that knows only part of the facts"
    );
    assert_eq!(sequences(&bench.pool, &first).await, [0_i64; 0]);
}

/// Of each worker.
const COMMANDS: i64 = 40;

#[tokio::test(flavor = "multi_thread")]
async fn connections_killed_under_load_lose_nothing_acknowledged_and_double_nothing_repeated() {
    let bench = Bench::new().await;
    let bus = Bus::new(pool(&bench.service_url(), 6).await);
    let killer = tokio::spawn(kill_connections(bench.database.url().to_owned()));

    let workers = (0..6).map(|worker| {
        let bus = bus.clone();
        tokio::spawn(async move {
            let mut in_doubt = Vec::new();
            for number in 0..COMMANDS {
                // Pairs, so that half of a command would show.
                let ids = (
                    stream(&format!("a-{worker}")),
                    stream(&format!("b-{}", worker / 2)),
                );
                let name = format!("s-{worker}-{number}");
                let outcome = pair(&bus, &ids, &name).await;
                if outcome.is_err() {
                    in_doubt.push((ids, name));
                }
            }
            in_doubt
        })
    });
    let mut in_doubt = Vec::new();
    for worker in join_all(workers).await {
        in_doubt.extend(worker.unwrap());
    }
    killer.abort();
    assert!(!in_doubt.is_empty(), "nobody was disturbed");

    // What was acknowledged is there; what is in doubt may be.
    let doubtful: BTreeSet<&str> = in_doubt.iter().map(|(_, name)| name.as_str()).collect();
    for worker in 0..6 {
        let logged = facts(&bench.pool, &stream(&format!("a-{worker}"))).await;
        for number in 0..COMMANDS {
            let name = format!("s-{worker}-{number}");
            let times = logged.iter().filter(|logged| **logged == name).count();
            assert!(
                times == 1 || (times == 0 && doubtful.contains(name.as_str())),
                "{name}: {times}"
            );
        }
    }
    // A request in doubt, repeated with its key, has one effect.
    let calm = Bus::new(bench.pool.clone());
    for (ids, name) in &in_doubt {
        while pair(&calm, ids, name).await.is_err() {}
    }
    for worker in 0..6 {
        assert_eq!(
            assert_whole(&bench.pool, &stream(&format!("a-{worker}"))).await,
            COMMANDS
        );
    }
    for shared in 0..3 {
        assert_eq!(
            assert_whole(&bench.pool, &stream(&format!("b-{shared}"))).await,
            2 * COMMANDS
        );
    }
    assert_eq!(
        count(&bench.pool, "SELECT count(*) FROM command_keys").await,
        6 * COMMANDS
    );
}

async fn pair(bus: &Bus, ids: &(String, String), name: &str) -> Result<(), String> {
    let (a, b) = (fact(name), fact(name));
    append_pair(bus, (&ids.0, &ids.1), keyed(name, "/done"), (a, b), || {})
        .await
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Ends a connection of the service role that is in the middle of an append, again and again.
async fn kill_connections(superuser_url: String) {
    let mut superuser = PgConnection::connect(&superuser_url).await.unwrap();
    let mut pace = tokio::time::interval(Duration::from_millis(8));
    loop {
        pace.tick().await;
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM (
                SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND usename LIKE '%_service'
                  AND query LIKE 'WITH first_projection%'
                ORDER BY (state = 'active') DESC, random() LIMIT 1) victim",
        )
        .execute(&mut superuser)
        .await
        .unwrap();
    }
}
