//! 許可 rests on the registrations of the accounts that it links: what the bank ended of them meanwhile is chosen
//! anew, whichever comes first.

use demo::agent::{
    browser::{Browser, Page},
    partner::ParRequest,
    walk::{RowChoice, Task, allow, check_registration, choose_accounts, choose_tasks, log_in},
};
use renkei_proto::bank::v1::notify_request::{AccountClosed, Notice, PinReset, RightRemoved};
use sqlx::Connection as _;

use crate::{
    bench::{BANK, Bench, FIRST, PIN, SECOND, THIRD, browser, dantai01, ticked, unticked},
    journey_customer::{
        CONTRACT, FIRST_ID, PIN_SCOPE, SECOND_ID, THIRD_ID, authorize_form, linkages,
        linked_accounts, location, notice, send, send_to, statuses, step_of,
    },
    lifecycle_bank_notices::{notice as of_bank, port, send as send_notice, tell},
    lifecycle_given::USER,
    lifecycle_races::until_waiting,
    retention_given::owner,
};

pub fn account_closed() -> Notice {
    Notice::AccountClosed(AccountClosed {
        account_id: FIRST_ID.to_owned(),
    })
}

/// What ends the first account's registration.
fn ends() -> [Notice; 3] {
    [
        account_closed(),
        Notice::RightRemoved(RightRemoved {
            user_id: USER.to_owned(),
            account_id: FIRST_ID.to_owned(),
        }),
        Notice::PinReset(PinReset {
            pin_scope_id: PIN_SCOPE.to_owned(),
        }),
    ]
}

/// Waits for 許可 with these accounts.
pub async fn at_step_6(bench: &Bench, rows: &[RowChoice]) -> (Browser, Page) {
    let browser = browser();
    let request = ParRequest::for_both_tasks();
    let (login, _) = bench.begin_with(&browser, 0, request).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let accounts = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let confirm = choose_accounts(&browser, &accounts, rows)
        .await
        .expect("step 5");
    let page = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    (browser, page)
}

/// The answer to 許可 leads to step 4, which says that something changed, and the first account is not registered.
async fn leads_to_the_accounts(browser: &Browser, answer: &Page) -> Page {
    assert!(
        location(answer).contains("/accounts"),
        "{}",
        location(answer)
    );
    let accounts = browser.follow(answer).await.expect("step 4");
    assert_eq!(step_of(&accounts), "accounts");
    assert!(notice(&accounts).contains("変更されました"));
    assert_eq!(statuses(&accounts)[0], "未登録");
    accounts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bank_ended_before_the_last_click_is_not_linked_but_chosen_anew() {
    for of in ends() {
        let bench = Bench::new().await;
        let rows = [ticked(FIRST, PIN), ticked(SECOND, PIN)];
        let (browser, authorize) = at_step_6(&bench, &rows).await;
        let told = format!("{of:?}");
        tell(&bench, of).await;

        let answer = send(&browser, &authorize_form(&authorize)).await;

        let accounts = leads_to_the_accounts(&browser, &answer).await;
        assert_eq!(bench.events("AccessGranted").await, 0, "{told}");
        let rows = [unticked(FIRST), ticked(SECOND, PIN)];
        let confirm = choose_accounts(&browser, &accounts, &rows).await;
        let authorize = check_registration(&browser, &confirm.expect("step 5")).await;
        allow(&browser, &authorize.expect("step 6"))
            .await
            .expect("the end page");
        assert_eq!(linked_accounts(&bench).await, [SECOND_ID], "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_is_it_added_to_a_linkage_that_there_is() {
    for of in ends() {
        let bench = Bench::new().await;
        let (browser, authorize) = at_step_6(&bench, &[ticked(THIRD, PIN)]).await;
        allow(&browser, &authorize).await.expect("the end page");
        let rows = [ticked(FIRST, PIN), ticked(THIRD, PIN)];
        let (browser, authorize) = at_step_6(&bench, &rows).await;
        // The linkage does not have the account, so the notice finds nothing to take out of it.
        tell(&bench, of).await;

        let answer = send(&browser, &authorize_form(&authorize)).await;

        leads_to_the_accounts(&browser, &answer).await;
        assert_eq!(linked_accounts(&bench).await, [THIRD_ID]);
        assert_eq!(bench.events("AccessAmended").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_closed_while_its_authorization_waits_is_not_linked() {
    let bench = Bench::replicas(2).await;
    let rows = [ticked(FIRST, PIN), ticked(SECOND, PIN)];
    let (browser, authorize) = at_step_6(&bench, &rows).await;
    let mut holder = owner(&bench).await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM contract_current WHERE stream_id = $1 FOR UPDATE")
        .bind(format!("{BANK}:{CONTRACT}"))
        .execute(&mut *held)
        .await
        .unwrap();
    let mut port = port(&bench, 1).await;
    let closed = of_bank(account_closed());
    let form = authorize_form(&authorize);
    let allowing = async {
        until_waiting(&bench, 1).await;
        send_to(&bench, &browser, &authorize, &form, 0).await
    };
    let release = async {
        until_waiting(&bench, 2).await;
        held.commit().await.unwrap();
    };

    let (told, answer, ()) = tokio::join!(send_notice(&mut port, &closed), allowing, release);

    told.expect("taken");
    leads_to_the_accounts(&browser, &answer).await;
    assert!(linkages(&bench).await.is_empty());
    assert_eq!(bench.events("AccountRemoved").await, 0);
}
