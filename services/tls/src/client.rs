//! A client's side.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::{
    FileKind, TlsError,
    credentials::CredentialFiles,
    pem_file::PemFile,
    provider::{client, refused},
};

/// A client's section of the settings, such as `[bank_port_tls]`; all files are PEM. They are read
/// once, at the start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    /// The authorities that are trusted for this connection, and no other: a private one, or the
    /// system's bundle, such as `/etc/ssl/certs/ca-certificates.crt`.
    pub ca_file: PathBuf,
    /// Mutual TLS: the certificate shown where the server asks, with its chain.
    pub certificate_file: Option<PathBuf>,
    /// Its private key.
    pub private_key_file: Option<PathBuf>,
}

impl ClientTls {
    /// Makes relative paths those of files in `directory`, that of the settings.
    pub fn relative_to(&mut self, directory: &Path) {
        self.ca_file = directory.join(&self.ca_file);
        for file in [&mut self.certificate_file, &mut self.private_key_file] {
            *file = file.take().map(|path| directory.join(path));
        }
    }

    /// For HTTP. `section` is how errors call these settings.
    ///
    /// # Errors
    /// [`TlsError`], where a file can't be read or used.
    pub fn http(&self, section: &str) -> Result<ClientConfig, TlsError> {
        let builder = client(section)?.with_root_certificates(self.ca(section).authorities()?);
        match self.credential_files(section)? {
            None => Ok(builder.with_no_client_auth()),
            Some(files) => {
                let credentials = files.read(SystemTime::now())?;
                builder
                    .with_client_auth_cert(credentials.chain, credentials.key)
                    .map_err(|source| refused(section, source))
            }
        }
    }

    /// For a client of `http://` addresses only: nobody is trusted.
    ///
    /// # Errors
    /// [`TlsError`], where the library refuses its own suites.
    pub fn none() -> Result<ClientConfig, TlsError> {
        Ok(client("tls")?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth())
    }

    /// For gRPC; the server's name is that of the address.
    ///
    /// # Errors
    /// As [`Self::http`].
    pub fn grpc(&self, section: &str) -> Result<ClientTlsConfig, TlsError> {
        // tonic asks the process.
        crate::install();
        let authorities = self.ca(section).authorities()?;
        let mut config = ClientTlsConfig::new().trust_anchors(authorities.roots);
        if let Some(files) = self.credential_files(section)? {
            files.read(SystemTime::now())?;
            let read = |kind, path| {
                PemFile {
                    section,
                    kind,
                    path,
                }
                .read()
            };
            config = config.identity(Identity::from_pem(
                Certificate::from_pem(read(FileKind::Certificate, &files.certificate)?),
                read(FileKind::PrivateKey, &files.private_key)?,
            ));
        }
        Ok(config)
    }

    fn ca<'a>(&'a self, section: &'a str) -> PemFile<'a> {
        PemFile {
            section,
            kind: FileKind::Ca,
            path: &self.ca_file,
        }
    }

    fn credential_files(&self, section: &str) -> Result<Option<CredentialFiles>, TlsError> {
        match (&self.certificate_file, &self.private_key_file) {
            (None, None) => Ok(None),
            (Some(certificate), Some(private_key)) => Ok(Some(CredentialFiles {
                section: section.to_owned(),
                certificate: certificate.clone(),
                private_key: private_key.clone(),
            })),
            _ => Err(TlsError::Incomplete {
                section: section.to_owned(),
                expected: "certificate_file and private_key_file go together",
            }),
        }
    }
}
