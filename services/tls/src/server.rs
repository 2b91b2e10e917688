//! A listener's side.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ServerConfig,
    server::{
        NoClientAuth, NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier,
    },
};
use serde::Deserialize;

use crate::{
    FileKind, TlsError,
    credentials::CredentialFiles,
    pem_file::PemFile,
    provider::{provider, server},
    renewal::RenewedCertificate,
};

/// A listener's section of the settings, such as `[tls]`; all files are PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// The certificate and what leads from it to its authority.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub private_key_file: PathBuf,
    /// Mutual TLS: the authorities, one of which must have issued a client's certificate. Without
    /// it no client is asked for one.
    pub client_ca_file: Option<PathBuf>,
}

impl ServerTls {
    /// Makes relative paths those of files in `directory`, that of the settings.
    pub fn relative_to(&mut self, directory: &Path) {
        self.certificate_file = directory.join(&self.certificate_file);
        self.private_key_file = directory.join(&self.private_key_file);
        self.client_ca_file = self.client_ca_file.take().map(|path| directory.join(path));
    }

    /// For an HTTP/1.1 listener. `section` is how errors call these settings.
    ///
    /// The certificate is read again, within seconds, when its files change; the authorities are
    /// not. With `client_ca_file` a handshake without a good client certificate fails, and no
    /// session is resumed: each connection proves the key anew.
    ///
    /// # Errors
    /// [`TlsError`], where a file can't be read or used, the key is not the certificate's, or the
    /// certificate is not of today.
    pub fn http(&self, section: &str) -> Result<ServerConfig, TlsError> {
        self.config(section)
    }

    /// For a gRPC listener (HTTP/2); else as [`Self::http`].
    ///
    /// # Errors
    /// As [`Self::http`].
    pub fn grpc(&self, section: &str) -> Result<ServerConfig, TlsError> {
        let mut config = self.config(section)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }

    fn config(&self, section: &str) -> Result<ServerConfig, TlsError> {
        let verifier = self.client_verifier(section)?;
        self.config_with(section, verifier)
    }

    pub(crate) fn config_with(
        &self,
        section: &str,
        verifier: Arc<dyn ClientCertVerifier>,
    ) -> Result<ServerConfig, TlsError> {
        let certificate = RenewedCertificate::read(CredentialFiles {
            section: section.to_owned(),
            certificate: self.certificate_file.clone(),
            private_key: self.private_key_file.clone(),
        })?;
        let asks_for_certificates = verifier.offer_client_auth();
        let mut config = server(section)?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(certificate));
        if asks_for_certificates {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(config)
    }

    fn client_verifier(&self, section: &str) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let Some(path) = &self.client_ca_file else {
            return Ok(Arc::new(NoClientAuth));
        };
        let file = PemFile {
            section,
            kind: FileKind::ClientCa,
            path,
        };
        WebPkiClientVerifier::builder_with_provider(Arc::new(file.authorities()?), provider())
            .build()
            .map(|verifier| verifier as Arc<dyn ClientCertVerifier>)
            .map_err(|error| file.unusable(error.to_string()))
    }
}
