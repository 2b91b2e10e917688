//! Keys and credentials of one demonstration: new at each start, unless its state is kept.

use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};

use crate::agent::partner::PartnerError;
use crate::partners::PartnerKeys;
use crate::private_file::write_private;

/// Everything secret that the services are configured with.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secrets {
    /// The partners' key pairs.
    pub partners: PartnerKeys,
    /// What account-api shows when it asks for a decision.
    pub decision_credential: String,
    /// 32 bytes in base64: wraps the keys in consent's database.
    pub key_encryption_key: String,
}

impl Secrets {
    /// Makes new ones.
    ///
    /// # Errors
    /// Where a key can't be written as PEM.
    pub fn generate() -> Result<Self, PartnerError> {
        let decision_credential = rand::rng()
            .sample_iter(Alphanumeric)
            .take(43)
            .map(char::from)
            .collect();
        Ok(Self {
            partners: PartnerKeys::generate()?,
            decision_credential,
            key_encryption_key: STANDARD.encode(rand::random::<[u8; 32]>()),
        })
    }

    /// Reads what [`Secrets::keep`] wrote; `None` where there is nothing.
    ///
    /// # Errors
    /// Where the file can't be read or understood.
    pub fn find_kept(path: &Path) -> io::Result<Option<Self>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(serde_json::from_str(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes them down for the next start.
    ///
    /// # Errors
    /// The system's.
    pub fn keep(&self, path: &Path) -> io::Result<()> {
        write_private(path, &serde_json::to_string_pretty(self)?)
    }
}
