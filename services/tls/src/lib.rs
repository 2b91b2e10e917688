//! TLS of the services, as servers and as clients; docs/decisions/0020-tls-in-the-services.md.
//!
//! One provider (`ring`), TLS 1.3, and TLS 1.2 with the suites that RFC 9325 recommends. Settings
//! name files in PEM; an error names the setting and the file.

mod client;
mod credentials;
mod error;
pub mod grpc;
mod pem_file;
mod provider;
mod renewal;
mod requested_certificate;
mod server;

pub use client::ClientTls;
pub use error::{FileKind, TlsError};
pub use provider::{install, provider};
pub use requested_certificate::{ClientAuthorities, Untrusted};
pub use server::ServerTls;

// What the builders give, under one version.
pub use rustls;

/// What every answer over TLS carries as `Strict-Transport-Security` (RFC 6797): a year, and every
/// host below.
pub const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000; includeSubDomains";
