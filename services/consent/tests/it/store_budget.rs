//! What a command costs the database: statements are counted on the wire, commits by transaction id.

use std::convert::Infallible;

use consent::{
    startup::Running,
    store::{Bus, Companion, Executed},
};
use consent_domain::contract::ContractStream;
use demo::agent::{
    partner::ParRequest,
    walk::{
        Step, Task, allow, cancel, check_registration, choose_accounts, choose_tasks, log_in,
        return_address,
    },
};

use crate::{
    bench::{Bench, FIRST, Options, PIN, WRONG_PIN, browser, dantai01, ticked},
    store_facts::{append, append_pair, fact, keyed, keyless, pool, stream},
    store_tap::{Seen, Sent, Tap},
};

/// What the bus sent: one load and one append for each command.
#[derive(Debug, Default, PartialEq, Eq)]
struct Commands {
    loads: usize,
    appends: usize,
}

fn commands(statements: &[String]) -> Commands {
    let count = |is: fn(&str) -> bool| statements.iter().filter(|sql| is(sql)).count();
    Commands {
        loads: count(is_load),
        appends: count(is_append),
    }
}

fn is_load(sql: &str) -> bool {
    sql.starts_with("SELECT now() AS now, f.version AS first_version")
}

fn is_append(sql: &str) -> bool {
    sql.starts_with("WITH ") && sql.contains("append_conflict()")
}

fn is_transaction_control(sql: &str) -> bool {
    ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT"]
        .iter()
        .any(|word| sql.starts_with(word))
}

/// One replica whose statements pass a tap, and nothing else on its database.
async fn tapped() -> (Bench, Running, Tap) {
    let mut bench = Bench::with(Options {
        replicas: 0,
        ..Options::default()
    })
    .await;
    let tap = Tap::open(&bench.service_url()).await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    bench
        .origin
        .set_port(Some(listener.local_addr().unwrap().port()))
        .unwrap();
    let settings = bench.settings().replace(&bench.service_url(), tap.url());
    let running = bench.start_replica_with(listener, &settings).await;
    (bench, running, tap)
}

async fn writing_transactions(bench: &Bench) -> i64 {
    sqlx::query_scalar("SELECT count(DISTINCT transaction_id) FROM events")
        .fetch_one(&bench.pool)
        .await
        .unwrap()
}

const ONE: Commands = Commands {
    loads: 1,
    appends: 1,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_walk_is_one_read_and_one_append_in_one_commit() {
    let (bench, running, tap) = tapped().await;
    let browser = browser();
    let before = writing_transactions(&bench).await;
    tap.take();

    let mut steps = Vec::new();
    let client = bench.client(0);
    let pushed = client.push(&ParRequest::for_both_tasks()).await.unwrap();
    steps.push(("pushed request", tap.statements()));
    let login = browser
        .get(client.authorization_url(&pushed))
        .await
        .unwrap();
    let login = browser.follow_to_end(login, &bench.origin).await.unwrap();
    assert_eq!(
        commands(&tap.statements()),
        Commands::default(),
        "a page decides nothing"
    );
    let tasks = log_in(&browser, &login, &dantai01()).await.unwrap();
    steps.push(("login", tap.statements()));
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL).await.unwrap();
    steps.push(("tasks", tap.statements()));
    let confirm = choose_accounts(&browser, &accounts, &[ticked(FIRST, PIN)])
        .await
        .unwrap();
    steps.push(("accounts, with the contract", tap.statements()));
    let authorize = check_registration(&browser, &confirm).await.unwrap();
    steps.push(("confirmation", tap.statements()));
    let end = allow(&browser, &authorize).await.unwrap();
    steps.push(("許可, with the consent", tap.statements()));
    for (step, statements) in &steps {
        assert!(
            !statements.iter().any(|sql| is_transaction_control(sql)),
            "{step}: {statements:#?}"
        );
    }
    client
        .complete(&return_address(&end).unwrap(), &pushed)
        .await
        .unwrap();
    steps.push(("first token", tap.statements()));
    for (step, statements) in &steps {
        assert_eq!(commands(statements), ONE, "{step}: {statements:#?}");
    }
    let walked = writing_transactions(&bench).await - before;
    assert_eq!(
        walked,
        i64::try_from(steps.len()).unwrap(),
        "one commit each"
    );
    running.abort().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_journey_takes_its_registrations_back_in_one_append() {
    let (bench, running, tap) = tapped().await;
    let browser = browser();
    let (confirm, _) = bench.to_confirm(&browser, 0).await;
    let before = writing_transactions(&bench).await;
    tap.take();
    cancel(&browser, &confirm, Step::CheckRegistration)
        .await
        .unwrap();
    let statements = tap.statements();
    assert_eq!(commands(&statements), ONE, "{statements:#?}");
    assert!(!statements.iter().any(|sql| is_transaction_control(sql)));
    assert_eq!(bench.events("AccountRegistrationsWithdrawn").await, 1);
    assert_eq!(writing_transactions(&bench).await - before, 1);
    running.abort().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_is_reserved_and_settled_by_at_most_three_statements_each() {
    let (bench, running, tap) = tapped().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    tap.take();
    choose_accounts(&browser, &accounts, &[ticked(FIRST, WRONG_PIN)])
        .await
        .unwrap();
    let statements = tap.statements();
    let of_guesses: Vec<_> = statements
        .iter()
        .filter(|sql| sql.contains("guesses"))
        .collect();
    let writes = of_guesses
        .iter()
        .filter(|sql| sql.starts_with("WITH "))
        .count();
    // A look for the same form's earlier guess, the reservation; the verdict.
    assert_eq!((of_guesses.len(), writes), (3, 2), "{of_guesses:#?}");
    running.abort().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_of_the_service_is_preceded_by_a_ping() {
    let (bench, running, tap) = tapped().await;
    bench.to_authorize(&browser(), 0).await;
    let seen = tap.take();
    assert!(seen.iter().filter(|seen| seen.sent != Sent::Ping).count() > 20);
    for connection in 0..=seen.iter().map(|seen| seen.connection).max().unwrap() {
        assert_no_ping_before_a_statement(&seen, connection);
    }
    running.abort().await;
}

/// sqlx looks after each statement whether the connection is still good, on its way back to the pool;
/// a second look, on its way out, is what must not be.
fn assert_no_ping_before_a_statement(seen: &[Seen], connection: usize) {
    let mut pings = 0;
    for seen in seen.iter().filter(|seen| seen.connection == connection) {
        match &seen.sent {
            Sent::Ping => pings += 1,
            Sent::Statement(sql) => {
                assert!(pings <= 1, "{pings} pings before {sql}");
                pings = 0;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_command_keeps_its_budget() {
    let bench = Bench::with(Options {
        replicas: 0,
        ..Options::default()
    })
    .await;
    let tap = Tap::open(&bench.service_url()).await;
    let bus = Bus::new(pool(tap.url(), 1).await);
    let (a, b) = (stream("a"), stream("b"));

    let cases = ["creates a stream", "appends to it"];
    for (number, case) in cases.into_iter().enumerate() {
        append(&bus, &a, keyless(), fact(&format!("s-{number}")))
            .await
            .unwrap();
        assert_statements(&tap, case, &[is_load, is_append]);
    }
    append_pair(
        &bus,
        (&a, &b),
        keyed("k-1", "/1"),
        (fact("p-1"), fact("p-2")),
        || {},
    )
    .await
    .unwrap();
    assert_statements(
        &tap,
        "two streams and a key, one of them new",
        &[is_load, is_append],
    );
    append_pair(
        &bus,
        (&a, &b),
        keyed("k-2", "/2"),
        (fact("p-3"), fact("p-4")),
        || {},
    )
    .await
    .unwrap();
    assert_statements(&tap, "two streams and a key", &[is_load, is_append]);

    let repeated = append(&bus, &a, keyed("k-2", "/other"), fact("p-5"))
        .await
        .unwrap();
    assert!(matches!(repeated, Executed::Repeated(spent) if spent.outcome == "/2"));
    assert_statements(&tap, "a repeat", &[is_load]);

    bus.execute::<ContractStream, Infallible>(
        a.clone(),
        keyed("k-3", "/3"),
        |_, _| Ok(Vec::new()),
        |_, _, _| Vec::new(),
    )
    .await
    .unwrap();
    assert_statements(&tap, "nothing to do", &[is_load]);

    let touched = |_: &[_], _: &_, _| {
        vec![Companion::TouchSession {
            session_hash: vec![0],
        }]
    };
    bus.execute::<ContractStream, Infallible>(a, keyless(), |_, _| Ok(vec![fact("p-6")]), touched)
        .await
        .unwrap();
    assert_statements(&tap, "a companion", &[is_load, is_append]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_between_a_commands_read_and_its_append() {
    let bench = Bench::with(Options {
        replicas: 0,
        ..Options::default()
    })
    .await;
    let tap = Tap::open(&bench.service_url()).await;
    let bus = Bus::new(pool(tap.url(), 1).await);
    append(&bus, &stream("a"), keyless(), fact("s-1"))
        .await
        .unwrap();
    tap.take();
    append(&bus, &stream("a"), keyless(), fact("s-2"))
        .await
        .unwrap();
    let seen = tap.take();
    let is = |kind: fn(&str) -> bool, seen: &Seen| matches!(&seen.sent, Sent::Statement(sql) if kind(sql));
    let read = seen.iter().position(|seen| is(is_load, seen)).unwrap();
    assert!(is(is_append, &seen[read + 1]), "a ping came between");
}

fn assert_statements(tap: &Tap, case: &str, expected: &[fn(&str) -> bool]) {
    let statements = tap.statements();
    let as_expected = statements.len() == expected.len()
        && statements.iter().zip(expected).all(|(sql, is)| is(sql));
    assert!(as_expected, "{case}: {statements:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_projections_companions_and_key_commit_together() {
    let bench = Bench::new().await;
    bench.to_confirm(&browser(), 0).await;
    // Every row that a command of the walk wrote last still carries the transaction that wrote it.
    let strangers: Vec<(String, String)> = sqlx::query_as(
        "WITH commits AS (SELECT DISTINCT transaction_id::text AS id FROM events),
         written AS (
            SELECT 'journey_current' AS of, xmin::text AS id FROM journey_current
            UNION ALL SELECT 'contract_current', xmin::text FROM contract_current
            UNION ALL SELECT 'command_keys', xmin::text FROM command_keys
            UNION ALL SELECT 'bank_sessions', xmin::text FROM bank_sessions
            UNION ALL SELECT 'pushed_requests', xmin::text FROM pushed_requests)
         SELECT of, id FROM written WHERE id NOT IN (SELECT id FROM commits)",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert!(strangers.is_empty(), "{strangers:?}");
    // Step 4 wrote to two streams at once.
    let together: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM events j JOIN events c USING (transaction_id)
         WHERE j.event_type = 'AccountsRegistered' AND c.event_type = 'AccountRegistered'
           AND j.aggregate_id <> c.aggregate_id",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(together, 1);
}
