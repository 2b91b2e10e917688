//! The cryptography: one provider for the whole process, and the suites that are offered.

use std::sync::Arc;

use rustls::{
    ClientConfig, ConfigBuilder, ServerConfig, SupportedCipherSuite, WantsVerifier,
    crypto::{CryptoProvider, ring},
    version::{TLS12, TLS13},
};

/// RFC 9325 section 4.2 for TLS 1.2; RFC 8446 for TLS 1.3. ChaCha20 is not among the suites that
/// section 4.2 recommends, and FAPI 2.0 (5.2) takes those only.
const SUITES: [SupportedCipherSuite; 7] = [
    ring::cipher_suite::TLS13_AES_256_GCM_SHA384,
    ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
    ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ring::cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ring::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
];

/// `ring` with our suites.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: SUITES.to_vec(),
        ..ring::default_provider()
    })
}

/// Makes it the provider of libraries that ask the process for one. The first call counts.
pub fn install() {
    if let Err(earlier) = CryptoProvider::install_default((*provider()).clone()) {
        tracing::trace!(?earlier, "there is a provider already");
    }
}

pub(crate) fn server(
    section: &str,
) -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, crate::TlsError> {
    ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|source| refused(section, source))
}

pub(crate) fn client(
    section: &str,
) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, crate::TlsError> {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|source| refused(section, source))
}

pub(crate) fn refused(section: &str, source: rustls::Error) -> crate::TlsError {
    crate::TlsError::Refused {
        section: section.to_owned(),
        source,
    }
}
