//! What a bank asks of acts that concern many consents at once.

use serde::{Deserialize, Serialize};

/// A bank's rules for its operators; each default is visible here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatorRules {
    /// Whether a second operator has to approve a bulk revocation before it may start.
    pub bulk_revocation_needs_approval: bool,
    /// Most consents that a bulk revocation ends per second, over all replicas; 1 to 1000.
    pub bulk_revocations_per_second: u32,
    /// Days before the planned end of a partner's contract from which on its customers are told.
    pub partner_end_notice_days: u32,
}

impl Default for OperatorRules {
    fn default() -> Self {
        Self {
            bulk_revocation_needs_approval: true,
            bulk_revocations_per_second: 50,
            partner_end_notice_days: 30,
        }
    }
}

impl OperatorRules {
    /// Whether nothing was set: then it is left out of what is stored.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether its numbers can be used.
    pub(crate) fn fits(&self) -> bool {
        (1..=1000).contains(&self.bulk_revocations_per_second) && self.partner_end_notice_days >= 1
    }
}
