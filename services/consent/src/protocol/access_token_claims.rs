//! Reading our own access tokens back: whether this issuer signed it, and what it says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use consent_domain::{BankCode, ClientId, GrantId};
use serde::{Deserialize, de::DeserializeOwned};
use uuid::Uuid;

use super::access_token::TYPE;
use super::authorization_details::GrantedAccess;
use super::issuer::Issuer;
use super::json_web_key::KeyAlgorithm;
use super::keys::KeyRing;
use super::secret::Secret;

/// What a token says that this issuer signed. It may have expired or been revoked since.
#[derive(Clone, Debug, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer's identifier.
    pub iss: String,
    /// The contract, as the client knows it.
    pub sub: String,
    /// The resource server's identifier.
    pub aud: String,
    /// Seconds since 1970.
    pub exp: i64,
    /// Seconds since 1970.
    pub iat: i64,
    /// The id in `issued_access_tokens`.
    pub jti: Uuid,
    /// To whom.
    pub client_id: ClientId,
    /// Task names separated by a space.
    pub scope: String,
    /// On whose strength.
    pub grant_id: GrantId,
    /// What had been granted when it was issued.
    pub authorization_details: Vec<GrantedAccess>,
    /// The key that it was verified with; of the header.
    #[serde(skip)]
    pub kid: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

impl AccessTokenClaims {
    /// Reads a token of this issuer. `None`, whatever is wrong: no JWT, another algorithm or `typ`, a
    /// key that is not published, a signature that does not fit, another bank's issuer.
    pub fn find(token: &Secret, ring: &KeyRing, bank: &BankCode, issuer: &Issuer) -> Option<Self> {
        let (kid, claims): (String, Self) = signed_claims(token, ring, bank)?;
        // The banks share signing keys: only `iss` tells their tokens apart.
        (claims.iss == issuer.as_str()).then_some(Self { kid, ..claims })
    }

    /// Whether its time has passed; there is no leeway, the clock is the one that issued it.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.exp <= now.timestamp()
    }
}

/// The claims of an access token that a published key of this bank signed, whatever its issuer, and the key.
pub(super) fn signed_claims<C: DeserializeOwned>(
    token: &Secret,
    ring: &KeyRing,
    bank: &BankCode,
) -> Option<(String, C)> {
    let (message, signature) = token.expose().rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.alg != KeyAlgorithm::Es256.as_str() || header.typ != TYPE {
        return None;
    }
    if !ring
        .find_published(bank, &header.kid)?
        .verifies(message.as_bytes(), signature)
    {
        return None;
    }
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Some((header.kid, claims))
}
