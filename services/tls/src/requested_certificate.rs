//! A listener that asks for a client certificate and lets the application judge it, so that a person
//! without a good one reads a page instead of the browser's error.

use std::{path::Path, sync::Arc, time::SystemTime};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use crate::{FileKind, ServerTls, TlsError, pem_file::PemFile, provider};

/// Authorities of client certificates.
#[derive(Debug, Clone)]
pub struct ClientAuthorities {
    judge: Arc<dyn ClientCertVerifier>,
}

/// Why a client certificate is not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Untrusted {
    /// Its time is over, or has not come.
    #[error("the certificate is not of today")]
    NotOfToday,
    /// No authority of ours issued it, or not for clients, or it can't be read.
    #[error("the certificate is not accepted: {0}")]
    NotAccepted(Error),
}

impl ClientAuthorities {
    /// Reads a PEM file with one authority or more. `section` is how errors call these settings.
    ///
    /// # Errors
    /// [`TlsError`], where the file can't be read or used.
    pub fn read(section: &str, path: &Path) -> Result<Self, TlsError> {
        let file = PemFile {
            section,
            kind: FileKind::ClientCa,
            path,
        };
        let roots: RootCertStore = file.authorities()?;
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
            .build()
            .map(|judge| Self { judge })
            .map_err(|error| file.unusable(error.to_string()))
    }

    /// Judges a certificate whose key was proven elsewhere, with the certificates that came with it
    /// (RFC 5280 section 6; for TLS clients, where it says what it is for).
    ///
    /// # Errors
    /// [`Untrusted`].
    pub fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: SystemTime,
    ) -> Result<(), Untrusted> {
        let since_epoch = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_err(|_| Untrusted::NotOfToday)?;
        self.judge
            .verify_client_cert(certificate, chain, UnixTime::since_unix_epoch(since_epoch))
            .map(drop)
            .map_err(|error| match error {
                Error::InvalidCertificate(
                    CertificateError::Expired
                    | CertificateError::ExpiredContext { .. }
                    | CertificateError::NotValidYet
                    | CertificateError::NotValidYetContext { .. },
                ) => Untrusted::NotOfToday,
                error => Untrusted::NotAccepted(error),
            })
    }
}

impl ServerTls {
    /// For an HTTP/1.1 listener that asks for a client certificate of these authorities, and takes any
    /// or none: the handshake proves the key only. Whoever serves it must have
    /// [`ClientAuthorities::judge`] say whether the certificate counts. No session is resumed.
    ///
    /// # Errors
    /// As [`Self::http`].
    pub fn http_requesting_certificate<'a>(
        &self,
        section: &str,
        authorities: impl IntoIterator<Item = &'a ClientAuthorities>,
    ) -> Result<ServerConfig, TlsError> {
        let hints = authorities
            .into_iter()
            .flat_map(|authority| authority.judge.root_hint_subjects())
            .cloned()
            .collect();
        let algorithms = provider().signature_verification_algorithms;
        self.config_with(section, Arc::new(KeyProof { hints, algorithms }))
    }
}

/// Proof of the key, and no more.
#[derive(Debug)]
struct KeyProof {
    /// What the browser offers certificates of.
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for KeyProof {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
