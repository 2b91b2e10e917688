//! What a certificate says of itself, read after it was judged.

use consent_domain::Instant;
use x509_cert::{
    Certificate,
    attr::AttributeTypeAndValue,
    der::{
        Decode as _, Tag, Tagged as _,
        asn1::{ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef},
        oid::db::rfc4519,
    },
    name::Name,
};

use crate::protocol::digest::sha256;

/// By what a bank knows a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// SHA-256 of the DER.
    pub sha256: [u8; 32],
    /// As RFC 4514 writes it.
    pub issuer: String,
    /// Lower case hexadecimal, whole octets, without leading zero octets.
    pub serial: String,
    /// As RFC 4514 writes it.
    pub subject: String,
    /// For showing only.
    pub holder: Holder,
}

/// Whom a certificate names, in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The common name; where there is none, the whole subject.
    pub name: String,
    /// The organization, where it names one.
    pub organization: Option<String>,
    /// Who issued it: common name, else organization, else the whole issuer.
    pub issuer: String,
    /// Its last moment.
    pub valid_until: Instant,
}

impl CertificateIdentity {
    /// `None` for what is no certificate.
    pub fn of_der(der: &[u8]) -> Option<Self> {
        let content = Certificate::from_der(der).ok()?.tbs_certificate;
        let octets = content.serial_number.as_bytes();
        // DER puts a zero before a first octet that would read as a sign.
        let octets = octets.strip_prefix(&[0]).unwrap_or(octets);
        let (subject, issuer) = (content.subject.to_string(), content.issuer.to_string());
        let find = |oid| attribute(&content.subject, oid);
        let holder = Holder {
            name: find(rfc4519::CN).unwrap_or_else(|| subject.clone()),
            organization: find(rfc4519::O),
            issuer: attribute(&content.issuer, rfc4519::CN)
                .or_else(|| attribute(&content.issuer, rfc4519::O))
                .unwrap_or_else(|| issuer.clone()),
            valid_until: content.validity.not_after.to_system_time().into(),
        };
        Some(Self {
            sha256: sha256(der),
            issuer,
            serial: octets.iter().map(|octet| format!("{octet:02x}")).collect(),
            subject,
            holder,
        })
    }

    /// The fingerprint, to bind something to the certificate.
    pub fn fingerprint(&self) -> String {
        self.sha256
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect()
    }
}

/// The most specific attribute of a kind, which a name puts last.
fn attribute(name: &Name, oid: ObjectIdentifier) -> Option<String> {
    name.0
        .iter()
        .rev()
        .flat_map(|set| set.0.iter())
        .find(|attribute| attribute.oid == oid)
        .and_then(text)
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    match value.tag() {
        Tag::Utf8String => value
            .decode_as::<Utf8StringRef<'_>>()
            .ok()
            .map(|text| text.as_str().to_owned()),
        Tag::PrintableString => value
            .decode_as::<PrintableStringRef<'_>>()
            .ok()
            .map(|text| text.as_str().to_owned()),
        Tag::TeletexString => value
            .decode_as::<TeletexStringRef<'_>>()
            .ok()
            .map(|text| text.as_str().to_owned()),
        _ => None,
    }
}
