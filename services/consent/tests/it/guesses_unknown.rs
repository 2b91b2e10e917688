//! Verdicts that are not known: a guess stays reserved until they are, and counts once.

use std::{net::SocketAddr, time::Duration};

use consent::{
    guess::{Guess, GuessKind, GuessLimit, Reservation, reserve},
    startup::Running,
    sweeper,
};
use demo::agent::browser::{Browser, Page};
use sandbox_bank::{Fault, Rpc, SandboxBank};
use sqlx::types::Uuid;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
};

use crate::{
    bench::{BANK, Bench, Options, PIN, WRONG_PIN, browser},
    guesses_counter::{
        Counter, NOTHING, asked_attempts, bank_pin_guesses, counters, let_guesses_age, login_form,
        message, pin_counter, pin_form, until, verdicts,
    },
    journey_customer::{CONTRACT, PIN_SCOPE},
};

const OPEN: Counter = Counter {
    wrong: 0,
    open: 1,
    locked: false,
};
const WRONG: Counter = Counter {
    wrong: 1,
    open: 0,
    locked: false,
};
const NOT_JUDGED: &str = "確認できませんでした";

/// The bank has little time to answer; nothing else is slow enough to need more.
fn impatient(bank_settings: &'static str) -> Options {
    Options {
        bank_deadline_milliseconds: 1_500,
        bank_settings,
        ..Options::default()
    }
}

async fn at_accounts(options: Options) -> (Bench, Browser, Page) {
    let bench = Bench::with(options).await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    (bench, browser, accounts)
}

/// Types a PIN on a fresh page of step 4; gives what step 5 says.
async fn try_pin(browser: &Browser, accounts: &Page, pin: &str) -> String {
    let page = browser.get(&accounts.url).await.unwrap();
    pin_form(&page, pin)
        .submit_and_follow(browser)
        .await
        .unwrap()
        .excerpt(10_000)
}

async fn sweep(bench: &Bench) {
    sweeper::round(&bench.replicas[0].app).await.unwrap();
}

/// The ids of all guesses of PINs.
async fn attempts(bench: &Bench) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT attempt_id::text FROM guesses WHERE kind = 'pin' ORDER BY reserved_at",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_whose_verdict_is_lost_stays_reserved_until_the_sweeper_learns_it() {
    let (bench, browser, accounts) = at_accounts(impatient("")).await;
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    assert!(
        try_pin(&browser, &accounts, WRONG_PIN)
            .await
            .contains(NOT_JUDGED)
    );
    assert_eq!(pin_counter(&bench).await, OPEN);
    assert_eq!(verdicts(&bench, "pin").await, ["reserved"]);
    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);

    // Young guesses may still be waited for.
    sweep(&bench).await;
    assert_eq!(pin_counter(&bench).await, OPEN);
    let_guesses_age(&bench).await;
    sweep(&bench).await;
    assert_eq!(pin_counter(&bench).await, WRONG);
    assert_eq!(verdicts(&bench, "pin").await, ["mismatch"]);
    sweep(&bench).await;
    assert_eq!(pin_counter(&bench).await, WRONG, "once");
    assert_eq!(bank_pin_guesses(&bench), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_match_that_the_sweeper_learns_clears_the_counter() {
    let (bench, browser, accounts) = at_accounts(impatient("")).await;
    try_pin(&browser, &accounts, WRONG_PIN).await;
    assert_eq!(pin_counter(&bench).await, WRONG);
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    assert!(try_pin(&browser, &accounts, PIN).await.contains(NOT_JUDGED));
    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);
    let_guesses_age(&bench).await;
    sweep(&bench).await;
    assert_eq!(pin_counter(&bench).await, NOTHING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_the_sweepers_verdict_reaches_is_a_fact_once() {
    let (bench, browser, accounts) = at_accounts(impatient("pin_limit = 1")).await;
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    try_pin(&browser, &accounts, WRONG_PIN).await;
    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);
    let_guesses_age(&bench).await;
    // As two replicas do.
    let app = &bench.replicas[0].app;
    let (one, other) = tokio::join!(sweeper::round(app), sweeper::round(app));
    one.unwrap();
    other.unwrap();
    sweep(&bench).await;
    assert_eq!(
        pin_counter(&bench).await,
        Counter {
            wrong: 1,
            open: 0,
            locked: true
        }
    );
    let facts: Vec<(Option<String>, Option<Uuid>)> =
        sqlx::query_as("SELECT contract, causation_id FROM events WHERE event_type = 'PinLocked'")
            .fetch_all(&bench.pool)
            .await
            .unwrap();
    let attempt = attempts(&bench).await[0].parse().unwrap();
    assert_eq!(facts, [(Some(CONTRACT.to_owned()), Some(attempt))]);
    assert!(
        try_pin(&browser, &accounts, PIN)
            .await
            .contains("ロックされています")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_that_are_lost_can_not_be_used_to_pass_the_limit() {
    let (bench, browser, accounts) = at_accounts(impatient("pin_limit = 2")).await;
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    for pin in ["0001", "0002", "0003", PIN] {
        assert!(try_pin(&browser, &accounts, pin).await.contains(NOT_JUDGED));
    }
    assert_eq!(bank_pin_guesses(&bench), 2);
    assert_eq!(asked_attempts(&bench).len(), 2);
    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);
    assert!(
        try_pin(&browser, &accounts, PIN).await.contains(NOT_JUDGED),
        "until they are judged"
    );
    let_guesses_age(&bench).await;
    sweep(&bench).await;
    assert_eq!(
        pin_counter(&bench).await,
        Counter {
            wrong: 2,
            open: 0,
            locked: true
        }
    );
    assert_eq!(bank_pin_guesses(&bench), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_gives_no_verdicts_does_not_hold_up_another() {
    let (bench, browser, accounts) = at_accounts(impatient("")).await;
    // 200 guesses at a bank that is not there any more, all older.
    sqlx::query(
        "INSERT INTO guesses (attempt_id, bank, kind, guess_scope, command_key, ordinal, secret_mac,
            reserved_at)
         SELECT gen_random_uuid(), '2951', 'pin', 'c:p', 'form ' || n, 0, '', now() - interval '1 hour'
         FROM generate_series(1, 200) n",
    )
    .execute(&bench.pool)
    .await
    .unwrap();
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    try_pin(&browser, &accounts, WRONG_PIN).await;
    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);
    let_guesses_age(&bench).await;
    sweep(&bench).await;
    assert_eq!(pin_counter(&bench).await, WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definite_outage_is_no_guess() {
    let (bench, browser, accounts) = at_accounts(impatient("pin_limit = 1")).await;
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::Unavailable));
    for _ in 0..3 {
        assert!(
            try_pin(&browser, &accounts, WRONG_PIN)
                .await
                .contains(NOT_JUDGED)
        );
        assert_eq!(pin_counter(&bench).await, NOTHING);
    }
    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);
    try_pin(&browser, &accounts, PIN).await;
    assert_eq!(bench.events("AccountsRegistered").await, 1);
    assert_eq!(bank_pin_guesses(&bench), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_whose_outcome_is_lost_is_asked_again_under_the_same_attempt() {
    let bench = Bench::with(impatient("")).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let form = login_form(&login, "dantai01", "Rokin2026");
    bench
        .bank
        .set_fault(Rpc::Authenticate, Some(Fault::HangAfterActing));
    assert_eq!(
        message(&form.submit(&browser).await.unwrap()),
        "unavailable"
    );
    assert_eq!(counters(&bench, "login").await, [OPEN]);
    bench.bank.set_fault(Rpc::Authenticate, None);

    // The same form, before the sweeper came; or another one, after it.
    let tasks = form.submit_and_follow(&browser).await.unwrap();
    assert!(
        tasks.has("form#tasks-form"),
        "{} {}",
        tasks.url,
        tasks.excerpt(300)
    );
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), 1);
    assert_eq!(counters(&bench, "login").await, [NOTHING]);
    assert_eq!(verdicts(&bench, "login").await, ["match"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_the_sweeper_learned_to_be_right_still_logs_in_with_its_form() {
    let bench = Bench::with(impatient("")).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let form = login_form(&login, "dantai01", "Rokin2026");
    bench
        .bank
        .set_fault(Rpc::Authenticate, Some(Fault::HangAfterActing));
    form.submit(&browser).await.unwrap();
    bench.bank.set_fault(Rpc::Authenticate, None);
    let_guesses_age(&bench).await;
    sweep(&bench).await;
    assert_eq!(verdicts(&bench, "login").await, ["match"]);
    assert!(
        form.submit_and_follow(&browser)
            .await
            .unwrap()
            .has("form#tasks-form")
    );
    assert_eq!(bench.bank.login_attempts(BANK, "dantai01"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_that_the_bank_never_saw_is_void_and_counts_for_nothing() {
    let (bench, browser, accounts) = at_accounts(Options::default()).await;
    let scope = format!("{CONTRACT}:{PIN_SCOPE}");
    let guess = Guess {
        bank: BANK,
        kind: GuessKind::Pin,
        scope: &scope,
        command_key: "a form",
        ordinal: 0,
        secret_mac: b"what was typed",
    };
    let limit = GuessLimit {
        wrong: 5,
        lock_seconds: None,
    };
    let first = reserve(&bench.pool, &guess, limit).await.unwrap();
    let Reservation::Ask(attempt) = first else {
        panic!("{first:?}")
    };
    // The crash comes here. The same form again is the same attempt, and no further guess.
    assert_eq!(
        reserve(&bench.pool, &guess, limit).await.unwrap(),
        Reservation::Ask(attempt)
    );
    let other = Guess {
        secret_mac: b"something else",
        ..guess.clone()
    };
    assert_eq!(
        reserve(&bench.pool, &other, limit).await.unwrap(),
        Reservation::KeyReused
    );
    assert_eq!(pin_counter(&bench).await, OPEN);

    let_guesses_age(&bench).await;
    sweep(&bench).await;
    assert_eq!(verdicts(&bench, "pin").await, ["void"]);
    assert_eq!(pin_counter(&bench).await, NOTHING);
    assert_eq!(bank_pin_guesses(&bench), 0);
    // The form may try again, as another attempt.
    let again = reserve(&bench.pool, &guess, limit).await.unwrap();
    assert!(
        matches!(again, Reservation::Ask(other) if other != attempt),
        "{again:?}"
    );
    try_pin(&browser, &accounts, PIN).await;
    assert_eq!(bench.events("AccountsRegistered").await, 1);
}

/// One more replica, with another way to the bank.
async fn replica_with_bank_at(bench: &Bench, bank: &TcpListener) -> Running {
    let bank = bank.local_addr().unwrap();
    let settings = bench
        .settings()
        .replace(
            &format!("http://{}", bench.bank_address),
            &format!("http://{bank}"),
        )
        .replace(
            "bank_deadline_milliseconds = 1500",
            "bank_deadline_milliseconds = 60000",
        );
    let public = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    bench.start_replica_with(public, &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_between_reservation_and_question_the_same_form_is_the_same_attempt() {
    let (bench, browser, accounts) = at_accounts(impatient("")).await;
    // The accounts are asked for first; the question about the PIN gets lost.
    let line = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let crashing = replica_with_bank_at(&bench, &line).await;
    let passing = tokio::spawn(forward_one_question(line, bench.bank_address));
    let form = pin_form(&accounts, WRONG_PIN);
    let mut url = form.action().clone();
    url.set_port(Some(crashing.public.port())).unwrap();
    let pairs = form.fields();
    tokio::select! {
        answer = browser.post(Some(&accounts), url, &pairs) => panic!("{}", answer.unwrap().status),
        () = until(async || !attempts(&bench).await.is_empty()) => {}
    }
    let reserved = attempts(&bench).await;
    crashing.abort().await;
    passing.abort();
    assert_eq!(asked_attempts(&bench).len(), 0, "it reached nobody");
    assert_eq!(pin_counter(&bench).await, OPEN);

    form.submit_and_follow(&browser).await.unwrap();
    assert_eq!(asked_attempts(&bench), reserved);
    assert_eq!(attempts(&bench).await, reserved);
    assert_eq!(bank_pin_guesses(&bench), 1);
    assert_eq!(pin_counter(&bench).await, WRONG);
}

/// Forwards one question to the bank and holds back the next.
async fn forward_one_question(listener: TcpListener, bank: SocketAddr) -> std::io::Result<()> {
    let (client, _) = listener.accept().await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_bank, mut to_bank) = TcpStream::connect(bank).await?.into_split();
    let answers = async move {
        tokio::io::copy(&mut from_bank, &mut to_client)
            .await
            .map(drop)
    };
    let questions = async move {
        let mut preface = [0; HTTP2_PREFACE_BYTES];
        from_client.read_exact(&mut preface).await?;
        to_bank.write_all(&preface).await?;
        let mut questions = 0;
        while questions < 2 {
            let frame = read_frame(&mut from_client).await?;
            questions += usize::from(frame[HTTP2_FRAME_TYPE] == HTTP2_HEADERS);
            if questions < 2 {
                to_bank.write_all(&frame).await?;
            }
        }
        // Held open, so that the caller waits.
        std::future::pending::<std::io::Result<()>>().await
    };
    tokio::select! {
        ended = answers => ended,
        ended = questions => ended,
    }
}

/// RFC 9113, 3.4 and 4.1.
const HTTP2_PREFACE_BYTES: usize = 24;
const HTTP2_FRAME_HEAD_BYTES: usize = 9;
const HTTP2_FRAME_TYPE: usize = 3;
const HTTP2_HEADERS: u8 = 1;

async fn read_frame(from: &mut OwnedReadHalf) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; HTTP2_FRAME_HEAD_BYTES];
    from.read_exact(&mut frame).await?;
    let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]) as usize;
    frame.resize(HTTP2_FRAME_HEAD_BYTES + length, 0);
    from.read_exact(&mut frame[HTTP2_FRAME_HEAD_BYTES..])
        .await?;
    Ok(frame)
}

async fn bank_counts_a_pin(bank: &SandboxBank) {
    while bank.pin_guesses(BANK, PIN_SCOPE) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_with_its_connection_is_unknown_and_not_an_outage() {
    let (bench, browser, accounts) = at_accounts(impatient("")).await;
    let cutting = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let replica = replica_with_bank_at(&bench, &cutting).await;
    let bank = bench.bank_address;
    let pins = bench.bank.clone();
    // The bank acts on the PIN; then the connection breaks before its answer is through.
    tokio::spawn(async move {
        loop {
            let (mut client, _) = cutting.accept().await.unwrap();
            let mut server = TcpStream::connect(bank).await.unwrap();
            let pins = pins.clone();
            tokio::spawn(async move {
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                    () = bank_counts_a_pin(&pins) => {}
                }
            });
        }
    });
    bench
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    let form = pin_form(&accounts, WRONG_PIN);
    let mut url = form.action().clone();
    url.set_port(Some(replica.public.port())).unwrap();
    let answer = browser
        .post(Some(&accounts), url, &form.fields())
        .await
        .unwrap();
    assert_eq!(answer.status, 303);
    assert_eq!(bank_pin_guesses(&bench), 1);
    assert_eq!(pin_counter(&bench).await, OPEN);
    bench.bank.set_fault(Rpc::VerifyInquiryPin, None);
    let_guesses_age(&bench).await;
    sweep(&bench).await;
    assert_eq!(pin_counter(&bench).await, WRONG);
    replica.abort().await;
}
