//! Client certificates of the customers: which ログインID each stands for, and whether it was revoked.

use std::collections::HashMap;

use renkei_proto::bank::v1 as port;
use sha2::{Digest as _, Sha256};
use x509_cert::{
    Certificate,
    der::{Decode as _, DecodePem as _, Encode as _},
};

use crate::port_error::PortError;
use crate::seed::{BankCode, Seed};
use crate::state::State;

/// Not an X.509 certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an X.509 certificate")]
pub struct NotACertificate;

/// What a bank keeps of a certificate that its CA issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerCertificate {
    sha256: [u8; 32],
    issuer: String,
    serial: String,
}

impl CustomerCertificate {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    /// [`NotACertificate`]
    pub fn from_pem(pem: &str) -> Result<Self, NotACertificate> {
        Self::of(&Certificate::from_pem(pem).map_err(|_| NotACertificate)?)
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`NotACertificate`]
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        Self::of(&Certificate::from_der(der).map_err(|_| NotACertificate)?)
    }

    fn of(certificate: &Certificate) -> Result<Self, NotACertificate> {
        let der = certificate.to_der().map_err(|_| NotACertificate)?;
        let content = &certificate.tbs_certificate;
        let octets = content.serial_number.as_bytes();
        // DER puts a zero before a first octet that would read as a sign.
        let octets = octets.strip_prefix(&[0]).unwrap_or(octets);
        Ok(Self {
            sha256: Sha256::digest(&der).into(),
            issuer: content.issuer.to_string(),
            serial: octets.iter().map(|octet| format!("{octet:02x}")).collect(),
        })
    }
}

/// Whether a certificate may still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Valid,
    Revoked,
}

#[derive(Debug)]
struct Registered {
    certificate: CustomerCertificate,
    login_id: String,
    standing: Standing,
}

/// The certificates of every bank, by fingerprint.
#[derive(Debug, Default)]
pub(crate) struct Certificates(HashMap<(BankCode, [u8; 32]), Registered>);

impl Certificates {
    pub(crate) fn register(
        &mut self,
        bank: BankCode,
        login_id: &str,
        certificate: CustomerCertificate,
    ) {
        let registered = Registered {
            certificate: certificate.clone(),
            login_id: login_id.to_owned(),
            standing: Standing::Valid,
        };
        self.0.insert((bank, certificate.sha256), registered);
    }

    /// Whether there was one to revoke.
    pub(crate) fn revoke(&mut self, bank: BankCode, certificate: &CustomerCertificate) -> bool {
        self.0
            .get_mut(&(bank, certificate.sha256))
            .map(|registered| registered.standing = Standing::Revoked)
            .is_some()
    }

    /// As after a start: what was revoked since is not.
    pub(crate) fn restored(mut self) -> Self {
        for registered in self.0.values_mut() {
            registered.standing = Standing::Valid;
        }
        self
    }

    /// Decides by fingerprint and by issuer and serial, which have to agree.
    fn login_id(
        &self,
        bank: BankCode,
        shown: &port::ClientCertificate,
    ) -> Result<&str, port::CertificateRefusal> {
        let unknown = port::CertificateRefusal::Unknown;
        let sha256: [u8; 32] = shown.sha256.as_slice().try_into().map_err(|_| unknown)?;
        let found = self.0.get(&(bank, sha256)).ok_or(unknown)?;
        if found.certificate.issuer != shown.issuer || found.certificate.serial != shown.serial {
            return Err(unknown);
        }
        match found.standing {
            Standing::Valid => Ok(&found.login_id),
            Standing::Revoked => Err(port::CertificateRefusal::Revoked),
        }
    }
}

/// Whether the certificate is there, and stands for that login id.
pub(crate) fn check(
    state: &State,
    bank: BankCode,
    shown: Option<&port::ClientCertificate>,
    login_id: &str,
) -> Result<Result<(), port::CertificateRefusal>, PortError> {
    let shown = shown.ok_or(PortError::Invalid("certificate is absent"))?;
    Ok(match state.certificates.login_id(bank, shown) {
        Ok(holder) if holder == login_id => Ok(()),
        Ok(_) => Err(port::CertificateRefusal::Unknown),
        Err(reason) => Err(reason),
    })
}

pub(crate) fn resolve(
    _: &Seed,
    state: &mut State,
    bank: BankCode,
    request: &port::ResolveCertificateRequest,
) -> Result<port::ResolveCertificateResponse, PortError> {
    use port::resolve_certificate_response::Outcome;
    let shown = request
        .certificate
        .as_ref()
        .ok_or(PortError::Invalid("certificate is absent"))?;
    let outcome = match state.certificates.login_id(bank, shown) {
        Ok(login_id) => Outcome::Holder(port::CertificateHolder {
            login_id: login_id.to_owned(),
        }),
        Err(reason) => Outcome::Refused(port::CertificateRefused {
            reason: reason.into(),
        }),
    };
    Ok(port::ResolveCertificateResponse {
        outcome: Some(outcome),
        asked: None,
    })
}
