//! What is kept how long is said of every table, and every table leaves as it is said.

use std::collections::BTreeSet;

use consent::{retention::watch_partitions, sweeper};

use crate::{
    bench::{BANK, Bench},
    retention_given::{as_owner, count, ended_consent, owner},
};

const DOCUMENT: &str = include_str!("../../../../docs/retention.md");

/// Tables that the document's rows name: `| `table` | …`.
fn documented() -> BTreeSet<String> {
    DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` | "))
        .map(|(table, _)| table.to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_the_database_is_in_the_document() {
    let bench = Bench::new().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
           AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
    )
    .fetch_all(&mut owner(&bench).await)
    .await
    .unwrap();
    let documented = documented();
    let missing: Vec<&String> = tables
        .iter()
        .filter(|table| !documented.contains(*table))
        .collect();
    assert!(missing.is_empty(), "docs/retention.md lacks {missing:?}");
}

/// A table with a column that names a grant, a journey, a contract or a stream belongs to what is destroyed: either the
/// destruction knows it, or the document says why not.
#[tokio::test(flavor = "multi_thread")]
async fn every_table_that_names_a_stream_is_destroyed_with_it_or_says_why_not() {
    let bench = Bench::new().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT c.table_name::text FROM information_schema.columns c
         JOIN pg_class t ON t.oid = format('public.%I', c.table_name)::regclass
         WHERE c.table_schema = 'public' AND t.relkind IN ('r', 'p') AND NOT t.relispartition
           AND c.column_name IN ('grant_id', 'journey_id', 'stream_id', 'aggregate_id', 'contract', 'guess_scope')
         ORDER BY 1",
    )
    .fetch_all(&mut owner(&bench).await)
    .await
    .unwrap();
    let code: String =
        sqlx::query_scalar("SELECT prosrc FROM pg_proc WHERE proname = 'destroy_batch'")
            .fetch_one(&mut owner(&bench).await)
            .await
            .unwrap();
    let exempt = DOCUMENT
        .split("## Not destroyed with a stream")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap();
    let missing: Vec<&String> = tables
        .iter()
        .filter(|table| {
            !code.contains(&format!("'{table}'"))
                && !code.contains(&format!("DELETE FROM {table} "))
                && !exempt.contains(&format!("`{table}`"))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

async fn sweep(bench: &Bench) {
    let app = &bench.replicas[0].app;
    sweeper::round(app).await.unwrap();
    sweeper::look_for_what_is_over(app).await.unwrap();
}

/// Two rows of each kind, one a minute past its time and one a minute before it: only the first leaves.
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_removes_exactly_what_is_due() {
    let bench = Bench::new().await;
    as_owner(
        &bench,
        &format!(
            "INSERT INTO command_keys (bank, command_key, content_mac, outcome, recorded_at) VALUES
                 ('{BANK}', 'due', '\\x00', '/', now() - interval '2 days 1 minute'),
                 ('{BANK}', 'kept', '\\x00', '/', now() - interval '1 day 23 hours');
             INSERT INTO notices (notice_id, bank, kind, contract, actor_user, sent_at) VALUES
                 (gen_random_uuid(), '{BANK}', 'linked', 'c', 'due', now() - interval '730 days 1 minute'),
                 (gen_random_uuid(), '{BANK}', 'linked', 'c', 'kept', now() - interval '729 days'),
                 (gen_random_uuid(), '{BANK}', 'linked', 'c', 'never sent', NULL);
             UPDATE notices SET next_try_at = 'infinity' WHERE sent_at IS NULL;
             INSERT INTO bank_notices (bank, notice_id, contract, content, occurred_at, effected_at) VALUES
                 ('{BANK}', gen_random_uuid(), 'due', '{{}}', now(), now() - interval '365 days 1 minute'),
                 ('{BANK}', gen_random_uuid(), 'kept', '{{}}', now(), now() - interval '364 days');
             INSERT INTO used_jtis (bank, client_id, purpose, jti_hash, expires_at) VALUES
                 ('{BANK}', 'due', 'client_assertion', sha256('a'), now() - interval '11 minutes'),
                 ('{BANK}', 'kept', 'client_assertion', sha256('b'), now() - interval '9 minutes');
             INSERT INTO unacknowledged_events (bank, partner, global_sequence, jti, handed_out_at) VALUES
                 ('{BANK}', 'due', 1, gen_random_uuid(), now() - interval '365 days 1 minute'),
                 ('{BANK}', 'kept', 2, gen_random_uuid(), now() - interval '364 days');
             INSERT INTO refused_events (bank, partner, delivery, jti, error, description, refused_at) VALUES
                 ('{BANK}', 'due', 'poll', gen_random_uuid(), 'e', '', now() - interval '365 days 1 minute'),
                 ('{BANK}', 'kept', 'poll', gen_random_uuid(), 'e', '', now() - interval '364 days');
             INSERT INTO push_target_acts (bank, partner, act, url, operator, acted_at) VALUES
                 ('{BANK}', 'due', 'set', 'u', 'o', now() - interval '121 months'),
                 ('{BANK}', 'kept', 'set', 'u', 'o', now() - interval '119 months');
             INSERT INTO evidence_records (bank, journey_id, grant_id, sealed, sha256, retain_until) VALUES
                 ('{BANK}', 'due', 'g', '\\x00', '', now() - interval '1 minute'),
                 ('{BANK}', 'kept', 'g', '\\x00', '', now() + interval '1 minute');"
        ),
    )
    .await;

    sweep(&bench).await;

    for (table, column) in [
        ("command_keys", "command_key"),
        ("notices", "actor_user"),
        ("bank_notices", "contract"),
        ("used_jtis", "client_id"),
        ("unacknowledged_events", "partner"),
        ("refused_events", "partner"),
        ("push_target_acts", "partner"),
        ("evidence_records", "journey_id"),
    ] {
        let due = format!("SELECT count(*) FROM {table} WHERE {column} = 'due'");
        let kept = format!("SELECT count(*) FROM {table} WHERE {column} <> 'due'");
        assert_eq!(count(&bench, &due).await, 0, "{table}");
        let expected = if table == "notices" { 2 } else { 1 };
        assert_eq!(count(&bench, &kept).await, expected, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_leave_long_after_their_grant_ended_and_never_before() {
    let bench = Bench::new().await;
    let (ended, _) = ended_consent(&bench, 0).await;
    let grant = ended.split_once(':').unwrap().1;
    as_owner(
        &bench,
        &format!(
            "INSERT INTO refresh_tokens (bank, token_hash, refresh_token_id, client_id, grant_id, code_id,
                 issued_at)
             VALUES ('{BANK}', sha256('a'), gen_random_uuid(), 'c', '{grant}', gen_random_uuid(),
                 now() - interval '400 days')"
        ),
    )
    .await;
    let tokens = "SELECT count(*) FROM refresh_tokens";

    sweep(&bench).await;
    assert_eq!(
        count(&bench, tokens).await,
        1,
        "the grant ended a moment ago"
    );
    crate::retention_given::let_time_pass(&bench, "91 days").await;
    sweep(&bench).await;

    assert_eq!(count(&bench, tokens).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_missing_is_told() {
    let bench = Bench::new().await;
    let missing = watch_partitions(&bench.pool).await.unwrap();
    assert!(missing.is_empty(), "{missing:?}");

    as_owner(&bench, "UPDATE sequencer SET global_sequence = 9500000").await;
    let missing = watch_partitions(&bench.pool).await.unwrap();
    assert_eq!(missing, ["event_log"], "half a million numbers are left");
    as_owner(&bench, "SELECT make_event_log_partition(10500000)").await;

    let missing = watch_partitions(&bench.pool).await.unwrap();
    assert!(missing.is_empty(), "{missing:?}");
}
