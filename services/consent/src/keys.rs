//! The keys of this replica: the shared ones, which never change, and the signing keys, which are
//! read again at intervals because they are rotated while replicas run (docs/decisions/0051).

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use actix_web::web;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consent_domain::{BankCode, Instant};
use sqlx::PgPool;
use tracing::Instrument as _;

use crate::{
    app::App,
    protocol::{
        key_wrap::KeyEncryptionKey,
        keys::{KeyError, KeyRing, SIGHT_SECONDS},
        shared_key::{KeyPurpose, SharedKey},
        signing_key::SigningKey,
    },
    store::sql_span,
};

/// The keys as this replica holds them.
pub struct Keys {
    kek: KeyEncryptionKey,
    signing: RwLock<Reading>,
    code: SharedKey,
    form: SharedKey,
    pairwise: SharedKey,
    content: SharedKey,
    evidence: SharedKey,
}

/// The signing keys as they were read.
struct Reading {
    ring: Arc<KeyRing>,
    /// When the reading began.
    at: std::time::Instant,
}

impl Keys {
    /// Reads the keys, making those that are missing.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn load(pool: &PgPool, kek: KeyEncryptionKey) -> Result<Self, KeyError> {
        let at = std::time::Instant::now();
        let ring = KeyRing::load_or_create(pool, &kek, database_now(pool).await?).await?;
        Ok(Self {
            code: ring.key(KeyPurpose::Code)?.clone(),
            form: ring.key(KeyPurpose::Form)?.clone(),
            pairwise: ring.key(KeyPurpose::Pairwise)?.clone(),
            content: ring.key(KeyPurpose::Content)?.clone(),
            evidence: ring.key(KeyPurpose::Evidence)?.clone(),
            signing: RwLock::new(Reading {
                ring: Arc::new(ring),
                at,
            }),
            kek,
        })
    }

    /// Reads the signing keys again.
    ///
    /// # Errors
    /// [`KeyError`]; the keys stay as they were.
    pub async fn refresh(&self, pool: &PgPool) -> Result<(), KeyError> {
        let at = std::time::Instant::now();
        let ring = KeyRing::load(pool, &self.kek, database_now(pool).await?).await?;
        let mut held = self.signing.write().unwrap_or_else(PoisonError::into_inner);
        // Two readings may end in the other order than they began.
        if held.at <= at {
            *held = Reading {
                ring: Arc::new(ring),
                at,
            };
        }
        Ok(())
    }

    /// The key that wraps what is stored.
    pub fn wrapping(&self) -> &KeyEncryptionKey {
        &self.kek
    }

    /// The signing keys, to verify what we signed: the database is asked about each token all the same.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.reading().ring)
    }

    /// The signing keys, to publish: no older than [`SIGHT_SECONDS`].
    ///
    /// # Errors
    /// [`KeyError`], where they have to be read and can't be.
    pub async fn current_ring(&self, pool: &PgPool) -> Result<Arc<KeyRing>, KeyError> {
        let sight = Duration::from_secs(SIGHT_SECONDS.unsigned_abs());
        self.ring_not_older(pool, sight).await
    }

    async fn ring_not_older(
        &self,
        pool: &PgPool,
        than: Duration,
    ) -> Result<Arc<KeyRing>, KeyError> {
        let too_old = self.reading().at.elapsed() >= than;
        if too_old {
            self.refresh(pool).await?;
        }
        Ok(self.ring())
    }

    /// The key that signs for a bank, by a reading no older than [`SIGHT_SECONDS`].
    ///
    /// # Errors
    /// [`KeyError`]; then nothing is signed.
    pub async fn signing_key(
        &self,
        pool: &PgPool,
        bank: &BankCode,
    ) -> Result<SigningKey, KeyError> {
        let ring = self.current_ring(pool).await?;
        ring.signing_key(bank).cloned()
    }

    fn reading(&self) -> std::sync::RwLockReadGuard<'_, Reading> {
        self.signing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shared key of a purpose.
    pub fn shared(&self, purpose: KeyPurpose) -> &SharedKey {
        match purpose {
            KeyPurpose::Code => &self.code,
            KeyPurpose::Form => &self.form,
            KeyPurpose::Pairwise => &self.pairwise,
            KeyPurpose::Content => &self.content,
            KeyPurpose::Evidence => &self.evidence,
        }
    }

    /// HMAC-SHA256 over the parts as 43 characters of base64url.
    pub fn mac_text(&self, purpose: KeyPurpose, parts: &[&str]) -> String {
        URL_SAFE_NO_PAD.encode(self.shared(purpose).mac(parts))
    }
}

/// Reads the signing keys again and again, until the task is dropped. No other work keeps it waiting: within
/// the interval and a read, this replica goes by what an operator did.
pub async fn watch(app: web::Data<App>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first tick is at once, and the keys have just been read.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let span = tracing::info_span!("read signing keys");
        let read = app.keys.refresh(&app.pool).instrument(span.clone()).await;
        if let Err(error) = read {
            span.in_scope(|| tracing::warn!(%error, "the signing keys could not be read again"));
        }
    }
}

async fn database_now(pool: &PgPool) -> Result<Instant, sqlx::Error> {
    sqlx::query_scalar("SELECT now()")
        .fetch_one(pool)
        .instrument(sql_span("database time"))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::test_database::TestDatabase;

    #[tokio::test]
    async fn a_reading_that_is_too_old_is_read_anew_or_nothing_is_signed() {
        let database = TestDatabase::create().await;
        let pool = database.pool();
        let kek = KeyEncryptionKey::parse(&"A".repeat(43)).unwrap();
        let keys = Keys::load(pool, kek).await.unwrap();
        let bank = BankCode::parse("2963").unwrap();
        let (hour, at_once) = (Duration::from_secs(3600), Duration::ZERO);
        // Somebody else leaves nothing to sign with.
        sqlx::query("UPDATE signing_keys SET state = 'retired', retired_at = now()")
            .execute(pool)
            .await
            .unwrap();

        let by_what_was_read = keys.ring_not_older(pool, hour).await.unwrap();
        let read_anew = keys.ring_not_older(pool, at_once).await.unwrap();

        assert!(by_what_was_read.signing_key(&bank).is_ok());
        assert!(read_anew.signing_key(&bank).is_err());
        pool.close().await;
        assert!(keys.ring_not_older(pool, hour).await.is_ok());
        let unread = keys.ring_not_older(pool, at_once).await;
        assert!(matches!(unread, Err(KeyError::Database(_))));
        database.drop().await;
    }
}
