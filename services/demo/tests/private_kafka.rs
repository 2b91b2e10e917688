//! A private broker is a real one, and nothing of it stays behind.

#![expect(clippy::expect_used, reason = "a test's helper may fail the test")]

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use demo::kafka::{CommittedRecord, PrivateKafka, PrivateOptions, User, read_committed};

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const ACCESS: &str = "org.apache.kafka.tools.AclCommand";
const PRODUCER: &str = "org.apache.kafka.tools.VerifiableProducer";

/// Reads `topic` until the record with this offset.
fn read(broker: &PrivateKafka, topic: &str, last: i64) -> Vec<CommittedRecord> {
    let within = Duration::from_secs(30);
    read_committed(&broker.bootstrap(), topic, within, |record| {
        record.offset == last
    })
    .expect("reads")
}

#[test]
fn a_broker_keeps_what_it_acknowledged_when_it_is_killed_and_leaves_nothing_when_it_is_stopped() {
    let options = PrivateOptions {
        name: "fresh".to_owned(),
        users: Vec::new(),
    };
    let mut broker = PrivateKafka::start(&options).expect("starts");
    let directory = broker.directory().to_owned();
    let bootstrap = broker.bootstrap();
    broker
        .tool(TOPICS, &["--create", "--topic", "kept"])
        .expect("makes the topic");
    let three = ["--topic", "kept", "--acks", "-1", "--max-messages", "3"];
    broker.tool(PRODUCER, &three).expect("writes");

    broker.kill();
    broker.start_again().expect("starts again");

    assert_eq!(broker.bootstrap(), bootstrap);
    let records = read(&broker, "kept", 2);
    let offsets: Vec<i64> = records.iter().map(|record| record.offset).collect();
    assert_eq!(offsets, [0, 1, 2]);
    drop(broker);
    assert!(TcpStream::connect(&bootstrap).is_err());
    assert!(!directory.exists(), "{}", directory.display());
}

#[test]
fn a_paused_broker_keeps_its_connections_and_answers_when_it_is_resumed() {
    let options = PrivateOptions {
        name: "paused".to_owned(),
        users: Vec::new(),
    };
    let broker = PrivateKafka::start(&options).expect("starts");

    broker.pause().expect("pauses");

    assert!(TcpStream::connect(broker.bootstrap()).is_ok());
    assert!(!broker.answers());
    broker.resume().expect("resumes");
    assert!(broker.answers());
}

#[test]
fn users_need_their_password_and_see_only_what_an_access_control_list_allows() {
    let user = |name: &str, password: &str| User {
        name: name.to_owned(),
        password: password.to_owned(),
    };
    let (minato, other) = (user("minato", "first"), user("other", "second"));
    let options = PrivateOptions {
        name: "guarded".to_owned(),
        users: vec![minato.clone(), other.clone()],
    };
    let broker = PrivateKafka::start(&options).expect("starts");
    broker
        .tool(TOPICS, &["--create", "--topic", "of-minato"])
        .expect("makes the topic");
    let allow = ["--add", "--allow-principal", "User:minato", "--operation"];
    let on_topic = ["Read", "--topic", "of-minato"];
    broker
        .tool(ACCESS, &[allow.as_slice(), &on_topic].concat())
        .expect("allows");

    let list = ["--list"];
    let seen = |user| broker.tool_as(user, TOPICS, &list).expect("lists");
    assert_eq!(seen(&minato), "of-minato\n");
    assert_eq!(seen(&other).trim(), "");
    let error = broker
        .tool_as(&user("minato", "second"), TOPICS, &list)
        .expect_err("another password");
    assert!(
        error.to_string().contains("Authentication failed"),
        "{error}"
    );
}

#[test]
fn reading_ends_in_an_error_where_the_last_record_does_not_come() {
    let bootstrap = demo::kafka::test_bootstrap().expect("a broker");
    let within = Duration::from_secs(2);
    let error = read_committed(&bootstrap, "no-such-topic", within, |_| true)
        .expect_err("there is nothing to read");
    assert!(error.to_string().contains("after 0 records"), "{error}");
}

#[test]
fn with_kafka_gives_the_command_a_broker_and_returns_its_exit_code() {
    let output = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args([
            "with-kafka",
            "--",
            "sh",
            "-c",
            "echo $KAFKA_BOOTSTRAP; exit 7",
        ])
        .env("KAFKA_BOOTSTRAP", "given:9092")
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "given:9092\n");
}

#[test]
fn killed_by_force_with_services_leaves_no_broker() {
    let note = std::env::temp_dir().join(format!("with-services-{}", std::process::id()));
    let script = format!(
        "echo $KAFKA_BOOTSTRAP >{0}.new; mv {0}.new {0}; sleep 600 & wait",
        note.display()
    );
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"))
        .args(["with-services", "--", "sh", "-c", &script])
        .env("RENKEI_TEST_DATABASE_URL", "postgres://given")
        .env_remove("KAFKA_BOOTSTRAP")
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    until("the command runs", || note.exists());
    let bootstrap = fs::read_to_string(&note).expect("written");
    fs::remove_file(&note).expect("the test's own file");
    assert!(TcpStream::connect(bootstrap.trim()).is_ok());

    demo.kill().expect("kill -9");
    demo.wait().expect("reaped");

    until("the broker is gone", || {
        TcpStream::connect(bootstrap.trim()).is_err()
    });
}

/// Waits for what another process does; a minute is plenty.
fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "not in time: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
