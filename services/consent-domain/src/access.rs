//! The strict decision: is this grant live, and does it cover this task of this account, now?
//!
//! It is the consent's word and the contract's and the partner's at the bank and the bank's, each from
//! its own facts.

use crate::{
    AccountId, ClientId, Instant,
    consent::{Consent, GrantTerms},
    scope::Task,
    standing::Standing,
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
    /// Another grant took its place.
    #[error("the grant was superseded")]
    Superseded,
    /// The bank closed the contract.
    #[error("the contract is closed")]
    ContractClosed,
    /// Nothing may be read for now.
    #[error("access is suspended: {0}")]
    Suspended(SuspendedAt),
    /// The account is not in it.
    #[error("the account is not in the grant's scope")]
    AccountNotInScope,
    /// The account is, the task is not.
    #[error("the task is not in the grant's scope for this account")]
    TaskNotInScope,
}

/// Where a suspension stands; one that stands nearer to the customer is told first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuspendedAt {
    /// This consent.
    #[error("the consent")]
    Consent,
    /// All of the contract's.
    #[error("the contract")]
    Contract,
    /// All of the partner's at this bank, which is suspended or not enabled.
    #[error("the partner at the bank")]
    PartnerAtBank,
    /// All at this bank, which is suspended or not on the platform.
    #[error("the bank")]
    Bank,
}

/// Everything that one decision reads, at one moment.
pub struct Evidence<'a> {
    /// The consent.
    pub consent: &'a Consent,
    /// The contract.
    pub contract: Standing,
    /// The partner at the bank.
    pub partner_at_bank: Standing,
    /// The bank.
    pub bank: Standing,
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
            Consent::Superseded { .. } => return Err(Denial::Superseded),
            Consent::Live { .. } if terms.valid_until <= self.now => return Err(Denial::Expired),
            Consent::Live { .. } if self.contract == Standing::Ended => {
                return Err(Denial::ContractClosed);
            }
            Consent::Live { .. } => {}
        }
        self.suspended_at()
            .map_or(Ok(terms), |at| Err(Denial::Suspended(at)))
    }

    fn suspended_at(&self) -> Option<SuspendedAt> {
        let at_consent = if self.consent.suspensions().is_empty() {
            Standing::Clear
        } else {
            Standing::Suspended
        };
        [
            (SuspendedAt::Consent, at_consent),
            (SuspendedAt::Contract, self.contract),
            (SuspendedAt::PartnerAtBank, self.partner_at_bank),
            (SuspendedAt::Bank, self.bank),
        ]
        .into_iter()
        .find(|(_, standing)| *standing != Standing::Clear)
        .map(|(at, _)| at)
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
