//! The partners of the demonstration: partner-app and two test partners for clients of one's own.

use p256::SecretKey;
use p256::pkcs8::DecodePrivateKey as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::addresses::Addresses;
use crate::agent::partner::{PartnerError, generate_key};
use crate::banks::BANKS;

/// A partner as the bank's operator registers it.
#[derive(Debug, Clone)]
pub struct Partner {
    /// The letter by which the documentation knows it.
    pub letter: &'static str,
    /// The platform's id of the legal record.
    pub partner_id: &'static str,
    /// The OAuth client id.
    pub client_id: &'static str,
    /// Registered company name.
    pub legal_name: &'static str,
    /// The service's name.
    pub service_name: &'static str,
    /// Registration number as an electronic payment service provider; invented.
    pub registration_number: &'static str,
    /// Where customers may complain; invented.
    pub complaint_contact: &'static str,
    /// To whom the partner passes data on.
    pub onward_recipients: &'static [&'static str],
    /// Registered redirect URIs.
    pub redirect_uris: Vec<String>,
    /// The client's key pair.
    pub key: PartnerKey,
}

/// An EC P-256 key pair, as it is kept between starts.
#[derive(Clone, Serialize, Deserialize)]
pub struct PartnerKey {
    /// The private key, PKCS #8 in PEM.
    pub private_key_pem: String,
    /// The key's id.
    pub kid: String,
    /// The public half as a JWK.
    pub public_jwk: Value,
}

/// Without the private half.
impl std::fmt::Debug for PartnerKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PartnerKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl PartnerKey {
    /// Makes a new pair.
    ///
    /// # Errors
    /// Where the key can't be written as PEM.
    pub fn generate() -> Result<Self, PartnerError> {
        let key = generate_key()?;
        Ok(Self {
            private_key_pem: key.private_key_pem,
            kid: key.kid,
            public_jwk: key.public_jwk,
        })
    }

    /// The whole pair as a JWK; `None` where the PEM is not a key.
    pub fn private_jwk(&self) -> Option<Value> {
        let key = SecretKey::from_pkcs8_pem(&self.private_key_pem).ok()?;
        let mut jwk = self.public_jwk.clone();
        let secret = URL_SAFE_NO_PAD.encode(key.to_bytes());
        jwk.as_object_mut()?.insert("d".to_owned(), secret.into());
        Some(jwk)
    }
}

/// The three partners' keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PartnerKeys {
    /// partner-app's.
    pub a: PartnerKey,
    /// The first test partner's.
    pub b: PartnerKey,
    /// The second test partner's.
    pub c: PartnerKey,
}

impl PartnerKeys {
    /// Makes new ones.
    ///
    /// # Errors
    /// As [`PartnerKey::generate`].
    pub fn generate() -> Result<Self, PartnerError> {
        Ok(Self {
            a: PartnerKey::generate()?,
            b: PartnerKey::generate()?,
            c: PartnerKey::generate()?,
        })
    }
}

/// The three partners.
#[derive(Debug, Clone)]
pub struct Partners {
    /// partner-app.
    pub a: Partner,
    /// The first test partner; linked to an account of the procedure's customer.
    pub b: Partner,
    /// The second test partner; linked to nothing.
    pub c: Partner,
}

impl Partners {
    /// The partners with their keys and redirect URIs.
    pub fn new(addresses: Addresses, keys: PartnerKeys) -> Self {
        Self {
            a: Partner {
                letter: "A",
                partner_id: "sample-kaikei",
                client_id: "kantan-kaikei",
                legal_name: "サンプル会計株式会社",
                service_name: "かんたん会計",
                registration_number: "関東財務局長（電代）第9001号",
                complaint_contact: "サンプル会計株式会社 お客様相談窓口 0120-000-001",
                onward_recipients: &["サンプル税理士法人"],
                redirect_uris: addresses.redirect_uris_a(),
                key: keys.a,
            },
            b: Partner {
                letter: "B",
                partner_id: "sample-shikin",
                client_id: "test-partner-b",
                legal_name: "サンプル資金管理株式会社",
                service_name: "しきんナビ",
                registration_number: "関東財務局長（電代）第9002号",
                complaint_contact: "サンプル資金管理株式会社 お客様相談窓口 0120-000-002",
                onward_recipients: &[],
                redirect_uris: addresses.redirect_uris_b(),
                key: keys.b,
            },
            c: Partner {
                letter: "C",
                partner_id: "sample-keihi",
                client_id: "test-partner-c",
                legal_name: "サンプル経費精算株式会社",
                service_name: "けいひメモ",
                registration_number: "関東財務局長（電代）第9003号",
                complaint_contact: "サンプル経費精算株式会社 お客様相談窓口 0120-000-003",
                onward_recipients: &[],
                redirect_uris: addresses.redirect_uris_c(),
                key: keys.c,
            },
        }
    }

    /// All three, by letter.
    pub fn all(&self) -> [&Partner; 3] {
        [&self.a, &self.b, &self.c]
    }
}

impl Partner {
    /// What `consent partner register` reads: the public half of the key only.
    pub fn registration(&self) -> Value {
        json!({
            "partner_id": self.partner_id,
            "client_id": self.client_id,
            "legal_name": self.legal_name,
            "service_name": self.service_name,
            "registration_number": self.registration_number,
            "complaint_contact": self.complaint_contact,
            "onward_recipients": self.onward_recipients,
            "redirect_uris": self.redirect_uris,
            "jwks": { "keys": [self.key.public_jwk] },
            "banks": BANKS.map(|bank| bank.code),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::{PortBase, Transport};

    #[test]
    fn the_private_jwk_is_the_public_one_and_its_secret() {
        let key = PartnerKey::generate().expect("a key");
        let private = key.private_jwk().expect("a key");
        assert_eq!(private["x"], key.public_jwk["x"]);
        assert_eq!(private["kid"], key.kid.as_str());
        assert_eq!(
            private["d"].as_str().map(str::len),
            Some(43),
            "32 bytes in base64url"
        );
    }

    #[test]
    fn a_registration_has_no_private_key_in_it() {
        let keys = PartnerKeys::generate().expect("keys");
        let partners = Partners::new(Addresses::new(PortBase::default(), Transport::Plain), keys);
        for partner in partners.all() {
            let text = partner.registration().to_string();
            assert!(
                !text.contains("\"d\"") && !text.contains("PRIVATE"),
                "{}",
                partner.letter
            );
        }
    }
}
