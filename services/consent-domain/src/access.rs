//! The strict decision: is this grant live, and does it cover this task of this account, now?

use crate::{
    AccountId, ClientId, Instant,
    bank::BankStanding,
    consent::{Consent, GrantTerms},
    partner::PartnerAtBank,
    scope::Task,
};

/// Why a read is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// No such grant for this client.
    #[error("unknown grant")]
    UnknownGrant,
    /// Its time passed.
    #[error("the grant has expired")]
    Expired,
    /// Somebody ended it.
    #[error("the grant was revoked")]
    Revoked,
    /// The bank no longer lets this partner read, or left the platform.
    #[error("access is suspended")]
    Suspended,
    /// The account is not in it.
    #[error("the account is not in the grant's scope")]
    AccountNotInScope,
    /// The account is, the task is not.
    #[error("the task is not in the grant's scope for this account")]
    TaskNotInScope,
}

/// Everything that one decision reads, at one moment.
pub struct Evidence<'a> {
    /// The consent.
    pub consent: &'a Consent,
    /// The partner at the bank.
    pub partner_at_bank: PartnerAtBank,
    /// The bank.
    pub bank: BankStanding,
    /// The moment.
    pub now: Instant,
}

impl<'a> Evidence<'a> {
    /// The grant's terms, where the client may use it at all.
    ///
    /// # Errors
    /// [`Denial`], never one of the scope's.
    pub fn live_for(&self, client: &ClientId) -> Result<&'a GrantTerms, Denial> {
        let terms = self.consent.terms().ok_or(Denial::UnknownGrant)?;
        if &terms.client != client {
            return Err(Denial::UnknownGrant);
        }
        match self.consent {
            Consent::Absent => return Err(Denial::UnknownGrant),
            Consent::Expired { .. } => return Err(Denial::Expired),
            Consent::Revoked { .. } => return Err(Denial::Revoked),
            Consent::Live { .. } if terms.valid_until <= self.now => return Err(Denial::Expired),
            Consent::Live { .. } => {}
        }
        if self.partner_at_bank != PartnerAtBank::Enabled || self.bank != BankStanding::Registered {
            return Err(Denial::Suspended);
        }
        Ok(terms)
    }

    /// Decides one read.
    ///
    /// # Errors
    /// [`Denial`]; the first that applies, the grant's before the scope's.
    pub fn decide(
        &self,
        client: &ClientId,
        account: &AccountId,
        task: Task,
    ) -> Result<&'a GrantTerms, Denial> {
        let terms = self.live_for(client)?;
        if !terms.scope.has_account(account) {
            return Err(Denial::AccountNotInScope);
        }
        if !terms.scope.covers(account, task) {
            return Err(Denial::TaskNotInScope);
        }
        Ok(terms)
    }
}
