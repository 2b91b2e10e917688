//! Refresh tokens: opaque, stored as hashes, not rotated; dead with their grant, which the caller
//! checks.

use crate::store::sql_span;
use chrono::{DateTime, Utc};
use consent_domain::{BankCode, ClientId, GrantId};
use sqlx::{PgExecutor, Row};
use tracing::Instrument as _;
use uuid::Uuid;

use super::digest::sha256;
use super::secret::Secret;
use crate::entropy::random_token;

/// A new token of 256 bits, 43 characters.
pub fn mint() -> Secret {
    random_token()
}

/// A row of `refresh_tokens`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenRow {
    /// Of the issuer.
    pub bank: BankCode,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// For the records of what was issued from it.
    pub refresh_token_id: Uuid,
    /// To whom; nobody else may use it.
    pub client_id: ClientId,
    /// On whose strength.
    pub grant_id: GrantId,
    /// The code that gave it.
    pub code_id: Uuid,
    /// The database's clock.
    pub issued_at: DateTime<Utc>,
}

impl RefreshTokenRow {
    /// Inserts the row by itself.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(&self, executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO refresh_tokens (bank, token_hash, refresh_token_id, client_id, grant_id, \
             code_id, issued_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(self.bank.as_str())
        .bind(self.token_hash)
        .bind(self.refresh_token_id)
        .bind(self.client_id.as_str())
        .bind(self.grant_id.as_str())
        .bind(self.code_id)
        .bind(self.issued_at)
        .execute(executor)
        .instrument(sql_span("insert refresh token"))
        .await
        .map(drop)
    }
}

/// The hash that a token is stored under.
pub fn token_hash(token: &Secret) -> [u8; 32] {
    sha256(token.expose().as_bytes())
}

/// Finds a live token of this client; a revoked one, another client's and an unknown one are all
/// not found. Whether its grant lives is the caller's to check.
///
/// # Errors
/// The database's.
pub async fn find(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    client_id: &ClientId,
    token: &Secret,
) -> Result<Option<RefreshTokenRow>, sqlx::Error> {
    let hash = token_hash(token);
    let row = sqlx::query(
        "SELECT refresh_token_id, grant_id, code_id, issued_at FROM refresh_tokens \
         WHERE bank = $1 AND token_hash = $2 AND client_id = $3 AND revoked_at IS NULL",
    )
    .bind(bank.as_str())
    .bind(hash)
    .bind(client_id.as_str())
    .fetch_optional(executor)
    .instrument(sql_span("find refresh token"))
    .await?;
    row.map(|row| {
        let grant_id: String = row.try_get("grant_id")?;
        Ok(RefreshTokenRow {
            bank: bank.clone(),
            token_hash: hash,
            refresh_token_id: row.try_get("refresh_token_id")?,
            client_id: client_id.clone(),
            grant_id: GrantId::parse(grant_id)
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            code_id: row.try_get("code_id")?,
            issued_at: row.try_get("issued_at")?,
        })
    })
    .transpose()
}
