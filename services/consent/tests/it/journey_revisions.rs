//! Back and redo, second tabs, pages that are out of date.

use demo::agent::walk::{
    Mark, RowChoice, Task, allow, check_registration, choose_accounts, return_address,
};

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, SECOND, browser, ticked, unticked},
    journey_customer::{
        FIRST_ID, FOURTH_ID, SECOND_ID, accounts_form, authorize_form, cancel_form, confirm_form,
        facts, linked_accounts, location, marked, new_facts, notice, only, open_step, pin_guesses,
        send, send_on, send_to, statuses, step_of, tasks_form,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn each_earlier_step_may_be_done_again_and_the_last_choice_counts() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (authorize, pushed) = bench.to_authorize(&browser, 0).await;
    let before = facts(&bench).await;

    // Back to step 3: the first choice is still ticked there; balances only, this time.
    let tasks = open_step(&browser, &authorize, "tasks").await;
    assert_eq!(step_of(&tasks), "tasks");
    let accounts = send_on(&browser, &tasks_form(&tasks, &[Task::Balance])).await;
    // The first choice of accounts is a proposal in step 4, which has to be done again, PINs too.
    assert_eq!(step_of(&accounts), "accounts");
    assert_eq!(
        step_of(&open_step(&browser, &accounts, "authorize").await),
        "accounts"
    );
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let confirm = send_on(&browser, &accounts_form(&accounts, &rows)).await;

    // Back to step 4 once more, from step 5: the first account is taken out again.
    let accounts = open_step(&browser, &confirm, "accounts").await;
    assert_eq!(
        statuses(&accounts),
        ["登録済み*", "未登録", "未登録", "登録済み*"]
    );
    let rows = [unticked(FIRST), ticked(FOURTH, PIN)];
    let confirm = send_on(&browser, &accounts_form(&accounts, &rows)).await;
    assert_eq!(
        statuses(&confirm),
        ["登録済み", "未登録", "未登録", "登録済み*"]
    );
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    let end = allow(&browser, &authorize).await.expect("the end page");
    let returned = return_address(&end).expect("the way back");
    let tokens = bench
        .client(0)
        .complete(&returned, &pushed)
        .await
        .expect("tokens");
    assert_eq!(tokens.scope.as_deref(), Some("balance"));
    assert_eq!(linked_accounts(&bench).await, [FOURTH_ID]);

    let expected = [
        "TasksSelected",
        "AccountsSelected",
        "AccountsRegistered",
        "AccountsSelected",
        "AccountsRegistered",
        // The first account was registered by this journey before: only the fourth is new.
        "AccountRegistered",
        "RegistrationConfirmed",
        "AccessAuthorized",
        "AccessGranted",
        "PartnerConnected",
    ];
    assert_eq!(new_facts(&before, &facts(&bench).await), only(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_of_an_older_revision_brings_step_5_again_with_the_differences() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (stale, _) = bench.to_confirm(&browser, 0).await;
    assert_eq!(marked(&stale), Vec::<String>::new());
    // Meanwhile, in another tab, the first account goes and two others come.
    let accounts = open_step(&browser, &stale, "accounts").await;
    let rows = [unticked(FIRST), ticked(SECOND, PIN), ticked(FOURTH, PIN)];
    choose_accounts(&browser, &accounts, &rows)
        .await
        .expect("step 5");
    let before = facts(&bench).await;

    let answer = send_to(&bench, &browser, &stale, &confirm_form(&stale), 1).await;
    let again = browser.follow(&answer).await.expect("step 5");
    assert_eq!(step_of(&again), "confirm");
    assert!(
        notice(&again).contains("変更されました"),
        "{}",
        notice(&again)
    );
    assert_eq!(marked(&again), [FIRST_ID, SECOND_ID, FOURTH_ID]);
    assert_eq!(facts(&bench).await, before);
    // And from there on.
    assert_eq!(
        step_of(&send_on(&browser, &confirm_form(&again)).await),
        "authorize"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_of_an_older_revision_brings_step_5_again_with_the_differences() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (stale, _) = bench.to_authorize(&browser, 0).await;
    let accounts = open_step(&browser, &stale, "accounts").await;
    let rows = [ticked(FIRST, PIN), ticked(FOURTH, PIN)];
    let redone = choose_accounts(&browser, &accounts, &rows)
        .await
        .expect("step 5");

    // Whether the other tab stands at step 5 or has come to step 6 again.
    for other_tab in ["confirm", "authorize"] {
        if other_tab == "authorize" {
            check_registration(&browser, &redone).await.expect("step 6");
        }
        let before = facts(&bench).await;
        let answer = send_to(&bench, &browser, &stale, &authorize_form(&stale), 1).await;
        let again = browser.follow(&answer).await.expect("step 5");
        assert_eq!(step_of(&again), "confirm", "the other tab at {other_tab}");
        assert!(
            notice(&again).contains("変更されました"),
            "{}",
            notice(&again)
        );
        assert_eq!(marked(&again), [FOURTH_ID]);
        assert_eq!(facts(&bench).await, before);
    }

    let again = open_step(&browser, &stale, "confirm").await;
    let authorize = check_registration(&browser, &again).await.expect("step 6");
    allow(&browser, &authorize).await.expect("the end page");
    assert_eq!(linked_accounts(&bench).await, [FIRST_ID, FOURTH_ID]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redone_choice_of_tasks_is_marked_in_step_5_too() {
    let bench = Bench::new().await;
    let browser = browser();
    let (stale, _) = bench.to_confirm(&browser, 0).await;
    let tasks = open_step(&browser, &stale, "tasks").await;
    let accounts = send_on(&browser, &tasks_form(&tasks, &[Task::Balance])).await;
    choose_accounts(&browser, &accounts, &[ticked(FIRST, PIN)])
        .await
        .expect("step 5");
    let again = send_on(&browser, &confirm_form(&stale)).await;
    assert_eq!(marked(&again), [FIRST_ID]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_sees_the_current_step() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (accounts, pushed) = bench.to_accounts(&browser, 0).await;
    // Given the partner's link once more, the login's address, or a step that is not reached yet.
    let link = bench.client(0).authorization_url(&pushed);
    let login = accounts.url.join("login").expect("an address");
    let authorize = accounts.url.join("authorize").expect("an address");
    for (replica, address) in [(0, &link), (1, &link), (1, &login), (1, &authorize)] {
        let url = bench.at_replica(address, replica);
        let tab = browser.get(&url).await.expect("an answer");
        let tab = browser.follow_to_end(tab, &url).await.expect("a page");
        assert_eq!(step_of(&tab), "accounts", "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stale_forms_of_a_second_tab_change_nothing() {
    let bench = Bench::replicas(2).await;
    let browser = browser();
    let (login, _) = bench.begin(&browser, 0).await;
    let login_tab = browser.get(&login.url).await.expect("a second login page");
    let tasks = send_on(&browser, &crate::journey_customer::login_form(&login)).await;
    let tasks_tab = open_step(&browser, &tasks, "tasks").await;
    let accounts = send_on(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    let accounts_tab = open_step(&browser, &accounts, "accounts").await;
    let confirm = send_on(&browser, &accounts_form(&accounts, &[ticked(FIRST, PIN)])).await;
    let authorize = send_on(&browser, &confirm_form(&confirm)).await;
    assert_eq!(step_of(&authorize), "authorize");

    let before = facts(&bench).await;
    let stale = [
        (&login_tab, crate::journey_customer::login_form(&login_tab)),
        (&tasks_tab, tasks_form(&tasks_tab, &[Task::Balance])),
        (
            &accounts_tab,
            accounts_form(&accounts_tab, &[ticked(FOURTH, PIN)]),
        ),
    ];
    for (page, form) in &stale {
        for replica in 0..2 {
            let answer = send_to(&bench, &browser, page, form, replica).await;
            let shown = browser.follow(&answer).await.expect("the current step");
            assert_eq!(step_of(&shown), "authorize", "{}", page.url);
            assert_ne!(notice(&shown), "", "{}", page.url);
        }
    }
    assert_eq!(facts(&bench).await, before);
    assert_eq!(pin_guesses(&bench), 1);
    assert_eq!(crate::journey_customer::login_attempts(&bench), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_in_a_second_tab_ends_the_journey_for_both() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let other_tab = open_step(&browser, &accounts, "accounts").await;
    send_on(&browser, &cancel_form(&other_tab)).await;
    let before = facts(&bench).await;
    let page = send_on(&browser, &accounts_form(&accounts, &[ticked(FIRST, PIN)])).await;
    assert_eq!(
        page.title().as_deref(),
        Some("団体IBは終了しました"),
        "{}",
        page.excerpt(300)
    );
    assert_eq!((facts(&bench).await, pin_guesses(&bench)), (before, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_in_a_form_is_said_on_its_page_and_records_nothing() {
    let bench = Bench::new().await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let tasks = open_step(&browser, &accounts, "tasks").await;
    let before = facts(&bench).await;
    let no_task = send(&browser, &tasks_form(&tasks, &[])).await;
    assert_eq!(
        (no_task.status, no_task.has("form#tasks-form")),
        (422, true)
    );
    let no_row = send(&browser, &accounts_form(&accounts, &[])).await;
    assert_eq!((no_row.status, no_row.has("#problems")), (422, true));
    let row = RowChoice {
        account: FIRST.to_owned(),
        mark: Mark::Tick,
        pin: None,
    };
    let no_pin = send(&browser, &accounts_form(&accounts, &[row])).await;
    assert_eq!(
        (
            no_pin.status,
            no_pin.has(&format!("tr.invalid#row-{FIRST_ID}"))
        ),
        (422, true)
    );
    let short = send(&browser, &accounts_form(&no_pin, &[ticked(FIRST, "48x")])).await;
    assert_eq!((short.status, pin_guesses(&bench)), (422, 0));
    assert_eq!(facts(&bench).await, before);

    let confirm = send_on(&browser, &accounts_form(&short, &[ticked(FIRST, PIN)])).await;
    let authorize = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    let mut unticked = authorize_form(&authorize);
    unticked.uncheck("agree", "yes");
    let not_agreed = send(&browser, &unticked).await;
    assert_eq!(
        (not_agreed.status, not_agreed.has("#agree-problem")),
        (422, true)
    );
    assert_eq!(bench.events("AccessAuthorized").await, 0);
    let end = send(&browser, &authorize_form(&not_agreed)).await;
    assert!(location(&end).ends_with("/done"));
}
