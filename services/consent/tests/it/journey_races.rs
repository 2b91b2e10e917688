//! What is sent at the same moment from two tabs: one outcome, whichever comes first.

use std::time::Duration;

use demo::agent::walk::{Task, check_registration};
use sandbox_bank::Rpc;
use tokio::time::sleep;

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, browser, ticked},
    journey_customer::{
        accounts_form, authorize_form, cancel_form, decline_form, facts, linkages, location,
        open_step, pin_guesses, send, send_to, statuses, step_of, tasks_form,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_authorize_at_the_same_moment_make_one_linkage_and_one_code() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (page, _) = bench.to_authorize(&browser, 0).await;
    let tab = open_step(&browser, &page, "authorize").await;
    let (one, other) = (authorize_form(&page), authorize_form(&tab));
    let (a, b) = tokio::join!(
        send_to(&bench, &browser, &page, &one, 0),
        send_to(&bench, &browser, &tab, &other, 1)
    );
    assert!(location(&a).ends_with("/done") && location(&b).ends_with("/done"));
    let shown = [browser.follow(&a).await, browser.follow(&b).await];
    let [a, b] = shown.map(|end| end.expect("the end page").link("a#continue"));
    assert!(a.is_some());
    assert_eq!(a, b);
    assert_eq!(
        (
            bench.events("AccessAuthorized").await,
            bench.events("AccessGranted").await
        ),
        (1, 1)
    );
    let codes: i64 = sqlx::query_scalar("SELECT count(*) FROM authorization_codes")
        .fetch_one(&bench.pool)
        .await
        .expect("a count");
    assert_eq!(codes, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_authorization_and_a_decline_at_the_same_moment_one_counts() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (page, _) = bench.to_authorize(&browser, 0).await;
    let (allowing, declining) = (authorize_form(&page), decline_form(&page));
    let (a, b) = tokio::join!(
        send_to(&bench, &browser, &page, &allowing, 0),
        send_to(&bench, &browser, &page, &declining, 1)
    );
    assert!(location(&a).ends_with("/done") && location(&b).ends_with("/done"));
    let facts = facts(&bench).await;
    let count = |name: &str| facts.get(name).copied().unwrap_or_default();
    let ends = (count("AccessAuthorized"), count("AccessDeclined"));
    assert!(ends == (1, 0) || ends == (0, 1), "{ends:?}");
    assert_eq!(count("AccessGranted"), ends.0);
    assert_eq!(count("AccountRegistrationsWithdrawn"), ends.1);
    assert_eq!(linkages(&bench).await.len(), usize::from(ends.0 == 1));
    // The end page tells which, to whichever tab.
    let end = browser.follow(&b).await.expect("the end page");
    let way_back = end.link("a#continue").expect("the way back").to_string();
    assert_eq!(way_back.contains("code="), ends.0 == 1);
    assert_eq!(way_back.contains("access_denied"), ends.1 == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_choices_of_accounts_at_the_same_moment_one_counts() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (page, _) = bench.to_accounts(&browser, 0).await;
    let tab = open_step(&browser, &page, "accounts").await;
    let one = accounts_form(&page, &[ticked(FIRST, PIN)]);
    let other = accounts_form(&tab, &[ticked(FOURTH, PIN)]);
    let (a, b) = tokio::join!(
        send_to(&bench, &browser, &page, &one, 0),
        send_to(&bench, &browser, &tab, &other, 1)
    );
    assert_eq!(bench.events("AccountsSelected").await, 1);
    assert_eq!(bench.events("AccountRegistered").await, 1);
    // Both tabs see the same step 5: that of the choice that counts.
    let a = browser.follow_to_end(a, &page.url).await.expect("step 5");
    let b = browser
        .follow_to_end(b, &bench.at_replica(&page.url, 1))
        .await
        .expect("step 5");
    assert_eq!(
        (step_of(&a), step_of(&b)),
        ("confirm".to_owned(), "confirm".to_owned())
    );
    assert_eq!(statuses(&a), statuses(&b));
    assert_eq!(
        statuses(&a)
            .iter()
            .filter(|status| *status == "登録済み*")
            .count(),
        1
    );
    check_registration(&browser, &a).await.expect("step 6");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_for_a_choice_that_was_redone_meanwhile_is_dropped() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (page, _) = bench.to_accounts(&browser, 0).await;
    let tab = open_step(&browser, &page, "tasks").await;
    bench
        .bank
        .set_delay(Rpc::VerifyInquiryPin, Duration::from_secs(60));
    // While the bank judges the PIN, another tab does step 3 again.
    let redo = async {
        while bench.bank.requests(Rpc::VerifyInquiryPin) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        let form = tasks_form(&tab, &[Task::Balance]);
        let answer = send_to(&bench, &browser, &tab, &form, 1).await;
        bench.bank.set_delay(Rpc::VerifyInquiryPin, Duration::ZERO);
        answer
    };
    let form = accounts_form(&page, &[ticked(FIRST, PIN)]);
    let (late, redone) = tokio::join!(send(&browser, &form), redo);
    assert!(location(&redone).ends_with("/accounts"));
    let current = browser
        .follow_to_end(late, &page.url)
        .await
        .expect("a page");
    assert_eq!(step_of(&current), "accounts");
    assert_eq!(statuses(&current)[0], "未登録");
    assert_eq!(
        (pin_guesses(&bench), bench.events("AccountsSelected").await),
        (1, 0)
    );
    assert_eq!(bench.events("AccountRegistered").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_sends_just_after_the_end_sees_the_end_page_too() {
    let bench = Bench::new().await;
    let browser = browser();
    let (page, _) = bench.to_authorize(&browser, 0).await;
    // The other tab's request left before the end page's cookie came.
    let other_tab = browser.fork();
    let tab = open_step(&other_tab, &page, "authorize").await;
    let spare = open_step(&other_tab, &page, "accounts").await;
    let end = send(&browser, &authorize_form(&page)).await;
    let end = browser.follow(&end).await.expect("the end page");
    for form in [
        authorize_form(&tab),
        decline_form(&tab),
        accounts_form(&spare, &[ticked(FOURTH, PIN)]),
        cancel_form(&spare),
    ] {
        let late = other_tab.fork();
        let answer = send(&late, &form).await;
        assert!(location(&answer).ends_with("/done"));
        let shown = late.follow(&answer).await.expect("the end page");
        assert_eq!(shown.link("a#continue"), end.link("a#continue"));
    }
    assert_eq!(
        (bench.events("AccessAuthorized").await, pin_guesses(&bench)),
        (1, 1)
    );
    assert_eq!(bench.events("AccessDeclined").await, 0);
}
