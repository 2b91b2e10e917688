//! One trip of a browser to a bank and back.

use chrono::{DateTime, Utc};
use url::Url;

use super::linkage::LinkageId;
use crate::linking::LinkError;
use crate::oauth::metadata::ServerMetadata;
use crate::oauth::par::GrantAction;
use crate::secret::Secret;
use crate::settings::Bank;

/// What must be known when the browser returns.
#[derive(Debug, Clone)]
pub struct AuthorizationAttempt {
    /// Finds the attempt again; 256 random bits.
    pub state: Secret,
    /// Ties an ID token to the attempt; 256 random bits.
    pub nonce: Secret,
    /// The PKCE verifier.
    pub code_verifier: Secret,
    /// The bank whose issuer must answer.
    pub bank: Bank,
    /// Another linkage, or the one that stands.
    pub action: GrantAction,
    /// The bank's endpoints as of the request.
    pub metadata: ServerMetadata,
    /// Where the browser was sent.
    pub authorization_url: Url,
    /// When it was sent there.
    pub started_at: DateTime<Utc>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt. Recorded once: a repeated redirect gets the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The browser has not returned, or returned without a connection to the bank.
    Awaited,
    /// There is a linkage.
    Linked(LinkageId),
    /// There is none.
    Failed(LinkError),
}
