//! The access record: every read that a partner got is in it, once, and many reads share a commit.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use account_api::RunningServer;
use consent::{
    access_record::{AccessTotal, ReadKind, RecordId, What, page_of, totals_of},
    decisions::DecisionService,
    sweeper,
};
use consent_domain::{BankCode, GrantId};
use demo::agent::partner::Tokens;
use renkei_proto::decision::v1::{
    BalanceRead, RecordReadRequest, decisions_server::Decisions as _, record_read_request::Read,
};
use sqlx::{Connection as _, PgConnection, PgPool};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::{
    bench::{BANK, Bench, DECISION_CREDENTIAL, FIRST, FOURTH, Options, PIN, ticked},
    oauth_account_api::serve,
    oauth_partner::Wish,
    store_tap::{Seen, Sent, Tap},
};

/// One account of the grant, as the bank and as the partner name it.
struct Account {
    bank_id: String,
    partner_id: String,
}

struct Given {
    bench: Bench,
    tokens: Tokens,
    account: Account,
}

impl Given {
    async fn of(bench: Bench) -> Self {
        let tokens = bench
            .granted(Wish {
                rows: vec![ticked(FIRST, PIN), ticked(FOURTH, PIN)],
                ..Wish::default()
            })
            .await;
        let server = serve(&bench, 0);
        let partner_id = tokens.account_ids()[0].clone();
        read(&server, &tokens, &balance(&partner_id)).await;
        let bank_id: String = sqlx::query_scalar("DELETE FROM access_records RETURNING account")
            .fetch_one(&superuser(&bench).await)
            .await
            .unwrap();
        sqlx::query("DELETE FROM access_totals")
            .execute(&superuser(&bench).await)
            .await
            .unwrap();
        Self {
            bench,
            tokens,
            account: Account {
                bank_id,
                partner_id,
            },
        }
    }

    fn grant(&self) -> GrantId {
        GrantId::parse(self.tokens.grant_id.clone().unwrap()).unwrap()
    }

    /// A report of a balance, of now.
    fn report(&self) -> RecordReadRequest {
        RecordReadRequest {
            record_id: Uuid::now_v7().to_string(),
            bank_code: BANK.to_owned(),
            grant_id: self.grant().to_string(),
            client_id: "partner-a".to_owned(),
            jti: Uuid::new_v4().to_string(),
            request_id: Uuid::new_v4().to_string(),
            traceparent: String::new(),
            rows: 1,
            read: Some(Read::Balance(BalanceRead {
                bank_account_id: self.account.bank_id.clone(),
            })),
        }
    }

    fn decisions(&self, replica: usize) -> Arc<DecisionService> {
        let app = self.bench.replicas[replica].app.clone();
        Arc::new(DecisionService::new(app, DECISION_CREDENTIAL.to_owned()))
    }

    async fn totals(&self) -> Vec<AccessTotal> {
        let bank = BankCode::parse(BANK).unwrap();
        totals_of(&self.bench.pool, &bank, &[self.grant()])
            .await
            .unwrap()
    }

    /// The sums are those of the records, whatever happened.
    async fn assert_totals_are_sums(&self) {
        let differences: Vec<String> = sqlx::query_scalar(
            "WITH sums AS (SELECT bank, grant_id, coalesce(account, '') AS account, task,
                 min(occurred_at) AS first_read_at, max(occurred_at) AS last_read_at,
                 count(*) AS reads, sum(rows)::bigint AS rows, max(last_served_on) AS last_served_on
                 FROM access_records GROUP BY 1, 2, 3, 4)
             SELECT d::text FROM ((TABLE access_totals EXCEPT TABLE sums)
                 UNION ALL (TABLE sums EXCEPT TABLE access_totals)) d",
        )
        .fetch_all(&self.bench.pool)
        .await
        .unwrap();
        assert!(differences.is_empty(), "{differences:?}");
    }

    async fn records(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM access_records")
            .fetch_one(&self.bench.pool)
            .await
            .unwrap()
    }
}

async fn superuser(bench: &Bench) -> PgPool {
    PgPool::connect(bench.database.url()).await.unwrap()
}

fn balance(account: &str) -> String {
    format!("/v1/accounts/{account}/balance")
}

/// Status and body of a read; the request is known by a new id.
async fn read(server: &RunningServer, tokens: &Tokens, path: &str) -> (u16, String, String) {
    let id = Uuid::new_v4().to_string();
    let answer = reqwest::Client::new()
        .get(format!("{}{path}", server.base_url()))
        .bearer_auth(&tokens.access_token)
        .header("x-fapi-interaction-id", &id)
        .send()
        .await
        .unwrap();
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap(), id)
}

async fn report(service: &DecisionService, report: RecordReadRequest) -> Result<(), Status> {
    let mut request = Request::new(report);
    let credential = format!("Bearer {DECISION_CREDENTIAL}").parse().unwrap();
    request.metadata_mut().insert("authorization", credential);
    service.record_read(request).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_read_leaves_one_record_and_the_totals_are_their_sums() {
    let given = Given::of(Bench::new().await).await;
    let server = serve(&given.bench, 0);
    let account = &given.account.partner_id;
    let statement = format!("/v1/accounts/{account}/transactions");
    let mut ids = Vec::new();
    for path in [
        "/v1/accounts".to_owned(),
        balance(account),
        balance(account),
        format!("{statement}?limit=5"),
        format!("{statement}?limit=500"),
    ] {
        let (status, body, id) = read(&server, &given.tokens, &path).await;
        assert_eq!(status, 200, "{body}");
        ids.push(id);
    }

    let bank = BankCode::parse(BANK).unwrap();
    let all = page_of(&given.bench.pool, &bank, &given.grant(), None, 100)
        .await
        .unwrap();
    // Newest first, under the request's own id.
    let recorded: Vec<_> = all.iter().rev().map(|r| r.request_id.clone()).collect();
    assert_eq!(recorded, ids);
    let kinds: Vec<_> = all.iter().rev().map(|r| r.what.kind()).collect();
    use ReadKind::{Accounts, Balance, Transactions};
    assert_eq!(
        kinds,
        [Accounts, Balance, Balance, Transactions, Transactions]
    );
    assert_eq!(
        all.iter().rev().map(|r| r.rows).take(4).collect::<Vec<_>>(),
        [2, 1, 1, 5]
    );
    for record in &all {
        assert_eq!(record.client.as_str(), "partner-a");
        assert_eq!(record.partner.as_str(), "id-of-partner-a");
    }
    let What::Transactions {
        account,
        days: Some(days),
        last_served_on,
    } = &all[0].what
    else {
        panic!("{:?}", all[0])
    };
    assert_eq!(account.as_str(), given.account.bank_id);
    // Up to today, which is not over.
    assert_eq!(*last_served_on, days.to.pred_opt());
    assert!(last_served_on.unwrap() > days.from);

    // Page by page the same.
    let (mut paged, mut before): (Vec<RecordId>, _) = (Vec::new(), None);
    loop {
        let page = page_of(&given.bench.pool, &bank, &given.grant(), before, 2)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        paged.extend(page.iter().map(|record| record.id));
    }
    assert_eq!(paged, all.iter().map(|r| r.id).collect::<Vec<_>>());

    let totals = given.totals().await;
    let sums: Vec<_> = totals.iter().map(|t| (t.task, t.reads)).collect();
    assert_eq!(sums, [(Accounts, 1), (Balance, 2), (Transactions, 2)]);
    assert_eq!(totals[2].last_served_on, *last_served_on);
    assert_eq!(totals[2].rows, i64::from(all[0].rows + all[1].rows));
    given.assert_totals_are_sums().await;

    // A read that is refused is none.
    given.bench.revoke(given.grant().as_str(), 0).await;
    assert_eq!(
        read(&server, &given.tokens, &balance(&given.account.partner_id))
            .await
            .0,
        401
    );
    assert_eq!(given.records().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_reads_at_once_share_a_few_commits() {
    const READS: usize = 64;
    let given = Given::of(Bench::new().await).await;
    // A statement of another's on the same sums, so that all but the first wait for each other.
    let mut holder = PgConnection::connect(given.bench.database.url())
        .await
        .unwrap();
    let service = given.decisions(0);
    report(&service, given.report()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("UPDATE access_totals SET reads = reads")
        .execute(&mut *held)
        .await
        .unwrap();
    let reports: Vec<_> = (0..READS)
        .map(|_| {
            let (service, sent) = (Arc::clone(&service), given.report());
            tokio::spawn(async move { report(&service, sent).await })
        })
        .collect();
    wait_for_a_lock(&given.bench).await;
    held.rollback().await.unwrap();
    for report in reports {
        report.await.unwrap().expect("recorded");
    }
    let (records, commits): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT xmin::text) FROM access_records")
            .fetch_one(&given.bench.pool)
            .await
            .unwrap();
    assert_eq!(records, 65);
    assert!(commits <= 8, "{commits} commits for {records} records");
    given.assert_totals_are_sums().await;
}

/// Until a statement of the access record waits for the lock that the test holds.
async fn wait_for_a_lock(bench: &Bench) {
    let superuser = superuser(bench).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
         AND wait_event_type = 'Lock' AND query LIKE '%access_records%'
         AND pid <> pg_backend_pid()";
    let waits = async {
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&superuser)
            .await
            .unwrap()
            == 0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waits)
        .await
        .expect("it waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_one_statement_without_a_ping() {
    let bench = Bench::with(Options {
        replicas: 1,
        ..Options::default()
    })
    .await;
    let given = Given::of(bench).await;
    let tap = Tap::open(&given.bench.service_url()).await;
    let settings = given
        .bench
        .settings()
        .replace(&given.bench.service_url(), tap.url());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let replica = given.bench.start_replica_with(listener, &settings).await;
    let service = DecisionService::new(replica.app.clone(), DECISION_CREDENTIAL.to_owned());
    report(&service, given.report()).await.unwrap();
    tap.take();
    for _ in 0..3 {
        report(&service, given.report()).await.unwrap();
    }
    // The replica's other connections are of what runs beside requests.
    let seen = tap.take();
    let writes = |seen: &&Seen| matches!(&seen.sent, Sent::Statement(sql) if sql.contains("INSERT INTO access_records"));
    let connection = seen.iter().find(writes).expect("a record").connection;
    let sent: Vec<&Seen> = seen
        .iter()
        .filter(|seen| seen.connection == connection)
        .collect();
    assert_eq!(sent.len(), 3, "{sent:#?}");
    assert_eq!(seen.iter().filter(writes).count(), 3);
    replica.abort().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_repeated_is_recorded_once_on_whatever_replicas() {
    let given = Given::of(Bench::replicas(2).await).await;
    let services = [given.decisions(0), given.decisions(1)];
    let mut sent = Vec::new();
    for _ in 0..40 {
        let once = given.report();
        for service in services.iter().chain(&services) {
            let (service, once) = (Arc::clone(service), once.clone());
            sent.push(tokio::spawn(async move { report(&service, once).await }));
        }
    }
    for sent in sent {
        sent.await.unwrap().expect("recorded");
    }
    assert_eq!(given.records().await, 40);
    assert_eq!(given.totals().await[0].reads, 40);
    given.assert_totals_are_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_sum_the_same_keys_at_once_lose_nothing() {
    let given = Given::of(Bench::replicas(2).await).await;
    let services = [given.decisions(0), given.decisions(1)];
    let mut sent = Vec::new();
    for number in 0..600_usize {
        let mut next = given.report();
        next.read = Some(Read::Balance(BalanceRead {
            // In turn from either end, so that batches name the accounts in every order.
            bank_account_id: format!(
                "account-{}",
                if number % 4 < 2 {
                    number % 20
                } else {
                    19 - number % 20
                }
            ),
        }));
        let service = Arc::clone(&services[number % 2]);
        sent.push(tokio::spawn(async move { report(&service, next).await }));
    }
    for sent in sent {
        sent.await.unwrap().expect("recorded");
    }
    assert_eq!(given.records().await, 600);
    given.assert_totals_are_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_a_read_of_now_is_refused_and_harms_no_other() {
    let given = Given::of(Bench::new().await).await;
    let service = given.decisions(0);
    let changed = |change: fn(&mut RecordReadRequest)| {
        let mut sent = given.report();
        change(&mut sent);
        sent
    };
    fn at(seconds: u64) -> String {
        let moment = uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0);
        Uuid::new_v7(moment).to_string()
    }
    let now = || u64::try_from(chrono::Utc::now().timestamp()).unwrap();
    let mut early = given.report();
    early.record_id = at(now() - 400);
    let mut late = given.report();
    late.record_id = at(now() + 400);
    let mut sent = Vec::new();
    for (refused, code) in [
        (
            changed(|r| r.grant_id = "nothing".to_owned()),
            Code::FailedPrecondition,
        ),
        (
            changed(|r| r.client_id = "partner-b".to_owned()),
            Code::FailedPrecondition,
        ),
        (
            changed(|r| r.bank_code = "2951".to_owned()),
            Code::FailedPrecondition,
        ),
        (early, Code::FailedPrecondition),
        (late, Code::FailedPrecondition),
        (
            changed(|r| r.record_id = Uuid::new_v4().to_string()),
            Code::InvalidArgument,
        ),
        (changed(|r| r.read = None), Code::InvalidArgument),
        (
            changed(|r| r.request_id = "a b".to_owned()),
            Code::InvalidArgument,
        ),
        (
            changed(|r| r.jti = "token".to_owned()),
            Code::InvalidArgument,
        ),
    ] {
        let (service, good) = (Arc::clone(&service), given.report());
        let beside = Arc::clone(&service);
        sent.push((
            tokio::spawn(async move { report(&service, refused).await }),
            Some(code),
        ));
        sent.push((
            tokio::spawn(async move { report(&beside, good).await }),
            None,
        ));
    }
    for (sent, expected) in sent {
        let refused = sent.await.unwrap().err().map(|status| status.code());
        assert_eq!(refused, expected);
    }
    assert_eq!(given.records().await, 9);
    let mut stranger = Request::new(given.report());
    let credential = "Bearer another".parse().unwrap();
    stranger.metadata_mut().insert("authorization", credential);
    let refused = service.record_read(stranger).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_recorded_nothing_is_served_and_then_again() {
    let given = Given::of(Bench::new().await).await;
    let server = serve(&given.bench, 0);
    let path = balance(&given.account.partner_id);
    let mut holder = PgConnection::connect(given.bench.database.url())
        .await
        .unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE access_totals IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    // The answer does not wait until the table is free again.
    let (status, body, _) = read(&server, &given.tokens, &path).await;
    assert_eq!(status, 503);
    assert!(
        body.contains("record_unavailable") && !body.contains("amount"),
        "{body}"
    );
    held.rollback().await.unwrap();
    assert_eq!(read(&server, &given.tokens, &path).await.0, 200);
    given.assert_totals_are_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_ended_costs_nobody_a_read() {
    let given = Given::of(Bench::new().await).await;
    let service = given.decisions(0);
    let superuser = superuser(&given.bench).await;
    for _ in 0..3 {
        report(&service, given.report()).await.expect("recorded");
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND query LIKE '%INSERT INTO access_records%'",
        )
        .fetch_all(&superuser)
        .await
        .unwrap();
        assert_eq!(ended, [true]);
    }
    assert_eq!(given.records().await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_every_read_that_was_served_is_on_record() {
    let mut given = Given::of(Bench::replicas(2).await).await;
    let servers = [
        Arc::new(serve(&given.bench, 0)),
        Arc::new(serve(&given.bench, 1)),
    ];
    let path = balance(&given.account.partner_id);
    let readers: Vec<_> = (0..8_usize)
        .map(|reader| {
            let (server, tokens) = (Arc::clone(&servers[reader % 2]), given.tokens.clone());
            let path = path.clone();
            tokio::spawn(async move {
                let mut served = Vec::new();
                for _ in 0..40 {
                    let (status, _, id) = read(&server, &tokens, &path).await;
                    if status == 200 {
                        served.push(id);
                    }
                }
                served
            })
        })
        .collect();
    // Backends are ended while they write, then a replica goes.
    let superuser = superuser(&given.bench).await;
    for _ in 0..10 {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND query LIKE '%INSERT INTO access_records%'",
        )
        .execute(&superuser)
        .await
        .unwrap();
        tokio::task::yield_now().await;
    }
    let replica = given.bench.replicas.remove(0);
    replica.abort().await;
    let mut served = Vec::new();
    for reader in readers {
        served.extend(reader.await.unwrap());
    }
    assert!(served.len() >= 40, "only {} were served", served.len());
    let recorded: Vec<String> = sqlx::query_scalar("SELECT request_id FROM access_records")
        .fetch_all(&given.bench.pool)
        .await
        .unwrap();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for id in &recorded {
        *times.entry(id).or_default() += 1;
    }
    for id in &served {
        assert_eq!(times.get(id.as_str()), Some(&1), "{id}");
    }
    given.assert_totals_are_sums().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn months_are_made_ahead_begin_at_midnight_in_japan_and_a_missing_one_is_made() {
    let given = Given::of(Bench::new().await).await;
    let superuser = superuser(&given.bench).await;
    let months = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'access_records'::regclass";
    let drop_all = "DO $$ DECLARE part regclass; BEGIN
        FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'access_records'::regclass
        LOOP EXECUTE format('DROP TABLE %s', part); END LOOP; END $$";
    let count = async || -> i64 {
        sqlx::query_scalar(months)
            .fetch_one(&superuser)
            .await
            .unwrap()
    };
    assert_eq!(count().await, 3);

    // The sweeper stood still, and a month begins without its partition.
    sqlx::query(drop_all).execute(&superuser).await.unwrap();
    report(&given.decisions(0), given.report())
        .await
        .expect("recorded");
    assert_eq!(count().await, 1);
    for _ in 0..2 {
        sweeper::round(&given.bench.replicas[0].app).await.unwrap();
        assert_eq!(count().await, 3);
    }

    // As the service role: it owns no table.
    for at in ["2030-12-31T23:59:59+09:00", "2031-01-01T00:00:00+09:00"] {
        let made: bool =
            sqlx::query_scalar("SELECT make_access_records_partition($1::timestamptz)")
                .bind(at.parse::<chrono::DateTime<chrono::Utc>>().unwrap())
                .fetch_one(&given.bench.pool)
                .await
                .unwrap();
        assert!(made, "{at}");
    }
    let bounds: Vec<String> = sqlx::query_scalar(
        "SELECT relname || ' ' || (SELECT string_agg(at::timestamptz AT TIME ZONE 'Asia/Tokyo' || '', ' ')
             FROM regexp_matches(pg_get_expr(relpartbound, oid), '''([^'']+)''', 'g') AS m(part),
                  unnest(part) AS at)
         FROM pg_class WHERE relname IN ('access_records_2030_12', 'access_records_2031_01')
         ORDER BY relname",
    )
    .fetch_all(&superuser)
    .await
    .unwrap();
    assert_eq!(
        bounds,
        [
            "access_records_2030_12 2030-12-01 00:00:00 2031-01-01 00:00:00",
            "access_records_2031_01 2031-01-01 00:00:00 2031-02-01 00:00:00",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_adds_records_and_changes_none() {
    let given = Given::of(Bench::new().await).await;
    report(&given.decisions(0), given.report()).await.unwrap();
    for sql in [
        "UPDATE access_records SET rows = 0",
        "DELETE FROM access_records",
        "TRUNCATE access_records",
        "DELETE FROM access_totals",
    ] {
        let refused = sqlx::query(sql).execute(&given.bench.pool).await;
        let error = refused.expect_err(sql);
        let code = error
            .as_database_error()
            .and_then(|error| error.code())
            .map(|code| code.into_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{sql}");
    }
}
