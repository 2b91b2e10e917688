//! The listener: both services on one address.

use std::future::Future;

use renkei_proto::bank::v1::bank_port_server::BankPortServer;
use tls::rustls::ServerConfig;
use tokio::net::TcpListener;
use tonic::transport::Server;

use crate::bank::SandboxBank;
use crate::bank_port::BankPortService;
use crate::control::sandbox_control_server::SandboxControlServer;
use crate::control_service::ControlService;

/// No request of either service comes near this.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
/// Calls side by side on one connection; more wait at the caller.
const STREAMS_PER_CONNECTION_MAX: u32 = 1024;

/// The listener failed.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox bank's listener failed")]
pub struct ServeError(#[from] tonic::transport::Error);

/// Serves `bank` (`renkei.bank.v1.BankPort` and `renkei.sandbox.v1.SandboxControl`) until
/// `shutdown` completes: calls in progress are then answered, those held back at once.
///
/// # Errors
///
/// [`ServeError`] when the listener fails.
pub async fn serve(
    listener: TcpListener,
    bank: SandboxBank,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    serve_with(listener, None, bank, shutdown).await
}

/// As [`serve`]; over TLS where it is given.
///
/// # Errors
///
/// As [`serve`].
pub async fn serve_with(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    bank: SandboxBank,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let port = BankPortServer::new(BankPortService::new(bank.clone()))
        .max_decoding_message_size(REQUEST_BYTES_MAX);
    let control = SandboxControlServer::new(ControlService::new(bank.clone()))
        .max_decoding_message_size(REQUEST_BYTES_MAX);
    let incoming = tls::grpc::incoming(listener, tls);
    Server::builder()
        .trace_fn(telemetry::grpc::server_span)
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .add_service(port)
        .add_service(control)
        .serve_with_incoming_shutdown(incoming, async {
            shutdown.await;
            bank.state().switches.release_all();
        })
        .await?;
    Ok(())
}
