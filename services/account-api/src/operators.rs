//! The operators' listener: health and metrics, on an address that partners never reach.

use std::net::{SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde::Serialize;
use tokio::task::JoinHandle;

use crate::metrics;

/// A listener that answers until it is stopped.
#[derive(Debug)]
pub struct OperatorServer {
    address: SocketAddr,
    handle: ServerHandle,
    serving: JoinHandle<std::io::Result<()>>,
}

impl OperatorServer {
    /// The address that it listens on, with the real port.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops at once: nothing of it is worth waiting for.
    ///
    /// # Errors
    ///
    /// The I/O error that ended it before.
    pub async fn stop(self) -> std::io::Result<()> {
        self.handle.stop(false).await;
        self.serving.await.map_err(std::io::Error::other)?
    }
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Serves operators on `listener`: `GET /health/live`, `GET /health/ready` and `GET /metrics`.
///
/// Must be called within a Tokio runtime.
///
/// # Errors
///
/// The listener can't be used.
pub fn start_operators(listener: TcpListener) -> std::io::Result<OperatorServer> {
    let address = listener.local_addr()?;
    let server = HttpServer::new(|| {
        App::new()
            .route("/health/live", web::get().to(live))
            .route("/health/ready", web::get().to(ready))
            .route("/metrics", web::get().to(show_metrics))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(OperatorServer {
        address,
        handle: server.handle(),
        serving: tokio::spawn(server),
    })
}

async fn live() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "live" })
}

/// The process alone: an outage of what is behind must not take every replica away, and each answer
/// says whose outage it is.
async fn ready() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ready" })
}

async fn show_metrics() -> HttpResponse {
    match metrics::text() {
        Ok(text) => HttpResponse::Ok()
            .content_type(metrics::CONTENT_TYPE)
            .body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
