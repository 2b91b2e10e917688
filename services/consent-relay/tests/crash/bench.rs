//! What a test stands on: a PostgreSQL cluster of its own, because an open transaction anywhere in a
//! cluster holds the order of its commits back; a broker; and a prefix for its topics.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use consent::partners::{BankRegistration, PartnerRegistration, register_bank, register_partner};
use consent::protocol::client::RedirectUriPolicy;
use consent::protocol::key_wrap::KeyEncryptionKey;
use consent::protocol::keys::KeyRing;
use consent::provision::{Provisioned, provision};
use consent::store::Bus;
use consent_domain::{BankCode, ClientId, PartnerId};
use demo::agent::partner::{GeneratedKey, generate_key};
use demo::postgres::{PrivateOptions, PrivateServer, State};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::relay::{Relay, Settings, until};
use super::writers::{BANK, GRANTED, PARTNERS};

pub const KEY_ENCRYPTION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
/// The shortest that the relay takes, so that a test of 50 kills ends.
const LEASE: Duration = Duration::from_secs(1);

pub struct Bench {
    /// Stops with this value.
    _postgres: PrivateServer,
    pub provisioned: Provisioned,
    /// As the superuser.
    pub admin: PgPool,
    /// As the service, with a connection for each writer.
    pub service: PgPool,
    pub settings: Settings,
    pub key: GeneratedKey,
}

/// The leader's row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Leader {
    pub holder: Option<String>,
    pub fence: i64,
    pub leads: bool,
}

impl Bench {
    /// With this broker; `kafka`: further lines of the settings' table.
    pub async fn new(bootstrap: &str) -> Self {
        let postgres = PrivateServer::start(&PrivateOptions {
            name: "relay".to_owned(),
            state: State::Fresh,
            log: None,
        })
        .expect("a PostgreSQL");
        let provisioned = provision(&postgres.admin_url(), "renkei")
            .await
            .expect("provisioning");
        let service = PgPoolOptions::new()
            .max_connections(48)
            .connect(&provisioned.service_url)
            .await
            .expect("the service role connects");
        let admin_url = demo::postgres::with_database(&postgres.admin_url(), "renkei");
        let admin = PgPool::connect(&admin_url.expect("an address"))
            .await
            .expect("the superuser connects");
        let prefix = format!("t{}", &Uuid::new_v4().simple().to_string()[..8]);
        let directory = env::temp_dir().join(format!("consent-relay-{prefix}"));
        fs::create_dir_all(&directory).expect("a directory");
        let settings = Settings {
            directory,
            database_url: provisioned.relay_url.clone(),
            bootstrap: bootstrap.to_owned(),
            prefix,
            lease: LEASE,
            kafka: String::new(),
        };
        let bench = Self {
            _postgres: postgres,
            provisioned,
            admin,
            service,
            settings,
            key: generate_key().expect("a key"),
        };
        bench.register().await;
        bench
    }

    /// The bank, its partners, and the key by which the relay names accounts.
    async fn register(&self) {
        let kek = KeyEncryptionKey::parse(KEY_ENCRYPTION_KEY).expect("a key");
        KeyRing::load_or_create(&self.service, &kek, chrono::Utc::now())
            .await
            .expect("keys");
        let bus = Bus::new(self.service.clone());
        let record = format!(
            "code = \"{BANK}\"
             name = \"中央労働金庫\"
             display_name = \"中央労働金庫（法人）\"
             phone = \"0120-000-000\"
             hours = \"平日 9:00〜17:00\"",
        );
        let bank: BankRegistration = toml::from_str(&record).expect("a bank");
        register_bank(&bus, bank, "tests")
            .await
            .expect("the bank is registered");
        for partner in PARTNERS {
            let registration = PartnerRegistration {
                partner_id: PartnerId::parse(partner).expect("an id"),
                client_id: ClientId::parse(format!("client-of-{partner}")).expect("an id"),
                legal_name: format!("{partner}株式会社"),
                service_name: format!("{partner}会計"),
                registration_number: "関東財務局長（電代）第0号".to_owned(),
                complaint_contact: "お客様窓口 0120-111-111".to_owned(),
                onward_recipients: Vec::new(),
                redirect_uris: vec![format!("http://localhost:1/{partner}/callback")],
                jwks: self.key.jwks(),
                banks: [BankCode::parse(BANK).expect("a code")].into(),
            };
            let policy = RedirectUriPolicy::HttpsOrLoopbackHttp;
            register_partner(&self.service, &bus, registration, policy, "tests")
                .await
                .expect("the partner is registered");
        }
    }

    /// Makes the topics by the relay's own command.
    pub fn make_topics(&self) {
        let (status, printed) = self.settings.run(&["topics", "apply"]);
        assert!(status.success(), "{printed}");
    }

    pub fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.settings.prefix)
    }

    pub fn partner_topic(&self, partner: &str) -> String {
        self.topic(&format!("partner.{BANK}.{partner}"))
    }

    pub async fn leader(&self) -> Leader {
        sqlx::query_as(
            "SELECT holder, fence, expires_at > clock_timestamp() AS leads FROM sequencer",
        )
        .fetch_one(&self.admin)
        .await
        .expect("the sequencer's row")
    }

    /// Appends the first fact of a consent for 100 accounts; gives its event id.
    pub async fn append_large(&self) -> String {
        let scope: Vec<_> = (0..100)
            .map(|number| serde_json::json!({"account": format!("acct-{number}"), "task": "balance"}))
            .collect();
        let mut payload: serde_json::Value = serde_json::from_str(GRANTED).expect("a golden file");
        let granted = &mut payload["payload"]["AccessGranted"];
        granted["terms"]["scope"] = scope.into();
        granted["terms"]["partner"] = PARTNERS[0].into();
        self.append("AccessGranted", &payload["payload"]).await
    }

    /// Appends a fact of a type that this release does not know; gives its event id.
    pub async fn append_unknown(&self) -> String {
        self.append("AccessDreamt", &serde_json::json!({"AccessDreamt": {}}))
            .await
    }

    async fn append(&self, event_type: &str, payload: &serde_json::Value) -> String {
        sqlx::query_scalar(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                payload, metadata, bank, partner)
             VALUES ('consent', $1, 1, $2, '1', $3, '{}', $4, $5) RETURNING event_id::text",
        )
        .bind(format!("{BANK}:{}", Uuid::new_v4()))
        .bind(event_type)
        .bind(payload)
        .bind(BANK)
        .bind(PARTNERS[0])
        .fetch_one(&self.service)
        .await
        .expect("appends")
    }

    /// Waits until one leads with a greater fencing number than `fence`.
    pub async fn leader_after(&self, fence: i64, within: Duration) -> Leader {
        until("another leader", within, async || {
            let leader = self.leader().await;
            leader.leads && leader.fence > fence
        })
        .await;
        self.leader().await
    }

    pub async fn count(&self, query: &str) -> i64 {
        sqlx::query_scalar(query)
            .fetch_one(&self.admin)
            .await
            .expect("a count")
    }

    /// The number up to which everything is published, where this instance leads.
    pub async fn published_by(&self, relay: &Relay) -> Option<i64> {
        published(&relay.ask("/metrics").await?.1)
    }

    /// Waits until the log holds every event, and the relay that leads says that all are published.
    pub async fn drained(&self, relays: &[&Relay], within: Duration) {
        until("every event is in the log", within, async || {
            self.count("SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM event_log)")
                .await
                == 0
        })
        .await;
        let last = self
            .count("SELECT max(global_sequence) FROM event_log")
            .await;
        until("every event is published", within, async || {
            for relay in relays {
                if self.published_by(relay).await == Some(last) {
                    return true;
                }
            }
            false
        })
        .await;
    }
}

/// The number up to which everything is published, where this instance leads.
fn published(metrics: &str) -> Option<i64> {
    let value = |name: &str| {
        metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .and_then(|value| value.parse::<f64>().ok())
    };
    #[expect(clippy::cast_possible_truncation, reason = "a count, far below 2^53")]
    let last = value("renkei_relay_published")? as i64;
    (value("renkei_relay_leads")? > 0.0).then_some(last)
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What went wrong stands in the logs there.
        if !std::thread::panicking() {
            drop(fs::remove_dir_all::<&PathBuf>(&self.settings.directory));
        }
    }
}
