//! Whether a consent has to be given anew, because what it was given under has changed since.

use serde::{Deserialize, Serialize};

use super::GrantTerms;
use crate::linkage_rules::{AfterChange, LinkageRules};

/// What the customer had before them when allowing access, or when renewing it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenUnder {
    /// The version of the bank's terms.
    pub terms_version: String,
    /// The version of the partner's record.
    pub partner_record_version: u32,
}

/// What a customer would have before them today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Today<'a> {
    /// The version of the bank's terms.
    pub terms_version: &'a str,
    /// Since which version of the partner's record the company, and those to whom it passes data on, are
    /// as they are.
    pub recipients_since: u32,
}

/// Why a consent has to be given anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconsentReason {
    /// The terms changed.
    TermsChanged,
    /// The company, or those to whom it passes data on, changed.
    RecipientsChanged,
}

/// Whether this consent has to be given anew, each account chosen and proven again, before it is renewed.
/// One that does not say what it was given under counts as given under something else.
pub fn reconsent_needed(
    terms: &GrantTerms,
    today: Today<'_>,
    rules: &LinkageRules,
) -> Option<ReconsentReason> {
    let given = terms.given_under.as_ref();
    let same_terms = given.is_some_and(|given| given.terms_version == today.terms_version);
    let same_recipients =
        given.is_some_and(|given| given.partner_record_version >= today.recipients_since);
    if !same_terms && rules.after_terms_change == AfterChange::ConsentAnew {
        Some(ReconsentReason::TermsChanged)
    } else if !same_recipients && rules.after_recipients_change == AfterChange::ConsentAnew {
        Some(ReconsentReason::RecipientsChanged)
    } else {
        None
    }
}
