//! Streams that ended longer ago than the law asks are destroyed: by the owner alone, through one path, all of
//! a batch or nothing, and never what is held.

use consent::{
    rebuild::{Purpose, rebuild},
    retention::{
        destruction::{self, DestructionError, Preview},
        legal_hold::{self, Held},
    },
    sweeper,
};
use consent_domain::{ContractId, GrantId, PartnerId};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::{
    bench::{BANK, Bench, browser},
    journey_customer::CONTRACT,
    retention_archive::archive_all_but_the_last,
    retention_given::{
        Directory, as_owner, bank, begin, count, ended_consent, events_of, let_time_pass, order,
        owner, preview, status_of, waits_for_a_lock,
    },
};

/// Two consents that ended eleven years ago, archived; and a third one that ended today.
struct Old {
    bench: Bench,
    one: (String, String),
    other: (String, String),
    _directory: Directory,
}

impl Old {
    async fn given() -> Self {
        let (bench, directory) = (Bench::new().await, Directory::new());
        let one = ended_consent(&bench, 0).await;
        let other = ended_consent(&bench, 1).await;
        let_time_pass(&bench, "11 years").await;
        archive_all_but_the_last(&bench, &directory).await;
        Self {
            bench,
            one,
            other,
            _directory: directory,
        }
    }

    async fn preview(&self) -> Preview {
        preview(&self.bench).await
    }

    async fn begin(&self, count: i64) -> Result<Uuid, DestructionError> {
        begin(&self.bench, count).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_destroyed_with_everything_that_is_its_own_and_the_act_stays() {
    let old = Old::given().await;
    let bench = &old.bench;
    let young = ended_consent(bench, 0).await;
    let before = count(bench, "SELECT count(*) FROM events").await;
    let of_old: i64 = [&old.one, &old.other]
        .map(|(consent, journey)| [consent.clone(), journey.clone()])
        .concat()
        .len() as i64;
    assert_eq!(of_old, 4);
    let preview = old.preview().await;
    assert_eq!(
        (preview.consents, preview.unfinished_journeys),
        (2, 0),
        "{preview:?}"
    );
    assert_eq!(preview.staying.get("too_young"), Some(&1));

    let act = old.begin(2).await.unwrap();
    let done = destruction::carry_on(&mut owner(bench).await, act)
        .await
        .unwrap();

    assert_eq!((done.consents, done.journeys), (2, 2));
    assert!(done.completed_at.is_some());
    for (consent, journey) in [&old.one, &old.other] {
        assert_eq!(events_of(bench, consent).await, 0);
        assert_eq!(events_of(bench, journey).await, 0);
        assert_eq!(status_of(bench, consent).await, None);
        let (grant, id) = (&consent[BANK.len() + 1..], &journey[BANK.len() + 1..]);
        for sql in [
            format!("SELECT count(*) FROM evidence_records WHERE grant_id = '{grant}'"),
            format!("SELECT count(*) FROM authorization_codes WHERE grant_id = '{grant}'"),
            format!("SELECT count(*) FROM pushed_requests WHERE journey_id = '{id}'"),
            format!("SELECT count(*) FROM bank_sessions WHERE journey_id = '{id}'"),
            format!("SELECT count(*) FROM journey_current WHERE stream_id = '{journey}'"),
        ] {
            assert_eq!(count(bench, &sql).await, 0, "{sql}");
        }
    }
    assert_eq!(status_of(bench, &young.0).await.as_deref(), Some("expired"));
    assert_eq!(
        count(bench, "SELECT count(*) FROM events").await,
        before - done.events
    );
    assert_eq!(
        count(bench, "SELECT count(*) FROM evidence_records").await,
        1
    );
    // The record of the act, for the auditor; and what is left is in order.
    let mut auditor = PgConnection::connect(&bench.auditor_url()).await.unwrap();
    assert_eq!(destruction::acts(&mut auditor, None).await.unwrap(), [done]);
    let digest: String = sqlx::query_scalar("SELECT streams_sha256 FROM destruction_batches")
        .fetch_one(&mut auditor)
        .await
        .unwrap();
    assert_eq!(digest, expected_digest(bench, &old).await);
    let rebuilt = rebuild(&bench.owner_url(), Purpose::Verify).await.unwrap();
    assert!(
        rebuilt.iter().all(|table| table.differences == 0),
        "{rebuilt:?}"
    );
    // The log has no number without an event.
    let lost =
        "SELECT count(*) FROM event_log l LEFT JOIN events e USING (aggregate_type, aggregate_id,
        sequence) WHERE e.event_id IS NULL";
    assert_eq!(count(bench, lost).await, 0);
}

async fn expected_digest(bench: &Bench, old: &Old) -> String {
    let mut streams = [
        format!("consent/{}", old.one.0),
        format!("consent/{}", old.other.0),
        format!("journey/{}", old.one.1),
        format!("journey/{}", old.other.1),
    ];
    streams.sort();
    let text: String = streams.iter().map(|stream| format!("{stream}\n")).collect();
    sqlx::query_scalar("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')")
        .bind(text)
        .fetch_one(&bench.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_deletes_a_fact_but_the_owner_and_he_only_on_that_path() {
    let old = Old::given().await;
    let bench = &old.bench;
    let act = old.begin(2).await.unwrap();
    let by_hand = [
        "DELETE FROM events".to_owned(),
        // The flag alone opens nothing.
        format!("SET renkei.destruction = '{act}'; DELETE FROM events"),
        "DELETE FROM event_log".to_owned(),
        "UPDATE events SET payload = '{}'".to_owned(),
        "TRUNCATE events".to_owned(),
        "DELETE FROM destructions".to_owned(),
        "UPDATE destructions SET ended_before = now()".to_owned(),
    ];
    let urls = [
        ("service", bench.service_url()),
        ("auditor", bench.auditor_url()),
        ("owner", bench.owner_url()),
    ];
    for (role, url) in &urls {
        for sql in &by_hand {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let refused = sqlx::raw_sql(sql).execute(&mut connection).await;
            assert!(refused.is_err(), "{role}: {sql}");
        }
        if *role == "owner" {
            continue;
        }
        for sql in [
            format!("SELECT destroy_batch('{act}', 10)"),
            format!("INSERT INTO destruction_streams VALUES ('{act}', 'consent', 's')"),
            "INSERT INTO destructions (bank, ended_before, ordered_by, reason) VALUES ('b', now(), 'x', 'x')"
                .to_owned(),
            "INSERT INTO legal_holds (bank, contract, reason, placed_by) VALUES ('b', 'c', 'x', 'x')"
                .to_owned(),
            "SELECT remove_access_records(interval '1 day')".to_owned(),
        ] {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let refused = sqlx::raw_sql(&sql).execute(&mut connection).await;
            assert!(refused.is_err(), "{role}: {sql}");
        }
    }
    // What ended within a year is not destroyed, whatever the criteria say.
    as_owner(
        bench,
        "ALTER TABLE destructions DISABLE TRIGGER destructions_keep_criteria;
         UPDATE destructions SET ended_before = now()",
    )
    .await;
    let refused = destruction::carry_on(&mut owner(bench).await, act).await;
    assert!(refused.is_err());
    assert!(events_of(bench, &old.one.0).await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_archived_or_another_number_than_ordered_is_not_destroyed() {
    let bench = Bench::new().await;
    ended_consent(&bench, 0).await;
    let_time_pass(&bench, "11 years").await;
    let old = Old {
        bench,
        one: <_>::default(),
        other: <_>::default(),
        _directory: Directory::new(),
    };
    let preview = old.preview().await;
    assert_eq!(preview.count(), 0);
    assert_eq!(preview.staying.get("not_archived"), Some(&1));

    let refused = old.begin(1).await;
    assert!(
        matches!(
            refused,
            Err(DestructionError::CountDiffers { ordered: 1, now: 0 })
        ),
        "{refused:?}"
    );
    let act = old.begin(0).await.unwrap();
    let again = old.begin(0).await;
    assert!(
        matches!(again, Err(DestructionError::UnderWay)),
        "{again:?}"
    );
    let done = destruction::carry_on(&mut owner(&old.bench).await, act)
        .await
        .unwrap();
    assert_eq!((done.consents, done.journeys, done.events), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn journeys_that_never_finished_are_destroyed_by_their_own_age() {
    let (bench, directory) = (Bench::new().await, Directory::new());
    bench.begin(&browser(), 0).await;
    let journey: String = sqlx::query_scalar("SELECT stream_id FROM journey_current")
        .fetch_one(&bench.pool)
        .await
        .unwrap();
    as_owner(
        &bench,
        "UPDATE journey_current SET state = jsonb_set(state, '{request,ends_at}', '\"2020-01-01T00:00:00Z\"')",
    )
    .await;
    sweeper::round(&bench.replicas[0].app).await.unwrap();
    let_time_pass(&bench, "11 years").await;
    archive_all_but_the_last(&bench, &directory).await;
    sweeper::look_for_what_is_over(&bench.replicas[0].app)
        .await
        .unwrap();
    let old = Old {
        bench,
        one: <_>::default(),
        other: <_>::default(),
        _directory: directory,
    };
    let preview = old.preview().await;
    assert_eq!(
        (preview.consents, preview.unfinished_journeys),
        (0, 1),
        "{preview:?}"
    );

    let act = old.begin(1).await.unwrap();
    destruction::carry_on(&mut owner(&old.bench).await, act)
        .await
        .unwrap();

    assert_eq!(events_of(&old.bench, &journey).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_stays_until_the_hold_is_lifted() {
    let old = Old::given().await;
    let bench = &old.bench;
    let grant = old.one.0.split_once(':').unwrap().1;
    let holds = [
        (Held::Grant(GrantId::parse(grant).unwrap()), 1),
        (
            Held::Partner(PartnerId::parse("id-of-partner-a").unwrap()),
            1,
        ),
        (Held::Contract(ContractId::parse(CONTRACT).unwrap()), 2),
    ];
    // Their evidence is past its time, too.
    as_owner(
        bench,
        "UPDATE evidence_records SET retain_until = now() - interval '1 day'",
    )
    .await;
    for (held, how_many) in &holds {
        let hold = legal_hold::place(&mut owner(bench).await, &bank(), held, &order())
            .await
            .unwrap();
        let preview = old.preview().await;
        assert_eq!(preview.staying.get("held"), Some(how_many), "{held:?}");
        let act = old.begin(2 - how_many).await.unwrap();
        // What stands against it is looked at when it is done, not when it was ordered.
        if *how_many == 2 {
            let done = destruction::carry_on(&mut owner(bench).await, act)
                .await
                .unwrap();
            assert_eq!(done.consents, 0);
        } else {
            as_owner(
                bench,
                &format!(
                    "UPDATE destructions SET completed_at = now() WHERE destruction_id = '{act}'"
                ),
            )
            .await;
        }
        sqlx::query("DELETE FROM evidence_records WHERE grant_id = $1")
            .bind(grant)
            .execute(&bench.pool)
            .await
            .unwrap();
        let evidence = format!("SELECT count(*) FROM evidence_records WHERE grant_id = '{grant}'");
        assert_eq!(
            count(bench, &evidence).await,
            1,
            "not even by hand: {held:?}"
        );
        assert!(
            legal_hold::lift(&mut owner(bench).await, hold, &order())
                .await
                .unwrap()
        );
        assert!(
            !legal_hold::lift(&mut owner(bench).await, hold, &order())
                .await
                .unwrap()
        );
    }
    assert!(events_of(bench, &old.one.0).await > 0);

    let act = old.begin(2).await.unwrap();
    let done = destruction::carry_on(&mut owner(bench).await, act)
        .await
        .unwrap();

    assert_eq!(done.consents, 2);
    let mut auditor = PgConnection::connect(&bench.auditor_url()).await.unwrap();
    let holds = legal_hold::list(&mut auditor).await.unwrap();
    assert_eq!(holds.len(), 3);
    assert!(
        holds
            .iter()
            .all(|hold| hold.lifted_by.as_deref() == Some("records-office"))
    );
}

/// The hold comes while a batch is under way: it waits, and what the batch left is held from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_comes_during_a_batch_waits_for_it_and_a_batch_that_comes_during_a_hold_sees_it()
 {
    let old = Old::given().await;
    let bench = &old.bench;
    let act = old.begin(2).await.unwrap();
    let held = Held::Contract(ContractId::parse(CONTRACT).unwrap());

    // A batch is open: it looks at one consent, and has not committed.
    let mut destroyer = owner(bench).await;
    let mut batch = destroyer.begin().await.unwrap();
    let consents: i32 = sqlx::query_scalar("SELECT consents FROM destroy_batch($1, 1)")
        .bind(act)
        .fetch_one(&mut *batch)
        .await
        .unwrap();
    assert_eq!(consents, 1);
    let mut holder = owner(bench).await;
    let (bank, by) = (bank(), order());
    let placing = legal_hold::place(&mut holder, &bank, &held, &by);
    tokio::pin!(placing);
    waits_for_a_lock(bench, &mut placing).await;
    batch.commit().await.unwrap();
    placing.await.unwrap();

    // From here on the hold wins, in the act that is under way as well.
    let done = destruction::carry_on(&mut owner(bench).await, act)
        .await
        .unwrap();
    assert_eq!(done.consents, 1);
    let left = events_of(bench, &old.one.0).await + events_of(bench, &old.other.0).await;
    assert!(left > 0, "the other consent is held");

    // The other way round: a hold that is being placed is waited for.
    as_owner(
        bench,
        "UPDATE legal_holds SET lifted_by = 'x', lift_reason = 'x', lifted_at = now()",
    )
    .await;
    let act = old.begin(1).await.unwrap();
    let mut holder = owner(bench).await;
    let mut open = holder.begin().await.unwrap();
    legal_hold::place(&mut open, &bank, &held, &by)
        .await
        .unwrap();
    let mut destroyer = owner(bench).await;
    let destroying = destruction::carry_on(&mut destroyer, act);
    tokio::pin!(destroying);
    waits_for_a_lock(bench, &mut destroying).await;
    open.commit().await.unwrap();
    let done = destroying.await.unwrap();
    assert_eq!(done.consents, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_act_has_destroyed_whole_batches_and_is_carried_on() {
    let old = Old::given().await;
    let bench = &old.bench;
    let act = old.begin(2).await.unwrap();
    let before = count(bench, "SELECT count(*) FROM events").await;

    // The connection is lost in the middle of a batch.
    let mut lost = owner(bench).await;
    let mut batch = lost.begin().await.unwrap();
    sqlx::query("SELECT destroy_batch($1, 1)")
        .bind(act)
        .execute(&mut *batch)
        .await
        .unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *batch)
        .await
        .unwrap();
    as_owner(bench, &format!("SELECT pg_terminate_backend({pid})")).await;
    drop(batch.commit().await);
    assert_eq!(count(bench, "SELECT count(*) FROM events").await, before);
    assert_eq!(
        count(bench, "SELECT count(*) FROM destruction_batches").await,
        0
    );
    assert_eq!(
        count(bench, "SELECT count(*) FROM destruction_streams").await,
        0
    );

    // One batch commits, and then nobody goes on.
    sqlx::query("SELECT destroy_batch($1, 1)")
        .bind(act)
        .execute(&mut owner(bench).await)
        .await
        .unwrap();
    assert_eq!(
        count(bench, "SELECT count(*) FROM destruction_batches").await,
        1
    );
    let mut owner = owner(bench).await;
    assert_eq!(
        destruction::under_way(&mut owner, &bank()).await.unwrap(),
        Some(act)
    );

    let done = destruction::carry_on(&mut owner, act).await.unwrap();

    assert_eq!((done.consents, done.journeys), (2, 2));
    assert_eq!(
        destruction::under_way(&mut owner, &bank()).await.unwrap(),
        None
    );
}
