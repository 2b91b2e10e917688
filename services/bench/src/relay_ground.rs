//! What the relay's lines stand on: a PostgreSQL cluster that nobody else writes to (an open transaction
//! of anybody holds the log back), a real Apache Kafka, and relays with the settings that they have by
//! default.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use consent::{
    protocol::{key_wrap::KeyEncryptionKey, keys::KeyRing},
    provision::provision,
    store::Bus,
};
use consent_domain::{BankCode, PartnerId};
use consent_relay::{
    publisher::{Position, State as Publishing},
    relay::{Running, start},
    settings::Settings,
    topics::{self, TopicsCommand},
};
use demo::{
    agent::partner::GeneratedKey,
    kafka::{PrivateKafka, PrivateOptions as KafkaOptions},
    postgres::{PrivateOptions, PrivateServer, State, with_database},
};
use public_events::topics::TopicNames;
use rdkafka::Message as _;
use sqlx::{Connection as _, PgConnection, PgPool, postgres::PgPoolOptions};

use crate::{
    error::BenchError,
    ground::{BANK, KEY_ENCRYPTION_KEY, PARTNER, insist_on_durability, register},
    records::{Record, await_committed, read_all},
};

/// The service's connections, as it has by default.
const CONNECTIONS: u32 = 16;

/// For a backlog, on a slow machine.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(300);

/// See the module.
pub struct RelayGround {
    server: PrivateServer,
    kafka: PrivateKafka,
    key: GeneratedKey,
    named: AtomicU32,
}

impl RelayGround {
    /// Starts the cluster and the broker.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn start(key: &GeneratedKey) -> Result<Self, BenchError> {
        let server = PrivateServer::start(&PrivateOptions {
            name: "bench-relay".to_owned(),
            state: State::Fresh,
            log: None,
        })?;
        let options = KafkaOptions {
            name: "bench".to_owned(),
            users: Vec::new(),
        };
        let starting = tokio::task::spawn_blocking(move || PrivateKafka::start(&options));
        Ok(Self {
            server,
            kafka: starting.await.map_err(BenchError::wrong)??,
            key: key.clone(),
            named: AtomicU32::new(0),
        })
    }

    /// `host:port` of the broker.
    pub fn bootstrap(&self) -> String {
        self.kafka.bootstrap()
    }

    /// A database with keys, the bank and the partner, and topics of its own.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn source(&self, database: &str) -> Result<Source, BenchError> {
        let urls = provision(&self.server.admin_url(), database).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect(&urls.service_url)
            .await?;
        insist_on_durability(&pool).await?;
        let wrapping = KeyEncryptionKey::parse(KEY_ENCRYPTION_KEY).map_err(BenchError::wrong)?;
        KeyRing::load_or_create(&pool, &wrapping, chrono::Utc::now())
            .await
            .map_err(BenchError::wrong)?;
        register(&pool, &self.key).await?;
        Ok(Source {
            database: database.to_owned(),
            bus: Bus::new(pool.clone()),
            pool,
            outlet: self.outlet(urls.relay_url).await?,
        })
    }

    /// Brings the statistics of a database up to date, as the server does by itself in time.
    ///
    /// # Errors
    /// The database's.
    pub async fn analyze(&self, source: &Source) -> Result<(), BenchError> {
        self.as_superuser(&source.database, &["VACUUM ANALYZE".to_owned()])
            .await
    }

    /// The same database once more, with topics of its own; it takes the place of an earlier copy. No
    /// relay ran on the source, and nobody is connected to it.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn copy(&self, source: &Source) -> Result<Outlet, BenchError> {
        let of = &source.database;
        let copy = format!("{of}_copy");
        let statements = [
            format!("DROP DATABASE IF EXISTS {copy} WITH (FORCE)"),
            // A session that was closed may not have ended yet.
            format!(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{of}'"
            ),
            format!("CREATE DATABASE {copy} TEMPLATE {of}"),
            // What was copied is on the disk before anything is measured.
            "CHECKPOINT".to_owned(),
        ];
        self.as_superuser("postgres", &statements).await?;
        self.outlet(with_database(&source.outlet.relay_url, &copy)?)
            .await
    }

    /// Topics as a relay of that source has them, for somebody else.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn beside(&self, source: &Source) -> Result<Outlet, BenchError> {
        self.outlet(source.outlet.relay_url.clone()).await
    }

    async fn as_superuser(&self, database: &str, statements: &[String]) -> Result<(), BenchError> {
        let url = with_database(&self.server.admin_url(), database)?;
        let mut superuser = PgConnection::connect(&url).await?;
        for statement in statements {
            sqlx::raw_sql(statement).execute(&mut superuser).await?;
        }
        Ok(superuser.close().await?)
    }

    /// Makes topics that no other relay has.
    async fn outlet(&self, relay_url: String) -> Result<Outlet, BenchError> {
        let number = self.named.fetch_add(1, Ordering::Relaxed);
        let outlet = Outlet {
            relay_url,
            bootstrap: self.bootstrap(),
            prefix: format!("bench-{number}"),
        };
        let settings = outlet.settings()?;
        let pool = PgPool::connect(&outlet.relay_url).await?;
        let (apply, client) = (TopicsCommand::Apply, settings.kafka.client());
        topics::run(apply, &settings.topics, &client, &pool, &mut Vec::new()).await?;
        pool.close().await;
        Ok(outlet)
    }
}

/// A database that facts are written to.
pub struct Source {
    database: String,
    /// As the service writes.
    pub bus: Bus,
    /// As the service's role.
    pub pool: PgPool,
    /// Where its facts are published.
    pub outlet: Outlet,
}

/// A database as the relay has it, and where its facts are published.
pub struct Outlet {
    relay_url: String,
    bootstrap: String,
    prefix: String,
}

impl Outlet {
    /// `host:port` of the broker.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Names of the topics.
    ///
    /// # Errors
    /// None for a prefix as the bench makes it.
    pub fn topics(&self) -> Result<TopicNames, BenchError> {
        TopicNames::try_new(&self.prefix).map_err(BenchError::wrong)
    }

    /// The topic that is called so here as that one is called there.
    ///
    /// # Errors
    /// [`BenchError::Wrong`] where it is no topic of `there`.
    pub fn same_topic(&self, there: &Self, topic: &str) -> Result<String, BenchError> {
        let name = topic.strip_prefix(&there.prefix);
        let name = name.ok_or_else(|| BenchError::wrong(format!("{topic} is another's topic")))?;
        Ok(format!("{}{name}", self.prefix))
    }

    /// Waits until the relay has committed the event of that number and all before it; gives when the
    /// first transaction and when that one was seen.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn published_up_to(&self, number: i64) -> Result<[Instant; 2], BenchError> {
        let (bootstrap, topic) = (self.bootstrap.clone(), self.topics()?.offsets());
        let waiting = tokio::task::spawn_blocking(move || {
            let mut first = None;
            await_committed(&bootstrap, &topic, PUBLISHED_WITHIN, |message| {
                first.get_or_insert_with(Instant::now);
                let position: Option<Position> = message
                    .payload()
                    .and_then(|value| serde_json::from_slice(value).ok());
                position.is_some_and(|position| position.global_sequence >= number)
            })?;
            let last = Instant::now();
            Ok([first.unwrap_or(last), last])
        });
        waiting.await.map_err(BenchError::wrong)?
    }

    /// All that was published for anybody, in the events' order.
    ///
    /// # Errors
    /// Kafka's.
    pub async fn records(&self) -> Result<Vec<Record>, BenchError> {
        let topics = self.topics()?;
        let partner = topics.partner(
            &BankCode::parse(BANK).map_err(BenchError::wrong)?,
            &PartnerId::parse(PARTNER).map_err(BenchError::wrong)?,
        );
        let bootstrap = self.bootstrap.clone();
        let all = [topics.platform(), partner, topics.registrations()];
        let reading = tokio::task::spawn_blocking(move || read_all(&bootstrap, &all));
        reading.await.map_err(BenchError::wrong)?
    }

    /// A relay, which leads as soon as it can.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn start_relay(&self) -> Result<Running, BenchError> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        Ok(start(self.settings()?, listener).await?)
    }

    /// As an operator would have them: only one broker, and neither TLS nor credentials.
    fn settings(&self) -> Result<Settings, BenchError> {
        let Self {
            relay_url,
            bootstrap,
            prefix,
        } = self;
        toml::from_str(&format!(
            "database_url = \"{relay_url}\"
             operator_listen = \"127.0.0.1:0\"
             public_url = \"https://consent.example\"
             key_encryption_key = \"{KEY_ENCRYPTION_KEY}\"
             [kafka]
             bootstrap = \"{bootstrap}\"
             [topics]
             prefix = \"{prefix}\"
             replication_factor = 1
             min_insync_replicas = 1"
        ))
        .map_err(BenchError::wrong)
    }
}

/// Waits until a relay has found its place in the topics and publishes.
///
/// # Errors
/// [`BenchError::Wrong`] where it fails instead, in its own words.
pub async fn publishing(relay: &Running) -> Result<(), BenchError> {
    let mut publisher = relay.standing.publisher.clone();
    let state = publisher
        .wait_for(|state| *state != Publishing::Starting)
        .await
        .map_err(BenchError::wrong)?;
    match &*state {
        Publishing::Failing(why) => Err(BenchError::wrong(why)),
        Publishing::Publishing | Publishing::Starting => Ok(()),
    }
}
