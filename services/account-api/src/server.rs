//! Putting the parts together, and running them.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::STRICT_TRANSPORT_SECURITY;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{App, HttpServer, web};
use tls::{ClientTls, TlsError};
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use url::Url;

use crate::access_token::TokenVerifier;
use crate::bank::Bank;
use crate::boundary::boundary;
use crate::clock::Clock;
use crate::decisions::Decisions;
use crate::endpoints::{self, AccountApi};
use crate::jwks;
use crate::settings::{Settings, Transport};

/// For connecting to a service behind.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A connection that answers no ping for this long is given up, so that a silent loss of a peer
/// costs seconds and not until the kernel notices.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// For a client to send its request head.
const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// For a client to finish its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two requests of one connection.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// For requests in flight when the server is told to stop; longer than the deadlines behind.
const SHUTDOWN_SECONDS: u64 = 15;
/// Open connections of one worker.
const MAX_CONNECTIONS: usize = 4096;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The listener can't be used.
    #[error("the listener can't be used: {0}")]
    Listener(#[from] std::io::Error),
    /// The client for the issuers' keys can't be built.
    #[error("the HTTP client can't be built: {0}")]
    HttpClient(#[from] reqwest::Error),
    /// A certificate, key or authority can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A URL of the settings is not one that gRPC can use.
    #[error("a gRPC endpoint can't be used: {0}")]
    Endpoint(#[from] tonic::transport::Error),
}

/// A server that answers until it is stopped.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    scheme: &'static str,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

impl RunningServer {
    /// The address that it listens on, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://<address>`, or `https://` with TLS, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Lets requests in flight end, and stops.
    ///
    /// # Errors
    ///
    /// As [`Self::wait`].
    pub async fn stop(mut self) -> std::io::Result<()> {
        self.handle.stop(true).await;
        self.wait().await
    }

    /// Waits until the server ends by itself. May be dropped and called again before that.
    ///
    /// # Errors
    ///
    /// The I/O error that ended it.
    pub async fn wait(&mut self) -> std::io::Result<()> {
        (&mut self.serving).await.map_err(std::io::Error::other)?
    }
}

/// Serves on `listener`, which the caller has bound (port 0 in tests). Connects to nothing yet: the
/// services behind may start later.
///
/// Must be called within a Tokio runtime, which keeps the connections to the services behind.
///
/// # Errors
///
/// [`StartError`].
pub fn start(settings: Settings, listener: TcpListener) -> Result<RunningServer, StartError> {
    start_with_clock(settings, listener, Clock::system())
}

/// As [`start`], with another clock: it judges the times of tokens and says which day it is.
///
/// # Errors
///
/// [`StartError`].
pub fn start_with_clock(
    settings: Settings,
    listener: TcpListener,
    clock: Clock,
) -> Result<RunningServer, StartError> {
    let address = listener.local_addr()?;
    let tls = settings
        .tls
        .as_ref()
        .map(|tls| tls.http("tls"))
        .transpose()?;
    let transport = settings.transport();
    let api = web::Data::from(Arc::new(account_api(settings, clock)?));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .wrap(from_fn(boundary))
            .wrap(strict_transport(transport))
            .configure(endpoints::routes)
    })
    .client_request_timeout(REQUEST_HEAD_TIMEOUT)
    .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
    .keep_alive(KEEP_ALIVE)
    .max_connections(MAX_CONNECTIONS)
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .disable_signals();
    let (scheme, server) = match tls {
        Some(tls) => ("https", server.listen_rustls_0_23(listener, tls)?.run()),
        None => ("http", server.listen(listener)?.run()),
    };
    let handle = server.handle();
    Ok(RunningServer {
        address,
        scheme,
        handle,
        serving: tokio::spawn(server),
    })
}

/// HSTS (RFC 6797), where partners come over TLS.
fn strict_transport(transport: Transport) -> DefaultHeaders {
    match transport {
        Transport::Plain => DefaultHeaders::new(),
        Transport::Tls => {
            DefaultHeaders::new().add((STRICT_TRANSPORT_SECURITY, tls::STRICT_TRANSPORT_SECURITY))
        }
    }
}

fn account_api(settings: Settings, clock: Clock) -> Result<AccountApi, StartError> {
    let http = jwks::http_client(match &settings.jwks_tls {
        Some(tls) => tls.http("jwks_tls")?,
        None => ClientTls::none()?,
    })?;
    let decisions = channel(
        &settings.decision_url,
        settings.decision_tls.as_ref(),
        "decision_tls",
    )?;
    let bank = channel(
        &settings.bank_port_url,
        settings.bank_port_tls.as_ref(),
        "bank_port_tls",
    )?;
    Ok(AccountApi {
        verifier: TokenVerifier::new(settings.resource_identifier, settings.issuers, &http),
        decisions: Decisions::new(decisions, settings.decision_credential),
        bank: Bank::new(bank, clock.clone()),
        clock,
    })
}

fn channel(url: &Url, tls: Option<&ClientTls>, section: &str) -> Result<Channel, StartError> {
    let mut endpoint = Endpoint::from_shared(url.as_str().to_owned())?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true);
    if let (Some(tls), "https") = (tls, url.scheme()) {
        endpoint = endpoint.tls_config(tls.grpc(section)?)?;
    }
    Ok(endpoint.connect_lazy())
}
