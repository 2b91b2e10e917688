//! What each role of the database may do, as it stands after provisioning.

use consent::provision::{Provisioned, provision};
use demo::postgres::{drop_database, drop_role, test_server_url};
use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use crate::bench::{Bench, browser};

/// `insufficient_privilege`
const NOT_ALLOWED: &str = "42501";
/// Ours: `refuse_change_of_facts()`.
const FACTS_STAY: &str = "RK002";

/// The SQLSTATE that a statement ends with; none where it succeeds.
async fn refusal(connection: &mut PgConnection, sql: &str) -> Option<String> {
    match connection.execute(sql).await {
        Ok(_) => None,
        Err(sqlx::Error::Database(error)) => Some(error.code().unwrap_or_default().into_owned()),
        Err(error) => panic!("{sql}: {error}"),
    }
}

async fn assert_refused(connection: &mut PgConnection, code: &str, statements: &[&str]) {
    for sql in statements {
        assert_eq!(
            refusal(connection, sql).await.as_deref(),
            Some(code),
            "{sql}"
        );
    }
}

async fn names(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(connection).await.unwrap()
}

const CHANGES_OF_EVENTS: [&str; 5] = [
    "UPDATE events SET payload = '{}'",
    "DELETE FROM events",
    "TRUNCATE events",
    "UPDATE events_p00 SET payload = '{}'",
    "TRUNCATE events_p00",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_service_can_change_no_fact_and_no_table() {
    let bench = Bench::new().await;
    let mut service = PgConnection::connect(&bench.service_url()).await.unwrap();
    assert_refused(&mut service, NOT_ALLOWED, &CHANGES_OF_EVENTS).await;
    assert_refused(
        &mut service,
        NOT_ALLOWED,
        &[
            "CREATE TABLE mine (id int)",
            "CREATE SCHEMA mine",
            "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE events DISABLE TRIGGER events_are_facts",
            "DROP TABLE events",
            "DELETE FROM journey_current",
            "DELETE FROM consent_current",
            "TRUNCATE consent_current",
            "SELECT * FROM _sqlx_migrations",
            "ALTER TABLE events DETACH PARTITION events_p00",
        ],
    )
    .await;
    // It appends, and that is all that it does to them.
    let rights = names(
        &mut service,
        "SELECT privilege_type::text FROM information_schema.role_table_grants
         WHERE table_name = 'events' AND grantee = current_user ORDER BY 1",
    )
    .await;
    assert_eq!(rights, ["INSERT", "SELECT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn even_the_owner_changes_no_fact_by_accident() {
    let bench = Bench::new().await;
    let partition: String =
        sqlx::query_scalar("SELECT tableoid::regclass::text FROM events LIMIT 1")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    let before = count_of_events(&bench).await;
    for url in [bench.owner_url(), bench.database.url().to_owned()] {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        assert_refused(
            &mut connection,
            FACTS_STAY,
            &[
                "UPDATE events SET payload = '{}'",
                "DELETE FROM events",
                "TRUNCATE events",
                // A partition is a table of its own.
                &format!("UPDATE {partition} SET payload = '{{}}'"),
                &format!("DELETE FROM {partition}"),
                &format!("TRUNCATE {partition}"),
                "TRUNCATE events_p00, events_p15",
            ],
        )
        .await;
    }
    assert_eq!(count_of_events(&bench).await, before);
}

async fn count_of_events(bench: &Bench) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&bench.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_partition_refuses_to_be_truncated() {
    let bench = Bench::new().await;
    let mut owner = PgConnection::connect(&bench.owner_url()).await.unwrap();
    let partitions = names(
        &mut owner,
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1",
    )
    .await;
    assert_eq!(partitions.len(), 16);
    for partition in partitions {
        let truncate = format!("TRUNCATE {partition}");
        assert_eq!(
            refusal(&mut owner, &truncate).await.as_deref(),
            Some(FACTS_STAY),
            "{partition}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_reads_who_what_and_when_and_writes_nothing() {
    let bench = Bench::new().await;
    bench.to_authorize(&browser(), 0).await;
    let mut auditor = PgConnection::connect(&bench.auditor_url()).await.unwrap();
    for sql in [
        "SELECT * FROM events",
        "SELECT * FROM journey_current",
        "SELECT * FROM consent_current",
        "SELECT * FROM contract_current",
        "SELECT * FROM guess_counters",
        "SELECT bank, journey_id, contract, bank_user, login_at, end_reason FROM bank_sessions",
        "SELECT bank, client_id, journey_id, created_at FROM pushed_requests",
        "SELECT kid, state, public_jwk FROM signing_keys",
        "SELECT name, created_at FROM shared_keys",
    ] {
        assert_eq!(refusal(&mut auditor, sql).await, None, "{sql}");
    }
    assert_refused(&mut auditor, NOT_ALLOWED, &CHANGES_OF_EVENTS).await;
    let writable = names(
        &mut auditor,
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'S')
           AND (has_table_privilege(c.oid, 'INSERT') OR has_table_privilege(c.oid, 'UPDATE')
             OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE'))",
    )
    .await;
    assert!(writable.is_empty(), "{writable:?}");
}

/// Hashes of secrets, wrapped keys, what is sealed, and what was typed in any form.
#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_reads_no_hash_of_a_secret_and_no_key() {
    let bench = Bench::new().await;
    let mut auditor = PgConnection::connect(&bench.auditor_url()).await.unwrap();
    // By name, so that a column to come is thought about: every bytea, and these.
    let readable = names(
        &mut auditor,
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public'
           AND (data_type = 'bytea' OR column_name LIKE '%hash%' OR column_name LIKE '%wrapped%'
             OR column_name LIKE '%nonce%' OR column_name LIKE '%sealed%' OR column_name LIKE '%mac%'
             OR column_name = 'code_challenge' OR table_name IN ('guesses', 'command_keys'))
           -- Digests of what an operator asked for, which the auditor reads in full beside them.
           AND (table_name, column_name) NOT IN
             (('bulk_revocations', 'content_digest'), ('bulk_revocations', 'request_digest'))
           AND has_column_privilege(format('%I.%I', table_schema, table_name), column_name, 'SELECT')
         ORDER BY 1",
    )
    .await;
    assert!(readable.is_empty(), "{readable:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_database_itself_the_service_and_the_auditor_may_only_connect() {
    let admin = test_server_url().unwrap();
    // A database's own rights are not copied from a template, so this one is provisioned.
    let name = format!("roles_{}", Uuid::new_v4().as_fields().0);
    let provisioned = provision(&admin, &name).await.unwrap();
    let rights = database_rights(&provisioned, &name).await;
    drop_database(&admin, &name).await.unwrap();
    for role in ["owner", "service", "auditor", "relay"] {
        drop_role(&admin, &format!("{name}_{role}")).await.unwrap();
    }
    assert_eq!(
        rights,
        ["service: CONNECT", "auditor: CONNECT", "relay: CONNECT"]
    );
}

async fn database_rights(provisioned: &Provisioned, name: &str) -> Vec<String> {
    let mut rights = Vec::new();
    let roles = [
        ("service", &provisioned.service_url),
        ("auditor", &provisioned.auditor_url),
        ("relay", &provisioned.relay_url),
    ];
    for (role, url) in roles {
        let mut connection = PgConnection::connect(url).await.unwrap();
        for right in ["CONNECT", "CREATE", "TEMPORARY"] {
            let has: bool = sqlx::query_scalar("SELECT has_database_privilege($1, $2)")
                .bind(name)
                .bind(right)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if has {
                rights.push(format!("{role}: {right}"));
            }
        }
        connection.close().await.unwrap();
    }
    rights
}
