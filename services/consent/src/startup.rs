//! Constructs the service: the one place that knows which part is made of what. Tests use it on
//! port 0, as it is.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App as ActixApp, HttpServer,
    dev::{Server, ServerHandle},
    middleware::{DefaultHeaders, from_fn},
    web,
};
use public_events::Names;
use renkei_proto::{
    bank::v1::bank_notices_server::BankNoticesServer,
    decision::v1::decisions_server::DecisionsServer,
};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tls::{STRICT_TRANSPORT_SECURITY, ServerTls, TlsError, rustls::ServerConfig};
use tokio::task::JoinHandle;

use crate::{
    access_record::AccessRecorder,
    app::{App, CookiePolicy},
    authorization_server,
    bank_notices::BankNoticeService,
    bank_pages::PagesOfBanks,
    bank_port::BankPort,
    boundary::boundary,
    bulk_revocation,
    certificate_listener::certificate_server,
    client_certificate::{CertificateLoginError, CertificateLoginSettings},
    console,
    decisions::{DecisionService, GrantSight},
    feed::{Feed, arrivals::Arrivals},
    journey,
    keys::{self, Keys},
    linkages, metrics,
    observation::observe,
    operators,
    partners::{all_banks, bank_record},
    protocol::{keys::KeyError, shared_key::KeyPurpose},
    resource_servers::ResourceServers,
    search,
    security_events::push::{self, Pusher, PusherError},
    settings::Settings,
    static_files,
    store::{Bus, StoreError},
    sweeper,
};

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A listener could not be opened.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The database can't be reached, or is not ours.
    #[error("the database at database_url: {0}")]
    Database(#[from] sqlx::Error),
    /// The keys can't be had.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// `bank_port_url` can't be an address.
    #[error("bank_port_url: {0}")]
    BankPort(#[from] tonic::transport::Error),
    /// The banks can't be read.
    #[error("the banks on the platform: {0}")]
    Banks(#[from] StoreError),
    /// The certificate login can't be offered.
    #[error(transparent)]
    CertificateLogin(#[from] CertificateLoginError),
    /// A certificate, key or authority can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Events can't be pushed.
    #[error(transparent)]
    Push(#[from] PusherError),
    /// The text catalogue is broken.
    #[error("the text catalogue: {0}")]
    Texts(#[from] crate::pages::TextsError),
}

/// The service while it runs.
pub struct Running {
    /// Where the pages and the authorization server listen.
    pub public: SocketAddr,
    /// Where operators do.
    pub operators: SocketAddr,
    /// Where decisions are asked for.
    pub decisions: SocketAddr,
    /// Where banks tell of their contracts, where the settings say so.
    pub bank_notices: Option<SocketAddr>,
    /// Where the certificate login's host listens, where there is one.
    pub certificate_login: Option<SocketAddr>,
    /// The parts, for tests that look behind the pages.
    pub app: web::Data<App>,
    servers: Vec<ServerHandle>,
    tasks: Vec<JoinHandle<()>>,
    serving: JoinHandle<std::io::Result<()>>,
}

/// The listeners, already open: whoever needs to know a port before the service starts (its
/// `public_url`, say) opens them on port 0.
pub struct Listeners {
    /// Journey pages and the authorization server.
    pub public: TcpListener,
    /// Health and operators.
    pub operators: TcpListener,
    /// Decisions.
    pub decisions: TcpListener,
    /// The certificate login's host, exactly where the settings have one.
    pub certificate_login: Option<TcpListener>,
}

impl Listeners {
    /// Opens those that the settings name.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn open(settings: &Settings) -> Result<Self, StartError> {
        let open = |address: SocketAddr| {
            TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })
        };
        Ok(Self {
            public: open(settings.public_listen)?,
            operators: open(settings.operator_listen)?,
            decisions: open(settings.decision_listen)?,
            certificate_login: settings
                .certificate_login
                .as_ref()
                .map(|login| open(login.listen))
                .transpose()?,
        })
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
    listener
        .set_nonblocking(true)
        .and_then(|()| listener.local_addr())
        .map_err(|source| StartError::Listen {
            address: unspecified,
            source,
        })
}

/// Most bytes of a body, of any endpoint; larger ones are refused before they are read.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// How long a client may take to send its request's head.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take for the TLS handshake.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// What the listeners show and ask for, where they have TLS.
struct ListenerTls {
    public: Option<ServerConfig>,
    operators: Option<ServerConfig>,
    decisions: Option<ServerConfig>,
    bank_notices: Option<ServerConfig>,
}

impl ListenerTls {
    fn read(settings: &Settings) -> Result<Self, TlsError> {
        let grpc = |tls: &Option<ServerTls>, section: &str| {
            tls.as_ref().map(|tls| tls.grpc(section)).transpose()
        };
        let http = |tls: &Option<ServerTls>, section: &str| {
            tls.as_ref().map(|tls| tls.http(section)).transpose()
        };
        Ok(Self {
            public: http(&settings.public_tls, "public_tls")?,
            operators: http(&settings.operator_tls, "operator_tls")?,
            decisions: grpc(&settings.decision_tls, "decision_tls")?,
            bank_notices: grpc(&settings.bank_notice_tls, "bank_notice_tls")?,
        })
    }
}

/// Starts everything, and gives where it listens.
///
/// # Errors
/// [`StartError`].
pub async fn start(settings: Settings, listeners: Listeners) -> Result<Running, StartError> {
    let Listeners {
        public: public_listener,
        operators: operator_listener,
        decisions: decision_listener,
        certificate_login: certificate_listener,
    } = listeners;
    let public = address_of(&public_listener)?;
    let operators_at = address_of(&operator_listener)?;
    let decisions_at = address_of(&decision_listener)?;
    tls::install();
    let tls = ListenerTls::read(&settings)?;
    let app = web::Data::new(build(&settings).await?);

    let public_server =
        public_server(app.clone(), public_listener, tls.public).map_err(|source| {
            StartError::Listen {
                address: public,
                source,
            }
        })?;
    let operator_server =
        operator_server(app.clone(), operator_listener, tls.operators).map_err(|source| {
            StartError::Listen {
                address: operators_at,
                source,
            }
        })?;

    let decisions = DecisionService::new(app.clone(), settings.decision_credential.clone());
    let listener = tokio::net::TcpListener::from_std(decision_listener).map_err(|source| {
        StartError::Listen {
            address: decisions_at,
            source,
        }
    })?;
    let incoming = tls::grpc::incoming(listener, tls.decisions);
    let decision_task = tokio::spawn(async move {
        let served = tonic::transport::Server::builder()
            .trace_fn(telemetry::grpc::server_span)
            .add_service(DecisionsServer::new(decisions))
            .serve_with_incoming(incoming)
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "decisions are no longer served");
        }
    });
    let mut tasks = vec![decision_task];
    let bank_notices = bank_notices(&settings, &app, tls.bank_notices)?.map(|(address, task)| {
        tasks.push(task);
        address
    });
    tasks.extend(sweeping(&settings, &app));
    let every = Duration::from_millis(settings.signing_keys_milliseconds);
    tasks.push(tokio::spawn(keys::watch(app.clone(), every)));

    let certificate_login = certificate_listener.as_ref().map(address_of).transpose()?;
    let certificate_server = start_certificate_login(&settings, &app, certificate_listener)?;

    let mut servers = vec![public_server.handle(), operator_server.handle()];
    servers.extend(certificate_server.as_ref().map(Server::handle));
    let serving = tokio::spawn(async move {
        let certificate_server = async {
            match certificate_server {
                Some(server) => server.await,
                None => std::future::pending().await,
            }
        };
        // Each ends when the service stops, and the first that fails ends the others.
        tokio::select! {
            served = async { tokio::try_join!(public_server, operator_server).map(|_| ()) } => served,
            served = certificate_server => served,
        }
    });
    tasks.push(tokio::spawn(
        app.feed.arrivals.clone().watch(app.pool.clone()),
    ));
    let pusher = Pusher::try_new(settings.target_policy(), settings.push_ca_file.as_deref())?;
    tasks.push(tokio::spawn(push::run(app.clone(), pusher)));
    tracing::info!(%public, operators = %operators_at, decisions = %decisions_at, "consent is up");
    Ok(Running {
        public,
        operators: operators_at,
        decisions: decisions_at,
        bank_notices,
        certificate_login,
        app,
        servers,
        tasks,
        serving,
    })
}

/// What some replica has to do and any may, unless the settings leave it to the others.
fn sweeping(settings: &Settings, app: &web::Data<App>) -> Vec<JoinHandle<()>> {
    let every = settings.sweep_every();
    metrics::sweeps_every(every.unwrap_or_default());
    let Some(every) = every else {
        tracing::warn!(
            "this replica does not sweep (sweep_milliseconds = 0): where no other does, no mail is sent, no end \
             is recorded and nothing is forgotten"
        );
        return Vec::new();
    };
    vec![
        tokio::spawn(sweeper::run(app.clone(), every)),
        tokio::spawn(bulk_revocation::run(app.clone(), every)),
    ]
}

/// Listens to the banks, where the settings say so.
fn bank_notices(
    settings: &Settings,
    app: &web::Data<App>,
    tls: Option<ServerConfig>,
) -> Result<Option<(SocketAddr, JoinHandle<()>)>, StartError> {
    let (Some(listen), Some(credential)) = (
        settings.bank_notice_listen,
        &settings.bank_notice_credential,
    ) else {
        return Ok(None);
    };
    let listen_failed = |source| StartError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).map_err(listen_failed)?;
    let address = address_of(&listener)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(listen_failed)?;
    let incoming = tls::grpc::incoming(listener, tls);
    let service = BankNoticeService::new(app.clone(), credential.clone());
    let task = tokio::spawn(async move {
        let served = tonic::transport::Server::builder()
            .trace_fn(telemetry::grpc::server_span)
            .add_service(BankNoticesServer::new(service))
            .serve_with_incoming(incoming)
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "bank notices are no longer served");
        }
    });
    tracing::info!(%address, "bank notices are taken");
    Ok(Some((address, task)))
}

fn start_certificate_login(
    settings: &Settings,
    app: &web::Data<App>,
    listener: Option<TcpListener>,
) -> Result<Option<Server>, StartError> {
    let (Some(login), Some(listener)) = (&settings.certificate_login, listener) else {
        return Ok(None);
    };
    let tls = match &app.certificate_login {
        Some(loaded) => login.server_config(loaded)?,
        None => None,
    };
    certificate_server(app.clone(), listener, tls)
        .map(Some)
        .map_err(|source| StartError::Listen {
            address: login.listen,
            source,
        })
}

async fn build(settings: &Settings) -> Result<App, StartError> {
    // What a command does is at most one append, so a statement that takes seconds is a fault; and a
    // transaction left open would hold back everything that reads in commit order.
    let options: PgConnectOptions = settings.database_url.parse::<PgConnectOptions>()?.options([
        ("statement_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("application_name", "renkei-consent"),
    ]);
    let pool = PgPoolOptions::new()
        .max_connections(settings.database_connections)
        .acquire_timeout(Duration::from_secs(5))
        // A ping before every statement would be a round trip for nothing: a broken connection shows
        // itself.
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await?;
    let keys = Keys::load(&pool, settings.key_encryption()).await?;
    let deadline = Duration::from_millis(settings.bank_deadline_milliseconds);
    let pages = pages_of_banks(&pool).await?;
    let bank_port_tls = settings
        .bank_port_tls
        .as_ref()
        .map(|tls| tls.grpc("bank_port_tls"))
        .transpose()?;
    let feed = Feed {
        arrivals: Arrivals::default(),
        names: Names::new(
            &settings.origin(),
            keys.shared(KeyPurpose::Pairwise).clone(),
        ),
    };
    Ok(App {
        feed,
        origin: settings.origin(),
        cookies: settings.cookie_policy(),
        certificate_login: settings
            .certificate_login
            .as_ref()
            .map(CertificateLoginSettings::load)
            .transpose()?,
        resource_identifier: settings
            .resource_identifier
            .as_str()
            .trim_end_matches('/')
            .to_owned(),
        resource_servers: ResourceServers::new(settings.resource_servers.clone()),
        grants: GrantSight::new(options.clone(), pool.clone()),
        searches: search::connections(options.clone()),
        access: AccessRecorder::new(options),
        bus: Bus::new(pool.clone()),
        keys,
        bank_port: BankPort::new(settings.bank_port_url.as_str(), bank_port_tls, deadline)?,
        retention: settings.retention.clone(),
        pages,
        pool,
    })
}

/// The pages of every bank on the platform, so that also the first error page names its bank.
async fn pages_of_banks(pool: &PgPool) -> Result<PagesOfBanks, StartError> {
    let pages = PagesOfBanks::load()?;
    for bank in all_banks(pool).await? {
        if let Some(record) = bank_record(pool, &bank).await? {
            pages.of(&bank, &record);
        }
    }
    Ok(pages)
}

fn public_server(
    app: web::Data<App>,
    listener: TcpListener,
    tls: Option<ServerConfig>,
) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .wrap(from_fn(boundary))
            .wrap(page_headers(app.cookies))
            .wrap(from_fn(observe))
            .configure(static_files::routes)
            .configure(authorization_server::routes)
            .configure(journey::routes)
            .configure(linkages::routes)
            .default_service(web::to(journey::not_found))
    })
    .workers(2)
    .client_request_timeout(CLIENT_TIMEOUT)
    .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
    .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

fn operator_server(
    app: web::Data<App>,
    listener: TcpListener,
    tls: Option<ServerConfig>,
) -> std::io::Result<Server> {
    let strict_transport = tls.as_ref().map(|_| STRICT_TRANSPORT_SECURITY);
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .wrap(from_fn(observe))
            .wrap(strict_transport_header(strict_transport))
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .configure(operators::routes)
            .configure(static_files::console_routes)
            .configure(console::routes)
    })
    .workers(1)
    .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
    .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

fn strict_transport_header(value: Option<&'static str>) -> DefaultHeaders {
    value.map_or_else(DefaultHeaders::new, |value| {
        DefaultHeaders::new().add(("Strict-Transport-Security", value))
    })
}

/// What every answer of the public listener carries. `form-action` names ourselves only: a form's
/// answer leads to our own end page, which leads on to the partner.
fn page_headers(cookies: CookiePolicy) -> DefaultHeaders {
    let headers = DefaultHeaders::new()
        .add((
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
             img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ))
        .add(("Cache-Control", "no-store"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("X-Frame-Options", "DENY"));
    match cookies {
        CookiePolicy::PlainLoopback => headers,
        CookiePolicy::HostOnly => {
            headers.add(("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY))
        }
    }
}

impl Running {
    /// Stops taking requests, finishes those under way, and ends the background tasks.
    pub async fn stop(self) {
        self.app.feed.arrivals.close();
        for server in &self.servers {
            server.stop(true).await;
        }
        for task in &self.tasks {
            task.abort();
        }
        self.app.grants.close().await;
        self.app.access.close().await;
        self.app.searches.close().await;
        self.app.pool.close().await;
    }

    /// Stops at once, as a crash would: requests under way get no answer.
    pub async fn abort(self) {
        for task in &self.tasks {
            task.abort();
        }
        for server in &self.servers {
            server.stop(false).await;
        }
    }

    /// Serves until a listener fails.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve(&mut self) -> std::io::Result<()> {
        match (&mut self.serving).await {
            Ok(served) => served,
            Err(error) => Err(std::io::Error::other(error)),
        }
    }
}
