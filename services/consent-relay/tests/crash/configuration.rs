//! What an operator got wrong is named by health, and nothing is lost by it.

use std::time::{Duration, Instant};

use demo::kafka::{PrivateKafka, PrivateOptions, User, test_bootstrap};
use serde_json::Value;

use super::bench::Bench;
use super::published::{Logged, assert_holds, assert_log_is_whole, committed, log, of_partner};
use super::relay::{Relay, until};
use super::writers::{Load, PARTNERS, Writers};

const WITHIN: Duration = Duration::from_secs(40);
const LOAD: Load = Load {
    writers: 4,
    pause: Duration::from_millis(20),
    one_held_open_in: 1_000_000,
    held_open: Duration::from_secs(1),
    seed: 5,
};

/// Some events of a few streams.
async fn write_events(bench: &Bench, at_least: i64) {
    let writers = Writers::start(&bench.service, LOAD);
    let count = "SELECT count(*) FROM events";
    let before = bench.count(count).await;
    until("events are written", WITHIN, async || {
        bench.count(count).await >= before + at_least
    })
    .await;
    writers.stop().await;
}

/// Waits until health says that nothing is published, with these words.
async fn until_it_says(relay: &Relay, words: &[&str]) {
    let all_in = |text: &str| words.iter().all(|word| text.contains(word));
    let began = Instant::now();
    loop {
        let health = relay.ask("/health/ready").await;
        if matches!(&health, Some((503, text)) if all_in(text)) {
            return;
        }
        let late = began.elapsed() > WITHIN;
        assert!(!late, "{words:?}: {health:?}\n{}", relay.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn assert_all_is_published(bench: &Bench, bootstrap: &str) {
    assert_log_is_whole(&bench.admin).await;
    let log = log(&bench.admin).await;
    let platform = bench.topic("platform");
    let records = committed(bootstrap, &platform).await;
    assert_holds(&platform, &records, &log.iter().collect::<Vec<_>>());
    for partner in PARTNERS {
        let topic = bench.partner_topic(partner);
        let records = committed(bootstrap, &topic).await;
        assert_holds(&topic, &records, &of_partner(&log, partner));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_nothing_reaches_is_named_and_the_log_goes_on_without_it() {
    let bootstrap = test_bootstrap().expect("a broker");
    let bench = Bench::new(&bootstrap).await;
    bench.make_topics();
    let mut wrong = bench.settings.clone();
    wrong.bootstrap = "127.0.0.1:1".to_owned();
    let mut relay = wrong.start("wrong");
    write_events(&bench, 50).await;

    until_it_says(&relay, &["kafka.bootstrap", "127.0.0.1:1"]).await;

    until("the log goes on", WITHIN, async || {
        bench.count("SELECT count(*) FROM event_log").await
            == bench.count("SELECT count(*) FROM events").await
    })
    .await;
    assert!(relay.end().is_none(), "it waits");
    relay.kill();
    let right = bench.settings.start("right");
    bench.drained(&[&right], WITHIN).await;
    assert_all_is_published(&bench, &bootstrap).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_named_and_the_printed_access_rights_are_enough() {
    let user = |password: &str| User {
        name: "consent-relay".to_owned(),
        password: password.to_owned(),
    };
    let broker = PrivateKafka::start(&PrivateOptions {
        name: "credentials".to_owned(),
        users: vec![user("the-right-one")],
    })
    .expect("a broker");
    let bench = Bench::new(&broker.bootstrap()).await;
    bench.make_topics();
    let mut guarded = bench.settings.clone();
    guarded.bootstrap = broker.guarded_bootstrap().expect("a listener");
    let ca = broker.certificate().expect("a certificate").display();
    let with_password = |password: &str| {
        format!(
            "[kafka.tls]
             ca = \"{ca}\"
             [kafka.sasl]
             mechanism = \"SCRAM-SHA-512\"
             username = \"consent-relay\"
             password = \"{password}\""
        )
    };
    guarded.kafka = with_password("a-wrong-one");
    let mut relay = guarded.start("wrong");
    write_events(&bench, 20).await;

    until_it_says(&relay, &["kafka.sasl"]).await;
    assert!(!relay.log().contains("a-wrong-one"), "a secret in the log");
    relay.kill();

    // The right password, but no right to write yet: another cause, named as such.
    guarded.kafka = with_password("the-right-one");
    let relay = guarded.start("right");
    until_it_says(&relay, &["consent-relay topics print"]).await;
    for arguments in printed_access_commands(&bench) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        broker
            .tool("org.apache.kafka.tools.AclCommand", &arguments)
            .expect("allowed");
    }
    bench.drained(&[&relay], WITHIN).await;
    assert_all_is_published(&bench, &broker.bootstrap()).await;
}

/// The arguments of each command that `topics print` prints, without the broker's address.
fn printed_access_commands(bench: &Bench) -> Vec<Vec<String>> {
    let (status, printed) = bench.settings.run(&["topics", "print"]);
    assert!(status.success(), "{printed}");
    let commands: Vec<Vec<String>> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("kafka-acls --bootstrap-server \"$BOOTSTRAP\" "))
        .map(|line| {
            line.split(' ')
                .map(|word| word.trim_matches('\'').to_owned())
        })
        .map(Iterator::collect)
        .collect();
    assert!(!commands.is_empty(), "{printed}");
    commands
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_topic_that_every_event_needs_all_of_it_waits_until_the_topic_is_there() {
    let bootstrap = test_bootstrap().expect("a broker");
    let bench = Bench::new(&bootstrap).await;
    let relay = bench.settings.start("relay");
    write_events(&bench, 20).await;

    until_it_says(&relay, &["relay-offsets", "consent-relay topics apply"]).await;

    bench.make_topics();
    bench.drained(&[&relay], WITHIN).await;
    assert_all_is_published(&bench, &bootstrap).await;
}

/// What `parked list` prints.
fn parked(bench: &Bench) -> Vec<Value> {
    let (status, printed) = bench.settings.run(&["parked", "list"]);
    assert!(status.success(), "{printed}");
    printed
        .lines()
        .filter(|line| line.contains("\"global_sequence\""))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn retry(bench: &Bench) {
    let order = ["--by", "tests", "--reason", "mended"];
    let (status, printed) = bench
        .settings
        .run(&[["parked", "retry"].as_slice(), &order].concat());
    assert!(status.success(), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_partner_without_a_topic_are_parked_and_go_in_order_once_it_is_there() {
    let broker = PrivateKafka::start(&PrivateOptions {
        name: "missing".to_owned(),
        users: Vec::new(),
    })
    .expect("a broker");
    let bench = Bench::new(&broker.bootstrap()).await;
    bench.make_topics();
    let [minato, other] = PARTNERS;
    let missing = bench.partner_topic(other);
    broker
        .tool(
            "org.apache.kafka.tools.TopicCommand",
            &["--delete", "--topic", &missing],
        )
        .expect("the topic is gone");
    let relay = bench.settings.start("relay");
    write_events(&bench, 40).await;
    bench.drained(&[&relay], WITHIN).await;

    let waiting = parked(&bench);
    let named = |row: &Value| {
        let detail = row["detail"].as_str().unwrap_or_default();
        row["cause"] == "missing_topic" && detail.contains(&missing)
    };
    assert!(waiting.iter().any(named), "{waiting:?}");
    let log_of = log(&bench.admin).await;
    let topic = bench.partner_topic(minato);
    let records = committed(&broker.bootstrap(), &topic).await;
    assert_holds(&topic, &records, &of_partner(&log_of, minato));

    bench.make_topics();
    retry(&bench);
    until("nothing is parked", WITHIN, async || {
        bench.count(UNSETTLED).await == 0
    })
    .await;
    let records = committed(&broker.bootstrap(), &missing).await;
    assert_each_once_and_in_its_streams_order(&missing, &records, &of_partner(&log_of, other));
}

const UNSETTLED: &str = "SELECT count(*) FROM parked_events WHERE state IN ('parked', 'waiting')";

/// Replayed events stand behind others of their partition, but never behind one of their stream.
fn assert_each_once_and_in_its_streams_order(
    topic: &str,
    records: &[demo::kafka::CommittedRecord],
    expected: &[&Logged],
) {
    let mut streams: std::collections::BTreeMap<&str, Vec<i64>> = Default::default();
    for record in records {
        let event = expected
            .iter()
            .find(|event| event.event_id == record.headers["ce_id"])
            .expect("of the log");
        streams
            .entry(&event.aggregate_id)
            .or_default()
            .push(event.sequence);
    }
    assert_eq!(records.len(), expected.len(), "{topic}");
    for (stream, sequences) in streams {
        assert!(
            sequences.is_sorted_by(|a, b| a < b),
            "{topic}, {stream}: {sequences:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_and_one_of_an_unknown_type_stand_still_and_the_others_go() {
    let bootstrap = test_bootstrap().expect("a broker");
    let mut bench = Bench::new(&bootstrap).await;
    bench.make_topics();
    bench.settings.kafka = "record_bytes_max = 2000".to_owned();
    let relay = bench.settings.start("relay");
    let (large, unknown) = (bench.append_large().await, bench.append_unknown().await);
    write_events(&bench, 40).await;
    bench.drained(&[&relay], WITHIN).await;

    let rows = parked(&bench);
    let cause_of = |id: &str| {
        let row = rows.iter().find(|row| row["event_id"] == *id);
        row.and_then(|row| row["cause"].as_str()).map(str::to_owned)
    };
    assert_eq!(cause_of(&large).as_deref(), Some("too_large"), "{rows:?}");
    assert_eq!(
        cause_of(&unknown).as_deref(),
        Some("untranslatable"),
        "{rows:?}"
    );
    assert_eq!(rows.len(), 2, "{rows:?}");
    let named = |row: &Value| {
        let detail = row["detail"].as_str().unwrap_or_default();
        detail.contains("kafka.record_bytes_max")
    };
    assert!(rows.iter().any(named), "{rows:?}");
    let log = log(&bench.admin).await;
    let platform = bench.topic("platform");
    let records = committed(&bootstrap, &platform).await;
    let others: Vec<&Logged> = log
        .iter()
        .filter(|event| ![&large, &unknown].contains(&&event.event_id))
        .collect();
    assert_holds(&platform, &records, &others);

    // A larger limit and another try: then only what no release can read is left.
    drop(relay);
    bench.settings.kafka = String::new();
    let relay = bench.settings.start("relay-again");
    retry(&bench);
    until("the large one is published", WITHIN, async || {
        bench.count(UNSETTLED).await == 1
    })
    .await;
    drop(relay);
    assert_eq!(parked(&bench)[0]["event_id"], *unknown);
}
