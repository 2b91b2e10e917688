//! Whom the clients trust over TLS.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Identity};
use rustls::crypto::{CryptoProvider, ring};

/// Authorities, and a certificate to show where one is asked for. The default trusts nobody: then
/// only plain HTTP leads anywhere.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    authorities: Vec<Certificate>,
    identity: Option<Identity>,
}

impl Trust {
    /// Trusts these authorities (PEM) and no other.
    ///
    /// # Errors
    /// Where it is no PEM.
    pub fn of_authorities(pem: &[u8]) -> Result<Self, reqwest::Error> {
        Ok(Self {
            authorities: Certificate::from_pem_bundle(pem)?,
            identity: None,
        })
    }

    /// Shows a certificate: its chain and its private key, in one PEM.
    ///
    /// # Errors
    /// Where it is no PEM, or either is missing.
    pub fn with_identity(self, pem: &[u8]) -> Result<Self, reqwest::Error> {
        Ok(Self {
            identity: Some(Identity::from_pem(pem)?),
            ..self
        })
    }

    /// A client that goes to the address it is told, follows no redirect, and waits no longer than
    /// `limit`.
    pub(crate) fn client(&self, limit: Duration) -> Result<Client, reqwest::Error> {
        // The first one that is installed counts; any will do here.
        if CryptoProvider::get_default().is_none() {
            ring::default_provider().install_default().ok();
        }
        let mut builder = Client::builder()
            .tls_certs_only(self.authorities.iter().cloned())
            .redirect(Policy::none())
            .no_proxy()
            .timeout(limit);
        if let Some(identity) = &self.identity {
            builder = builder.identity(identity.clone());
        }
        builder.build()
    }
}
