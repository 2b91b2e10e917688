//! Bad days, as callers meet them.

use std::time::Duration;

use prost::Message;
use renkei_proto::bank::v1::{ClosedReason, ServiceClosed, Verdict};
use sandbox_bank::{Closure, ClosureReason, Fault, Rpc};
use tonic::Code;

use crate::running::{BANK, RunningBank, SCOPE, login, pin};

#[tokio::test]
async fn an_outage_counts_nothing() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::Unavailable));
    let request = pin("4826");
    let status = running.try_pin(request.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 0);
    assert_eq!(running.bank.requests(Rpc::VerifyInquiryPin), 1);
    running.subject("dantai01", "Rokin2026").await;

    running.bank.set_fault(Rpc::VerifyInquiryPin, None);
    assert_eq!(running.try_pin(request).await.unwrap(), Verdict::Match);
}

#[tokio::test]
async fn an_answer_that_is_lost_leaves_an_act_whose_verdict_can_be_had() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    let mut request = tonic::Request::new(pin("0000"));
    request.set_timeout(Duration::from_millis(200));
    let id = request.get_ref().attempt_id.clone();
    let status = running
        .port
        .clone()
        .verify_inquiry_pin(request)
        .await
        .unwrap_err();
    assert!(
        matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled),
        "{status}"
    );
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 1);
    assert_eq!(running.verdict(&id).await, Verdict::Mismatch);
}

#[tokio::test]
async fn a_hanging_call_ends_when_the_fault_is_lifted() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_fault(Rpc::Authenticate, Some(Fault::HangAfterActing));
    let mut port = running.port.clone();
    let request = login("dantai01", "Rokin2026");
    let id = request.attempt_id.clone();
    let hanging = tokio::spawn(async move { port.authenticate(request).await });
    while running.bank.login_attempts(BANK, "dantai01") == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!hanging.is_finished());
    running.bank.set_fault(Rpc::Authenticate, None);
    let status = hanging.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(running.verdict(&id).await, Verdict::Match);
}

#[tokio::test]
async fn a_delayed_answer_comes_early_when_the_delay_is_lifted() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_delay(Rpc::VerifyInquiryPin, Duration::from_secs(500));
    let mut port = running.port.clone();
    let delayed = tokio::spawn(async move { port.verify_inquiry_pin(pin("4826")).await });
    while running.bank.pin_guesses(BANK, SCOPE) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!delayed.is_finished());
    running
        .bank
        .set_delay(Rpc::VerifyInquiryPin, Duration::ZERO);
    assert_eq!(
        delayed.await.unwrap().unwrap().into_inner().verdict(),
        Verdict::Match
    );
}

#[tokio::test]
async fn stopping_lets_hanging_calls_go() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_fault(Rpc::VerifyInquiryPin, Some(Fault::HangAfterActing));
    let mut port = running.port.clone();
    let hanging = tokio::spawn(async move { port.verify_inquiry_pin(pin("4826")).await });
    while running.bank.pin_guesses(BANK, SCOPE) == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(Duration::from_secs(10), running.stop())
        .await
        .unwrap()
        .unwrap();
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn a_closed_bank_says_why_and_until_when_and_the_others_stay_open() {
    let running = RunningBank::start().await;
    let reopens_at = "2026-11-23T22:00:00Z".parse().unwrap();
    let closure = Closure {
        reason: ClosureReason::Hours,
        reopens_at: Some(reopens_at),
    };
    running.bank.set_closure(BANK, Some(closure)).unwrap();
    let status = running
        .authenticate(login("dantai01", "Rokin2026"))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let closed = ServiceClosed::decode(status.details()).unwrap();
    assert_eq!(closed.reason(), ClosedReason::Hours);
    assert_eq!(closed.reopens_at.unwrap().seconds, reopens_at.timestamp());
    assert_eq!(running.bank.login_attempts(BANK, "dantai01"), 0);

    let mut elsewhere = login("dantai01", "Rokin2026");
    elsewhere.bank_code = "2997".into();
    running.authenticate(elsewhere).await.unwrap();

    running.bank.set_closure(BANK, None).unwrap();
    running.subject("dantai01", "Rokin2026").await;
    assert!(running.bank.set_closure("0001", None).is_err());
}
