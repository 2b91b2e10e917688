//! The ids of issued access tokens, so that a decision can tell a revoked one, and the ends of tokens:
//! one, a refresh token with what it gave, everything that one code gave.

use crate::store::sql_span;
use chrono::{DateTime, Utc};
use consent_domain::{BankCode, ClientId, GrantId};
use sqlx::{PgConnection, PgExecutor};
use tracing::Instrument as _;
use uuid::Uuid;

use super::refresh_token::RefreshTokenRow;

/// A row of `issued_access_tokens`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedAccessTokenRow {
    /// Of the issuer.
    pub bank: BankCode,
    /// The token's `jti`.
    pub jti: Uuid,
    /// To whom.
    pub client_id: ClientId,
    /// On whose strength.
    pub grant_id: GrantId,
    /// The code that gave it, at once or by a refresh token.
    pub code_id: Uuid,
    /// The refresh token of the same code.
    pub refresh_token_id: Option<Uuid>,
    /// The database's clock.
    pub issued_at: DateTime<Utc>,
    /// The token's `exp`.
    pub expires_at: DateTime<Utc>,
    /// The key that signs it.
    pub kid: String,
}

impl IssuedAccessTokenRow {
    /// Inserts the row by itself: for the tokens of a code, in the transaction that redeems it.
    ///
    /// # Errors
    /// The database's.
    pub async fn insert(&self, executor: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO issued_access_tokens (bank, jti, client_id, grant_id, code_id, \
             refresh_token_id, issued_at, expires_at, kid) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(self.bank.as_str())
        .bind(self.jti)
        .bind(self.client_id.as_str())
        .bind(self.grant_id.as_str())
        .bind(self.code_id)
        .bind(self.refresh_token_id)
        .bind(self.issued_at)
        .bind(self.expires_at)
        .bind(&self.kid)
        .execute(executor)
        .instrument(sql_span("insert access token id"))
        .await
        .map(drop)
    }
}

/// What came of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Issuance {
    /// Recorded; the token may be answered.
    Issued,
    /// The refresh token was revoked meanwhile: `invalid_grant`.
    RefreshTokenRevoked,
}

/// Records an access token that a refresh token gives. The refresh token's row is locked by the
/// statement: a revocation either comes first and nothing is issued, or finds what was issued.
///
/// # Errors
/// The database's.
pub async fn issue_from_refresh_token(
    executor: impl PgExecutor<'_>,
    refresh_token: &RefreshTokenRow,
    jti: Uuid,
    kid: &str,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<Issuance, sqlx::Error> {
    let issued = sqlx::query(
        "WITH live AS (SELECT * FROM refresh_tokens WHERE bank = $1 AND refresh_token_id = $2 \
         AND revoked_at IS NULL FOR SHARE) \
         INSERT INTO issued_access_tokens (bank, jti, client_id, grant_id, code_id, \
         refresh_token_id, issued_at, expires_at, kid) \
         SELECT bank, $3, client_id, grant_id, code_id, refresh_token_id, $4, $5, $6 FROM live",
    )
    .bind(refresh_token.bank.as_str())
    .bind(refresh_token.refresh_token_id)
    .bind(jti)
    .bind(issued_at)
    .bind(expires_at)
    .bind(kid)
    .execute(executor)
    .instrument(sql_span("issue from refresh token"))
    .await?;
    Ok(if issued.rows_affected() == 1 {
        Issuance::Issued
    } else {
        Issuance::RefreshTokenRevoked
    })
}

/// How many tokens an act ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevokedTokens {
    /// Refresh tokens.
    pub refresh_tokens: u64,
    /// Access tokens, expired ones included.
    pub access_tokens: u64,
}

/// Revokes everything that a code gave. Two statements in this order, so that the second sees what
/// a refresh token gave before the first ended it (READ COMMITTED, [`issue_from_refresh_token`]).
///
/// # Errors
/// The database's.
pub async fn revoke_tokens_of_code(
    connection: &mut PgConnection,
    bank: &BankCode,
    code_id: Uuid,
) -> Result<RevokedTokens, sqlx::Error> {
    let refresh_tokens = sqlx::query(
        "UPDATE refresh_tokens SET revoked_at = now() \
         WHERE bank = $1 AND code_id = $2 AND revoked_at IS NULL",
    )
    .bind(bank.as_str())
    .bind(code_id)
    .execute(&mut *connection)
    .instrument(sql_span("revoke tokens of code"))
    .await?
    .rows_affected();
    let access_tokens = sqlx::query(
        "UPDATE issued_access_tokens SET revoked_at = now() \
         WHERE bank = $1 AND code_id = $2 AND revoked_at IS NULL",
    )
    .bind(bank.as_str())
    .bind(code_id)
    .execute(connection)
    .instrument(sql_span("revoke tokens of code"))
    .await?
    .rows_affected();
    Ok(RevokedTokens {
        refresh_tokens,
        access_tokens,
    })
}

/// Revokes one access token of this client. Another client's, an unknown one and one that is revoked
/// already are all left as they are.
///
/// # Errors
/// The database's.
pub async fn revoke_access_token(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    client_id: &ClientId,
    jti: Uuid,
) -> Result<RevokedTokens, sqlx::Error> {
    let revoked = sqlx::query(
        "UPDATE issued_access_tokens SET revoked_at = now() \
         WHERE bank = $1 AND jti = $2 AND client_id = $3 AND revoked_at IS NULL",
    )
    .bind(bank.as_str())
    .bind(jti)
    .bind(client_id.as_str())
    .execute(executor)
    .instrument(sql_span("revoke access token"))
    .await?;
    Ok(RevokedTokens {
        refresh_tokens: 0,
        access_tokens: revoked.rows_affected(),
    })
}

/// Revokes a refresh token of this client with every access token that it gave. The connection must be
/// in a transaction: two statements in this order, as in [`revoke_tokens_of_code`].
///
/// # Errors
/// The database's.
pub async fn revoke_refresh_token(
    connection: &mut PgConnection,
    token: &RefreshTokenRow,
) -> Result<RevokedTokens, sqlx::Error> {
    let refresh_tokens = sqlx::query(
        "UPDATE refresh_tokens SET revoked_at = now() \
         WHERE bank = $1 AND token_hash = $2 AND client_id = $3 AND revoked_at IS NULL",
    )
    .bind(token.bank.as_str())
    .bind(token.token_hash)
    .bind(token.client_id.as_str())
    .execute(&mut *connection)
    .instrument(sql_span("revoke refresh token"))
    .await?
    .rows_affected();
    // The code's id is what the index knows.
    let access_tokens = sqlx::query(
        "UPDATE issued_access_tokens SET revoked_at = now() \
         WHERE bank = $1 AND code_id = $2 AND refresh_token_id = $3 AND revoked_at IS NULL",
    )
    .bind(token.bank.as_str())
    .bind(token.code_id)
    .bind(token.refresh_token_id)
    .execute(connection)
    .instrument(sql_span("revoke refresh token"))
    .await?
    .rows_affected();
    Ok(RevokedTokens {
        refresh_tokens,
        access_tokens,
    })
}

/// Deletes the ids of tokens that ended so many days ago or earlier. Returns how many.
///
/// # Errors
/// The database's.
pub async fn purge_issued_access_tokens(
    executor: impl PgExecutor<'_>,
    kept_days: i32,
) -> Result<u64, sqlx::Error> {
    sqlx::query(
        "DELETE FROM issued_access_tokens WHERE expires_at < now() - make_interval(days => $1)",
    )
    .bind(kept_days)
    .execute(executor)
    .instrument(sql_span("purge issued access tokens"))
    .await
    .map(|deleted| deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::PgPool;

    use super::super::access_token;
    use super::super::test_database::TestDatabase;
    use super::super::test_keys::CLIENT_ID;
    use super::*;

    async fn stored_refresh_token(pool: &PgPool) -> RefreshTokenRow {
        let row = RefreshTokenRow {
            bank: BankCode::parse("2963").unwrap(),
            token_hash: [7; 32],
            refresh_token_id: Uuid::from_u128(1),
            client_id: ClientId::parse(CLIENT_ID).unwrap(),
            grant_id: GrantId::parse("g1").unwrap(),
            code_id: Uuid::from_u128(2),
            issued_at: Utc::now(),
        };
        row.insert(pool).await.unwrap();
        row
    }

    async fn issue(
        executor: impl PgExecutor<'_>,
        refresh_token: &RefreshTokenRow,
        jti: u128,
    ) -> Issuance {
        let now = Utc::now();
        let ends = access_token::expires_at(now);
        let jti = Uuid::from_u128(jti);
        issue_from_refresh_token(executor, refresh_token, jti, "k", now, ends)
            .await
            .unwrap()
    }

    /// Until some statement of this database waits for a lock.
    async fn somebody_waits(pool: &PgPool) {
        let sql = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        for _ in 0..500 {
            let waiting: i64 = sqlx::query_scalar(sql).fetch_one(pool).await.unwrap();
            if waiting > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody waits");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_revocation_waits_for_a_token_that_is_being_issued_and_ends_it() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let refresh_token = stored_refresh_token(pool).await;
        assert_eq!(issue(pool, &refresh_token, 10).await, Issuance::Issued);
        let mut issuing = pool.begin().await.unwrap();
        assert_eq!(
            issue(&mut *issuing, &refresh_token, 11).await,
            Issuance::Issued
        );
        let revoking = tokio::spawn({
            let (pool, refresh_token) = (pool.clone(), refresh_token.clone());
            async move {
                let mut transaction = pool.begin().await.unwrap();
                let revoked = revoke_refresh_token(&mut transaction, &refresh_token)
                    .await
                    .unwrap();
                transaction.commit().await.unwrap();
                revoked
            }
        });
        somebody_waits(pool).await;
        issuing.commit().await.unwrap();
        let revoked = revoking.await.unwrap();
        assert_eq!((revoked.refresh_tokens, revoked.access_tokens), (1, 2));
        assert_eq!(
            issue(pool, &refresh_token, 12).await,
            Issuance::RefreshTokenRevoked
        );
        database.drop().await;
    }

    #[tokio::test]
    async fn only_its_own_client_ends_a_token_and_only_once() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let refresh_token = stored_refresh_token(pool).await;
        issue(pool, &refresh_token, 10).await;
        let (bank, jti) = (&refresh_token.bank, Uuid::from_u128(10));
        let other = ClientId::parse("other").unwrap();
        for (client, ended) in [
            (&other, 0),
            (&refresh_token.client_id, 1),
            (&refresh_token.client_id, 0),
        ] {
            let revoked = revoke_access_token(pool, bank, client, jti).await.unwrap();
            assert_eq!((revoked.refresh_tokens, revoked.access_tokens), (0, ended));
        }
        database.drop().await;
    }
}
