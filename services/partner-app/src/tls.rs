//! TLS: of the listener, and towards the banks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde::Deserialize;

/// `[tls]` of the settings: without it this program speaks plain HTTP, to a browser on the same
/// machine or to a proxy.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// The certificate and its chain (PEM).
    pub certificate_file: PathBuf,
    /// Its private key (PEM).
    pub private_key_file: PathBuf,
}

/// Why TLS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read as what it should be.
    #[error("{setting}: {path}: {source}")]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// There is no certificate in a file.
    #[error("{setting}: {path}: no certificate that can be used")]
    NoCertificate {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The key is not the certificate's, or the library refuses something else.
    #[error("tls: {0}")]
    Refused(#[from] rustls::Error),
}

fn certificates(
    setting: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| file(setting, path, source))
}

fn file(setting: &'static str, path: &Path, source: rustls::pki_types::pem::Error) -> TlsError {
    TlsError::File {
        setting,
        path: path.to_owned(),
        source,
    }
}

/// TLS 1.3 and 1.2; of 1.2 the library has suites with forward secrecy and AEAD only.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl ServerTls {
    /// Reads certificate and key.
    pub fn config(&self) -> Result<ServerConfig, TlsError> {
        let setting = "tls.certificate_file";
        let chain = certificates(setting, &self.certificate_file)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate {
                setting,
                path: self.certificate_file.clone(),
            });
        }
        let key = PrivateKeyDer::from_pem_file(&self.private_key_file)
            .map_err(|source| file("tls.private_key_file", &self.private_key_file, source))?;
        Ok(ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?)
    }
}

/// Trusts the authorities in `ca_file` and no other; without one, nobody: then every address is
/// plain HTTP.
pub fn client(ca_file: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let mut authorities = RootCertStore::empty();
    if let Some(path) = ca_file {
        let setting = "ca_file";
        let (taken, _passed_over) =
            authorities.add_parsable_certificates(certificates(setting, path)?);
        if taken == 0 {
            let path = path.to_owned();
            return Err(TlsError::NoCertificate { setting, path });
        }
    }
    Ok(ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_root_certificates(authorities)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_can_not_be_used_is_named_with_its_setting() {
        let directory = std::env::temp_dir().join(format!("partner-tls-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let empty = directory.join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let own = ServerTls {
            certificate_file: directory.join("missing.pem"),
            private_key_file: empty.clone(),
        };

        let missing = own.config().unwrap_err().to_string();
        let nobody = client(Some(&empty)).unwrap_err().to_string();

        std::fs::remove_dir_all(&directory).unwrap();
        assert!(missing.contains("tls.certificate_file"), "{missing}");
        assert!(missing.contains("missing.pem"), "{missing}");
        assert!(nobody.contains("ca_file"), "{nobody}");
        assert!(nobody.contains("empty.pem"), "{nobody}");
    }
}
