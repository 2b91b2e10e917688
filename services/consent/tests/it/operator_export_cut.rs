//! An export that is cut off in the middle: its reader can tell it from a complete one, and so can the record.

use std::time::Duration;

use consent::operator::Role;
use reqwest::Response;

use crate::{
    bench::{BANK, Bench},
    operator_search_budget::CONSENTS,
};

/// A bench with more consents than the export's buffers and the sockets hold.
async fn filled() -> Bench {
    let bench = Bench::new().await;
    let owner = sqlx::PgPool::connect(&bench.owner_url()).await.unwrap();
    // As CSV a set of them is less than the sockets take.
    for _ in 0..2 {
        sqlx::query(CONSENTS).execute(&owner).await.unwrap();
    }
    bench
}

async fn begin(bench: &Bench, token: &str, file: &str) -> Response {
    let address = format!(
        "http://{}/v1/banks/{BANK}/{file}",
        bench.replicas[0].operators
    );
    let client = reqwest::Client::new();
    let begun = client.get(address).bearer_auth(token).send().await.unwrap();
    assert_eq!(begun.status(), 200);
    begun
}

/// What came, and whether it came to a proper end.
async fn read(mut response: Response) -> (String, Result<(), reqwest::Error>) {
    let mut bytes = Vec::new();
    let ended = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (String::from_utf8_lossy(&bytes).into_owned(), ended)
}

/// Waits for a value of the database.
async fn awaited<T>(bench: &Bench, sql: &'static str) -> T
where
    T: Send + Unpin,
    (T,): for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
{
    let waiting = async {
        loop {
            let found = sqlx::query_scalar(sql)
                .fetch_optional(&bench.pool)
                .await
                .unwrap();
            match found {
                Some(value) => return value,
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(30), waiting);
    within.await.expect("it comes to be so")
}

/// The connection of an export that waits for its reader.
const WAITING: &str = "SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction'
    AND datname = current_database() AND query LIKE '%consent_current%' AND state_change < now() - interval '0.3 s'";
const OUTCOME: &str =
    "SELECT o.outcome FROM operator_acts a JOIN operator_act_outcomes o USING (act_id)
    WHERE a.act = 'export'";
const ROWS: &str = "SELECT (o.detail ->> 'rows')::bigint FROM operator_acts a
    JOIN operator_act_outcomes o USING (act_id) WHERE a.act = 'export'";

#[tokio::test(flavor = "multi_thread")]
async fn where_the_database_goes_the_file_has_no_end_and_the_connection_breaks_off() {
    for (file, end) in [
        ("consents.csv", "\r\nEND,"),
        ("consents.ndjson", r#"{"end":true"#),
    ] {
        let bench = filled().await;
        let token = bench.operator("suzuki", Role::Auditor).await;
        let begun = begin(&bench, &token, file).await;
        let pid: i32 = awaited(&bench, WAITING).await;
        let gone: bool = sqlx::query_scalar("SELECT pg_terminate_backend($1)")
            .bind(pid)
            .fetch_one(&bench.pool)
            .await
            .unwrap();
        assert!(gone);
        let (text, ended) = read(begun).await;
        assert!(
            !text.is_empty() && !text.contains(end),
            "{file}: a complete one"
        );
        ended.expect_err("a broken connection");
        let outcome: String = awaited(&bench, OUTCOME).await;
        assert_eq!(outcome, "failed", "{file}");

        // A complete one comes to its end and says so.
        let (text, ended) = read(begin(&bench, &token, file).await).await;
        ended.unwrap();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with(end.trim_start()), "{file}: {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_reader_goes_the_export_stops_is_recorded_so_and_makes_room() {
    let bench = filled().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let begun = begin(&bench, &token, "consents.ndjson").await;
    let _: i32 = awaited(&bench, WAITING).await;
    drop(begun);
    let outcome: String = awaited(&bench, OUTCOME).await;
    assert_eq!(outcome, "failed");
    let rows: i64 = awaited(&bench, ROWS).await;
    assert!((500..36_000).contains(&rows), "{rows}");
    let open: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'
         AND datname = current_database() AND query LIKE '%consent_current%'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(open, 0, "its snapshot is closed");
    for _ in 0..2 {
        let (text, ended) = read(begin(&bench, &token, "consents.ndjson").await).await;
        ended.unwrap();
        assert!(text.contains(r#"{"end":true"#));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_on_record_while_every_connection_for_searches_is_taken() {
    let bench = Bench::new().await;
    let token = bench.operator("suzuki", Role::Auditor).await;
    let searches = &bench.replicas[0].app.searches;
    let mut taken = Vec::new();
    for _ in 0..searches.options().get_max_connections() {
        taken.push(searches.acquire().await.unwrap());
    }

    let exported = begin(&bench, &token, "consents.ndjson");
    let (begun, ()) = tokio::join!(exported, async {
        let _: bool = awaited(
            &bench,
            "SELECT true FROM operator_acts WHERE act = 'export'",
        )
        .await;
        taken.clear();
    });

    let (text, ended) = read(begun).await;
    ended.unwrap();
    assert!(text.contains(r#"{"end":true"#));
    let outcome: String = awaited(&bench, OUTCOME).await;
    assert_eq!(outcome, "done");
}
