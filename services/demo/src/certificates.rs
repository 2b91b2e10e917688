//! The demonstration's own authorities, and what they issue: one for the services, one for
//! customers. Their private keys are never written down, so nobody can make another certificate
//! that a browser takes which trusts them.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Datelike as _, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CidrSubnet, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose, NameConstraints,
    SerialNumber,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::agent::trust::Trust;
use crate::private_file::write_private;

/// Of every certificate.
const LIFE: TimeDelta = TimeDelta::days(397);
/// Kept certificates older than this are made anew.
const KEPT_FOR: Duration = Duration::from_secs(300 * 24 * 60 * 60);
/// The customer that has a certificate.
pub const CUSTOMER: &str = "dantai03";
/// Who may issue certificates of customers, as it stands in them.
const CUSTOMERS_AUTHORITY: &str = "Renkei demo: customers";
/// Who issues the services' certificate.
const SERVICES_AUTHORITY: &str = "Renkei demo: services";

/// Where the files are; all are PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The authority of the services.
    pub ca: PathBuf,
    /// The services' certificate, for 127.0.0.1 and localhost.
    pub server: PathBuf,
    /// Its private key.
    pub server_key: PathBuf,
    /// The authority of the customers.
    pub customers_ca: PathBuf,
    /// [`CUSTOMER`]'s certificate.
    pub customer: PathBuf,
    /// Its private key.
    pub customer_key: PathBuf,
    description: PathBuf,
}

/// What tells a customer's certificate from every other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerCertificate {
    /// SHA-256 of its DER, in hex.
    pub sha256: String,
    /// Its issuer's common name.
    pub issuer: String,
    /// Its serial number, in hex.
    pub serial_number: String,
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// One can't be made.
    #[error(transparent)]
    Made(#[from] rcgen::Error),
    /// A file can't be written or read.
    #[error(transparent)]
    File(#[from] io::Error),
    /// What was written can't be used.
    #[error(transparent)]
    Trust(#[from] reqwest::Error),
}

impl CertificateFiles {
    fn below(directory: &Path) -> Self {
        let file = |name: &str| directory.join(name);
        Self {
            ca: file("ca.pem"),
            server: file("server.pem"),
            server_key: file("server-key.pem"),
            customers_ca: file("customers-ca.pem"),
            customer: file(&format!("{CUSTOMER}.pem")),
            customer_key: file(&format!("{CUSTOMER}-key.pem")),
            description: file(&format!("{CUSTOMER}.json")),
        }
    }

    /// Makes all of them anew in `directory`.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn make(directory: &Path) -> Result<Self, CertificateError> {
        let files = Self::below(directory);
        let services = authority(services_authority()?)?;
        let server = KeyPair::generate()?;
        let certificate = server_certificate()?.signed_by(&server, &services)?;
        write_private(&files.ca, &services.pem())?;
        write_private(&files.server, &certificate.pem())?;
        write_private(&files.server_key, &server.serialize_pem())?;

        let customers = authority(named(CUSTOMERS_AUTHORITY)?)?;
        let customer = KeyPair::generate()?;
        // Positive, and of one length (RFC 5280 section 4.1.2.2).
        let serial_number = (rand::random::<u128>() >> 2 | 1 << 126).to_be_bytes();
        let certificate = customer_certificate(serial_number)?.signed_by(&customer, &customers)?;
        write_private(&files.customers_ca, &customers.pem())?;
        write_private(&files.customer, &certificate.pem())?;
        write_private(&files.customer_key, &customer.serialize_pem())?;
        let description = CustomerCertificate {
            sha256: hex(&Sha256::digest(certificate.der())),
            issuer: CUSTOMERS_AUTHORITY.to_owned(),
            serial_number: hex(&serial_number),
        };
        let text = serde_json::to_string_pretty(&description).map_err(io::Error::from)?;
        write_private(&files.description, &text)?;
        Ok(files)
    }

    /// Those of an earlier start, where they are all there and will last; so a browser that trusts
    /// them goes on.
    pub fn find_kept(directory: &Path) -> Option<Self> {
        let files = Self::below(directory);
        // Written last, so the others are there, too.
        let age = fs::metadata(&files.description)
            .and_then(|file| file.modified())
            .ok()?
            .elapsed()
            .ok()?;
        (age < KEPT_FOR).then_some(files)
    }

    /// What tells [`CUSTOMER`]'s certificate from others.
    ///
    /// # Errors
    /// [`CertificateError::File`].
    pub fn customer_certificate(&self) -> Result<CustomerCertificate, CertificateError> {
        let text = fs::read_to_string(&self.description)?;
        Ok(serde_json::from_str(&text).map_err(io::Error::from)?)
    }

    /// Trust in the services' authority.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn trust(&self) -> Result<Trust, CertificateError> {
        Ok(Trust::of_authorities(&fs::read(&self.ca)?)?)
    }
}

fn authority(
    mut params: CertificateParams,
) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// It can speak for this machine's loopback only (RFC 5280 section 4.2.1.10).
fn services_authority() -> Result<CertificateParams, rcgen::Error> {
    let mut params = named(SERVICES_AUTHORITY)?;
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![
            GeneralSubtree::DnsName("localhost".to_owned()),
            GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        ],
        excluded_subtrees: Vec::new(),
    });
    Ok(params)
}

fn server_certificate() -> Result<CertificateParams, rcgen::Error> {
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(of_today(params))
}

fn customer_certificate(serial_number: [u8; 16]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = named(CUSTOMER)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial_number));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn named(common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(of_today(params))
}

/// From yesterday on, for clocks that differ.
fn of_today(mut params: CertificateParams) -> CertificateParams {
    // Month and day of a date are always small.
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    let day = |time: DateTime<Utc>| {
        rcgen::date_time_ymd(time.year(), small(time.month()), small(time.day()))
    };
    let now = Utc::now();
    params.not_before = day(now - TimeDelta::days(1));
    params.not_after = day(now + LIFE);
    params
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn made_certificates_are_found_again_and_their_keys_are_their_owners() {
        let directory = std::env::temp_dir().join(format!("certificates-{}", std::process::id()));
        assert_eq!(CertificateFiles::find_kept(&directory), None);

        let made = CertificateFiles::make(&directory).expect("certificates");

        let found = CertificateFiles::find_kept(&directory);
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        let modes = [&made.server_key, &made.customer_key].map(|path| mode(path));
        let customer = made.customer_certificate().expect("it is described");
        made.trust().expect("an authority");
        fs::remove_dir_all(&directory).expect("it goes");
        assert_eq!(found, Some(made));
        assert_eq!(modes, [0o600, 0o600]);
        assert_eq!(
            (customer.sha256.len(), customer.serial_number.len()),
            (64, 32)
        );
    }
}
