//! Each read is reported before it is served, and nothing is served that is not recorded.

use std::time::{Duration, Instant};

use renkei_proto::decision::v1::{
    AccountsRead, BalanceRead, RecordReadRequest, TransactionsRead, record_read_request::Read,
};
use tonic::Status;
use uuid::Uuid;

use crate::application::{Application, GRANT_ID, now};
use crate::stand_ins::Conduct;

const PATHS: [&str; 3] = [
    "/v1/accounts",
    "/v1/accounts/acc-1/balance",
    "/v1/accounts/acc-1/transactions",
];

fn transactions(from: &str, to: &str, last_served: &str) -> Read {
    Read::Transactions(TransactionsRead {
        bank_account_id: "bank-1".to_owned(),
        from_date: from.to_owned(),
        to_date: to.to_owned(),
        last_served_date: last_served.to_owned(),
    })
}

/// The one report since the last look.
fn reported(app: &Application) -> RecordReadRequest {
    let reports = app.decisions.take_reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    reports.into_iter().next().unwrap()
}

#[tokio::test]
async fn every_read_is_reported_with_who_what_when_and_how_many_rows() {
    let app = Application::start().await;
    let balance = Read::Balance(BalanceRead {
        bank_account_id: "bank-1".to_owned(),
    });
    for (path, read, rows) in [
        (PATHS[0], Read::Accounts(AccountsRead {}), 2),
        (PATHS[1], balance, 1),
        (
            PATHS[2],
            transactions("2026-03-01", "2026-04-15", "2026-04-14"),
            46,
        ),
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, 200);
        let report = reported(&app);
        assert_eq!((report.read, report.rows), (Some(read), rows), "{path}");
        let who = (report.bank_code, report.grant_id, report.client_id);
        assert_eq!(
            who,
            ("2963".into(), GRANT_ID.to_owned(), "partner-1".into())
        );
        assert_eq!(report.jti, "token-1");
        assert_eq!(
            Some(report.request_id.as_str()),
            answer.header("x-request-id")
        );
        let id = Uuid::parse_str(&report.record_id).unwrap();
        let (seconds, _) = id.get_timestamp().unwrap().to_unix();
        assert_eq!(i64::try_from(seconds).unwrap(), now().timestamp());
    }
}

#[tokio::test]
async fn only_days_that_are_over_and_served_to_their_end_count_as_served() {
    let app = Application::start().await;
    let path = PATHS[2];
    for (query, from, to, last) in [
        ("?to=2026-04-10", "2026-03-01", "2026-04-10", "2026-04-10"),
        // Today may bring more.
        (
            "?from=2026-04-15&to=2026-04-15",
            "2026-04-15",
            "2026-04-15",
            "",
        ),
        // A page's last day may go on with the next page.
        ("?limit=7", "2026-03-01", "2026-04-15", "2026-03-06"),
        ("?limit=1", "2026-03-01", "2026-04-15", ""),
        // Before every limit: no day is read.
        ("?from=2026-01-01&to=2026-01-31", "", "", ""),
    ] {
        assert_eq!(app.get(&format!("{path}{query}")).await.status, 200);
        let report = reported(&app);
        assert_eq!(report.read, Some(transactions(from, to, last)), "{query}");
    }
}

#[tokio::test]
async fn page_by_page_the_served_days_grow_and_end_with_the_whole() {
    let app = Application::start().await;
    let mut query = "?limit=20&to=2026-04-12".to_owned();
    let mut served = Vec::new();
    loop {
        let page = app.get(&format!("{}{query}", PATHS[2])).await.json();
        if let Some(Read::Transactions(read)) = reported(&app).read {
            served.push(read.last_served_date);
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        query = format!("?limit=20&cursor={cursor}");
    }
    assert_eq!(served, ["2026-03-19", "2026-04-08", "2026-04-12"]);
}

#[tokio::test]
async fn what_is_refused_is_no_read() {
    let app = Application::start().await;
    for path in [
        "/v1/accounts/acc-9/balance",
        "/v1/accounts/acc-1/transactions?from=2027-01-01",
        "/v1/nothing",
    ] {
        assert!(app.get(path).await.status >= 400);
    }
    app.bank
        .change(|core| core.conduct = Conduct::Fails(Status::unavailable("")));
    for path in PATHS {
        assert_eq!(app.get(path).await.problem().1, "bank_unavailable");
    }
    assert!(app.decisions.take_reports().is_empty());
}

#[tokio::test]
async fn a_read_that_can_not_be_recorded_is_not_served() {
    let app = Application::start().await;
    for status in [
        Status::failed_precondition("no such grant"),
        Status::resource_exhausted(""),
        Status::internal(""),
        Status::invalid_argument("jti"),
        Status::unimplemented("an older release"),
    ] {
        for path in PATHS {
            app.decisions.next_reports([Conduct::Fails(status.clone())]);
            let answer = app.get(path).await;
            assert_eq!(answer.problem(), (503, "record_unavailable".to_owned()));
            assert_eq!(answer.header("retry-after"), Some("5"));
            assert!(!answer.text.contains("acc-1") && !answer.text.contains("item-"));
            reported(&app);
        }
    }
}

#[tokio::test]
async fn a_report_that_nobody_answered_is_sent_once_more_as_the_same_record() {
    let app = Application::start().await;
    let lost = || Conduct::Fails(Status::unavailable("the replica went away"));
    app.decisions.next_reports([lost()]);
    assert_eq!(app.get(PATHS[1]).await.status, 200);
    let reports = app.decisions.take_reports();
    assert_eq!(reports.len(), 2);
    assert_eq!(reports[0], reports[1]);

    app.decisions.next_reports([lost(), lost()]);
    let answer = app.get(PATHS[1]).await;
    assert_eq!(answer.problem().1, "record_unavailable");
    assert_eq!(app.decisions.take_reports().len(), 2);
}

#[tokio::test]
async fn a_report_that_takes_longer_than_two_seconds_is_given_up() {
    let app = Application::start().await;
    app.decisions.next_reports([Conduct::Hangs]);
    let started = Instant::now();
    let answer = app.get(PATHS[1]).await;
    assert_eq!(answer.problem(), (503, "record_unavailable".to_owned()));
    assert!((Duration::from_millis(1900)..Duration::from_secs(4)).contains(&started.elapsed()));
}
