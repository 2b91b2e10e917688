//! Access tokens for a partner's own scopes: RFC 9068 like the others, with the issuer itself as the
//! audience and the client as the subject. The account API takes none of them: the audience is another.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use consent_domain::{BankCode, ClientId};
use serde::{Deserialize, Serialize};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::access_token::{TYPE, expires_at};
use super::access_token_claims::signed_claims;
use super::issuer::Issuer;
use super::keys::KeyRing;
use super::partner_scope::{PartnerScope, scope_of};
use super::secret::Secret;
use super::signing_key::SigningKey;

/// What such a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerTokenClaims {
    /// The issuer's identifier.
    pub iss: String,
    /// The client.
    pub sub: ClientId,
    /// The issuer's identifier again.
    pub aud: String,
    /// Seconds since 1970.
    pub exp: i64,
    /// Seconds since 1970.
    pub iat: i64,
    /// The id in `issued_access_tokens`.
    pub jti: Uuid,
    /// The client again.
    pub client_id: ClientId,
    /// Scopes separated by a space.
    pub scope: String,
    /// The key that signs it, or that it was verified with; of the header.
    #[serde(skip)]
    pub kid: String,
}

impl PartnerTokenClaims {
    /// Of a token issued now; `issued_at` is cut to whole seconds.
    pub fn new(
        issuer: &Issuer,
        client: &ClientId,
        scopes: &BTreeSet<PartnerScope>,
        jti: Uuid,
        kid: &str,
        issued_at: DateTime<Utc>,
    ) -> Self {
        Self {
            iss: issuer.as_str().to_owned(),
            sub: client.clone(),
            aud: issuer.as_str().to_owned(),
            exp: expires_at(issued_at).timestamp(),
            iat: issued_at.timestamp(),
            jti,
            client_id: client.clone(),
            scope: scope_of(scopes),
            kid: kid.to_owned(),
        }
    }

    /// Reads a token of this issuer; `None`, whatever is wrong with it. It may have expired or been
    /// revoked since.
    pub fn find(token: &Secret, ring: &KeyRing, bank: &BankCode, issuer: &Issuer) -> Option<Self> {
        let (kid, claims): (String, Self) = signed_claims(token, ring, bank)?;
        (claims.iss == issuer.as_str() && claims.aud == issuer.as_str())
            .then_some(Self { kid, ..claims })
    }

    /// Whether the token is for that scope.
    pub fn covers(&self, scope: PartnerScope) -> bool {
        self.scope.split(' ').any(|name| name == scope.as_str())
    }

    /// Signs it.
    ///
    /// # Errors
    /// Serde's, which these claims do not cause.
    pub fn sign(&self, key: &SigningKey) -> Result<Secret, serde_json::Error> {
        Ok(Secret::new(
            key.sign(TYPE, &serde_json::to_vec(self)?).into(),
        ))
    }

    /// Records the token, so that it can be revoked.
    ///
    /// # Errors
    /// The database's.
    pub async fn record(
        &self,
        executor: impl PgExecutor<'_>,
        bank: &BankCode,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO issued_access_tokens (bank, jti, client_id, issued_at, expires_at, kid) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(bank.as_str())
        .bind(self.jti)
        .bind(self.client_id.as_str())
        .bind(at(self.iat))
        .bind(at(self.exp))
        .bind(&self.kid)
        .execute(executor)
        .await
        .map(drop)
    }

    /// Whether the token works now, by the database's clock: recorded under its key, neither of them revoked,
    /// not expired.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_live(
        &self,
        executor: impl PgExecutor<'_>,
        bank: &BankCode,
    ) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM issued_access_tokens i WHERE bank = $1 AND jti = $2 \
             AND client_id = $3 AND revoked_at IS NULL AND expires_at > now() \
             AND (kid IS NULL OR kid = $4) \
             AND NOT EXISTS (SELECT FROM signing_keys k WHERE k.kid = i.kid AND k.state = 'revoked'))",
        )
        .bind(bank.as_str())
        .bind(self.jti)
        .bind(self.client_id.as_str())
        .bind(&self.kid)
        .fetch_one(executor)
        .await
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}
