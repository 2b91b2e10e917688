//! One live linkage per contract and service: a further journey changes it, `create` makes another.

use demo::agent::{
    browser::{Browser, Page},
    partner::{ParRequest, Pushed, Tokens},
    walk::{
        RowChoice, Task, allow, check_registration, choose_accounts, choose_tasks, log_in,
        return_address,
    },
};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, SECOND, THIRD, browser, dantai01, ticked, unticked},
    journey_customer::{
        FIRST_ID, FOURTH_ID, SECOND_ID, THIRD_ID, authorize_form, confirm_form, dantai01b,
        double_click, linkages, linked_accounts, location, notice, send, send_on, statuses,
        step_of,
    },
};

/// Walks a new journey of partner A to step 6 with these rows.
async fn to_authorize(
    bench: &Bench,
    browser: &Browser,
    who: &demo::agent::walk::Credentials,
    request: ParRequest,
    rows: &[RowChoice],
) -> (Page, Pushed) {
    let (login, pushed) = bench.begin_with(browser, 0, request).await;
    let tasks = log_in(browser, &login, who).await.expect("step 3");
    let accounts = choose_tasks(browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let confirm = choose_accounts(browser, &accounts, rows)
        .await
        .expect("step 5");
    (
        check_registration(browser, &confirm).await.expect("step 6"),
        pushed,
    )
}

async fn finish(bench: &Bench, browser: &Browser, authorize: &Page, pushed: &Pushed) -> Tokens {
    let end = allow(browser, authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    bench
        .client(0)
        .complete(&returned, pushed)
        .await
        .expect("tokens")
}

/// A finished journey of partner A with these rows.
async fn linked(bench: &Bench, rows: &[RowChoice]) -> Tokens {
    let browser = browser();
    let request = ParRequest::for_both_tasks();
    let (authorize, pushed) = to_authorize(bench, &browser, &dantai01(), request, rows).await;
    finish(bench, &browser, &authorize, &pushed).await
}

fn lines(page: &Page) -> Vec<String> {
    page.texts("section.consent dd")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_journey_changes_the_one_linkage_when_access_is_authorized_and_not_before() {
    let bench = Bench::new().await;
    let first = linked(&bench, &[ticked(FIRST, PIN), ticked(SECOND, PIN)]).await;

    let browser = browser();
    let rows = [ticked(FIRST, PIN), unticked(SECOND), ticked(FOURTH, PIN)];
    let request = ParRequest::for_both_tasks();
    let (authorize, pushed) = to_authorize(&bench, &browser, &dantai01(), request, &rows).await;
    // Step 6 says what changes.
    let lines = lines(&authorize);
    assert!(
        lines.contains(&format!("追加する口座：{FOURTH}")),
        "{lines:#?}"
    );
    assert!(
        lines.contains(&format!("対象から外す口座：{SECOND}")),
        "{lines:#?}"
    );
    assert!(
        !lines
            .iter()
            .any(|line| line.ends_with(&format!("口座：{FIRST}"))),
        "{lines:#?}"
    );
    // Until 許可 the linkage is as it was, and so is what its tokens give.
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID, SECOND_ID]);
    let refresh_token = first.refresh_token.as_deref().expect("a refresh token");
    let refreshed = bench
        .client(0)
        .refresh(refresh_token)
        .await
        .expect("tokens");
    assert_eq!(refreshed.account_ids(), first.account_ids());

    let second = finish(&bench, &browser, &authorize, &pushed).await;
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID, FOURTH_ID]);
    assert_eq!(second.grant_id, first.grant_id);
    // The earlier refresh token gives what is granted now; ids are stable across journeys.
    let refreshed = bench
        .client(0)
        .refresh(refresh_token)
        .await
        .expect("tokens");
    assert_eq!(refreshed.account_ids(), second.account_ids());
    let kept = second
        .account_ids()
        .into_iter()
        .filter(|id| first.account_ids().contains(id));
    assert_eq!(kept.count(), 1);
    assert_eq!(
        (
            bench.events("AccessGranted").await,
            bench.events("AccessAmended").await
        ),
        (1, 1)
    );
    // What was taken out stays registered.
    let (accounts, _) = bench.to_accounts(&crate::bench::browser(), 0).await;
    assert_eq!(
        statuses(&accounts),
        ["登録済み*", "登録済み", "未登録", "登録済み*"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_create_makes_another_linkage_beside() {
    let bench = Bench::new().await;
    let first = linked(&bench, &[ticked(FIRST, PIN)]).await;
    let browser = browser();
    let request = ParRequest::for_both_tasks().create_grant();
    let (login, pushed) = bench.begin_with(&browser, 0, request).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    // None of the new linkage's own yet: nothing is pre-ticked, and the other use is told.
    assert_eq!(
        statuses(&accounts),
        ["登録済み", "未登録", "未登録", "未登録"]
    );
    assert!(
        accounts
            .text("#remarks")
            .unwrap_or_default()
            .contains("別の連携で利用中")
    );
    let confirm = choose_accounts(&browser, &accounts, &[ticked(THIRD, PIN)])
        .await
        .expect("step 5");
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    assert!(!authorize.html.contains("現在の連携からの変更"));
    let second = finish(&bench, &browser, &authorize, &pushed).await;
    assert_ne!(second.grant_id, first.grant_id);
    let mut scopes: Vec<Vec<String>> = linkages(&bench)
        .await
        .iter()
        .map(|linkage| {
            linkage
                .scope
                .accounts()
                .iter()
                .map(ToString::to_string)
                .collect()
        })
        .collect();
    scopes.sort();
    assert_eq!(scopes, [[FIRST_ID], [THIRD_ID]]);

    // A plain request goes on meaning the pair's own one.
    linked(&bench, &[ticked(FIRST, PIN), ticked(FOURTH, PIN)]).await;
    let mut sizes: Vec<usize> = linkages(&bench)
        .await
        .iter()
        .map(|linkage| linkage.scope.accounts().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_service_stands_beside() {
    let bench = Bench::new().await;
    linked(&bench, &[ticked(FIRST, PIN)]).await;
    let browser = browser();
    let (authorize, pushed) = bench.to_authorize(&browser, 1).await;
    let end = allow(&browser, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    bench
        .client(1)
        .complete(&returned, &pushed)
        .await
        .expect("tokens");
    assert_eq!(
        (
            bench.events("AccessGranted").await,
            bench.events("AccessAmended").await
        ),
        (2, 0)
    );
    assert_eq!(linkages(&bench).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_journeys_that_make_the_first_linkage_one_wins_and_the_other_changes_it() {
    let bench = Bench::replicas(2).await;
    let (one, other) = (browser(), browser());
    let both_tasks = ParRequest::for_both_tasks;
    let rows = [ticked(FIRST, PIN)];
    let (first, pushed_first) = to_authorize(&bench, &one, &dantai01(), both_tasks(), &rows).await;
    let rows = [ticked(FOURTH, PIN)];
    let (second, pushed) = to_authorize(&bench, &other, &dantai01(), both_tasks(), &rows).await;
    let made = finish(&bench, &one, &first, &pushed_first).await;

    // The other sees step 5 again, with a word about it, and then what 許可 would change.
    let confirm = send_on(&other, &authorize_form(&second)).await;
    assert_eq!(step_of(&confirm), "confirm");
    assert!(
        notice(&confirm).contains("変更されました"),
        "{}",
        notice(&confirm)
    );
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID]);
    let authorize = check_registration(&other, &confirm).await.expect("step 6");
    let lines = lines(&authorize);
    assert!(
        lines.contains(&format!("追加する口座：{FOURTH}")),
        "{lines:#?}"
    );
    assert!(
        lines.contains(&format!("対象から外す口座：{FIRST}")),
        "{lines:#?}"
    );
    let changed = finish(&bench, &other, &authorize, &pushed).await;
    assert_eq!(changed.grant_id, made.grant_id);
    assert_eq!(linked_accounts(&bench).await, [FOURTH_ID]);
    assert_eq!(
        (
            bench.events("AccessGranted").await,
            bench.events("AccessAmended").await
        ),
        (1, 1)
    );
    assert_eq!(bench.events("LinkageBasisChanged").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_authorizations_at_the_same_moment_make_one_linkage() {
    let bench = Bench::replicas(2).await;
    let (one, other) = (browser(), browser());
    let (first, _) = bench.to_authorize(&one, 0).await;
    let (second, _) = bench.to_authorize(&other, 0).await;
    let (first_form, second_form) = (authorize_form(&first), authorize_form(&second));
    let (a, b) = tokio::join!(
        crate::journey_customer::send_to(&bench, &one, &first, &first_form, 0),
        crate::journey_customer::send_to(&bench, &other, &second, &second_form, 1)
    );
    let ended = |page: &Page| location(page).ends_with("/done");
    assert_ne!(ended(&a), ended(&b), "{} {}", location(&a), location(&b));
    assert_eq!(bench.events("AccessGranted").await, 1);
    assert_eq!(bench.events("AccessAuthorized").await, 1);
    let (browser, again) = if ended(&a) { (&other, b) } else { (&one, a) };
    let confirm = browser.follow(&again).await.expect("step 5");
    // A double click there, too, has one outcome.
    let (x, y) = double_click(&bench, browser, &confirm, &confirm_form(&confirm)).await;
    assert_eq!(location(&x), location(&y));
    let authorize = browser.follow(&x).await.expect("step 6");
    assert!(authorize.html.contains("対象の口座に変更はありません"));
    allow(browser, &authorize).await.expect("the end page");
    assert_eq!(
        (
            bench.events("AccessGranted").await,
            bench.events("AccessAmended").await
        ),
        (1, 1)
    );
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linkage_that_was_changed_meanwhile_brings_step_5_again() {
    let bench = Bench::new().await;
    linked(&bench, &[ticked(FIRST, PIN), ticked(SECOND, PIN)]).await;
    let (one, other) = (browser(), browser());
    let both_tasks = ParRequest::for_both_tasks;
    // The general user, who does not see the second account, is about to add the fourth.
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let (stale, pushed) = to_authorize(&bench, &one, &dantai01b(), both_tasks(), &rows).await;
    // Meanwhile the master user adds the third and takes the second out.
    let rows = [ticked(FIRST, PIN), unticked(SECOND), ticked(THIRD, PIN)];
    let (authorize, masters) = to_authorize(&bench, &other, &dantai01(), both_tasks(), &rows).await;
    finish(&bench, &other, &authorize, &masters).await;

    let answer = send(&one, &authorize_form(&stale)).await;
    let confirm = one.follow(&answer).await.expect("step 5");
    assert_eq!(step_of(&confirm), "confirm");
    assert_eq!(linked_accounts(&bench).await, [THIRD_ID, FIRST_ID].sorted());
    let authorize = check_registration(&one, &confirm).await.expect("step 6");
    finish(&bench, &one, &authorize, &pushed).await;
    // What the general user can't see is neither brought back nor taken out.
    assert_eq!(
        linked_accounts(&bench).await,
        [FIRST_ID, THIRD_ID, FOURTH_ID].sorted()
    );
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl<const N: usize> Sorted for [&str; N] {
    fn sorted(mut self) -> Self {
        self.sort_unstable();
        self
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_the_user_has_no_right_to_see_are_neither_shown_nor_removed() {
    let bench = Bench::new().await;
    let all = [FIRST, SECOND, THIRD, FOURTH].map(|account| ticked(account, PIN));
    let before = linked(&bench, &all).await;

    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;
    let tasks = log_in(&browser, &login, &dantai01b())
        .await
        .expect("step 3");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let shown = |page: &Page| -> Vec<String> {
        page.rows("table#accounts")
            .into_iter()
            .filter_map(|row| row.account)
            .collect()
    };
    assert_eq!(shown(&accounts), [FIRST_ID, FOURTH_ID]);
    assert_eq!(statuses(&accounts), ["登録済み*", "登録済み*"]);
    let rows = [ticked(FIRST, PIN), unticked(FOURTH)];
    let confirm = choose_accounts(&browser, &accounts, &rows)
        .await
        .expect("step 5");
    assert_eq!(shown(&confirm), [FIRST_ID, FOURTH_ID]);
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    for page in [&accounts, &confirm, &authorize] {
        assert!(!page.html.contains("1111111") && !page.html.contains("9999999"));
    }
    let lines = lines(&authorize);
    assert!(
        lines.contains(&format!("対象から外す口座：{FOURTH}")),
        "{lines:#?}"
    );
    let after = finish(&bench, &browser, &authorize, &pushed).await;
    assert_eq!(
        linked_accounts(&bench).await,
        [FIRST_ID, SECOND_ID, THIRD_ID].sorted()
    );
    assert_eq!(
        (before.account_ids().len(), after.account_ids().len()),
        (4, 3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_was_withdrawn_takes_no_account_out() {
    let bench = Bench::new().await;
    linked(&bench, &[ticked(FIRST, PIN), ticked(FOURTH, PIN)]).await;
    bench
        .bank
        .withdraw_account_right("2963", "dantai01", FOURTH_ID)
        .expect("a known account");
    linked(&bench, &[ticked(FIRST, PIN), ticked(SECOND, PIN)]).await;
    assert_eq!(
        linked_accounts(&bench).await,
        [FIRST_ID, SECOND_ID, FOURTH_ID].sorted()
    );
    bench
        .bank
        .restore_account_right("2963", "dantai01", FOURTH_ID)
        .expect("a known account");
    linked(
        &bench,
        &[ticked(FIRST, PIN), unticked(SECOND), unticked(FOURTH)],
    )
    .await;
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID]);
}
