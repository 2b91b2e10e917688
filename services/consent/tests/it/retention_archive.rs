//! The log's old parts go into files and out of the database, whole and checked, and whoever still asks for
//! them is told.

use std::io::{Read as _, Write as _};

use consent::retention::{
    archive::{self, ArchiveError, ArchiveOrder, Archived, archive_oldest},
    archive_file,
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::{
    bench::{BANK, Bench},
    retention_given::{
        Directory, as_owner, close_part, count, ended_consent, go_on, let_time_pass, order, owner,
        waits_for_a_lock,
    },
};

pub fn archive_order(directory: &Directory) -> ArchiveOrder {
    ArchiveOrder {
        order: order(),
        directory: directory.0.clone(),
        months: 24,
        leave_behind: Vec::new(),
    }
}

pub async fn archive_all_but_the_last(bench: &Bench, directory: &Directory) -> Archived {
    close_part(bench).await;
    let_time_pass(bench, "25 months").await;
    go_on(bench).await;
    archive_oldest(&bench.owner_url(), &archive_order(directory))
        .await
        .expect("nothing stands against it")
}

fn why_not(refused: Result<Archived, ArchiveError>) -> String {
    match refused {
        Err(ArchiveError::NotYet { why, .. }) => why.join("; "),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_leaves_whole_with_its_events_and_the_act_is_recorded() {
    let (bench, directory) = (Bench::new().await, Directory::new());
    ended_consent(&bench, 0).await;
    let events = count(&bench, "SELECT count(*) FROM events").await;

    let archived = archive_all_but_the_last(&bench, &directory).await;

    assert_eq!(
        (
            archived.first_global_sequence,
            archived.last_global_sequence,
            archived.numbers
        ),
        (1, events, events)
    );
    let file = directory.0.join(&archived.file_name);
    let contents = archive_file::verify(&file).unwrap();
    assert_eq!(contents.numbers, events);
    assert_eq!(contents.file_sha256, archived.file_sha256);
    assert_eq!(
        count(&bench, "SELECT min(global_sequence) FROM event_log").await,
        events + 1
    );
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&file).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let granted = text
        .lines()
        .find(|line| line.contains("AccessGranted"))
        .unwrap();
    let granted: Value = serde_json::from_str(granted).unwrap();
    assert!(
        granted["event"]["payload"]["AccessGranted"]["terms"].is_object(),
        "{granted}"
    );
    assert_eq!(granted["event"]["actor_kind"], "customer");
    // Who reads records of acts reads this one.
    let mut auditor = PgConnection::connect(&bench.auditor_url()).await.unwrap();
    assert_eq!(archive::list(&mut auditor).await.unwrap(), [archived]);
    for sql in [
        "DELETE FROM event_log_archives",
        "UPDATE event_log_archives SET reason = 'x'",
    ] {
        let refused = sqlx::query(sql).execute(&mut owner(&bench).await).await;
        assert!(refused.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_archived_that_somebody_needs() {
    let (bench, directory) = (Bench::new().await, Directory::new());
    let order = archive_order(&directory);
    let attempt = || async { why_not(archive_oldest(&bench.owner_url(), &order).await) };
    ended_consent(&bench, 0).await;
    let last = close_part(&bench).await;
    assert!(attempt().await.contains("still writes to this part"));

    go_on(&bench).await;
    assert!(attempt().await.contains("event_log_months"));

    let_time_pass(&bench, "25 months").await;
    as_owner(
        &bench,
        &format!("UPDATE relay_positions SET published_to = {last}"),
    )
    .await;
    assert!(attempt().await.contains("the relay has published up to"));
    as_owner(
        &bench,
        &format!("UPDATE relay_positions SET published_to = {last} + 1"),
    )
    .await;
    as_owner(
        &bench,
        "UPDATE journey_counts_until SET global_sequence = 0",
    )
    .await;
    assert!(attempt().await.contains("journeys are counted up to 0"));
    as_owner(
        &bench,
        &format!("UPDATE journey_counts_until SET global_sequence = {last}"),
    )
    .await;

    as_owner(
        &bench,
        "INSERT INTO parked_events (global_sequence, event_id, aggregate_type, aggregate_id, state, cause)
         SELECT global_sequence, event_id, aggregate_type, aggregate_id, 'parked', 'invalid' FROM event_log
         WHERE global_sequence = 1",
    )
    .await;
    assert!(attempt().await.contains("parked"));
    as_owner(
        &bench,
        "UPDATE parked_events SET state = 'skipped', settled_at = now()",
    )
    .await;

    as_owner(
        &bench,
        &format!("INSERT INTO event_polls (bank, partner) VALUES ('{BANK}', 'id-of-partner-a')"),
    )
    .await;
    let why = attempt().await;
    assert!(why.contains(&format!("{BANK}:id-of-partner-a")), "{why}");
    assert_eq!(
        std::fs::read_dir(&directory.0).unwrap().count(),
        0,
        "no file was begun"
    );
    assert_eq!(
        count(&bench, "SELECT min(global_sequence) FROM event_log").await,
        1
    );

    // Named, it goes without, and the record says so.
    let order = ArchiveOrder {
        leave_behind: vec![format!("{BANK}:id-of-partner-a")],
        ..order.clone()
    };
    let archived = archive_oldest(&bench.owner_url(), &order).await.unwrap();
    assert_eq!(archived.left_behind, order.leave_behind);
    assert_eq!(
        count(&bench, "SELECT handed_out_to FROM event_polls").await,
        last
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_from_before_is_told_where_to_begin() {
    let (bench, directory) = (Bench::new().await, Directory::new());
    ended_consent(&bench, 0).await;
    let archived = archive_all_but_the_last(&bench, &directory)
        .await
        .last_global_sequence;
    let token = bench.own_token(0).await;

    for after in [0, archived - 1] {
        let read = bench.feed(&token, &format!("after={after}")).await;
        assert_eq!((read.status, read.code()), (410, "archived"));
        assert_eq!(read.body["begin_after"], archived);
    }
    let read = bench.feed(&token, &format!("after={archived}")).await;
    assert_eq!(read.status, 200);
    // Who polls for the first time begins where the log does, and is given nothing old.
    let polled = bench
        .poll(0, &token, &json!({"returnImmediately": true}))
        .await;
    assert_eq!(polled.status, 200, "{polled:?}");
    assert_eq!(
        count(&bench, "SELECT handed_out_to FROM event_polls").await,
        archived
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_what_the_log_has_drops_nothing() {
    let (bench, directory) = (Bench::new().await, Directory::new());
    ended_consent(&bench, 0).await;
    let last = close_part(&bench).await;
    let_time_pass(&bench, "25 months").await;
    go_on(&bench).await;
    let order = archive_order(&directory);
    // An attempt that could not drop: a reader holds the log.
    let mut reader = owner(&bench).await;
    let mut open = reader.begin().await.unwrap();
    sqlx::query("LOCK TABLE event_log IN ACCESS SHARE MODE")
        .execute(&mut *open)
        .await
        .unwrap();
    let url = bench.owner_url();
    waits_for_a_lock(&bench, archive_oldest(&url, &order)).await;
    open.rollback().await.unwrap();
    let path = directory
        .0
        .join(format!("event_log-{:016}-{last:016}.ndjson.gz", 1));
    assert!(path.exists());
    assert_eq!(
        count(&bench, "SELECT min(global_sequence) FROM event_log").await,
        1
    );

    // The file loses a line, and is honest about it.
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(&path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let whole = std::fs::read(&path).unwrap();
    for spoil in [
        text.replacen("AccessGranted", "AccessGrantex", 1),
        text.lines()
            .take(3)
            .map(|line| format!("{line}\n"))
            .collect(),
        text.lines()
            .enumerate()
            .filter(|(index, _)| *index != 2)
            .map(|(_, line)| format!("{line}\n"))
            .collect(),
        format!("{text}{{}}\n"),
    ] {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(spoil.as_bytes()).unwrap();
        std::fs::write(&path, gzip.finish().unwrap()).unwrap();
        let refused = archive_oldest(&bench.owner_url(), &order).await;
        assert!(matches!(refused, Err(ArchiveError::File(_))), "{refused:?}");
        assert_eq!(
            count(&bench, "SELECT min(global_sequence) FROM event_log").await,
            1
        );
    }
    std::fs::write(&path, whole).unwrap();
    archive_oldest(&bench.owner_url(), &order).await.unwrap();
    assert_eq!(
        count(&bench, "SELECT min(global_sequence) FROM event_log").await,
        last + 1
    );
}
