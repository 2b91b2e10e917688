//! A certificate with its key, checked before anybody sees it.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustls::{
    Error, InconsistentKeys,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};
use x509_cert::{Certificate, der::Decode as _};

use crate::{FileKind, TlsError, pem_file::PemFile, provider};

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub(crate) struct CredentialFiles {
    pub(crate) section: String,
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
}

/// As read.
pub(crate) struct Credentials {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl CredentialFiles {
    /// Reads both and checks that they belong together and that the certificate is of today.
    pub(crate) fn read(&self, now: SystemTime) -> Result<Credentials, TlsError> {
        let file = self.file(FileKind::Certificate, &self.certificate);
        let chain = file.certificates()?;
        if let Some(first) = chain.first() {
            check_validity(&file, first, now)?;
        }
        let key = self
            .file(FileKind::PrivateKey, &self.private_key)
            .private_key()?;
        let credentials = Credentials { chain, key };
        self.certified_key(&credentials)?;
        Ok(credentials)
    }

    /// What a handshake takes.
    pub(crate) fn certified_key(
        &self,
        credentials: &Credentials,
    ) -> Result<CertifiedKey, TlsError> {
        CertifiedKey::from_der(
            credentials.chain.clone(),
            credentials.key.clone_key(),
            &provider(),
        )
        .map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch {
                section: self.section.clone(),
                certificate: self.certificate.clone(),
                private_key: self.private_key.clone(),
            },
            Error::InvalidCertificate(reason) => self
                .file(FileKind::Certificate, &self.certificate)
                .unusable(format!("has a certificate that can't be read: {reason}")),
            _ => self
                .file(FileKind::PrivateKey, &self.private_key)
                .unusable("has a private key of a kind that TLS can't use"),
        })
    }

    fn file<'a>(&'a self, kind: FileKind, path: &'a Path) -> PemFile<'a> {
        PemFile {
            section: &self.section,
            kind,
            path,
        }
    }
}

/// RFC 5280 section 4.1.2.5.
fn check_validity(
    file: &PemFile<'_>,
    certificate: &CertificateDer<'_>,
    now: SystemTime,
) -> Result<(), TlsError> {
    let certificate = Certificate::from_der(certificate)
        .map_err(|_| file.unusable("has a certificate that can't be read"))?;
    let validity = certificate.tbs_certificate.validity;
    let (from, until) = (validity.not_before, validity.not_after);
    if until.to_system_time() < now {
        return Err(file.unusable(format!("has a certificate that expired at {until}")));
    }
    if from.to_system_time() > now {
        return Err(file.unusable(format!("has a certificate that is valid from {from} only")));
    }
    Ok(())
}
