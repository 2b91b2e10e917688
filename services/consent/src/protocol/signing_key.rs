//! Keys that sign what we issue: ES256 on P-256.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::SecretKey;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey as EcdsaKey};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::digest::sha256;
use crate::entropy::random_bytes;

/// A private key with its public half and id. Wiped on drop, never printed.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    public_jwk: Value,
    key: EcdsaKey,
}

/// The bytes are no private key of P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the private key is malformed")]
pub struct MalformedSigningKey;

impl SigningKey {
    /// A new key.
    pub fn generate() -> Self {
        loop {
            // Outside the curve's order with a probability of 2^-32: draw again.
            let scalar = random_bytes::<32>();
            if let Ok(key) = Self::from_scalar(scalar.as_slice()) {
                return key;
            }
        }
    }

    /// A key from its scalar, 32 bytes big endian.
    ///
    /// # Errors
    /// [`MalformedSigningKey`].
    pub fn from_scalar(scalar: &[u8]) -> Result<Self, MalformedSigningKey> {
        let secret = SecretKey::from_slice(scalar).map_err(|_| MalformedSigningKey)?;
        let point = secret.public_key().to_encoded_point(false);
        let (Some(x), Some(y)) = (point.x(), point.y()) else {
            return Err(MalformedSigningKey);
        };
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let kid = thumbprint(&x, &y);
        let public_jwk = json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": kid,
        });
        Ok(Self {
            kid,
            public_jwk,
            key: secret.into(),
        })
    }

    /// The scalar, for wrapping.
    pub fn to_scalar(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.key.to_bytes().to_vec())
    }

    /// The key's id: its thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half as published.
    pub fn public_jwk(&self) -> &Value {
        &self.public_jwk
    }

    /// A compact JWS over the payload with this `typ` in its header.
    pub fn sign(&self, typ: &str, payload: &[u8]) -> String {
        let header = json!({"alg": "ES256", "kid": self.kid, "typ": typ}).to_string();
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        // Deterministic nonces (RFC 6979).
        let signature: Signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// RFC 7638: the required members in lexical order, without spaces.
fn thumbprint(x: &str, y: &str) -> String {
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(sha256(canonical.as_bytes()))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::super::json_web_key::PublicKey;
    use super::*;

    #[test]
    fn what_a_key_signs_its_published_half_verifies() {
        let key = SigningKey::generate();
        let jws = key.sign("at+jwt", b"{}");
        let (message, signature) = jws.rsplit_once('.').unwrap();
        let public = PublicKey::parse(key.public_jwk()).unwrap();
        assert!(public.verifies(message.as_bytes(), signature));
        assert!(!public.verifies(b"other", signature));
        let again = SigningKey::from_scalar(&key.to_scalar()).unwrap();
        assert_eq!(again.kid(), key.kid());
        assert!(key.public_jwk().get("d").is_none());
    }
}
