//! Client authentication by a signed assertion, `private_key_jwt` (RFC 7523, 2.2).

use std::fmt;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use uuid::Uuid;

use crate::secret::Secret;
use crate::settings::Issuer;

/// The value of `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Each assertion is sent at once and only once; servers accept at most 300.
const LIFETIME_SECONDS: i64 = 60;

/// The private key that signs assertions (ES256), with its key id.
#[derive(Clone)]
pub struct ClientAssertionKey {
    key: EncodingKey,
    kid: String,
}

/// What is wrong with a private key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not a PKCS#8 PEM with an elliptic curve key.
    #[error("is not an EC key in PKCS#8 PEM (-----BEGIN PRIVATE KEY-----)")]
    NotPkcs8,
    /// A key of another curve.
    #[error("is not on the curve P-256")]
    NotP256,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
}

impl ClientAssertionKey {
    /// Reads the key and signs once with it, so that a wrong one is found at the start.
    pub fn from_pem(pem: &Secret, kid: String) -> Result<Self, KeyError> {
        let key = EncodingKey::from_ec_pem(pem.reveal().trim().as_bytes())
            .map_err(|_| KeyError::NotPkcs8)?;
        let key = Self { key, kid };
        key.sign(&Claims {
            iss: "",
            sub: "",
            aud: "",
            jti: String::new(),
            iat: 0,
            exp: 0,
        })
        .map_err(|_| KeyError::NotP256)?;
        Ok(key)
    }

    /// A new assertion of `client_id` for `issuer` (the only audience), good for 60 seconds.
    pub fn assertion(
        &self,
        client_id: &str,
        issuer: &Issuer,
        now: DateTime<Utc>,
    ) -> Result<Secret, jsonwebtoken::errors::Error> {
        let iat = now.timestamp();
        self.sign(&Claims {
            iss: client_id,
            sub: client_id,
            aud: issuer.as_str(),
            jti: Uuid::new_v4().to_string(),
            iat,
            exp: iat + LIFETIME_SECONDS,
        })
    }

    fn sign(&self, claims: &Claims<'_>) -> Result<Secret, jsonwebtoken::errors::Error> {
        let header = Header {
            kid: Some(self.kid.clone()),
            ..Header::new(Algorithm::ES256)
        };
        jsonwebtoken::encode(&header, claims, &self.key).map(Secret::new)
    }
}

impl fmt::Debug for ClientAssertionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ClientAssertionKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use p256::elliptic_curve::rand_core::OsRng;
    use p256::pkcs8::{EncodePrivateKey, LineEnding};

    use super::*;

    pub(crate) fn generated_pem() -> String {
        let key = p256::SecretKey::random(&mut OsRng);
        key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string()
    }

    #[test]
    fn an_assertion_is_for_one_server_and_one_minute() {
        let key = ClientAssertionKey::from_pem(&Secret::new(generated_pem()), "k1".into()).unwrap();
        let issuer = Issuer::parse("http://127.0.0.1:8080/2963").unwrap();
        let now = "2026-04-01T00:00:00Z".parse().unwrap();

        let assertion = key.assertion("sample", &issuer, now).unwrap();

        let payload = assertion.reveal().split('.').nth(1).unwrap().to_owned();
        let claims: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(claims["aud"], "http://127.0.0.1:8080/2963");
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&"sample".into(), &"sample".into())
        );
        assert_eq!(
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
            60
        );
        assert_eq!(
            jsonwebtoken::decode_header(assertion.reveal())
                .unwrap()
                .kid
                .unwrap(),
            "k1"
        );
    }

    #[test]
    fn other_keys_are_refused() {
        let refused =
            |pem: &str| ClientAssertionKey::from_pem(&Secret::new(pem), "k".into()).unwrap_err();

        assert_eq!(refused("no key"), KeyError::NotPkcs8);
        assert_eq!(
            refused(&generated_pem().replace("PRIVATE", "PUBLIC")),
            KeyError::NotPkcs8
        );
    }
}
