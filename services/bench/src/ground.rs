//! What every line stands on: a PostgreSQL of its own, the service as it runs, and its bank.

use std::{
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use actix_web::web;
use consent::{
    app::App,
    partners::{BankRegistration, PartnerRegistration, register_bank, register_partner},
    protocol::client::RedirectUriPolicy,
    provision::{Provisioned, provision},
    settings::Settings,
    startup::{Listeners, Running, start},
    store::Bus,
};
use consent_domain::{BankCode, ClientId, PartnerId};
use demo::{
    agent::partner::{GeneratedKey, PartnerClient, Registration, generate_key},
    postgres::{PrivateOptions, PrivateServer, State, with_database},
};
use sandbox_bank::{SandboxBank, Seed};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::OnceCell;
use url::Url;

use crate::{
    error::BenchError, loaded_ground::LoadedGround, pgbench, relay_ground::RelayGround, run::Pace,
};

/// The bank at which everything happens.
pub const BANK: &str = "2963";
/// The partner's client, and the partner.
pub const CLIENT: &str = "bench-partner";
/// The partner.
pub const PARTNER: &str = "id-of-bench-partner";
/// What the decision port is asked with.
pub const CREDENTIAL: &str = "a-credential-of-the-bench";
/// Customers of the bank, each with a contract and one account.
pub const CUSTOMERS: usize = 64;
/// Every customer's password.
pub const PASSWORD: &str = "bench-Password1";
/// Every contract's PIN.
pub const PIN: &str = "4826";

/// What keys are wrapped with.
pub const KEY_ENCRYPTION_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

const DATABASE: &str = "renkei_bench";

/// See the module.
pub struct Ground {
    /// The service; its own pool and bus are what is measured.
    pub service: Running,
    /// Where partners and customers reach it.
    pub origin: Url,
    /// As the service role, apart from the service's own connections.
    pub pool: PgPool,
    /// The database as its superuser, for pgbench.
    pub admin_url: Url,
    /// pgbench.
    pub pgbench: PathBuf,
    /// The partner's key.
    pub key: GeneratedKey,
    /// How much is made ready.
    pub pace: Pace,
    /// For example `15.18`.
    pub postgres_version: String,
    relay: OnceCell<Arc<RelayGround>>,
    events: u32,
    loaded: OnceLock<LoadedGround>,
    // Stops when it is dropped.
    _server: PrivateServer,
}

impl Ground {
    /// Starts everything.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn prepare(pace: Pace, events: u32) -> Result<Self, BenchError> {
        let server = PrivateServer::start(&PrivateOptions {
            name: "bench".to_owned(),
            state: State::Fresh,
            log: None,
        })?;
        let pgbench = pgbench::find(&server)?;
        let admin_url = server.admin_url();
        let provisioned = provision(&admin_url, DATABASE).await?;
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .connect(&provisioned.service_url)
            .await?;
        insist_on_durability(&pool).await?;
        let key = generate_key().map_err(BenchError::wrong)?;
        register(&pool, &key).await?;
        let (service, origin) = start_service(&provisioned).await?;
        let admin_url = with_database(&admin_url, DATABASE)?;
        Ok(Self {
            service,
            origin,
            pool,
            admin_url: Url::parse(&admin_url).map_err(BenchError::wrong)?,
            pgbench,
            key,
            pace,
            relay: OnceCell::new(),
            events,
            loaded: OnceLock::new(),
            postgres_version: server.version().to_owned(),
            _server: server,
        })
    }

    /// The service's parts.
    pub fn app(&self) -> &web::Data<App> {
        &self.service.app
    }

    /// What the relay's lines stand on: started when the first of them asks for it.
    ///
    /// # Errors
    /// [`BenchError`].
    pub async fn relay(&self) -> Result<&Arc<RelayGround>, BenchError> {
        let start = || async { Ok(Arc::new(RelayGround::start(&self.key).await?)) };
        self.relay.get_or_try_init(start).await
    }

    /// What the lines about many events stand on: started when the first of them asks for it.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn loaded(&self) -> Result<&LoadedGround, BenchError> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let started = LoadedGround::start(self.events)?;
        Ok(self.loaded.get_or_init(|| started))
    }

    /// The partner's OAuth client.
    ///
    /// # Errors
    /// [`BenchError::Wrong`].
    pub fn partner_client(&self) -> Result<PartnerClient, BenchError> {
        PartnerClient::try_new(Registration {
            client_id: CLIENT.to_owned(),
            private_key_pem: self.key.private_key_pem.clone(),
            kid: self.key.kid.clone(),
            redirect_uri: redirect_uri()?,
            issuer: self.origin.join(BANK).map_err(BenchError::wrong)?,
        })
        .map_err(BenchError::wrong)
    }

    /// Brings the statistics up to date, so that no line meets the planner's guesses about a table
    /// that another one filled.
    ///
    /// # Errors
    /// The database's.
    pub async fn analyze(&self) -> Result<(), BenchError> {
        let superuser = PgPool::connect(self.admin_url.as_str()).await?;
        sqlx::raw_sql("VACUUM ANALYZE").execute(&superuser).await?;
        superuser.close().await;
        Ok(())
    }

    /// Stops the service.
    pub async fn stop(self) {
        self.pool.close().await;
        self.service.stop().await;
    }
}

fn redirect_uri() -> Result<Url, BenchError> {
    Url::parse("http://localhost:1/callback").map_err(BenchError::wrong)
}

/// Whether what is committed is on the disk.
///
/// # Errors
/// [`BenchError::NotDurable`], or the database's.
pub async fn insist_on_durability(pool: &PgPool) -> Result<(), BenchError> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(pool)
            .await?;
        if value != "on" {
            return Err(BenchError::NotDurable(setting, value));
        }
    }
    Ok(())
}

/// Registers the bank and the partner.
///
/// # Errors
/// [`BenchError::Wrong`].
pub async fn register(pool: &PgPool, key: &GeneratedKey) -> Result<(), BenchError> {
    let bus = Bus::new(pool.clone());
    let bank: BankRegistration = toml::from_str(&format!(
        "code = \"{BANK}\"
         name = \"中央労働金庫\"
         display_name = \"中央労働金庫（法人）\"
         phone = \"0120-000-000\"
         hours = \"平日 9:00〜17:00\""
    ))
    .map_err(BenchError::wrong)?;
    register_bank(&bus, bank, "bench")
        .await
        .map_err(BenchError::wrong)?;
    let partner = PartnerRegistration {
        partner_id: PartnerId::parse(PARTNER).map_err(BenchError::wrong)?,
        client_id: ClientId::parse(CLIENT).map_err(BenchError::wrong)?,
        legal_name: "計測株式会社".to_owned(),
        service_name: "計測会計".to_owned(),
        registration_number: "関東財務局長（電代）第0号".to_owned(),
        complaint_contact: "お客様窓口 0120-111-111".to_owned(),
        onward_recipients: Vec::new(),
        redirect_uris: vec![redirect_uri()?.to_string()],
        jwks: key.jwks(),
        banks: [BankCode::parse(BANK).map_err(BenchError::wrong)?].into(),
    };
    let policy = RedirectUriPolicy::HttpsOrLoopbackHttp;
    register_partner(pool, &bus, partner, policy, "bench")
        .await
        .map_err(BenchError::wrong)
}

async fn start_service(provisioned: &Provisioned) -> Result<(Running, Url), BenchError> {
    let bank = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let bank_address = bank.local_addr()?;
    let seed = Seed::parse(&customers()).map_err(BenchError::wrong)?;
    tokio::spawn(sandbox_bank::serve(
        bank,
        SandboxBank::new(seed),
        std::future::pending(),
    ));
    let open = || TcpListener::bind("127.0.0.1:0");
    let listeners = Listeners {
        public: open()?,
        operators: open()?,
        decisions: open()?,
        certificate_login: None,
    };
    let origin = format!("http://{}", listeners.public.local_addr()?);
    let origin = Url::parse(&origin).map_err(BenchError::wrong)?;
    let database_url = &provisioned.service_url;
    let settings: Settings = toml::from_str(&format!(
        "public_url = \"{origin}\"
         public_listen = \"127.0.0.1:0\"
         operator_listen = \"127.0.0.1:0\"
         decision_listen = \"127.0.0.1:0\"
         database_url = \"{database_url}\"
         bank_port_url = \"http://{bank_address}\"
         decision_credential = \"{CREDENTIAL}\"
         key_encryption_key = \"{KEY_ENCRYPTION_KEY}\"
         resource_identifier = \"http://127.0.0.1:8090\"
         insecure_http = true"
    ))
    .map_err(BenchError::wrong)?;
    Ok((start(settings, listeners).await?, origin))
}

/// A customer's login id.
pub fn login_id(customer: usize) -> String {
    format!("bench{customer:04}")
}

/// A customer's account, as the page of step 4 shows it.
pub fn account_label(customer: usize) -> String {
    format!("本店(001) 普通 {:07}", customer + 1)
}

/// The sandbox bank's seed.
fn customers() -> String {
    let mut seed = format!("[[bank]]\ncode = \"{BANK}\"\nname = \"中央労働金庫\"\n");
    for customer in 0..CUSTOMERS {
        let (login, number) = (login_id(customer), customer + 1);
        seed.push_str(&format!(
            "[[contract]]
             bank = \"{BANK}\"
             id = \"c-{customer}\"
             name = \"計測組合\"
             login_method = \"password\"
             pin_scopes = [{{ id = \"p-{customer}\", pin = \"{PIN}\" }}]
             [[contract.account]]
             id = \"a-{customer}\"
             branch_code = \"001\"
             branch_name = \"本店\"
             type = \"ordinary\"
             number = \"{number:07}\"
             memo = \"\"
             pin_scope = \"p-{customer}\"
             tasks = [\"balance\", \"transactions\"]
             history = {{ months = 24 }}
             statement = {{ profile = \"union\", opened_on = \"2023-04-03\", opening_balance_yen = 3_284_517 }}
             [[contract.user]]
             id = \"u-{customer}\"
             login_id = \"{login}\"
             password = \"{PASSWORD}\"
             role = \"master\"
"
        ));
    }
    // Nobody reads statements here.
    seed.push_str("[profile]\nunion = []\n");
    seed
}
