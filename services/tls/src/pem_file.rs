//! Files in PEM.

use std::path::Path;

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
};

use crate::{FileKind, TlsError};

/// A file that a section of the settings names.
#[derive(Clone, Copy)]
pub(crate) struct PemFile<'a> {
    pub(crate) section: &'a str,
    pub(crate) kind: FileKind,
    pub(crate) path: &'a Path,
}

impl PemFile<'_> {
    pub(crate) fn read(&self) -> Result<Vec<u8>, TlsError> {
        std::fs::read(self.path).map_err(|source| TlsError::Unreadable {
            section: self.section.to_owned(),
            kind: self.kind,
            path: self.path.to_owned(),
            source,
        })
    }

    pub(crate) fn unusable(&self, reason: impl Into<String>) -> TlsError {
        TlsError::Unusable {
            section: self.section.to_owned(),
            kind: self.kind,
            path: self.path.to_owned(),
            reason: reason.into(),
        }
    }

    /// One certificate or more.
    pub(crate) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let certificates = CertificateDer::pem_slice_iter(&self.read()?)
            .collect::<Result<Vec<_>, pem::Error>>()
            .map_err(|_| self.unusable("is not PEM"))?;
        if certificates.is_empty() {
            return Err(self.unusable("has no certificate in it (PEM, BEGIN CERTIFICATE)"));
        }
        Ok(certificates)
    }

    /// The first private key: PKCS #8, SEC 1 or PKCS #1.
    pub(crate) fn private_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|error| {
            self.unusable(match error {
                pem::Error::NoItemsFound => "has no private key in it (PEM, BEGIN PRIVATE KEY)",
                _ => "is not PEM",
            })
        })
    }

    /// The authorities in it. Where it is a whole system's bundle, those that can't be read are
    /// passed over.
    pub(crate) fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let mut authorities = RootCertStore::empty();
        let (taken, _passed_over) = authorities.add_parsable_certificates(self.certificates()?);
        if taken == 0 {
            return Err(self.unusable("has no certificate that can be an authority's"));
        }
        Ok(authorities)
    }
}
