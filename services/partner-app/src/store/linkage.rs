//! One linkage with a bank.

use chrono::{DateTime, Utc};

use super::import_range::ImportRange;
use crate::account_api::Account;
use crate::oauth::authorization_details::GrantedLimits;
use crate::oauth::metadata::ServerMetadata;
use crate::oauth::token::Tokens;
use crate::secret::Secret;
use crate::settings::Bank;

/// The service's own identifier of a linkage, for its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkageId(String);

impl LinkageId {
    /// A new identifier, 43 characters of base64url.
    pub fn random() -> Self {
        Self(Secret::random().reveal().to_owned())
    }

    /// Takes what stands in an address; one that belongs to no linkage is simply not found.
    pub fn from_address(value: &str) -> Self {
        Self(value.to_owned())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A customer's permission at a bank, with the tokens that it gave.
#[derive(Debug, Clone)]
pub struct Linkage {
    /// Its identifier here.
    pub id: LinkageId,
    /// The bank.
    pub bank: Bank,
    /// The bank's endpoints as of the permission.
    pub metadata: ServerMetadata,
    /// The bank's identifier of the permission, where it tells it.
    pub grant_id: Option<String>,
    /// The tokens.
    pub tokens: Tokens,
    /// The limits of the permission.
    pub limits: GrantedLimits,
    /// What the customer chose in step 7; none until then.
    pub range: Option<ImportRange>,
    /// The accounts as they were last seen, for when the bank can't be asked.
    pub accounts: Vec<Account>,
    /// When the permission was given, or last changed.
    pub connected_at: DateTime<Utc>,
}

impl Linkage {
    /// Takes over the tokens of a refresh, or of a changed permission.
    pub fn accept(&mut self, tokens: Tokens) {
        let refresh_token = tokens.refresh_token.or(self.tokens.refresh_token.take());
        if let Some(limits) = tokens.limits {
            self.limits = limits;
        }
        if tokens.grant_id.is_some() {
            self.grant_id.clone_from(&tokens.grant_id);
        }
        self.tokens = Tokens {
            refresh_token,
            ..tokens
        };
    }
}
