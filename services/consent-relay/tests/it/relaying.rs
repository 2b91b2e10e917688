//! A relay in this process, between a database and a real broker.

use std::{collections::BTreeMap, net::TcpListener, time::Duration};

use consent::{
    partners::{BankRegistration, PartnerRegistration, register_bank, register_partner},
    protocol::{client::RedirectUriPolicy, key_wrap::KeyEncryptionKey, keys::KeyRing},
    store::Bus,
};
use consent_domain::{BankCode, ClientId, PartnerId};
use consent_relay::{
    publisher::State,
    relay::{Running, start},
    settings::Settings,
    topics::{self, TopicsCommand},
};
use demo::agent::partner::generate_key;
use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::Headers as _,
};

use crate::bench::{Bench, eventually};

const KEY_ENCRYPTION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

pub struct World {
    pub bench: Bench,
    pub bootstrap: String,
    pub prefix: String,
}

/// A committed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub key: String,
    pub headers: BTreeMap<String, String>,
}

impl Record {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

impl World {
    /// With keys, and the topics that every event needs.
    pub async fn new() -> Self {
        let bench = Bench::alone().await;
        let kek = KeyEncryptionKey::parse(KEY_ENCRYPTION_KEY).unwrap();
        KeyRing::load_or_create(&bench.service, &kek, chrono::Utc::now())
            .await
            .unwrap();
        let bootstrap = tokio::task::spawn_blocking(demo::kafka::test_bootstrap)
            .await
            .unwrap()
            .expect("a Kafka");
        let prefix = bench.name.replace('_', "-");
        let world = Self {
            bench,
            bootstrap,
            prefix,
        };
        world.make_topics().await;
        world
    }

    /// With batches so small that the next one is often prepared while a transaction goes.
    pub fn settings(&self, kafka: &str) -> Settings {
        let Self {
            bench,
            bootstrap,
            prefix,
        } = self;
        let text = format!(
            "database_url = \"{}\"\noperator_listen = \"127.0.0.1:0\"\n\
             public_url = \"https://consent.example\"\nkey_encryption_key = \"{KEY_ENCRYPTION_KEY}\"\n\
             instance = \"relay\"\n[kafka]\nbootstrap = \"{bootstrap}\"\n{kafka}\n\
             [topics]\nprefix = \"{prefix}\"\nreplication_factor = 1\nmin_insync_replicas = 1\n\
             [sequencer]\nlease_milliseconds = 1000\npoll_milliseconds = 10\n\
             [publisher]\nbatch_max = 3\n",
            bench.urls.relay_url
        );
        let path = std::env::temp_dir().join(format!("relay-{}.toml", uuid::Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        let settings = Settings::read(&path);
        std::fs::remove_file(&path).unwrap();
        settings.unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn make_topics(&self) {
        let settings = self.settings("");
        let client = settings.kafka.client();
        topics::run(
            TopicsCommand::Apply,
            &settings.topics,
            &client,
            &self.bench.relay,
            &mut Vec::new(),
        )
        .await
        .unwrap();
    }

    /// Starts a relay with further lines of the table `[kafka]`.
    pub async fn start(&self, kafka: &str) -> Running {
        self.start_with(self.settings(kafka)).await
    }

    pub async fn start_with(&self, settings: Settings) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        start(settings, listener)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub async fn register_bank(&self, code: &str, name: &str) {
        let record = format!(
            "code = \"{code}\"\nname = \"{name}\"\ndisplay_name = \"{name}\"\n\
             phone = \"0120-000-000\"\nhours = \"平日 9:00〜17:00\"",
        );
        let bank: BankRegistration = toml::from_str(&record).unwrap();
        register_bank(&Bus::new(self.bench.service.clone()), bank, "tests")
            .await
            .unwrap();
    }

    pub async fn register_partner(&self, partner: &str, bank: &str) {
        let registration = PartnerRegistration {
            partner_id: PartnerId::parse(partner).unwrap(),
            client_id: ClientId::parse(format!("client-of-{partner}")).unwrap(),
            legal_name: format!("{partner}株式会社"),
            service_name: format!("{partner}会計"),
            registration_number: "関東財務局長（電代）第0号".to_owned(),
            complaint_contact: "お客様窓口 0120-111-111".to_owned(),
            onward_recipients: Vec::new(),
            redirect_uris: vec![format!("http://localhost:1/{partner}/callback")],
            jwks: generate_key().unwrap().jwks(),
            banks: [BankCode::parse(bank).unwrap()].into(),
        };
        let bus = Bus::new(self.bench.service.clone());
        let policy = RedirectUriPolicy::HttpsOrLoopbackHttp;
        register_partner(&self.bench.service, &bus, registration, policy, "tests")
            .await
            .unwrap();
    }

    /// The committed records of a topic, partition by partition.
    pub async fn records(&self, topic: &str) -> Vec<Record> {
        let (bootstrap, topic) = (self.bootstrap.clone(), format!("{}.{topic}", self.prefix));
        tokio::task::spawn_blocking(move || read(&bootstrap, &topic))
            .await
            .unwrap()
    }

    /// Ids of the events on the platform's topic, in the log's order.
    pub async fn platform_events(&self) -> Vec<String> {
        let mut records = self.records("platform").await;
        records.sort_by(|a, b| a.header("ce_sequence").cmp(b.header("ce_sequence")));
        records
            .iter()
            .map(|record| record.header("ce_id").to_owned())
            .collect()
    }

    /// Ids of the log's events, in its order.
    pub async fn log_events(&self) -> Vec<String> {
        let log = crate::bench::log(&self.bench.relay).await;
        log.into_iter().map(|(.., id)| id.to_string()).collect()
    }

    /// Until the log is complete and the offset topic says that all of it is published.
    pub async fn published(&self) {
        self.bench.settle().await;
        let last = i64::try_from(self.log_events().await.len()).unwrap();
        eventually("all is published", async || {
            self.position().await == Some(last)
        })
        .await;
    }

    /// What the offset topic says.
    pub async fn position(&self) -> Option<i64> {
        let settings = self.settings("");
        let topics = settings.topics.names().unwrap();
        let known = tokio::task::spawn_blocking(move || {
            let (client, bootstrap) = (settings.kafka.client(), settings.kafka.bootstrap);
            consent_relay::publisher::read(&client, &bootstrap, &topics)
        })
        .await
        .unwrap();
        known
            .unwrap()
            .position
            .map(|position| position.global_sequence)
    }
}

/// Until the publisher fails with words that hold `named`.
pub async fn fails_with(relay: &Running, named: &str) {
    let state = relay.standing.publisher.clone();
    eventually(
        "the publisher says what is wrong",
        async || matches!(&*state.borrow(), State::Failing(told) if told.contains(named)),
    )
    .await;
}

pub async fn publishes(relay: &Running) {
    let state = relay.standing.publisher.clone();
    eventually("the publisher works", async || {
        *state.borrow() == State::Publishing
    })
    .await;
}

fn read(bootstrap: &str, topic: &str) -> Vec<Record> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "test")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let metadata = consumer
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .unwrap();
    let partitions = i32::try_from(metadata.topics()[0].partitions().len()).unwrap();
    let mut from_the_start = TopicPartitionList::new();
    for partition in 0..partitions {
        from_the_start
            .add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&from_the_start).unwrap();
    let (mut records, mut ended) = (Vec::new(), 0);
    while ended < partitions {
        match consumer.poll(Duration::from_secs(30)) {
            Some(Ok(message)) => records.push(Record {
                partition: message.partition(),
                key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                headers: message
                    .headers()
                    .into_iter()
                    .flat_map(|headers| headers.iter())
                    .map(|header| {
                        let value = String::from_utf8_lossy(header.value.unwrap_or_default());
                        (header.key.to_owned(), value.into_owned())
                    })
                    .collect(),
            }),
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => panic!("{error}"),
            None => panic!("{topic} has no end"),
        }
    }
    records.sort_by_key(|record| record.partition);
    records
}
