//! Answers that lie, as callers meet them; what the bank counts stays the truth.

use renkei_proto::bank::v1::*;
use sandbox_bank::{Lie, Rpc};

use crate::running::{BANK, RunningBank, SCOPE, login, pin};

async fn answer_to(
    running: &RunningBank,
    request: VerifyInquiryPinRequest,
) -> VerifyInquiryPinResponse {
    let answer = running.port.clone().verify_inquiry_pin(request).await;
    answer.unwrap().into_inner()
}

async fn listed(running: &RunningBank, lie: Lie) -> Vec<Account> {
    running.bank.set_lie(Rpc::ListAccounts, None);
    let subject = running.subject("dantai01", "Rokin2026").await;
    running.bank.set_lie(Rpc::ListAccounts, Some(lie));
    running.accounts(&subject).await
}

#[tokio::test]
async fn an_answer_repeats_what_was_asked_unless_it_lies() {
    let running = RunningBank::start().await;
    let request = pin("4826");
    let honest = answer_to(&running, request.clone()).await.asked.unwrap();
    assert_eq!(honest.bank_code, BANK);
    assert_eq!(honest.attempt_id, request.attempt_id);
    assert_eq!(honest.pin_scope_id, SCOPE);
    for lie in [
        Lie::AboutAnotherBank,
        Lie::AboutAnotherAttempt,
        Lie::AboutAnotherContract,
        Lie::AboutAnotherAccount,
        Lie::AboutNothing,
    ] {
        running.bank.set_lie(Rpc::VerifyInquiryPin, Some(lie));
        let told = answer_to(&running, request.clone()).await.asked;
        assert_ne!(told.as_ref(), Some(&honest), "{lie:?}");
    }
}

#[tokio::test]
async fn a_verdict_that_lies_is_counted_as_what_it_was() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_lie(Rpc::VerifyInquiryPin, Some(Lie::Contradiction));
    let wrong = pin("0000");
    let told = answer_to(&running, wrong.clone()).await;
    assert_eq!(told.verdict(), Verdict::Match);
    assert_eq!(running.verdict(&wrong.attempt_id).await, Verdict::Mismatch);
    assert_eq!(running.bank.pin_guesses(BANK, SCOPE), 1);
    running
        .bank
        .set_lie(Rpc::VerifyInquiryPin, Some(Lie::UnknownValues));
    assert!(Verdict::try_from(answer_to(&running, pin("4826")).await.verdict).is_err());
}

#[tokio::test]
async fn a_list_lies_about_its_accounts() {
    let running = RunningBank::start().await;
    let twice = listed(&running, Lie::DuplicateAccount).await;
    assert_eq!(twice[0].account_id, twice.last().unwrap().account_id);
    assert_eq!(listed(&running, Lie::TooManyAccounts).await.len(), 5_004);
    assert!(
        listed(&running, Lie::OtherAccounts).await[0]
            .account_id
            .starts_with("x-")
    );
    assert!(
        listed(&running, Lie::Markup).await[0]
            .memo
            .contains("<script>")
    );
    assert_eq!(
        listed(&running, Lie::OverlongTexts).await[0]
            .memo
            .chars()
            .count(),
        10_000
    );
    assert!(
        listed(&running, Lie::MissingFields).await[0]
            .account_id
            .is_empty()
    );
}

#[tokio::test]
async fn a_login_that_lies_has_no_outcome() {
    let running = RunningBank::start().await;
    running
        .bank
        .set_lie(Rpc::Authenticate, Some(Lie::MissingFields));
    let request = login("dantai01", "wrong-1");
    let answer = running.port.clone().authenticate(request).await.unwrap();
    assert_eq!(answer.into_inner().outcome, None);
    assert_eq!(running.bank.login_attempts(BANK, "dantai01"), 1);
}
