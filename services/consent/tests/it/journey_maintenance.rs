//! Maintenance that the bank announces ahead: said on every page before it begins, in both languages,
//! and never in the way of a page.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use demo::agent::walk::Task;
use sandbox_bank::{Fault, Lie, PlannedMaintenance, Rpc};

use crate::{
    bench::{BANK, Bench, FIRST, Options, PIN, browser, ticked},
    journey_customer::{
        accounts_form, authorize_form, confirm_form, location, login_form, notice, send, send_on,
        step_of, tasks_form,
    },
    locale_choice::switch,
};

/// In three hours, at a full minute.
fn soon() -> DateTime<Utc> {
    let at = Utc::now() + TimeDelta::hours(3);
    at.with_second(0)
        .and_then(|at| at.with_nanosecond(0))
        .expect("a time")
}

fn announce(bench: &Bench, from: DateTime<Utc>, until: Option<DateTime<Utc>>) {
    bench
        .bank
        .set_planned_maintenance(BANK, vec![PlannedMaintenance { from, until }])
        .expect("a known bank");
}

fn clock(at: DateTime<Utc>) -> String {
    (at + TimeDelta::hours(9)).format("%H:%M").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_when_it_begins_and_ends() {
    let bench = Bench::new().await;
    let (from, until) = (soon(), soon() + TimeDelta::minutes(95));
    announce(&bench, from, Some(until));
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let tasks = send_on(&browser, &login_form(&login)).await;
    let accounts = send_on(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    let confirm = send_on(&browser, &accounts_form(&accounts, &[ticked(FIRST, PIN)])).await;
    let authorize = send_on(&browser, &confirm_form(&confirm)).await;
    for page in [&login, &tasks, &accounts, &confirm, &authorize] {
        let said = notice(page);
        assert!(said.contains("メンテナンス"), "{} {said}", step_of(page));
        assert!(
            said.contains(&clock(from)) && said.contains(&clock(until)),
            "{said}"
        );
    }
    let in_english = switch(&browser, &authorize, "en").await;
    let said = notice(&in_english);
    assert!(
        said.contains("maintenance") && said.contains(&clock(until)),
        "{said}"
    );
    let answer = send(&browser, &authorize_form(&in_english)).await;
    assert!(
        location(&answer).ends_with("/done"),
        "it is in nobody's way"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_not_known_is_not_made_up() {
    let bench = Bench::new().await;
    announce(&bench, soon(), None);
    let (login, _) = bench.begin(&browser(), 0).await;
    let said = notice(&login);
    assert!(
        said.contains("決まっていません") && !said.contains("{until}"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_of_another_week_is_not_said_yet() {
    let bench = Bench::new().await;
    announce(&bench, Utc::now() + TimeDelta::days(7), None);
    let (login, _) = bench.begin(&browser(), 0).await;
    assert_eq!(notice(&login), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn announcements_that_lie_fail_or_never_come_leave_the_pages_as_they_are() {
    let rpc = Rpc::ListPlannedMaintenance;
    for lie in [Lie::AboutAnotherBank, Lie::AboutNothing, Lie::MissingFields] {
        let bench = Bench::new().await;
        announce(&bench, soon(), None);
        bench.bank.set_lie(rpc, Some(lie));
        let (login, _) = bench.begin(&browser(), 0).await;
        assert_eq!(notice(&login), "", "{lie:?}");
    }
    for fault in [Fault::Unavailable, Fault::HangAfterActing] {
        // A call of the bank may take longer than the page is waited for here.
        let bench = Bench::with(Options {
            bank_deadline_milliseconds: 120_000,
            ..Options::default()
        })
        .await;
        announce(&bench, soon(), None);
        bench.bank.set_fault(rpc, Some(fault));
        let browser = browser();
        let login = tokio::time::timeout(Duration::from_secs(60), bench.begin(&browser, 0));
        let (login, _) = login.await.expect("a page in time");
        assert_eq!(notice(&login), "", "{fault:?}");
    }
}
