//! `consent-relay topics` against a real broker.

use std::process::ExitCode;

use consent_relay::topics::{TopicSettings, TopicsCommand, run};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    client::DefaultClientContext,
};

use crate::bench::{Bench, eventually};

struct World {
    bench: Bench,
    kafka: ClientConfig,
    settings: TopicSettings,
}

/// Two partners at two banks, and a broker that has none of their topics.
async fn world() -> World {
    let bench = Bench::new().await;
    for at in ["2963:minato", "2963:hama.books", "2951:minato"] {
        sqlx::query(
            r#"INSERT INTO partner_at_bank_current (stream_id, version, state_version, state)
               VALUES ($1, 1, 1, '{"status": "enabled"}')"#,
        )
        .bind(at)
        .execute(&bench.service)
        .await
        .unwrap();
    }
    let bootstrap = tokio::task::spawn_blocking(demo::kafka::test_bootstrap)
        .await
        .unwrap()
        .expect("a Kafka");
    let mut kafka = ClientConfig::new();
    kafka.set("bootstrap.servers", bootstrap);
    // Tests share the broker: each has a prefix of its own.
    let settings = TopicSettings {
        prefix: bench.name.replace('_', "-"),
        replication_factor: 1,
        min_insync_replicas: 1,
        ..TopicSettings::default()
    };
    World {
        bench,
        kafka,
        settings,
    }
}

impl World {
    async fn run(&self, command: TopicsCommand) -> (ExitCode, String) {
        let mut out = Vec::new();
        let code = run(
            command,
            &self.settings,
            &self.kafka,
            &self.bench.relay,
            &mut out,
        )
        .await
        .unwrap();
        (code, String::from_utf8(out).unwrap())
    }

    /// Another setting of the registrations, as somebody's hand might leave it.
    async fn keep_registrations_uncompacted(&self) {
        let admin: AdminClient<DefaultClientContext> = self.kafka.create().unwrap();
        let topic = format!("{}.registrations", self.settings.prefix);
        let change =
            AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("cleanup.policy", "delete");
        let answers = admin.alter_configs([&change], &AdminOptions::new()).await;
        assert!(answers.unwrap().iter().all(Result::is_ok));
        eventually("the broker knows it", async || {
            self.run(TopicsCommand::Apply).await.0 == ExitCode::FAILURE
        })
        .await;
    }
}

fn lines(out: &str, begin: &str) -> Vec<String> {
    out.lines()
        .filter_map(|line| line.strip_prefix(begin))
        .map(|rest| rest.trim_start().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_topics_are_made_once_with_the_planned_settings() {
    let world = world().await;
    let (code, first) = world.run(TopicsCommand::Apply).await;
    assert_eq!(code, ExitCode::SUCCESS, "{first}");
    let prefix = &world.settings.prefix;
    let expected = [
        "platform",
        "registrations",
        "relay-offsets",
        "partner.2951.minato",
        "partner.2963.hama_2ebooks",
        "partner.2963.minato",
    ]
    .map(|name| format!("{prefix}.{name}"));
    assert_eq!(lines(&first, "made"), expected, "{first}");

    // Read back from the broker: nothing differs from the plan.
    let (code, second) = world.run(TopicsCommand::Apply).await;
    assert_eq!(code, ExitCode::SUCCESS, "{second}");
    assert_eq!(lines(&second, "in order"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_differs_is_told_and_left_alone() {
    let mut world = world().await;
    world.run(TopicsCommand::Apply).await;
    world.keep_registrations_uncompacted().await;
    world.settings.platform_partitions += 1;
    for _ in 0..2 {
        let (code, out) = world.run(TopicsCommand::Apply).await;
        assert_eq!(code, ExitCode::FAILURE, "{out}");
        let differs = lines(&out, "differs").join("\n");
        assert!(differs.contains("12 partitions, planned 13"), "{out}");
        assert!(
            differs.contains("cleanup.policy=delete, planned compact"),
            "{out}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn printing_asks_no_broker_and_names_each_readers_access() {
    let mut world = world().await;
    world.kafka.set("bootstrap.servers", "127.0.0.1:1");
    let (code, out) = world.run(TopicsCommand::Print).await;
    assert_eq!(code, ExitCode::SUCCESS);
    let prefix = &world.settings.prefix;
    let topic = format!("{prefix}.partner.2963.minato");
    assert!(out.contains(&format!(
        "--allow-principal 'User:minato' --operation Read --operation Describe --topic {topic}\n"
    )));
    assert!(out.contains(&format!("{topic} partitions=3 replication.factor=1 ")));
}
