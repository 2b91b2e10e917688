//! The keys of this replica: the shared ones, which never change, and the signing keys, which are
//! read again at intervals because another replica may rotate them.

use crate::store::sql_span;
use std::sync::{Arc, PoisonError, RwLock};
use tracing::Instrument as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use consent_domain::Instant;
use sqlx::PgPool;

use crate::protocol::{
    key_wrap::KeyEncryptionKey,
    keys::{KeyError, KeyRing},
    shared_key::{KeyPurpose, SharedKey},
};

/// The keys as this replica holds them.
pub struct Keys {
    kek: KeyEncryptionKey,
    ring: RwLock<Arc<KeyRing>>,
    code: SharedKey,
    form: SharedKey,
    pairwise: SharedKey,
    content: SharedKey,
    evidence: SharedKey,
}

impl Keys {
    /// Reads the keys, making those that are missing.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn load(pool: &PgPool, kek: KeyEncryptionKey) -> Result<Self, KeyError> {
        let ring = KeyRing::load_or_create(pool, &kek, database_now(pool).await?).await?;
        Ok(Self {
            code: ring.key(KeyPurpose::Code)?.clone(),
            form: ring.key(KeyPurpose::Form)?.clone(),
            pairwise: ring.key(KeyPurpose::Pairwise)?.clone(),
            content: ring.key(KeyPurpose::Content)?.clone(),
            evidence: ring.key(KeyPurpose::Evidence)?.clone(),
            ring: RwLock::new(Arc::new(ring)),
            kek,
        })
    }

    /// Reads the signing keys again.
    ///
    /// # Errors
    /// [`KeyError`]; the keys stay as they were.
    pub async fn refresh(&self, pool: &PgPool) -> Result<(), KeyError> {
        let ring = KeyRing::load(pool, &self.kek, database_now(pool).await?).await?;
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    /// The key that wraps what is stored.
    pub fn wrapping(&self) -> &KeyEncryptionKey {
        &self.kek
    }

    /// The signing keys.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
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

async fn database_now(pool: &PgPool) -> Result<Instant, sqlx::Error> {
    sqlx::query_scalar("SELECT now()")
        .fetch_one(pool)
        .instrument(sql_span("database time"))
        .await
}
