//! The printed access rights, run as printed on a broker that asks for credentials: each partner reads
//! what is its own, and the relay may do all that it does.

use std::time::{Duration, Instant};

use consent_domain::{BankCode, PartnerId};
use consent_relay::topics::{TopicSettings, TopicsCommand, run};
use demo::kafka::{PrivateKafka, PrivateOptions, User};
use public_events::topics::TopicNames;
use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, KafkaResult},
    producer::{BaseProducer, BaseRecord, Producer as _},
    types::RDKafkaErrorCode,
};

use crate::bench::Bench;

const WITHIN: Duration = Duration::from_secs(30);
const ACCESS: &str = "org.apache.kafka.tools.AclCommand";

fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        password: format!("of-{name}"),
    }
}

fn topic(bank: &str, partner: &str) -> String {
    let (bank, partner) = (BankCode::parse(bank), PartnerId::parse(partner));
    TopicNames::default().partner(&bank.unwrap(), &partner.unwrap())
}

struct Guarded {
    broker: PrivateKafka,
}

impl Guarded {
    /// A broker with the topics of two partners, and the rights as they are printed for them.
    async fn start() -> Self {
        let bench = Bench::new().await;
        for at in ["2963:minato", "2963:hama"] {
            sqlx::query(
                r#"INSERT INTO partner_at_bank_current (stream_id, version, state_version, state)
                   VALUES ($1, 1, 1, '{"status": "enabled"}')"#,
            )
            .bind(at)
            .execute(&bench.service)
            .await
            .unwrap();
        }
        let options = PrivateOptions {
            name: "access".to_owned(),
            users: ["consent-relay", "minato", "hama"].map(user).into(),
        };
        let broker = tokio::task::spawn_blocking(move || PrivateKafka::start(&options).unwrap());
        let broker = broker.await.unwrap();
        let mut plain = ClientConfig::new();
        plain.set("bootstrap.servers", broker.bootstrap());
        let settings = TopicSettings {
            replication_factor: 1,
            min_insync_replicas: 1,
            ..TopicSettings::default()
        };
        let mut out = Vec::new();
        let apply = TopicsCommand::Apply;
        run(apply, &settings, &plain, &bench.relay, &mut out)
            .await
            .unwrap();
        let guarded = Self { broker };
        guarded.allow(&String::from_utf8(out).unwrap());
        guarded
    }

    /// Runs the commands as they are printed.
    fn allow(&self, printed: &str) {
        let begin = "kafka-acls --bootstrap-server \"$BOOTSTRAP\" ";
        let commands: Vec<&str> = printed
            .lines()
            .filter_map(|line| line.strip_prefix(begin))
            .collect();
        assert!(commands.len() >= 6, "{printed}");
        for command in commands {
            let arguments: Vec<&str> = command
                .split_whitespace()
                .map(|argument| argument.trim_matches('\''))
                .collect();
            self.broker.tool(ACCESS, &arguments).unwrap();
        }
    }

    fn client(&self, name: &str) -> ClientConfig {
        let User { name, password } = user(name);
        let certificate = self.broker.certificate().unwrap().display().to_string();
        let mut client = ClientConfig::new();
        client
            .set(
                "bootstrap.servers",
                self.broker.guarded_bootstrap().unwrap(),
            )
            .set("security.protocol", "SASL_SSL")
            .set("sasl.mechanism", "SCRAM-SHA-512")
            .set("sasl.username", name)
            .set("sasl.password", password)
            .set("ssl.ca.location", certificate);
        client
    }

    /// As the relay does: records and how far it has come, in one transaction.
    fn publish(&self, name: &str, topics: &[String]) -> KafkaResult<()> {
        let producer: BaseProducer = self
            .client(name)
            .set("transactional.id", "renkei.relay")
            .create()?;
        producer.init_transactions(WITHIN)?;
        producer.begin_transaction()?;
        for topic in topics {
            let record = BaseRecord::to(topic).key("grant").payload("event");
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.commit_transaction(WITHIN)
    }

    /// The first record of a topic, or why there is none for this reader.
    fn read(&self, name: &str, group: &str, topic: &str) -> Result<String, RDKafkaErrorCode> {
        let consumer: BaseConsumer = self
            .client(name)
            .set("group.id", group)
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .create()
            .unwrap();
        consumer.subscribe(&[topic]).unwrap();
        let started = Instant::now();
        // A rebalance ends a poll, too.
        let answer = loop {
            if let Some(answer) = consumer.poll(Duration::from_millis(200)) {
                break answer;
            }
            assert!(started.elapsed() < WITHIN, "{name} in {group} on {topic}");
        };
        match answer {
            Ok(record) => Ok(String::from_utf8(record.payload().unwrap().to_vec()).unwrap()),
            Err(KafkaError::MessageConsumption(code)) => Err(code),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_reads_its_own_topic_and_nobody_elses_and_the_relay_writes_them_all() {
    let guarded = Guarded::start().await;
    let names = TopicNames::default();
    let (minato, hama) = (topic("2963", "minato"), topic("2963", "hama"));
    let all = [
        minato.clone(),
        hama.clone(),
        names.platform(),
        names.registrations(),
        names.offsets(),
    ];

    guarded.publish("consent-relay", &all).unwrap();

    let own_group = "renkei.partner.minato.books";
    assert_eq!(
        guarded.read("minato", own_group, &minato),
        Ok("event".to_owned())
    );
    let how_far = guarded.read("consent-relay", "renkei.relay", &names.offsets());
    assert_eq!(how_far, Ok("event".to_owned()));
    for foreign in [&hama, &names.platform(), &names.registrations()] {
        assert_eq!(
            guarded.read("minato", own_group, foreign),
            Err(RDKafkaErrorCode::TopicAuthorizationFailed),
            "{foreign}"
        );
    }
    assert_eq!(
        guarded.read("minato", "renkei.partner.hama.books", &minato),
        Err(RDKafkaErrorCode::GroupAuthorizationFailed)
    );
    guarded
        .publish("minato", &[minato])
        .expect_err("a partner writes nothing");
}
