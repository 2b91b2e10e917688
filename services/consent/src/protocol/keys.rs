//! The keys that all replicas share: created once, stored wrapped, rotated while in use.
//!
//! A signing key is published before it signs, and stays published after it stopped until the
//! last token that it signed has ended; one that got out is revoked and gone at once. Who changes them
//! is [`crate::signing_keys`].

use crate::store::sql_span;
use std::collections::BTreeMap;
use tracing::Instrument as _;

use chrono::{DateTime, Duration, Utc};
use consent_domain::BankCode;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{PgExecutor, PgPool, Row};
use zeroize::Zeroizing;

use super::access_token::LIFETIME_SECONDS;
use super::json_web_key::PublicKey;
use super::key_wrap::{DoesNotOpen, KeyEncryptionKey, WrappedKey};
use super::shared_key::{KeyPurpose, SharedKey};
use super::signing_key::SigningKey;
use crate::entropy::random_bytes;

/// No replica signs by a reading of the keys that is older, nor publishes it.
pub const SIGHT_SECONDS: i64 = 60;
/// Whoever fetches a key set may keep it for so long (`Cache-Control`).
pub const KEY_SET_MAX_AGE_SECONDS: i64 = 300;
/// account-api goes on with keys that it fetched up to so long ago, where it can't fetch them anew.
const VERIFIERS_KEEP_SECONDS: i64 = 3600;
/// So long a key is published before it may sign: until every replica publishes it, every cache on the way has
/// let go of a set without it, and so has a verifier who could not reach us.
pub const PUBLISHED_SECONDS: i64 = SIGHT_SECONDS + KEY_SET_MAX_AGE_SECONDS + VERIFIERS_KEEP_SECONDS;
/// Clocks of verifiers may be behind ours by so much; account-api's own leeway is 10 seconds.
const LEEWAY_SECONDS: i64 = 60;
/// A retired key stays published this long: the longest token, of a replica that went on signing with it until
/// it read the keys again.
pub const RETIRED_SECONDS: i64 = LIFETIME_SECONDS + SIGHT_SECONDS + LEEWAY_SECONDS;

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A stored key does not open: the setting does not belong to this database.
    #[error("the stored key {0} does not open: is this database's key-encryption key configured?")]
    DoesNotOpen(String),
    /// A key is not there after it was created.
    #[error("the key {0} is missing")]
    Missing(&'static str),
}

#[derive(Debug)]
struct StoredSigningKey {
    bank: Option<String>,
    state: SigningKeyState,
    public_jwk: Value,
    key: SigningKey,
}

/// Where a signing key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SigningKeyState {
    /// In the key set; it does not sign yet.
    Published,
    /// It signs.
    Active,
    /// It signs no more, and is in the key set for [`RETIRED_SECONDS`].
    Retired,
    /// It got out: nothing that it signed is believed.
    Revoked,
}

impl SigningKeyState {
    const ALL: [Self; 4] = [Self::Published, Self::Active, Self::Retired, Self::Revoked];

    /// The word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Active => "active",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }
}

impl TryFrom<String> for SigningKeyState {
    type Error = sqlx::Error;

    fn try_from(word: String) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| sqlx::Error::Decode(format!("no state of a key is {word}").into()))
    }
}

/// The keys as one reading found them. Read them again at intervals: another replica may rotate.
#[derive(Debug)]
pub struct KeyRing {
    signing: Vec<StoredSigningKey>,
    shared: BTreeMap<KeyPurpose, SharedKey>,
}

impl KeyRing {
    /// Reads the keys, making those that are missing. Any number of replicas may do so at once:
    /// the tables admit one of each, and everybody reads what won.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn load_or_create(
        pool: &PgPool,
        kek: &KeyEncryptionKey,
        now: DateTime<Utc>,
    ) -> Result<Self, KeyError> {
        let found = Self::load(pool, kek, now).await?;
        if found.is_complete() {
            return Ok(found);
        }
        for purpose in KeyPurpose::ALL {
            if !found.shared.contains_key(&purpose) {
                insert_shared_key(pool, kek, purpose, now).await?;
            }
        }
        if found.active(None).is_none() {
            insert_signing_key(pool, kek, NewSigningKey::active(None, now)).await?;
        }
        let ring = Self::load(pool, kek, now).await?;
        if ring.is_complete() {
            Ok(ring)
        } else {
            Err(KeyError::Missing("of a new key ring"))
        }
    }

    /// Reads the keys, making none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn load(
        pool: &PgPool,
        kek: &KeyEncryptionKey,
        now: DateTime<Utc>,
    ) -> Result<Self, KeyError> {
        Ok(Self {
            signing: load_signing_keys(pool, kek, now).await?,
            shared: load_shared_keys(pool, kek).await?,
        })
    }

    fn is_complete(&self) -> bool {
        let shared = KeyPurpose::ALL
            .iter()
            .all(|purpose| self.shared.contains_key(purpose));
        shared && self.active(None).is_some()
    }

    fn active(&self, bank: Option<&str>) -> Option<&SigningKey> {
        self.signing
            .iter()
            .find(|stored| {
                stored.state == SigningKeyState::Active && stored.bank.as_deref() == bank
            })
            .map(|stored| &stored.key)
    }

    /// The key that signs for a bank: its own, else the one of every bank.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn signing_key(&self, bank: &BankCode) -> Result<&SigningKey, KeyError> {
        self.active(Some(bank.as_str()))
            .or_else(|| self.active(None))
            .ok_or(KeyError::Missing("that signs"))
    }

    /// The shared key of a purpose.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn key(&self, purpose: KeyPurpose) -> Result<&SharedKey, KeyError> {
        self.shared
            .get(&purpose)
            .ok_or(KeyError::Missing(purpose.as_str()))
    }

    /// The JWK set that a bank's issuer publishes.
    pub fn jwks(&self, bank: &BankCode) -> Value {
        let keys: Vec<&Value> = self
            .published(bank)
            .map(|stored| &stored.public_jwk)
            .collect();
        json!({ "keys": keys })
    }

    /// The published key of that id, for a token that says it is from this bank's issuer.
    pub fn find_published(&self, bank: &BankCode, kid: &str) -> Option<PublicKey> {
        let stored = self
            .published(bank)
            .find(|stored| stored.key.kid() == kid)?;
        PublicKey::parse(&stored.public_jwk).ok()
    }

    fn published(&self, bank: &BankCode) -> impl Iterator<Item = &StoredSigningKey> {
        self.signing.iter().filter(move |stored| {
            stored
                .bank
                .as_deref()
                .is_none_or(|own| own == bank.as_str())
        })
    }
}

// The wrapped bytes are bound to this name.
fn signing_key_name(kid: &str) -> String {
    format!("signing_key:{kid}")
}

fn open(
    kek: &KeyEncryptionKey,
    name: String,
    ciphertext: Vec<u8>,
    nonce: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    kek.unwrap(&name, &WrappedKey { ciphertext, nonce })
        .map_err(|DoesNotOpen| KeyError::DoesNotOpen(name))
}

async fn load_signing_keys(
    pool: &PgPool,
    kek: &KeyEncryptionKey,
    now: DateTime<Utc>,
) -> Result<Vec<StoredSigningKey>, KeyError> {
    let rows = sqlx::query(
        "SELECT kid, bank, public_jwk, private_key_wrapped, private_key_nonce, state \
         FROM signing_keys WHERE state IN ('published', 'active') \
            OR (state = 'retired' AND retired_at > $1) ORDER BY created_at, kid",
    )
    .bind(now - Duration::seconds(RETIRED_SECONDS))
    .fetch_all(pool)
    .instrument(sql_span("load signing keys"))
    .await?;
    rows.iter()
        .map(|row| {
            let kid: String = row.try_get("kid")?;
            let name = signing_key_name(&kid);
            let (wrapped, nonce) = (
                row.try_get("private_key_wrapped")?,
                row.try_get("private_key_nonce")?,
            );
            let scalar = open(kek, name.clone(), wrapped, nonce)?;
            Ok(StoredSigningKey {
                bank: row.try_get("bank")?,
                state: row.try_get::<String, _>("state")?.try_into()?,
                public_jwk: row.try_get("public_jwk")?,
                key: SigningKey::from_scalar(&scalar).map_err(|_| KeyError::DoesNotOpen(name))?,
            })
        })
        .collect()
}

async fn load_shared_keys(
    pool: &PgPool,
    kek: &KeyEncryptionKey,
) -> Result<BTreeMap<KeyPurpose, SharedKey>, KeyError> {
    let rows = sqlx::query("SELECT name, key_wrapped, key_nonce FROM shared_keys")
        .fetch_all(pool)
        .instrument(sql_span("load shared keys"))
        .await?;
    let mut keys = BTreeMap::new();
    for row in rows {
        let stored: String = row.try_get("name")?;
        let Some(purpose) = KeyPurpose::ALL
            .into_iter()
            .find(|known| known.as_str() == stored)
        else {
            continue;
        };
        let wrapped = WrappedKey {
            ciphertext: row.try_get("key_wrapped")?,
            nonce: row.try_get("key_nonce")?,
        };
        let key = SharedKey::open(kek, purpose, &wrapped)
            .map_err(|DoesNotOpen| KeyError::DoesNotOpen(purpose.wrapped_name()))?;
        keys.insert(purpose, key);
    }
    Ok(keys)
}

async fn insert_shared_key(
    pool: &PgPool,
    kek: &KeyEncryptionKey,
    purpose: KeyPurpose,
    now: DateTime<Utc>,
) -> Result<(), KeyError> {
    let name = purpose.wrapped_name();
    let key = random_bytes::<32>();
    let wrapped = kek
        .wrap(&name, key.as_slice(), *random_bytes())
        .map_err(|DoesNotOpen| KeyError::DoesNotOpen(name))?;
    sqlx::query(
        "INSERT INTO shared_keys (name, key_wrapped, key_nonce, created_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(purpose.as_str())
    .bind(wrapped.ciphertext)
    .bind(wrapped.nonce)
    .bind(now)
    .execute(pool)
    .instrument(sql_span("insert shared key"))
    .await?;
    Ok(())
}

/// Whether the key that was made last opens, where there is one.
///
/// # Errors
/// [`KeyError::DoesNotOpen`], the database's.
pub(crate) async fn must_open_stored(
    executor: impl PgExecutor<'_>,
    kek: &KeyEncryptionKey,
) -> Result<(), KeyError> {
    let last: Option<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT kid, private_key_wrapped, private_key_nonce FROM signing_keys
         ORDER BY created_at DESC, kid LIMIT 1",
    )
    .fetch_optional(executor)
    .instrument(sql_span("open last signing key"))
    .await?;
    if let Some((kid, wrapped, nonce)) = last {
        open(kek, signing_key_name(&kid), wrapped, nonce)?;
    }
    Ok(())
}

/// A signing key that is to be made.
pub(crate) struct NewSigningKey<'a> {
    /// Whose; none: every bank's.
    bank: Option<&'a BankCode>,
    state: SigningKeyState,
    /// It may sign from here on.
    not_before: DateTime<Utc>,
    activated_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl<'a> NewSigningKey<'a> {
    /// One that signs at once.
    pub(crate) fn active(bank: Option<&'a BankCode>, now: DateTime<Utc>) -> Self {
        Self {
            bank,
            state: SigningKeyState::Active,
            not_before: now,
            activated_at: Some(now),
            now,
        }
    }

    /// One that may sign from `not_before` on.
    pub(crate) fn published(
        bank: Option<&'a BankCode>,
        not_before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            bank,
            state: SigningKeyState::Published,
            not_before,
            activated_at: None,
            now,
        }
    }
}

/// Makes a signing key and gives its id. Where another one is active there already, it makes none.
///
/// # Errors
/// [`KeyError`].
pub(crate) async fn insert_signing_key(
    executor: impl PgExecutor<'_>,
    kek: &KeyEncryptionKey,
    new: NewSigningKey<'_>,
) -> Result<String, KeyError> {
    let key = SigningKey::generate();
    let name = signing_key_name(key.kid());
    let wrapped = kek
        .wrap(&name, &key.to_scalar(), *random_bytes())
        .map_err(|DoesNotOpen| KeyError::DoesNotOpen(name))?;
    sqlx::query(
        "INSERT INTO signing_keys (kid, bank, algorithm, public_jwk, private_key_wrapped, \
         private_key_nonce, state, not_before, created_at, activated_at) \
         VALUES ($1, $2, 'ES256', $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
    )
    .bind(key.kid())
    .bind(new.bank.map(BankCode::as_str))
    .bind(key.public_jwk())
    .bind(wrapped.ciphertext)
    .bind(wrapped.nonce)
    .bind(new.state.as_str())
    .bind(new.not_before)
    .bind(new.now)
    .bind(new.activated_at)
    .execute(executor)
    .instrument(sql_span("insert signing key"))
    .await?;
    Ok(key.kid().to_owned())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::super::test_database::TestDatabase;
    use super::*;

    fn kek(byte: u8) -> KeyEncryptionKey {
        KeyEncryptionKey::parse(&URL_SAFE_NO_PAD.encode([byte; 32])).unwrap()
    }

    fn bank() -> BankCode {
        BankCode::parse("2963").unwrap()
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600, 0).unwrap()
    }

    fn kids(ring: &KeyRing) -> Vec<String> {
        let jwks = ring.jwks(&bank());
        let keys = jwks["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned())
            .collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn fifty_replicas_starting_at_once_share_one_of_each_key() {
        let database = TestDatabase::create().await;
        let starts: Vec<_> = (0..50)
            .map(|_| {
                let pool = database.pool().clone();
                tokio::spawn(async move {
                    let ring = KeyRing::load_or_create(&pool, &kek(1), now())
                        .await
                        .unwrap();
                    let macs =
                        KeyPurpose::ALL.map(|purpose| ring.key(purpose).unwrap().mac(&["x"]));
                    (
                        ring.signing_key(&bank()).unwrap().kid().to_owned(),
                        macs,
                        kids(&ring),
                    )
                })
            })
            .collect();
        let mut seen = Vec::new();
        for start in starts {
            seen.push(start.await.unwrap());
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]));
        assert_eq!(seen[0].2, [seen[0].0.clone()]);
        database.drop().await;
    }

    #[tokio::test]
    async fn another_key_encryption_key_opens_nothing() {
        let database = TestDatabase::create().await;
        KeyRing::load_or_create(database.pool(), &kek(1), now())
            .await
            .unwrap();
        let error = KeyRing::load_or_create(database.pool(), &kek(2), now())
            .await
            .unwrap_err();
        assert!(matches!(error, KeyError::DoesNotOpen(_)));
        database.drop().await;
    }

    #[tokio::test]
    async fn a_ring_holds_what_is_published_and_what_retired_until_its_last_token_ends() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let ring = KeyRing::load_or_create(pool, &kek(1), now()).await.unwrap();
        let first = ring.signing_key(&bank()).unwrap().kid().to_owned();
        let new = NewSigningKey::published(None, now(), now());
        let second = insert_signing_key(pool, &kek(1), new).await.unwrap();
        let of_another_bank = BankCode::parse("2951").unwrap();
        let new = NewSigningKey::active(Some(&of_another_bank), now());
        let own = insert_signing_key(pool, &kek(1), new).await.unwrap();

        let ring = KeyRing::load(pool, &kek(1), now()).await.unwrap();
        assert_eq!(ring.signing_key(&bank()).unwrap().kid(), first);
        assert_eq!(ring.signing_key(&of_another_bank).unwrap().kid(), own);
        assert!(kids(&ring).contains(&second) && !kids(&ring).contains(&own));
        assert!(ring.find_published(&of_another_bank, &first).is_some());

        for (kid, state, column) in [
            (&first, "retired", "retired_at"),
            (&second, "revoked", "revoked_at"),
        ] {
            let sql = format!("UPDATE signing_keys SET state = $2, {column} = $3 WHERE kid = $1");
            let changed = sqlx::query(&sql).bind(kid).bind(state).bind(now());
            changed.execute(pool).await.unwrap();
        }
        let last = now() + Duration::seconds(RETIRED_SECONDS - 1);
        let ring = KeyRing::load(pool, &kek(1), last).await.unwrap();
        assert_eq!(kids(&ring), [first]);
        let over = now() + Duration::seconds(RETIRED_SECONDS);
        let ring = KeyRing::load(pool, &kek(1), over).await.unwrap();
        assert!(kids(&ring).is_empty());
        database.drop().await;
    }

    #[tokio::test]
    async fn the_service_writes_and_the_auditor_sees_no_secret() {
        let database = TestDatabase::create().await;
        KeyRing::load_or_create(database.pool(), &kek(1), now())
            .await
            .unwrap();
        let mut connection = database.pool().acquire().await.unwrap();
        let mut run = async |statement: &'static str| {
            sqlx::raw_sql(statement)
                .execute(&mut *connection)
                .await
                .map(drop)
        };
        run("SET ROLE renkei_protocol_test_service").await.unwrap();
        run("UPDATE shared_keys SET created_at = created_at")
            .await
            .unwrap();
        run("SELECT * FROM refresh_tokens FOR SHARE").await.unwrap();
        run("SET ROLE renkei_protocol_test_auditor").await.unwrap();
        run("SELECT kid, state, public_jwk FROM signing_keys")
            .await
            .unwrap();
        for secret in [
            "SELECT private_key_wrapped FROM signing_keys",
            "SELECT key_wrapped FROM shared_keys",
            "SELECT code_hash FROM authorization_codes",
            "SELECT token_hash FROM refresh_tokens",
            "SELECT parameters FROM pushed_requests",
            "DELETE FROM used_jtis",
        ] {
            run(secret).await.unwrap_err();
        }
        run("RESET ROLE").await.unwrap();
        drop(connection);
        database.drop().await;
    }
}
