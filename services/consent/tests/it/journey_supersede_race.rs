//! Two new linkages of one contract at the same moment, where the bank lets only one live: whichever comes
//! second sees the first, names it on its page, and ends it only with the next 許可.

use consent_domain::{GrantId, consent::Consent};
use demo::agent::{
    browser::{Browser, Page},
    partner::ParRequest,
    walk::{Task, allow, check_registration, choose_accounts, choose_tasks, log_in},
};
use sqlx::{Connection as _, PgConnection};

use crate::{
    bench::{BANK, Bench, FIRST, Options, PIN, SECOND, browser, dantai01, ticked},
    journey_customer::{
        CONTRACT, authorize_form, fact, linkages, location, notice, open_step, send_to, step_of,
    },
    lifecycle_races::until_waiting,
    retention_given::owner,
};

async fn with(bank_settings: &'static str) -> Bench {
    Bench::with(Options {
        replicas: 2,
        bank_settings,
        ..Options::default()
    })
    .await
}

fn create() -> ParRequest {
    ParRequest::for_both_tasks().create_grant()
}

/// A journey that waits for its 許可.
async fn at_step_6(
    bench: &Bench,
    partner: usize,
    request: ParRequest,
    accounts: &[&str],
) -> (Browser, Page) {
    let browser = browser();
    let (login, _) = bench.begin_with(&browser, partner, request).await;
    let tasks = log_in(&browser, &login, &dantai01()).await.expect("step 3");
    let step_4 = choose_tasks(&browser, &tasks, &Task::ALL)
        .await
        .expect("step 4");
    let rows: Vec<_> = accounts.iter().map(|name| ticked(name, PIN)).collect();
    let confirm = choose_accounts(&browser, &step_4, &rows)
        .await
        .expect("step 5");
    let page = check_registration(&browser, &confirm)
        .await
        .expect("step 6");
    (browser, page)
}

fn lines(authorize: &Page) -> String {
    authorize.texts("section.consent dd").join("\n")
}

/// Both 許可 at once, each at its own replica: held up by the contract's row until both have decided.
async fn both_at_once(bench: &Bench, one: &(Browser, Page), other: &(Browser, Page)) -> [Page; 2] {
    let mut holder = owner(bench).await;
    let mut held = holder.begin().await.unwrap();
    sqlx::query("SELECT FROM contract_current WHERE stream_id = $1 FOR UPDATE")
        .bind(format!("{BANK}:{CONTRACT}"))
        .execute(&mut *held)
        .await
        .unwrap();
    let (a, b) = (authorize_form(&one.1), authorize_form(&other.1));
    let sent = async {
        tokio::join!(
            send_to(bench, &one.0, &one.1, &a, 0),
            send_to(bench, &other.0, &other.1, &b, 1)
        )
    };
    let release = async {
        until_waiting(bench, 2).await;
        held.commit().await.unwrap();
    };
    let ((a, b), ()) = tokio::join!(sent, release);
    [a, b]
}

fn is_at_end(answer: &Page) -> bool {
    location(answer).ends_with("/done")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_of_two_new_linkages_shows_the_first_and_then_ends_it() {
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_company\" }").await;
    let one = at_step_6(&bench, 0, create(), &[FIRST]).await;
    let other = at_step_6(&bench, 1, create(), &[SECOND]).await;
    for journey in [&one, &other] {
        assert!(!lines(&journey.1).contains("との連携（"), "nothing to end");
    }

    let answers = both_at_once(&bench, &one, &other).await;

    let first: Vec<bool> = answers.iter().map(is_at_end).collect();
    assert_eq!(first.iter().filter(|done| **done).count(), 1, "{first:?}");
    let living = linkages(&bench).await;
    assert_eq!(living.len(), 1, "only one lives");
    assert_eq!(
        bench.events("AccessSuperseded").await,
        0,
        "nobody read that yet"
    );
    // The second customer's page comes again, and says what it would end.
    let second = if first[0] { &other } else { &one };
    let page = open_step(&second.0, &second.1, "authorize").await;
    assert_eq!(step_of(&page), "authorize");
    let name = if first[0] {
        "partner-a会計"
    } else {
        "partner-b会計"
    };
    assert!(
        lines(&page).contains(&format!("{name}との連携（")),
        "{}",
        lines(&page)
    );
    let answer = if first[0] { &answers[1] } else { &answers[0] };
    let again = second.0.follow(answer).await.expect("the step again");
    assert!(!notice(&again).is_empty(), "it says that something changed");

    allow(&second.0, &page).await.expect("the end page");

    let now = linkages(&bench).await;
    assert_eq!(now.len(), 1);
    let ended: GrantId = living[0].grant.clone();
    assert_ne!(now[0].grant, ended);
    let superseded = bench.consent(&ended).await;
    assert!(matches!(superseded, Consent::Superseded { by, .. } if by == now[0].grant));
    assert_eq!(
        fact(&bench, "AccessSuperseded").await["by"],
        now[0].grant.as_str()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_second_would_have_made_the_pairs_own_linkage_it_changes_the_first() {
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_service\" }").await;
    let one = at_step_6(&bench, 0, ParRequest::for_both_tasks(), &[FIRST]).await;
    let other = at_step_6(&bench, 0, ParRequest::for_both_tasks(), &[SECOND]).await;

    let answers = both_at_once(&bench, &one, &other).await;

    let done = answers.iter().filter(|answer| is_at_end(answer)).count();
    assert_eq!(done, 1);
    let second = if is_at_end(&answers[0]) {
        (&other, &answers[1])
    } else {
        (&one, &answers[0])
    };
    assert!(
        location(second.1).contains("/confirm"),
        "{}",
        location(second.1)
    );
    assert_eq!(bench.events("LinkageBasisChanged").await, 1);
    assert_eq!(linkages(&bench).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_neither_of_two_new_linkages_would_end_the_other_both_are_made() {
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_service\" }").await;
    let one = at_step_6(&bench, 0, create(), &[FIRST]).await;
    let other = at_step_6(&bench, 1, create(), &[SECOND]).await;

    let answers = both_at_once(&bench, &one, &other).await;

    assert!(answers.iter().all(is_at_end), "neither page comes again");
    assert_eq!(linkages(&bench).await.len(), 2);
    assert_eq!(bench.events("AccessSuperseded").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_linkages_stand_beside_each_other_both_are_made() {
    let bench = with("").await;
    let one = at_step_6(&bench, 0, create(), &[FIRST]).await;
    let other = at_step_6(&bench, 1, create(), &[SECOND]).await;
    let answers = both_at_once(&bench, &one, &other).await;
    assert!(answers.iter().all(is_at_end));
    assert_eq!(linkages(&bench).await.len(), 2);
}

/// Every 許可 takes the contract's row before it takes a consent's: of two that meet, none waits for what the
/// other holds.
#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_waits_for_the_contract_before_it_touches_a_consent() {
    let bench = with("linkage_rules = { new_linkage_supersedes = \"same_service\" }").await;
    let made = at_step_6(&bench, 0, create(), &[FIRST]).await;
    allow(&made.0, &made.1).await.expect("the end page");
    let changed = linkages(&bench).await[0].grant.clone();
    // One journey changes that linkage, another would end it.
    let change = at_step_6(&bench, 0, ParRequest::for_both_tasks(), &[FIRST, SECOND]).await;
    let ending = at_step_6(&bench, 0, create(), &[SECOND]).await;
    assert!(lines(&ending.1).contains("との連携（"));
    for (journey, replica) in [(&change, 0), (&ending, 1)] {
        let mut holder = owner(&bench).await;
        let mut held = holder.begin().await.unwrap();
        sqlx::query("SELECT FROM contract_current WHERE stream_id = $1 FOR UPDATE")
            .bind(format!("{BANK}:{CONTRACT}"))
            .execute(&mut *held)
            .await
            .unwrap();
        let form = authorize_form(&journey.1);
        let sent = send_to(&bench, &journey.0, &journey.1, &form, replica);
        let looked = async {
            until_waiting(&bench, 1).await;
            let free =
                sqlx::query("SELECT FROM consent_current WHERE stream_id = $1 FOR UPDATE NOWAIT")
                    .bind(format!("{BANK}:{changed}"))
                    .execute(&mut PgConnection::connect(&bench.owner_url()).await.unwrap())
                    .await;
            held.commit().await.unwrap();
            free.expect("nobody holds the consent");
        };
        tokio::join!(sent, looked);
    }
}
