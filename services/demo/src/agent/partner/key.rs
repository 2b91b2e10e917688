//! A fresh key pair for a client.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::SecretKey;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::oauth_error::PartnerError;

/// An EC P-256 key pair.
#[derive(Clone)]
pub struct GeneratedKey {
    /// The private key, PKCS #8 in PEM.
    pub private_key_pem: String,
    /// The key's id, its RFC 7638 thumbprint.
    pub kid: String,
    /// The public half as a JWK with `kid`, `use` and `alg`.
    pub public_jwk: Value,
}

impl GeneratedKey {
    /// The key set that the client registers: `{"keys": [...]}`.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.public_jwk] })
    }
}

/// Makes a key pair.
///
/// # Errors
/// [`PartnerError::KeyGeneration`] where the key cannot be written as PEM.
pub fn generate_key() -> Result<GeneratedKey, PartnerError> {
    let key = loop {
        // A random number that is no valid scalar has odds of 2^-32.
        if let Ok(key) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            break key;
        }
    };
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|_error| PartnerError::KeyGeneration)?;
    let point = key.public_key().to_encoded_point(false);
    let (Some(x), Some(y)) = (point.x(), point.y()) else {
        return Err(PartnerError::KeyGeneration);
    };
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    // RFC 7638: the required members in lexicographic order, without white space.
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()));
    let public_jwk = json!({
        "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256",
    });
    Ok(GeneratedKey {
        private_key_pem: pem.to_string(),
        kid,
        public_jwk,
    })
}
