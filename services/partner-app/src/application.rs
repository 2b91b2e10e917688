//! Composition: everything is built and wired here, for the program and for the tests.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};

use crate::account_api::AccountApi;
use crate::clock::Clock;
use crate::http_client::HttpClient;
use crate::notifications::{self, Notifications};
use crate::oauth::error::OauthError;
use crate::pages;
use crate::secret::Secret;
use crate::settings::{Issuer, Settings};
use crate::store::Sessions;
use crate::tls::{self, ServerTls, TlsError};

/// A sample needs no more, and its sessions are behind locks in one process anyway.
const WORKERS: usize = 2;
/// Time for requests in flight when the program is told to end.
const SHUTDOWN_SECONDS: u64 = 12;

/// What the pages work with.
#[derive(Debug)]
pub struct Services {
    /// The settings.
    pub settings: Settings,
    /// The time.
    pub clock: Clock,
    /// Outgoing HTTP.
    pub http: HttpClient,
    /// The account data interface.
    pub account_api: AccountApi,
    /// The sessions.
    pub sessions: Sessions,
    /// What the banks told.
    pub notifications: Notifications,
}

impl Services {
    /// A new client assertion for `issuer`.
    pub fn client_assertion(&self, issuer: &Issuer) -> Result<Secret, OauthError> {
        self.settings
            .client_key
            .assertion(&self.settings.client_id, issuer, self.clock.now())
            .map_err(|_| OauthError::Signature)
    }
}

/// The service, listening.
pub struct Application {
    address: SocketAddr,
    server: Server,
    services: Arc<Services>,
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate, key or authority can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The HTTP client can't be built.
    #[error("cannot prepare outgoing HTTP: {0}")]
    Http(#[from] reqwest::Error),
}

impl Application {
    /// Binds the address and builds the service; it answers once [`Application::run`] is awaited.
    pub fn bind(settings: Settings, clock: Clock) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let own_tls = settings.tls.as_ref().map(ServerTls::config).transpose()?;
        let http = HttpClient::try_new(tls::client(settings.ca_file.as_deref())?)?;
        let account_api = AccountApi::new(http.clone(), settings.account_api_url.clone());
        let services = Arc::new(Services {
            clock,
            http,
            account_api,
            sessions: Sessions::default(),
            notifications: Notifications::default(),
            settings: settings.clone(),
        });
        let kept = Arc::clone(&services);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::from(Arc::clone(&services)))
                .configure(pages::routes)
                .wrap(actix_web::middleware::from_fn(pages::in_language))
                .wrap(pages::security_headers(&services.settings))
                .wrap(actix_web::middleware::from_fn(pages::log_request))
        })
        .workers(WORKERS)
        // A browser that has gone needs no balances; what must be finished runs as a task.
        .h1_allow_half_closed(false)
        .shutdown_timeout(SHUTDOWN_SECONDS);
        let server = match own_tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls),
            None => server.listen(listener),
        };
        let server = server.map_err(listen)?.run();
        Ok(Self {
            address,
            server,
            services: kept,
        })
    }

    /// The address that was bound; tells the port where the settings say 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process is told to end (SIGINT, SIGTERM).
    pub async fn run(self) -> std::io::Result<()> {
        let feeds = tokio::spawn(notifications::run(self.services));
        let served = self.server.await;
        feeds.abort();
        served
    }
}
