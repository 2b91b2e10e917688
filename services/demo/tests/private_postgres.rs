//! A private server is a real one, and nothing of it stays behind.

#![expect(clippy::expect_used, reason = "a test's helper may fail the test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use demo::places::target_directory;
use demo::postgres::{PrivateOptions, PrivateServer, State, TestDatabase, test_server_url};
use sqlx::{Connection, PgConnection};

fn options(name: &str, state: State) -> PrivateOptions {
    PrivateOptions {
        name: name.to_owned(),
        state,
        log: None,
    }
}

async fn one_text(url: &str, query: &str) -> String {
    let mut connection = PgConnection::connect(url).await.expect("connects");
    sqlx::query_scalar(query)
        .fetch_one(&mut connection)
        .await
        .expect("answers")
}

#[tokio::test]
async fn a_fresh_server_is_durable_asks_for_a_password_and_leaves_nothing() {
    let server = PrivateServer::start(&options("fresh", State::Fresh)).expect("starts");
    let url = server.admin_url();
    let directory = server.directory().to_owned();
    assert_eq!(
        one_text(&url, "SELECT current_setting('fsync')").await,
        "on"
    );
    assert!(
        PgConnection::connect(&url.replace("postgres:", "postgres:x"))
            .await
            .is_err()
    );

    server.stop();

    assert!(PgConnection::connect(&url).await.is_err());
    assert!(!directory.exists(), "{}", directory.display());
}

#[tokio::test]
async fn a_kept_server_comes_back_with_its_data_and_its_password() {
    let options = options(
        "kept-test",
        State::KeptFor(target_directory().expect("cargo's")),
    );
    let first = PrivateServer::start(&options).expect("starts");
    let mut connection = PgConnection::connect(&first.admin_url())
        .await
        .expect("connects");
    sqlx::raw_sql("CREATE TABLE IF NOT EXISTS kept (word text); INSERT INTO kept VALUES ('here')")
        .execute(&mut connection)
        .await
        .expect("writes");
    drop(connection);
    first.stop();

    let second = PrivateServer::start(&options).expect("starts again");
    assert_eq!(
        one_text(&second.admin_url(), "SELECT word FROM kept LIMIT 1").await,
        "here"
    );
    let directory = second.directory().to_owned();
    second.stop();
    fs::remove_dir_all(directory).expect("the test's own directory");
}

#[tokio::test]
async fn a_test_database_can_copy_another_and_goes_with_its_value() {
    let admin_url = test_server_url().expect("a server");
    let template = TestDatabase::create(&admin_url).await.expect("creates");
    let mut connection = PgConnection::connect(template.url())
        .await
        .expect("connects");
    sqlx::raw_sql("CREATE TABLE seeds (word text); INSERT INTO seeds VALUES ('planted')")
        .execute(&mut connection)
        .await
        .expect("writes");
    connection.close().await.expect("closes");

    let copy = TestDatabase::create_from(&admin_url, template.name())
        .await
        .expect("copies");
    assert_eq!(
        one_text(copy.url(), "SELECT word FROM seeds").await,
        "planted"
    );

    let url = copy.url().to_owned();
    drop(copy);
    assert!(PgConnection::connect(&url).await.is_err());
}

#[test]
fn with_postgres_gives_the_command_a_server_and_returns_its_exit_code() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args([
            "with-postgres",
            "--",
            "sh",
            "-c",
            "echo $RENKEI_TEST_DATABASE_URL; exit 7",
        ])
        .env("RENKEI_TEST_DATABASE_URL", "postgres://given")
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "postgres://given\n"
    );
}

#[test]
fn killed_by_force_with_postgres_leaves_neither_the_server_nor_the_command_nor_a_file() {
    let note = std::env::temp_dir().join(format!("with-postgres-{}", std::process::id()));
    let script = format!(
        "echo $$ $RENKEI_TEST_DATABASE_URL >{0}.new; mv {0}.new {0}; sleep 600 & wait",
        note.display()
    );
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["with-postgres", "--", "sh", "-c", &script])
        .env_remove("RENKEI_TEST_DATABASE_URL")
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let demo_pid = demo.id();
    until("the command runs", || note.exists());
    let written = fs::read_to_string(&note).expect("written");
    fs::remove_file(&note).expect("the test's own file");
    let (command_pid, url) = written.trim().split_once(' ').expect("two words");

    demo.kill().expect("kill -9");
    demo.wait().expect("reaped");

    until("the command is gone", || !group_runs(command_pid));
    let port: u16 = url
        .rsplit(':')
        .next()
        .and_then(|rest| rest.split('/').next())
        .and_then(|port| port.parse().ok())
        .expect("a port");
    until("the server is gone", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_err()
    });
    until("its files are gone", || leftovers(demo_pid).is_empty());
}

/// Directories of the servers that the process started.
fn leftovers(pid: u32) -> Vec<PathBuf> {
    let target = target_directory().expect("cargo's").join("postgres");
    [PathBuf::from("/dev/shm"), PathBuf::from("/var/tmp"), target]
        .iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.to_string_lossy()
                .contains(&format!("renkei-test-{pid}-"))
        })
        .collect()
}

/// Whether any process of the group still runs; one that ended and that nobody has reaped yet does not.
fn group_runs(pgid: &str) -> bool {
    let listed = Command::new("ps")
        .args(["-A", "-o", "pgid=,stat="])
        .output()
        .expect("ps runs");
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .any(|(group, state)| group == pgid && !state.trim().starts_with('Z'))
}

/// Waits for what another process does; a minute is plenty, on a busy machine too.
fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "not in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
