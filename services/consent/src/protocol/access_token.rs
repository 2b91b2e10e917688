//! Access tokens: JWTs as RFC 9068 has them, signed with ES256.

use chrono::{DateTime, Duration, Utc};
use consent_domain::{ClientId, GrantId};
use serde::Serialize;
use uuid::Uuid;

use super::authorization_details::GrantedAccess;
use super::issuer::Issuer;
use super::pairwise::PairwiseId;
use super::secret::Secret;
use super::signing_key::SigningKey;

/// The header's `typ` (RFC 9068 2.1).
pub const TYPE: &str = "at+jwt";
/// A token lives 10 minutes.
pub const LIFETIME_SECONDS: i64 = 600;

/// What a token says.
#[derive(Clone, Debug)]
pub struct AccessTokenContent<'a> {
    /// The bank's issuer.
    pub issuer: &'a Issuer,
    /// The contract, as this partner knows it.
    pub subject: &'a PairwiseId,
    /// The resource server's identifier.
    pub audience: &'a str,
    /// Recorded in `issued_access_tokens`.
    pub jti: Uuid,
    /// To whom.
    pub client_id: &'a ClientId,
    /// Task names separated by a space.
    pub scope: &'a str,
    /// On whose strength.
    pub grant_id: &'a GrantId,
    /// What was granted.
    pub authorization_details: &'a [GrantedAccess],
    /// Cut to whole seconds.
    pub issued_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    jti: Uuid,
    client_id: &'a str,
    scope: &'a str,
    grant_id: &'a str,
    authorization_details: &'a [GrantedAccess],
}

/// When a token issued at `issued_at` ends.
pub fn expires_at(issued_at: DateTime<Utc>) -> DateTime<Utc> {
    issued_at + Duration::seconds(LIFETIME_SECONDS)
}

/// Signs a token.
///
/// # Errors
/// Serde's, which these claims do not cause.
pub fn mint(
    key: &SigningKey,
    content: &AccessTokenContent<'_>,
) -> Result<Secret, serde_json::Error> {
    let claims = serde_json::to_vec(&Claims {
        iss: content.issuer.as_str(),
        sub: content.subject.as_str(),
        aud: content.audience,
        exp: expires_at(content.issued_at).timestamp(),
        iat: content.issued_at.timestamp(),
        jti: content.jti,
        client_id: content.client_id.as_str(),
        scope: content.scope,
        grant_id: content.grant_id.as_str(),
        authorization_details: content.authorization_details,
    })?;
    Ok(Secret::new(key.sign(TYPE, &claims).into()))
}

#[cfg(test)]
mod tests {
    use consent_domain::BankCode;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_resource_server_reads_what_was_minted() {
        let key = SigningKey::generate();
        let issuer = Issuer::new("https://consent.example", &BankCode::parse("2963").unwrap());
        let issued_at = Utc::now();
        let jti = Uuid::new_v4();
        let token = mint(
            &key,
            &AccessTokenContent {
                issuer: &issuer,
                subject: &PairwiseId::parse("0123456789012345678901").unwrap(),
                audience: "https://account-api.example",
                jti,
                client_id: &ClientId::parse("kaikei-app").unwrap(),
                scope: "balance",
                grant_id: &GrantId::parse("g1").unwrap(),
                authorization_details: &[],
                issued_at,
            },
        )
        .unwrap();
        let jwk = serde_json::from_value(key.public_jwk().clone()).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://account-api.example"]);
        validation.set_issuer(&[issuer.as_str()]);
        let read = jsonwebtoken::decode::<Value>(
            token.expose(),
            &DecodingKey::from_jwk(&jwk).unwrap(),
            &validation,
        )
        .unwrap();
        assert_eq!(read.header.typ.as_deref(), Some("at+jwt"));
        assert_eq!(read.header.kid.as_deref(), Some(key.kid()));
        assert_eq!(read.claims["jti"], jti.to_string());
        assert_eq!(read.claims["exp"], issued_at.timestamp() + 600);
        assert_eq!(read.claims["grant_id"], "g1");
        assert_eq!(read.claims["sub"], "0123456789012345678901");
    }
}
