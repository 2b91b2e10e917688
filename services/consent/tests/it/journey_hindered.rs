//! A journey under way when the bank or an operator acts: what ends for good ends it, what is suspended
//! makes it wait, and 許可 grants nothing in either case.

use consent::{
    lifecycle::Level,
    store::{CommandError, Companion},
};
use consent_domain::{
    GrantId, PartnerId,
    consent::{ConsentRefusal, ConsentStream, Place},
    suspension::SuspensionCause,
};
use demo::agent::{
    browser::{Browser, Page},
    walk::{allow, cancel},
};
use renkei_proto::bank::v1::notify_request::{ContractClosed, Notice};

use crate::{
    bench::{BANK, Bench, browser},
    journey_customer::{
        CONTRACT, assert_error, authorize_form, confirm_form, error_in, fact, linkages, login_form,
        open_step, send, step_of,
    },
    lifecycle_bank_notices::{tell, user_removed},
    lifecycle_given::{USER, bank, by_operator, journey, terms},
    oauth_partner::operator,
};

fn contract_closed() -> Notice {
    Notice::ContractClosed(ContractClosed {})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_closed_or_a_user_who_left_ends_the_journey_at_its_next_step() {
    for (notice, code) in [
        (contract_closed(), "contract_closed"),
        (user_removed(), "user_removed"),
    ] {
        let bench = Bench::new().await;
        let browser = browser();
        let (confirm, pushed) = bench.to_confirm(&browser, 0).await;
        tell(&bench, notice).await;
        let page = send(&browser, &confirm_form(&confirm)).await;
        assert_error(&page, 403, "login_not_entitled");
        let back = page.link("a#partner").expect("a way back");
        assert_eq!(error_in(&bench, &back, &pushed.state), "access_denied");
        assert_eq!(fact(&bench, "JourneyFailed").await["code"], code);
        // What it registered is taken back, and the page stays.
        assert_eq!(bench.events("AccountRegistrationsWithdrawn").await, 1);
        let again = open_step(&browser, &confirm, "accounts").await;
        assert_error(&again, 403, "login_not_entitled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_granted_where_the_notice_comes_before_the_last_click() {
    for notice in [contract_closed(), user_removed()] {
        let bench = Bench::new().await;
        let browser = browser();
        let (authorize, _) = bench.to_authorize(&browser, 0).await;
        tell(&bench, notice).await;
        let page = send(&browser, &authorize_form(&authorize)).await;
        assert_error(&page, 403, "login_not_entitled");
        assert_eq!(bench.events("AccessGranted").await, 0);
        assert_eq!(bench.events("AccessAuthorized").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_left_before_anything_was_linked_can_not_link_either() {
    let bench = Bench::new().await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let tasks = send(&browser, &login_form(&login)).await;
    let tasks = browser.follow(&tasks).await.expect("step 3");
    assert_eq!(step_of(&tasks), "tasks");
    // The contract has no fact yet; the journey is why the notice is kept.
    tell(&bench, user_removed()).await;
    let page = open_step(&browser, &tasks, "tasks").await;
    assert_error(&page, 403, "login_not_entitled");
    // Nor does another login of that user begin anything.
    let other = crate::bench::browser();
    let (login, _) = bench.begin(&other, 0).await;
    let page = send(&other, &login_form(&login)).await;
    assert_error(&page, 403, "login_not_entitled");
    assert_eq!(bench.events("LoginSucceeded").await, 1);
}

/// The commit's own condition, which no reading before it can stand in for.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_rests_on_a_contract_writes_nothing_once_it_is_closed() {
    let bench = Bench::new().await;
    bench.to_confirm(&browser(), 0).await;
    let grant = async |name: &'static str, user: &'static str| {
        let grant = GrantId::parse(name).unwrap();
        let app = &bench.replicas[0].app;
        app.bus
            .execute::<ConsentStream, ConsentRefusal>(
                format!("{BANK}:{grant}"),
                operator(),
                |consent, now| {
                    let terms = terms(now + chrono::TimeDelta::days(9));
                    Ok(vec![consent.grant(&journey(), terms, Place::Beside)?])
                },
                move |_, _, _| {
                    vec![Companion::RequireEntitled {
                        contract: format!("{BANK}:{CONTRACT}"),
                        user: user.to_owned(),
                        accounts: Vec::new(),
                    }]
                },
            )
            .await
            .map(drop)
    };
    grant("g-1", USER).await.expect("the contract is open");
    tell(&bench, user_removed()).await;
    assert!(matches!(grant("g-2", USER).await, Err(CommandError::Busy)));
    grant("g-3", "another-user").await.expect("another user's");
    tell(&bench, contract_closed()).await;
    let refused = grant("g-4", "another-user").await;
    assert!(matches!(refused, Err(CommandError::Busy)));
    assert_eq!(bench.events("AccessGranted").await, 2);
}

/// Suspends and restores, with the page of step 6 open; then cancels another journey meanwhile.
async fn waits_while_suspended(level: Level) {
    let bench = Bench::new().await;
    let (one, other) = (browser(), browser());
    let (authorize, _) = bench.to_authorize(&one, 0).await;
    let (confirm, _) = bench.to_confirm(&other, 0).await;
    let (app, bank) = (&bench.replicas[0].app, bank());
    let act = (&app.pool, &app.bus);
    let cause = SuspensionCause::SecurityIncident;
    let suspended = level.suspend(act, &bank, cause, by_operator()).await;
    suspended.expect("suspended");

    let shown = async |browser: &Browser, page: &Page, step: &str| {
        assert_error(&open_step(browser, page, step).await, 503, "linking_paused");
    };
    shown(&one, &authorize, "authorize").await;
    let sent = send(&one, &authorize_form(&authorize)).await;
    assert_error(&sent, 503, "linking_paused");
    assert!(linkages(&bench).await.is_empty());
    assert_eq!(bench.events("JourneyFailed").await, 0);
    let step = demo::agent::walk::Step::CheckRegistration;
    cancel(&other, &confirm, step).await.expect("the end page");
    assert_eq!(bench.events("JourneyCancelled").await, 1);

    let restored = level.restore(act, &bank, cause, by_operator()).await;
    restored.expect("restored");
    let authorize = open_step(&one, &authorize, "authorize").await;
    allow(&one, &authorize).await.expect("the end page");
    assert_eq!(linkages(&bench).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_waits_while_its_partner_is_suspended_at_the_bank() {
    let partner = PartnerId::parse("id-of-partner-a").unwrap();
    waits_while_suspended(Level::Partner(partner)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journey_waits_while_the_bank_is_suspended() {
    waits_while_suspended(Level::Bank).await;
}
