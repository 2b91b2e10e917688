//! Authorization codes: one use within 60 s, and what a second use costs (RFC 6749 4.1.2).
//!
//! A code is an HMAC of its stored id, so that a repeated authorization answers the same code while
//! the database holds only a hash of it.

use crate::store::{Statement, sql_span};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use consent_domain::{BankCode, ClientId, GrantId, JourneyId};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, Row};
use tracing::Instrument as _;
use uuid::Uuid;

use super::digest::sha256;
use super::oauth_error::OAuthError;
use super::pkce::{CodeChallenge, CodeVerifier};
use super::secret::Secret;
use super::shared_key::SharedKey;
use super::token_ids::{RevokedTokens, revoke_tokens_of_code};

/// A code lives this long.
pub const LIFETIME_SECONDS: i64 = 60;

/// The code of an id, under the `code` key.
pub fn derive(key: &SharedKey, bank: &BankCode, code_id: Uuid) -> Secret {
    let mac = key.mac(&[code_id.as_bytes().as_slice(), bank.as_str().as_bytes()]);
    Secret::new(URL_SAFE_NO_PAD.encode(mac).into())
}

/// The hash that a code is stored under.
pub fn code_hash(code: &Secret) -> [u8; 32] {
    sha256(code.expose().as_bytes())
}

/// A row of `authorization_codes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCodeRow {
    /// Of the issuer.
    pub bank: BankCode,
    /// [`code_hash`].
    pub code_hash: [u8; 32],
    /// [`derive`] makes the code from it.
    pub code_id: Uuid,
    /// To whom.
    pub client_id: ClientId,
    /// What the customer authorized.
    pub grant_id: GrantId,
    /// Where.
    pub journey_id: JourneyId,
    /// Of the pushed request, byte for byte.
    pub redirect_uri: String,
    /// Of the pushed request.
    pub code_challenge: CodeChallenge,
    /// The database's clock.
    pub issued_at: DateTime<Utc>,
    /// [`LIFETIME_SECONDS`] later.
    pub expires_at: DateTime<Utc>,
    /// Its one use.
    pub used_at: Option<DateTime<Utc>>,
    /// Empty until tokens are sender-constrained.
    pub dpop_jkt: Option<String>,
}

/// What [`AuthorizationCodeRow::read`] takes of a row, by name: a plan that a connection keeps outlives columns
/// that are added.
const COLUMNS: &str = "bank, code_hash, code_id, client_id, grant_id, journey_id, redirect_uri, code_challenge, \
    issued_at, expires_at, used_at, dpop_jkt";

/// What a new code stands for.
#[derive(Clone, Debug)]
pub struct CodeSubject {
    /// To whom.
    pub client_id: ClientId,
    /// What the customer authorized.
    pub grant_id: GrantId,
    /// Where.
    pub journey_id: JourneyId,
    /// Of the pushed request.
    pub redirect_uri: String,
    /// Of the pushed request.
    pub code_challenge: CodeChallenge,
}

impl AuthorizationCodeRow {
    /// The row of a code issued at `now`.
    pub fn new(
        key: &SharedKey,
        bank: BankCode,
        code_id: Uuid,
        subject: CodeSubject,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            code_hash: code_hash(&derive(key, &bank, code_id)),
            bank,
            code_id,
            client_id: subject.client_id,
            grant_id: subject.grant_id,
            journey_id: subject.journey_id,
            redirect_uri: subject.redirect_uri,
            code_challenge: subject.code_challenge,
            issued_at: now,
            expires_at: now + Duration::seconds(LIFETIME_SECONDS),
            used_at: None,
            dpop_jkt: None,
        }
    }

    /// The SQL that inserts the row with what else `statement` writes.
    pub fn insert(&self, statement: &mut Statement) -> String {
        let values = [
            statement.bind(self.bank.to_string()),
            statement.bind(self.code_hash.to_vec()),
            statement.bind(self.code_id),
            statement.bind(self.client_id.to_string()),
            statement.bind(self.grant_id.to_string()),
            statement.bind(self.journey_id.to_string()),
            statement.bind(self.redirect_uri.clone()),
            statement.bind(self.code_challenge.as_str().to_owned()),
            statement.bind(self.issued_at),
            statement.bind(self.expires_at),
            statement.bind(self.dpop_jkt.clone()),
        ];
        format!(
            "INSERT INTO authorization_codes (bank, code_hash, code_id, client_id, grant_id,
                journey_id, redirect_uri, code_challenge, issued_at, expires_at, dpop_jkt)
             VALUES ({})",
            values.join(", ")
        )
    }

    fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        fn text<T, E: std::error::Error + Send + Sync + 'static>(
            row: &PgRow,
            column: &str,
            parse: impl FnOnce(String) -> Result<T, E>,
        ) -> Result<T, sqlx::Error> {
            parse(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
        }
        Ok(Self {
            bank: text(row, "bank", BankCode::parse)?,
            code_hash: row.try_get("code_hash")?,
            code_id: row.try_get("code_id")?,
            client_id: text(row, "client_id", ClientId::parse)?,
            grant_id: text(row, "grant_id", GrantId::parse)?,
            journey_id: text(row, "journey_id", JourneyId::parse)?,
            redirect_uri: row.try_get("redirect_uri")?,
            code_challenge: text(row, "code_challenge", |text| CodeChallenge::parse(&text))?,
            issued_at: row.try_get("issued_at")?,
            expires_at: row.try_get("expires_at")?,
            used_at: row.try_get("used_at")?,
            dpop_jkt: row.try_get("dpop_jkt")?,
        })
    }
}

/// Finds the latest code of a journey, for answering a repeated authorization with the same code
/// while it is unused and young.
///
/// # Errors
/// The database's.
pub async fn find_by_journey(
    executor: impl PgExecutor<'_>,
    bank: &BankCode,
    journey_id: &JourneyId,
) -> Result<Option<AuthorizationCodeRow>, sqlx::Error> {
    sqlx::query(&format!(
        "SELECT {COLUMNS} FROM authorization_codes WHERE bank = $1 AND journey_id = $2 \
         ORDER BY issued_at DESC LIMIT 1",
    ))
    .bind(bank.as_str())
    .bind(journey_id.as_str())
    .fetch_optional(executor)
    .instrument(sql_span("find by journey"))
    .await?
    .as_ref()
    .map(AuthorizationCodeRow::read)
    .transpose()
}

/// What an authenticated client presents.
#[derive(Clone, Copy, Debug)]
pub struct CodePresented<'a> {
    /// Of the issuer that was asked.
    pub bank: &'a BankCode,
    /// As authenticated.
    pub client_id: &'a ClientId,
    /// The code.
    pub code: &'a Secret,
    /// To equal the pushed one.
    pub redirect_uri: &'a str,
    /// To meet the challenge.
    pub code_verifier: &'a CodeVerifier,
}

/// What came of a code. Everything but `Redeemed` is answered with `invalid_grant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// The first use: the one that gives tokens.
    Redeemed(Box<AuthorizationCodeRow>),
    /// A second use, proven to be the client's: the tokens of the first were revoked.
    Replayed {
        /// The grant, which lives on.
        grant_id: GrantId,
        /// What was revoked.
        revoked: RevokedTokens,
    },
    /// Too late.
    Expired,
    /// Unknown, another client's, or another redirect URI or verifier; nothing was changed.
    Refused,
}

impl Redemption {
    /// The row that gives tokens.
    ///
    /// # Errors
    /// `invalid_grant`; commit all the same, or a revocation is lost.
    pub fn into_redeemed(self) -> Result<AuthorizationCodeRow, OAuthError> {
        match self {
            Self::Redeemed(row) => Ok(*row),
            Self::Replayed { .. } | Self::Expired | Self::Refused => {
                Err(OAuthError::invalid_grant())
            }
        }
    }
}

/// Uses a code. The connection must be in a transaction that also inserts the tokens: a parallel
/// second use waits for its end, so that it finds and revokes them (READ COMMITTED). Commit
/// whatever the outcome.
///
/// # Errors
/// The database's.
pub async fn redeem(
    connection: &mut PgConnection,
    presented: CodePresented<'_>,
) -> Result<Redemption, sqlx::Error> {
    let used = sqlx::query(&format!(
        "UPDATE authorization_codes SET used_at = now() WHERE bank = $1 AND code_hash = $2 \
         AND client_id = $3 AND redirect_uri = $4 AND code_challenge = $5 \
         AND used_at IS NULL AND expires_at > now() RETURNING {COLUMNS}",
    ))
    .bind(presented.bank.as_str())
    .bind(code_hash(presented.code))
    .bind(presented.client_id.as_str())
    .bind(presented.redirect_uri)
    .bind(presented.code_verifier.challenge().as_str())
    .fetch_optional(&mut *connection)
    .instrument(sql_span("redeem authorization code"))
    .await?;
    if let Some(row) = used {
        return Ok(Redemption::Redeemed(Box::new(AuthorizationCodeRow::read(
            &row,
        )?)));
    }
    let Some(found) = find_proven(&mut *connection, presented).await? else {
        return Ok(Redemption::Refused);
    };
    if found.used_at.is_none() {
        return Ok(Redemption::Expired);
    }
    let revoked = revoke_tokens_of_code(connection, presented.bank, found.code_id).await?;
    Ok(Redemption::Replayed {
        grant_id: found.grant_id,
        revoked,
    })
}

/// Finds the code if client, redirect URI and verifier are the right ones, used or not.
///
/// # Errors
/// The database's.
pub async fn find_proven(
    executor: impl PgExecutor<'_>,
    presented: CodePresented<'_>,
) -> Result<Option<AuthorizationCodeRow>, sqlx::Error> {
    let row = sqlx::query(&format!(
        "SELECT {COLUMNS} FROM authorization_codes \
         WHERE bank = $1 AND code_hash = $2 AND client_id = $3",
    ))
    .bind(presented.bank.as_str())
    .bind(code_hash(presented.code))
    .bind(presented.client_id.as_str())
    .fetch_optional(executor)
    .instrument(sql_span("find proven"))
    .await?;
    let found = row.as_ref().map(AuthorizationCodeRow::read).transpose()?;
    Ok(found.filter(|row| {
        row.redirect_uri == presented.redirect_uri
            && row.code_challenge.is_met_by(presented.code_verifier)
    }))
}

/// Deletes codes issued so many days ago or earlier; until then a second use is still known as one.
/// Returns how many.
///
/// # Errors
/// The database's.
pub async fn purge_authorization_codes(
    executor: impl PgExecutor<'_>,
    kept_days: i32,
) -> Result<u64, sqlx::Error> {
    sqlx::query(
        "DELETE FROM authorization_codes WHERE issued_at < now() - make_interval(days => $1)",
    )
    .bind(kept_days)
    .execute(executor)
    .instrument(sql_span("purge authorization codes"))
    .await
    .map(|deleted| deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use sqlx::PgPool;

    use super::super::access_token;
    use super::super::refresh_token::{self, RefreshTokenRow};
    use super::super::test_database::{TestDatabase, write_alone};
    use super::super::token_ids::{Issuance, IssuedAccessTokenRow, issue_from_refresh_token};
    use super::*;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const REDIRECT_URI: &str = "https://partner.example/cb";

    fn bank() -> BankCode {
        BankCode::parse("2963").unwrap()
    }

    fn client() -> ClientId {
        ClientId::parse("kaikei-app").unwrap()
    }

    fn verifier() -> CodeVerifier {
        CodeVerifier::parse(VERIFIER.to_owned().into()).unwrap()
    }

    /// A code issued some seconds ago.
    async fn issue(pool: &PgPool, seconds_ago: i64) -> Secret {
        let key = SharedKey::new(zeroize::Zeroizing::new([1; 32]));
        let subject = CodeSubject {
            client_id: client(),
            grant_id: GrantId::parse("g1").unwrap(),
            journey_id: JourneyId::parse("j1").unwrap(),
            redirect_uri: REDIRECT_URI.to_owned(),
            code_challenge: verifier().challenge(),
        };
        let then = Utc::now() - Duration::seconds(seconds_ago);
        let row = AuthorizationCodeRow::new(&key, bank(), Uuid::new_v4(), subject, then);
        write_alone(pool, |statement| row.insert(statement)).await;
        derive(&key, &bank(), row.code_id)
    }

    async fn insert_tokens(connection: &mut PgConnection, code: &AuthorizationCodeRow) -> Secret {
        let token = refresh_token::mint();
        let refresh_token = RefreshTokenRow {
            bank: code.bank.clone(),
            token_hash: refresh_token::token_hash(&token),
            refresh_token_id: Uuid::new_v4(),
            client_id: code.client_id.clone(),
            grant_id: code.grant_id.clone(),
            code_id: code.code_id,
            issued_at: code.issued_at,
        };
        refresh_token.insert(&mut *connection).await.unwrap();
        let access_token = IssuedAccessTokenRow {
            bank: code.bank.clone(),
            jti: Uuid::new_v4(),
            client_id: code.client_id.clone(),
            grant_id: code.grant_id.clone(),
            code_id: code.code_id,
            refresh_token_id: Some(refresh_token.refresh_token_id),
            issued_at: code.issued_at,
            expires_at: access_token::expires_at(code.issued_at),
            kid: "k".to_owned(),
        };
        access_token.insert(connection).await.unwrap();
        token
    }

    /// One request to the token endpoint, with the tokens of a success.
    async fn exchange(pool: &PgPool, presented: CodePresented<'_>) -> (Redemption, Option<Secret>) {
        let mut transaction = pool.begin().await.unwrap();
        let redemption = redeem(&mut transaction, presented).await.unwrap();
        let token = match &redemption {
            Redemption::Redeemed(code) => Some(insert_tokens(&mut transaction, code).await),
            _ => None,
        };
        transaction.commit().await.unwrap();
        (redemption, token)
    }

    async fn exchange_code(pool: &PgPool, code: &Secret) -> (Redemption, Option<Secret>) {
        let presented = CodePresented {
            bank: &bank(),
            client_id: &client(),
            code,
            redirect_uri: REDIRECT_URI,
            code_verifier: &verifier(),
        };
        exchange(pool, presented).await
    }

    async fn live_tokens(pool: &PgPool) -> i64 {
        sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM refresh_tokens WHERE revoked_at IS NULL) \
             + (SELECT count(*) FROM issued_access_tokens WHERE revoked_at IS NULL)",
        )
        .fetch_one(pool)
        .await
        .unwrap()
    }

    #[test]
    fn a_code_follows_from_its_id_and_bank() {
        let (key, id) = (
            SharedKey::new(zeroize::Zeroizing::new([1; 32])),
            Uuid::from_u128(7),
        );
        let code = derive(&key, &bank(), id);
        assert_eq!(code.expose(), derive(&key, &bank(), id).expose());
        assert_eq!(code.expose().len(), 43);
        let others = [
            derive(&key, &BankCode::parse("2951").unwrap(), id),
            derive(&key, &bank(), Uuid::from_u128(8)),
            derive(
                &SharedKey::new(zeroize::Zeroizing::new([2; 32])),
                &bank(),
                id,
            ),
        ];
        assert!(others.iter().all(|other| other.expose() != code.expose()));
    }

    #[tokio::test]
    async fn a_code_gives_tokens_once_and_its_repeat_ends_them() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let code = issue(pool, 0).await;
        let (first, token) = exchange_code(pool, &code).await;
        assert_eq!(first.into_redeemed().unwrap().grant_id.as_str(), "g1");
        let token = token.unwrap();
        let refresh_token = refresh_token::find(pool, &bank(), &client(), &token)
            .await
            .unwrap()
            .unwrap();
        let issue_access_token = || {
            let now = Utc::now();
            issue_from_refresh_token(pool, &refresh_token, Uuid::new_v4(), "k", now, now)
        };
        assert_eq!(issue_access_token().await.unwrap(), Issuance::Issued);
        assert_eq!(live_tokens(pool).await, 3);

        let (second, _) = exchange_code(pool, &code).await;
        let revoked = RevokedTokens {
            refresh_tokens: 1,
            access_tokens: 2,
        };
        assert!(matches!(&second, Redemption::Replayed { revoked: of, .. } if *of == revoked));
        assert_eq!(second.into_redeemed().unwrap_err().error, "invalid_grant");
        assert_eq!(live_tokens(pool).await, 0);
        assert_eq!(
            refresh_token::find(pool, &bank(), &client(), &token)
                .await
                .unwrap(),
            None
        );
        assert_eq!(
            issue_access_token().await.unwrap(),
            Issuance::RefreshTokenRevoked
        );
        database.drop().await;
    }

    #[tokio::test]
    async fn another_codes_tokens_live_on() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let (earlier, later) = (issue(pool, 0).await, issue(pool, 0).await);
        exchange_code(pool, &earlier).await;
        exchange_code(pool, &later).await;
        exchange_code(pool, &later).await;
        assert_eq!(live_tokens(pool).await, 2);
        database.drop().await;
    }

    #[tokio::test]
    async fn an_unproven_use_changes_nothing() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let code = issue(pool, 0).await;
        let (bank, client, verifier) = (bank(), client(), verifier());
        let other_bank = BankCode::parse("2951").unwrap();
        let other_client = ClientId::parse("other").unwrap();
        let other_verifier = CodeVerifier::parse("a".repeat(43).into()).unwrap();
        let other_code = derive(
            &SharedKey::new(zeroize::Zeroizing::new([2; 32])),
            &bank,
            Uuid::from_u128(7),
        );
        let right = CodePresented {
            bank: &bank,
            client_id: &client,
            code: &code,
            redirect_uri: REDIRECT_URI,
            code_verifier: &verifier,
        };
        for when in ["unused", "used"] {
            for wrong in [
                CodePresented {
                    bank: &other_bank,
                    ..right
                },
                CodePresented {
                    client_id: &other_client,
                    ..right
                },
                CodePresented {
                    code: &other_code,
                    ..right
                },
                CodePresented {
                    redirect_uri: "https://partner.example/cb?",
                    ..right
                },
                CodePresented {
                    code_verifier: &other_verifier,
                    ..right
                },
            ] {
                let (redemption, _) = exchange(pool, wrong).await;
                assert_eq!(redemption, Redemption::Refused, "{when}");
            }
            if when == "unused" {
                let (redemption, _) = exchange(pool, right).await;
                assert!(matches!(redemption, Redemption::Redeemed(_)));
            }
            assert_eq!(live_tokens(pool).await, 2, "{when}");
        }
        database.drop().await;
    }

    #[tokio::test]
    async fn a_code_ends_after_a_minute() {
        let database = TestDatabase::create().await;
        let code = issue(database.pool(), 61).await;
        assert_eq!(
            exchange_code(database.pool(), &code).await.0,
            Redemption::Expired
        );
        database.drop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_fifty_parallel_uses_one_redeems_and_the_others_end_its_tokens() {
        let database = TestDatabase::create().await;
        let code = issue(database.pool(), 0).await;
        let uses: Vec<_> = (0..50)
            .map(|_| {
                let (pool, code) = (database.pool().clone(), code.clone());
                tokio::spawn(async move { exchange_code(&pool, &code).await.0 })
            })
            .collect();
        let mut redeemed = 0;
        for each in uses {
            match each.await.unwrap() {
                Redemption::Redeemed(_) => redeemed += 1,
                other => assert!(matches!(other, Redemption::Replayed { .. }), "{other:?}"),
            }
        }
        assert_eq!(redeemed, 1);
        assert_eq!(live_tokens(database.pool()).await, 0);
        database.drop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_token_of_a_parallel_refresh_outlives_the_revocation() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let code = issue(pool, 0).await;
        let (_, token) = exchange_code(pool, &code).await;
        let row = refresh_token::find(pool, &bank(), &client(), &token.unwrap())
            .await
            .unwrap();
        // A refresh has issued but not committed when the code is used again.
        let mut refresh = pool.begin().await.unwrap();
        let now = Utc::now();
        let issued =
            issue_from_refresh_token(&mut *refresh, &row.unwrap(), Uuid::new_v4(), "k", now, now)
                .await;
        assert_eq!(issued.unwrap(), Issuance::Issued);
        let replay = tokio::spawn({
            let pool = pool.clone();
            async move { exchange_code(&pool, &code).await.0 }
        });
        while !replay.is_finished() && !somebody_waits_for_a_lock(pool).await {}
        refresh.commit().await.unwrap();
        assert!(matches!(replay.await.unwrap(), Redemption::Replayed { .. }));
        assert_eq!(live_tokens(pool).await, 0);
        database.drop().await;
    }

    async fn somebody_waits_for_a_lock(pool: &PgPool) -> bool {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock')",
        )
        .fetch_one(pool)
        .await
        .unwrap()
    }
}
