//! No PIN and no password is anywhere: not in a table, not in a log.

use std::{
    collections::BTreeSet,
    fs::File,
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use demo::agent::{
    browser::Browser,
    partner::ParRequest,
    walk::{
        Task, allow, check_registration, choose_accounts, choose_tasks, log_in, return_address,
    },
};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use tokio::net::{TcpListener, TcpStream};

use crate::{
    bench::{Bench, FIRST, Options, PIN, SECOND, THIRD, browser, dantai01, ticked, unticked},
    guesses_counter::{login_form, until},
};

const WRONG_PASSWORD: &str = "Kz7wrongQ4x";
const WRONG_PIN: &str = "7391";
/// Typed beside an unticked row.
const STRAY_PIN: &str = "6047";

/// What must be nowhere.
fn passwords() -> [String; 2] {
    [dantai01().password, WRONG_PASSWORD.to_owned()]
}

const PINS: [&str; 3] = [PIN, WRONG_PIN, STRAY_PIN];

/// A walk in which every secret is typed: the wrong password first, a wrong PIN beside a right one,
/// and one beside an unticked row. Gives what else must not be written down: cookies, code, tokens.
async fn walk_with_marked_secrets(bench: &Bench, browser: &Browser) -> Vec<String> {
    let client = bench.client(0);
    let pushed = client.push(&ParRequest::for_both_tasks()).await.unwrap();
    let page = browser
        .get(client.authorization_url(&pushed))
        .await
        .unwrap();
    let login = browser.follow_to_end(page, &bench.origin).await.unwrap();
    let mut others: Vec<String> = cookies(browser);
    login_form(&login, "dantai01", WRONG_PASSWORD)
        .submit(browser)
        .await
        .unwrap();
    let login = browser.get(&login.url).await.unwrap();
    let tasks = log_in(browser, &login, &dantai01()).await.unwrap();
    let accounts = choose_tasks(browser, &tasks, &Task::ALL).await.unwrap();
    let mut stray = unticked(THIRD);
    stray.pin = Some(STRAY_PIN.to_owned());
    let rows = [ticked(FIRST, PIN), ticked(SECOND, WRONG_PIN), stray];
    let confirm = choose_accounts(browser, &accounts, &rows).await.unwrap();
    others.extend(cookies(browser));
    let authorize = check_registration(browser, &confirm).await.unwrap();
    let end = allow(browser, &authorize).await.unwrap();
    let address = return_address(&end).unwrap();
    let returned = client.parse_return(&address).unwrap();
    let tokens = client.complete(&address, &pushed).await.unwrap();
    others.extend([returned.code, pushed.verifier, tokens.access_token]);
    others.extend(tokens.refresh_token);
    others
}

fn cookies(browser: &Browser) -> Vec<String> {
    browser
        .cookies("127.0.0.1")
        .into_iter()
        .map(|(_, value)| value)
        .collect()
}

/// Every value of every table of the database, as text; bytes as hexadecimal.
pub async fn everything_stored(pool: &PgPool) -> Vec<(String, String)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
         WHERE n.nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut values = Vec::new();
    for table in tables {
        // bytea reads as \x and hexadecimal digits in row_to_json, and nothing is left out.
        let rows: Vec<String> =
            sqlx::query_scalar(&format!("SELECT row_to_json(t)::text FROM {table} t"))
                .fetch_all(pool)
                .await
                .unwrap();
        values.extend(rows.into_iter().map(|row| (table.clone(), row)));
    }
    values
}

/// Whether a text names a PIN or an account number: digits that are no part of a longer number, an id
/// or an instant.
pub fn names_number(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + number.len()..].chars().next();
        let beside = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == '.';
        !before.is_some_and(beside) && !after.is_some_and(beside)
    })
}

fn hexadecimal(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_and_no_pin_is_in_any_table() {
    let bench = Bench::new().await;
    walk_with_marked_secrets(&bench, &browser()).await;
    // The whole database, as its superuser sees it.
    let pool = PgPool::connect(bench.database.url()).await.unwrap();
    let stored = everything_stored(&pool).await;
    let tables: BTreeSet<&str> = stored.iter().map(|(table, _)| table.as_str()).collect();
    for table in [
        "events",
        "guesses",
        "guess_counters",
        "command_keys",
        "bank_sessions",
    ] {
        assert!(
            tables.contains(table),
            "{table} is empty: nothing would be found there"
        );
    }
    for (table, row) in &stored {
        for password in passwords() {
            let forms = [
                password.clone(),
                hexadecimal(&password),
                unkeyed_digest(&password),
            ];
            assert!(
                !forms.iter().any(|form| row.contains(form)),
                "{table}: {row}"
            );
        }
        for pin in PINS {
            let forms = [hexadecimal(pin), unkeyed_digest(pin)];
            assert!(
                !forms.iter().any(|form| row.contains(form)),
                "{table}: {row}"
            );
            assert!(!names_number(row, pin), "{table}: {row}");
        }
    }
}

/// What anybody could compute who guesses; in hexadecimal.
fn unkeyed_digest(secret: &str) -> String {
    Sha256::digest(secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A service as a program of its own, with everything that it can log.
pub struct Program {
    child: Child,
    log: std::path::PathBuf,
    directory: std::path::PathBuf,
}

impl Program {
    pub fn start(settings: &str) -> Self {
        let name = format!("renkei-secrets-{}", sqlx::types::Uuid::new_v4());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).unwrap();
        let (config, log) = (
            directory.join("consent.toml"),
            directory.join("consent.log"),
        );
        std::fs::write(&config, settings).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_consent"))
            .args(["serve", "--config"])
            .arg(&config)
            .env("RUST_LOG", "trace")
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            log,
            directory,
        }
    }

    pub fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Where it listens, once it says so.
    async fn public(&self) -> SocketAddr {
        self.listens("public").await
    }

    /// Where one of its listeners is, once it says so.
    pub async fn listens(&self, listener: &str) -> SocketAddr {
        let mut address = None;
        until(async || {
            let log = self.logged();
            let up = log.lines().find(|line| line.contains("consent is up"));
            let fields = up.and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
            address = fields.and_then(|line| line["fields"][listener].as_str()?.parse().ok());
            address.is_some()
        })
        .await;
        address.unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_a_log_however_much_is_logged() {
    let mut bench = Bench::with(Options {
        replicas: 0,
        sweep_milliseconds: 500,
        ..Options::default()
    })
    .await;
    // The public address is known before the program has a port.
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    bench
        .origin
        .set_port(Some(front.local_addr().unwrap().port()))
        .unwrap();
    let program = Program::start(&bench.settings());
    let public = program.public().await;
    tokio::spawn(async move {
        loop {
            let (mut client, _) = front.accept().await.unwrap();
            tokio::spawn(async move {
                let mut server = TcpStream::connect(public).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let others = walk_with_marked_secrets(&bench, &browser()).await;

    let log = program.logged();
    assert!(log.contains("\"TRACE\""), "everything is logged");
    for secret in passwords().iter().chain(&others) {
        assert_not_logged(&log, |line| line.contains(secret.as_str()), secret);
    }
    for pin in PINS {
        assert_not_logged(&log, |line| names_number(line, pin), pin);
    }
    for number in ["5000000", "1111111", "9999999"] {
        assert_not_logged(&log, |line| names_number(line, number), "an account number");
    }
}

fn assert_not_logged(log: &str, names: impl Fn(&str) -> bool, secret: &str) {
    let lines: Vec<&str> = log.lines().filter(|line| names(line)).take(3).collect();
    assert!(lines.is_empty(), "{secret}: {lines:#?}");
}
