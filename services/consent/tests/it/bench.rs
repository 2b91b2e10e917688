//! What a test stands on: a migrated database of its own, a sandbox bank, partners with keys, and
//! replicas of the service on ports of their own. Everything ends with it.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    sync::Mutex,
};

use consent::{
    partners::{BankRegistration, PartnerRegistration, register_bank, register_partner},
    protocol::client::RedirectUriPolicy,
    provision::provision,
    settings::Settings,
    startup::{Listeners, Running, start},
    store::Bus,
};
use consent_domain::{BankCode, ClientId, PartnerId};
use demo::{
    agent::{
        browser::{Browser, Page},
        partner::{GeneratedKey, ParRequest, PartnerClient, Pushed, Registration, generate_key},
        walk::{Credentials, Mark, RowChoice, Task, choose_accounts, choose_tasks, log_in},
    },
    postgres::{TestDatabase, test_server_url, with_database},
};
use sandbox_bank::SandboxBank;
use sqlx::PgPool;
use tokio::sync::OnceCell;
use url::Url;

pub const BANK: &str = "2963";
pub const DECISION_CREDENTIAL: &str = "a-credential-for-tests-only";
pub const BANK_NOTICE_CREDENTIAL: &str = "another-credential-for-tests-only";
/// dantai01's accounts, as the pages show them.
pub const FIRST: &str = "インターネット支店(000) 普通 5000000";
pub const SECOND: &str = "インターネット支店(000) 普通 1111111";
pub const THIRD: &str = "インターネット支店(000) 普通 9999999";
pub const FOURTH: &str = "豊後支店(490) 普通 1000014";
pub const PIN: &str = "4826";
pub const WRONG_PIN: &str = "0000";

/// The migrated database that every test's is copied from, and the roles' addresses of it.
struct Template {
    admin_url: String,
    service_url: String,
    owner_url: String,
    auditor_url: String,
}

const TEMPLATE: &str = "renkei_it_template";

async fn template() -> &'static Template {
    static TEMPLATE_ONCE: OnceCell<Template> = OnceCell::const_new();
    TEMPLATE_ONCE
        .get_or_init(|| async {
            let admin_url = test_server_url().expect("a PostgreSQL for tests");
            let provisioned = provision(&admin_url, TEMPLATE).await.expect("provisioning");
            Template {
                admin_url,
                service_url: provisioned.service_url,
                owner_url: provisioned.owner_url,
                auditor_url: provisioned.auditor_url,
            }
        })
        .await
}

/// A copy belongs to whoever made it; in the field a database belongs to its owner role.
async fn own(template: &Template, database: &TestDatabase) {
    let admin = PgPool::connect(&template.admin_url)
        .await
        .expect("the superuser connects");
    let sql = format!(
        "ALTER DATABASE {} OWNER TO {TEMPLATE}_owner",
        database.name()
    );
    sqlx::query(&sql)
        .execute(&admin)
        .await
        .expect("the owner role owns the database");
    admin.close().await;
}

/// A partner with its key.
pub struct TestPartner {
    pub client_id: &'static str,
    pub key: GeneratedKey,
    pub redirect_uri: Url,
}

/// What may differ from bench to bench.
pub struct Options {
    pub replicas: usize,
    /// Further lines of the bank's record: settings, in TOML.
    pub bank_settings: &'static str,
    pub bank_deadline_milliseconds: u64,
    /// 0: replicas don't sweep, and whoever tests what a sweep does calls for a round of it.
    pub sweep_milliseconds: u64,
    pub signing_keys_milliseconds: u64,
    pub database_connections: u32,
    /// Whether and how the certificate login is offered.
    pub certificate_login: Option<CertificateOptions>,
}

/// The certificate login of a bench.
pub struct CertificateOptions {
    /// The authority of its customers.
    pub customer_ca_file: PathBuf,
    /// The host's certificate and key; without them it is plain HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub trusted_proxies: &'static [&'static str],
}

impl Default for Options {
    fn default() -> Self {
        Self {
            replicas: 1,
            bank_settings: "",
            bank_deadline_milliseconds: 5_000,
            sweep_milliseconds: 0,
            signing_keys_milliseconds: 3_600_000,
            database_connections: 8,
            certificate_login: None,
        }
    }
}

pub struct Bench {
    pub database: TestDatabase,
    /// As the service role.
    pub pool: PgPool,
    pub bank: SandboxBank,
    pub bank_address: SocketAddr,
    pub replicas: Vec<Running>,
    pub partners: Vec<TestPartner>,
    pub origin: Url,
    /// The certificate login's host, as browsers name it.
    pub certificate_origin: Option<Url>,
    /// Its listener, until the first replica takes it.
    certificate_listener: Mutex<Option<TcpListener>>,
    template: &'static Template,
    options: Options,
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub async fn replicas(replicas: usize) -> Self {
        Self::with(Options {
            replicas,
            ..Options::default()
        })
        .await
    }

    pub async fn with(options: Options) -> Self {
        let template = template().await;
        let database = TestDatabase::create_from(&template.admin_url, TEMPLATE)
            .await
            .expect("a database");
        own(template, &database).await;
        let url = with_database(&template.service_url, database.name()).expect("an address");
        let pool = PgPool::connect(&url)
            .await
            .expect("the service role connects");

        let bank = SandboxBank::demo();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let bank_address = listener.local_addr().expect("an address");
        tokio::spawn(sandbox_bank::serve(
            listener,
            bank.clone(),
            std::future::pending(),
        ));

        let partners: Vec<TestPartner> = ["partner-a", "partner-b"]
            .into_iter()
            .map(|client_id| TestPartner {
                client_id,
                key: generate_key().expect("a key"),
                redirect_uri: Url::parse(&format!("http://localhost:1/{client_id}/callback"))
                    .expect("a URL"),
            })
            .collect();
        let mut bench = Self {
            database,
            pool,
            bank,
            bank_address,
            replicas: Vec::new(),
            partners,
            origin: Url::parse("http://127.0.0.1").expect("a URL"),
            certificate_origin: None,
            certificate_listener: Mutex::default(),
            template,
            options,
        };
        bench.register().await;
        // Every replica has the first one's public URL, as behind one load balancer.
        let first = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = first.local_addr().expect("an address").port();
        bench.origin = Url::parse(&format!("http://127.0.0.1:{port}")).expect("a URL");
        if bench.options.certificate_login.is_some() {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let url = format!("https://127.0.0.1:{port}");
            bench.certificate_origin = Some(Url::parse(&url).expect("a URL"));
            bench.certificate_listener = Mutex::new(Some(listener));
        }
        let mut listener = Some(first);
        for _ in 0..bench.options.replicas {
            let public = listener
                .take()
                .unwrap_or_else(|| TcpListener::bind("127.0.0.1:0").expect("a port"));
            let replica = bench.start_replica(public).await;
            bench.replicas.push(replica);
        }
        bench
    }

    /// Starts one more replica on that listener.
    pub async fn start_replica(&self, public: TcpListener) -> Running {
        self.start_replica_with(public, &self.settings()).await
    }

    /// The same with settings that differ from [`Self::settings`].
    pub async fn start_replica_with(&self, public: TcpListener, settings: &str) -> Running {
        let open = || TcpListener::bind("127.0.0.1:0").expect("a port");
        let listeners = Listeners {
            public,
            operators: open(),
            decisions: open(),
            certificate_login: self.certificate_origin.as_ref().map(|_| {
                let kept = self.certificate_listener.lock().expect("a listener").take();
                kept.unwrap_or_else(open)
            }),
        };
        let settings: Settings = toml::from_str(settings).expect("settings");
        start(settings, listeners)
            .await
            .expect("the service starts")
    }

    /// The settings of a replica; ports are the caller's.
    pub fn settings(&self) -> String {
        let url = self.service_url();
        let origin = self.origin.as_str();
        let bank = self.bank_address;
        let Options {
            bank_deadline_milliseconds,
            sweep_milliseconds,
            signing_keys_milliseconds,
            database_connections,
            ..
        } = self.options;
        format!(
            "public_url = \"{origin}\"
             public_listen = \"127.0.0.1:0\"
             operator_listen = \"127.0.0.1:0\"
             decision_listen = \"127.0.0.1:0\"
             database_url = \"{url}\"
             database_connections = {database_connections}
             bank_port_url = \"http://{bank}\"
             bank_deadline_milliseconds = {bank_deadline_milliseconds}
             sweep_milliseconds = {sweep_milliseconds}
             signing_keys_milliseconds = {signing_keys_milliseconds}
             decision_credential = \"{DECISION_CREDENTIAL}\"
             bank_notice_listen = \"127.0.0.1:0\"
             bank_notice_credential = \"{BANK_NOTICE_CREDENTIAL}\"
             key_encryption_key = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"
             resource_identifier = \"http://127.0.0.1:8090\"
             insecure_http = true
             {}
            ",
            self.certificate_settings()
        )
    }

    fn certificate_settings(&self) -> String {
        let (Some(options), Some(url)) =
            (&self.options.certificate_login, &self.certificate_origin)
        else {
            return String::new();
        };
        let tls = options.tls.as_ref().map(|(certificate, key)| {
            format!(
                "[certificate_login.tls]
                 certificate_file = {certificate:?}
                 private_key_file = {key:?}"
            )
        });
        format!(
            "[certificate_login]
             url = \"{url}\"
             listen = \"127.0.0.1:0\"
             trusted_proxies = {:?}
             {}
             [certificate_login.customer_ca_files]
             {BANK} = {:?}",
            options.trusted_proxies,
            tls.unwrap_or_default(),
            options.customer_ca_file,
        )
    }

    pub fn service_url(&self) -> String {
        with_database(&self.template.service_url, self.database.name()).expect("an address")
    }

    pub fn owner_url(&self) -> String {
        with_database(&self.template.owner_url, self.database.name()).expect("an address")
    }

    pub fn auditor_url(&self) -> String {
        with_database(&self.template.auditor_url, self.database.name()).expect("an address")
    }

    async fn register(&self) {
        let bus = Bus::new(self.pool.clone());
        let record = format!(
            "code = \"{BANK}\"
             name = \"中央労働金庫\"
             display_name = \"中央労働金庫（法人）\"
             phone = \"0120-000-000\"
             hours = \"平日 9:00〜17:00\"
             [settings]
             {}",
            self.options.bank_settings
        );
        let bank: BankRegistration = toml::from_str(&record).expect("a bank");
        register_bank(&bus, bank, "tests")
            .await
            .expect("the bank is registered");
        for partner in &self.partners {
            self.enable_only_at(partner, &[BANK]).await;
        }
    }

    /// Registers a partner, anew or for the first time, so that these banks let it in and no other.
    pub async fn enable_only_at(&self, partner: &TestPartner, banks: &[&str]) {
        let bus = Bus::new(self.pool.clone());
        let registration = PartnerRegistration {
            partner_id: PartnerId::parse(format!("id-of-{}", partner.client_id)).unwrap(),
            client_id: ClientId::parse(partner.client_id).unwrap(),
            legal_name: format!("{}株式会社", partner.client_id),
            service_name: format!("{}会計", partner.client_id),
            registration_number: "関東財務局長（電代）第0号".to_owned(),
            complaint_contact: "お客様窓口 0120-111-111".to_owned(),
            onward_recipients: Vec::new(),
            redirect_uris: vec![partner.redirect_uri.to_string()],
            jwks: partner.key.jwks(),
            banks: banks
                .iter()
                .map(|code| BankCode::parse(*code).unwrap())
                .collect(),
        };
        let policy = RedirectUriPolicy::HttpsOrLoopbackHttp;
        register_partner(&self.pool, &bus, registration, policy, "tests")
            .await
            .expect("the partner is registered");
    }

    /// The OAuth client of a partner (0: A, 1: B).
    pub fn client(&self, partner: usize) -> PartnerClient {
        let partner = &self.partners[partner];
        PartnerClient::try_new(Registration {
            client_id: partner.client_id.to_owned(),
            private_key_pem: partner.key.private_key_pem.clone(),
            kid: partner.key.kid.clone(),
            redirect_uri: partner.redirect_uri.clone(),
            issuer: self.origin.join(BANK).expect("an issuer"),
        })
        .expect("a client")
    }

    /// The same address at another replica.
    pub fn at_replica(&self, url: &Url, replica: usize) -> Url {
        let mut url = url.clone();
        url.set_port(Some(self.replicas[replica].public.port()))
            .expect("a port");
        url
    }

    /// Pushes a request of that partner and opens the login page in the browser.
    pub async fn begin(&self, browser: &Browser, partner: usize) -> (Page, Pushed) {
        self.begin_with(browser, partner, ParRequest::for_both_tasks())
            .await
    }

    pub async fn begin_with(
        &self,
        browser: &Browser,
        partner: usize,
        request: ParRequest,
    ) -> (Page, Pushed) {
        let client = self.client(partner);
        let pushed = client.push(&request).await.expect("the request is taken");
        let page = browser
            .get(client.authorization_url(&pushed))
            .await
            .expect("an answer");
        let page = browser
            .follow_to_end(page, &self.origin)
            .await
            .expect("the login page");
        assert!(
            page.has("form#login-form"),
            "{} {}",
            page.status,
            page.excerpt(300)
        );
        (page, pushed)
    }

    /// Walks to step 4 as dantai01.
    pub async fn to_accounts(&self, browser: &Browser, partner: usize) -> (Page, Pushed) {
        let (login, pushed) = self.begin(browser, partner).await;
        let tasks = log_in(browser, &login, &dantai01()).await.expect("step 3");
        let accounts = choose_tasks(browser, &tasks, &Task::ALL)
            .await
            .expect("step 4");
        (accounts, pushed)
    }

    /// Walks to step 5 as dantai01 with the first account registered.
    pub async fn to_confirm(&self, browser: &Browser, partner: usize) -> (Page, Pushed) {
        let (accounts, pushed) = self.to_accounts(browser, partner).await;
        let page = choose_accounts(browser, &accounts, &[ticked(FIRST, PIN)]).await;
        (page.expect("step 5"), pushed)
    }

    /// Walks to step 6 as dantai01 with the first account registered.
    pub async fn to_authorize(&self, browser: &Browser, partner: usize) -> (Page, Pushed) {
        let (confirm, pushed) = self.to_confirm(browser, partner).await;
        let page = demo::agent::walk::check_registration(browser, &confirm).await;
        (page.expect("step 6"), pushed)
    }

    /// How many events of that type there are.
    pub async fn events(&self, event_type: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM events WHERE event_type = $1")
            .bind(event_type)
            .fetch_one(&self.pool)
            .await
            .expect("a count")
    }
}

pub fn dantai01() -> Credentials {
    Credentials {
        login_id: "dantai01".to_owned(),
        password: "Rokin2026".to_owned(),
    }
}

pub fn ticked(account: &str, pin: &str) -> RowChoice {
    RowChoice {
        account: account.to_owned(),
        mark: Mark::Tick,
        pin: Some(pin.to_owned()),
    }
}

pub fn unticked(account: &str) -> RowChoice {
    RowChoice {
        account: account.to_owned(),
        mark: Mark::Untick,
        pin: None,
    }
}

pub fn browser() -> Browser {
    Browser::try_new().expect("a browser")
}
