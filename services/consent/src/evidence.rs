//! The evidence record of step 6: what the customer was shown when allowing access.
//!
//! "Looked up when shown" proves nothing in five years: names and labels change. So the words
//! themselves are kept, encrypted, and their hash stands in `AccessAuthorized`.

use crate::store::sql_span;
use consent_domain::{BankCode, JourneyId};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;

use crate::{
    entropy,
    keys::Keys,
    protocol::{digest::sha256_hex, shared_key::KeyPurpose},
    sealed,
};

/// What was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Random: without it the hash in the event would let account numbers be guessed.
    salt: String,
    /// `ja` or `en`.
    pub locale: String,
    /// Version of the text catalogue.
    pub text_version: String,
    /// The whole text of the page's statement.
    pub text: String,
}

/// A record ready to be stored.
#[derive(Debug, Clone)]
pub struct SealedEvidence {
    /// Nonce, ciphertext and tag.
    pub sealed: Vec<u8>,
    /// SHA-256 of the plain record (its JSON), lower-case hex.
    pub sha256: String,
}

/// Why a record can't be had.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Changed, or sealed under another key.
    #[error("the record does not open under this service's key")]
    DoesNotOpen,
    /// It opens, but is not what its hash says.
    #[error("the record is not what its hash says")]
    HashDiffers,
}

impl Evidence {
    /// What was shown, with a salt of its own.
    pub fn new(locale: &str, text_version: &str, text: String) -> Self {
        Self {
            salt: entropy::random_token().expose().to_owned(),
            locale: locale.to_owned(),
            text_version: text_version.to_owned(),
            text,
        }
    }

    /// Encrypts the record, bound to its journey.
    ///
    /// # Errors
    /// [`EvidenceError::DoesNotOpen`] where it can't be encrypted; a text of this size can.
    pub fn seal(
        &self,
        keys: &Keys,
        bank: &BankCode,
        journey: &JourneyId,
    ) -> Result<SealedEvidence, EvidenceError> {
        let plain = serde_json::to_vec(self).map_err(|_| EvidenceError::DoesNotOpen)?;
        let key = keys.shared(KeyPurpose::Evidence).expose();
        let sealed = sealed::seal(key, &record_name(bank, journey), &plain)
            .ok_or(EvidenceError::DoesNotOpen)?;
        Ok(SealedEvidence {
            sealed,
            sha256: sha256_hex(&plain),
        })
    }
}

fn record_name(bank: &BankCode, journey: &JourneyId) -> String {
    format!("evidence:{bank}:{journey}")
}

/// Reads what was shown in a journey, and checks it against its hash. Gives the hash as well: the
/// event's must be the same.
///
/// # Errors
/// [`EvidenceError`].
pub async fn find(
    pool: &PgPool,
    keys: &Keys,
    bank: &BankCode,
    journey: &JourneyId,
) -> Result<Option<(Evidence, String)>, EvidenceError> {
    let row = sqlx::query(
        "SELECT sealed, sha256 FROM evidence_records WHERE bank = $1 AND journey_id = $2",
    )
    .bind(bank.as_str())
    .bind(journey.as_str())
    .fetch_optional(pool)
    .instrument(sql_span("load evidence"))
    .await?;
    let Some(row) = row else { return Ok(None) };
    let stored: Vec<u8> = row.try_get("sealed")?;
    let sha256: String = row.try_get("sha256")?;
    let key = keys.shared(KeyPurpose::Evidence).expose();
    let plain = sealed::open(key, &record_name(bank, journey), &stored)
        .ok_or(EvidenceError::DoesNotOpen)?;
    if sha256_hex(&plain) != sha256 {
        return Err(EvidenceError::HashDiffers);
    }
    let evidence = serde_json::from_slice(&plain).map_err(|_| EvidenceError::DoesNotOpen)?;
    Ok(Some((evidence, sha256)))
}
