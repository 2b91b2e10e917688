//! What counts as an attempt, and how often.

use renkei_proto::bank::v1::authenticate_response::Outcome;
use renkei_proto::bank::v1::{LoginRefusal, LoginRejected, Verdict};
use tonic::Code;

use crate::running::{BANK, RunningBank, SCOPE, login, pin};

#[tokio::test]
async fn fifty_parallel_calls_with_one_attempt_id_are_one_guess() {
    let running = RunningBank::start().await;
    let request = pin("0000");
    let verdicts = (0..50).map(|_| {
        let (mut port, request) = (running.port.clone(), request.clone());
        tokio::spawn(async move {
            port.verify_inquiry_pin(request)
                .await
                .unwrap()
                .into_inner()
                .verdict()
        })
    });
    for verdict in verdicts.collect::<Vec<_>>() {
        assert_eq!(verdict.await.unwrap(), Verdict::Mismatch);
    }
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 1);
    assert_eq!(running.bank.pin_requests().len(), 50);
    assert!(
        running
            .bank
            .pin_requests()
            .iter()
            .all(|seen| seen.pin_scope_id == SCOPE)
    );
}

#[tokio::test]
async fn fifty_parallel_logins_with_one_attempt_id_are_one_attempt() {
    let running = RunningBank::start().await;
    let request = login("dantai01", "Rokin2026");
    let outcomes = (0..50).map(|_| {
        let (mut port, request) = (running.port.clone(), request.clone());
        tokio::spawn(async move {
            port.authenticate(request)
                .await
                .unwrap()
                .into_inner()
                .outcome
        })
    });
    for outcome in outcomes.collect::<Vec<_>>() {
        assert!(matches!(
            outcome.await.unwrap(),
            Some(Outcome::Authenticated(_))
        ));
    }
    assert_eq!(running.bank.login_attempts(BANK, "dantai01"), 1);
}

#[tokio::test]
async fn fifty_parallel_guesses_stop_at_the_banks_limit() {
    let running = RunningBank::start().await;
    running.bank.set_pin_limit(7);
    let verdicts = (0..50).map(|_| {
        let mut port = running.port.clone();
        tokio::spawn(async move {
            port.verify_inquiry_pin(pin("0000"))
                .await
                .unwrap()
                .into_inner()
                .verdict()
        })
    });
    let mut mismatches = 0;
    for verdict in verdicts.collect::<Vec<_>>() {
        match verdict.await.unwrap() {
            Verdict::Mismatch => mismatches += 1,
            other => assert_eq!(other, Verdict::Locked),
        }
    }
    assert_eq!(mismatches, 7);
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 7);
}

#[tokio::test]
async fn a_repeat_gets_the_first_verdict_whatever_it_carries() {
    let running = RunningBank::start().await;
    let mut request = pin("0000");
    assert_eq!(
        running.try_pin(request.clone()).await.unwrap(),
        Verdict::Mismatch
    );
    request.pin = "4826".into();
    assert_eq!(
        running.try_pin(request.clone()).await.unwrap(),
        Verdict::Mismatch
    );
    assert_eq!(
        running.verdict(&request.attempt_id).await,
        Verdict::Mismatch
    );
    // Another spelling of the same UUID is the same attempt.
    request.attempt_id = request.attempt_id.to_uppercase();
    assert_eq!(running.try_pin(request).await.unwrap(), Verdict::Mismatch);
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 1);
}

#[tokio::test]
async fn an_attempt_that_was_asked_for_before_it_came_is_void() {
    let running = RunningBank::start().await;
    let late_pin = pin("4826");
    assert_eq!(running.verdict(&late_pin.attempt_id).await, Verdict::Void);
    assert_eq!(
        running.try_pin(late_pin.clone()).await.unwrap(),
        Verdict::Void
    );
    assert_eq!(running.verdict(&late_pin.attempt_id).await, Verdict::Void);

    let late_login = login("dantai01", "Rokin2026");
    assert_eq!(running.verdict(&late_login.attempt_id).await, Verdict::Void);
    let status = running.authenticate(late_login.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(running.verdict(&late_login.attempt_id).await, Verdict::Void);

    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 0);
    assert_eq!(running.bank.login_attempts(BANK, "dantai01"), 0);
}

#[tokio::test]
async fn the_verdict_of_a_login_tells_the_password_only() {
    let running = RunningBank::start().await;
    for (login_id, password, verdict) in [
        ("dantai01", "Rokin2026", Verdict::Match),
        ("dantai05", "Rokin2031", Verdict::Match),
        ("dantai01", "Rokin9999", Verdict::Mismatch),
        ("nobody99", "Rokin2026", Verdict::Mismatch),
    ] {
        let request = login(login_id, password);
        running.authenticate(request.clone()).await.unwrap();
        assert_eq!(
            running.verdict(&request.attempt_id).await,
            verdict,
            "{login_id}"
        );
    }
}

#[tokio::test]
async fn the_attempt_id_of_one_login_never_yields_anothers_outcome() {
    let running = RunningBank::start().await;
    let request = login("dantai01", "Rokin2026");
    running.authenticate(request.clone()).await.unwrap();
    let mut other = login("dantai02", "anything1");
    other.attempt_id = request.attempt_id.clone();
    assert_eq!(
        running.authenticate(other).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let mut crossed = pin("4826");
    crossed.attempt_id = request.attempt_id;
    assert_eq!(
        running.try_pin(crossed).await.unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[tokio::test]
async fn a_scope_locks_and_a_reset_unlocks_it() {
    let running = RunningBank::start().await;
    for _ in 0..10 {
        assert_eq!(
            running.try_pin(pin("0000")).await.unwrap(),
            Verdict::Mismatch
        );
    }
    let locked = pin("4826");
    assert_eq!(
        running.try_pin(locked.clone()).await.unwrap(),
        Verdict::Locked
    );
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 10);
    running.bank.reset_pin_scope(BANK, SCOPE).unwrap();
    assert_eq!(running.try_pin(pin("4826")).await.unwrap(), Verdict::Match);
    assert_eq!(running.try_pin(locked).await.unwrap(), Verdict::Locked);
}

#[tokio::test]
async fn a_match_clears_the_scopes_failures() {
    let running = RunningBank::start().await;
    running.bank.set_pin_limit(3);
    for typed in ["0000", "0000", "4826", "0000", "0000", "4826"] {
        let expected = if typed == "4826" {
            Verdict::Match
        } else {
            Verdict::Mismatch
        };
        assert_eq!(running.try_pin(pin(typed)).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn a_login_locks_for_the_right_password_and_is_silent_for_a_wrong_one() {
    let running = RunningBank::start().await;
    running.bank.set_login_limit(2);
    for _ in 0..3 {
        let outcome = running.log_in("dantai01", "Rokin0000").await;
        assert!(matches!(
            outcome,
            Outcome::Rejected(LoginRejected { subject: Some(_) })
        ));
    }
    match running.log_in("dantai01", "Rokin2026").await {
        Outcome::Refused(refused) => assert_eq!(refused.reason(), LoginRefusal::Locked),
        other => panic!("{other:?}"),
    }
    running.bank.reset_login(BANK, "dantai01").unwrap();
    running.subject("dantai01", "Rokin2026").await;
    assert_eq!(running.bank.login_attempts(BANK, "dantai01"), 5);
}

#[tokio::test]
async fn an_unknown_login_id_is_counted_and_names_nobody() {
    let running = RunningBank::start().await;
    for _ in 0..12 {
        let outcome = running.log_in("nobody99", "Rokin2026").await;
        assert_eq!(outcome, Outcome::Rejected(LoginRejected { subject: None }));
    }
    assert_eq!(running.bank.login_attempts(BANK, "nobody99"), 12);
    let mut elsewhere = login("dantai01", "Rokin2026");
    elsewhere.bank_code = "2951".into();
    let outcome = running.authenticate(elsewhere).await.unwrap();
    assert_eq!(outcome, Outcome::Rejected(LoginRejected { subject: None }));
}

#[tokio::test]
async fn requests_that_break_the_contract_count_nothing() {
    let running = RunningBank::start().await;
    let mut no_uuid = pin("4826");
    no_uuid.attempt_id = "one".into();
    let mut no_bank = pin("4826");
    no_bank.bank_code = "29x3".into();
    for request in [no_uuid, no_bank, pin("482"), pin("48２6"), pin("48265")] {
        assert_eq!(
            running.try_pin(request).await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
    let mut other_scope = pin("7153");
    other_scope.pin_scope_id = "p-a91f6d03".into();
    let mut other_bank = pin("4826");
    other_bank.bank_code = "2951".into();
    let mut nowhere = pin("4826");
    nowhere.bank_code = "0001".into();
    let mut nobody = pin("4826");
    nobody.subject = None;
    for request in [other_scope, other_bank, nowhere, nobody] {
        assert_eq!(
            running.try_pin(request).await.unwrap_err().code(),
            Code::NotFound
        );
    }
    let mut no_method = login("dantai01", "Rokin2026");
    no_method.method = 0;
    for request in [no_method, login("", "x"), login(&"a".repeat(129), "x")] {
        let status = running.authenticate(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 0);
    assert_eq!(running.bank.login_attempts(BANK, "dantai01"), 0);
}
