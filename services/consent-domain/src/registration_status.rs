//! 登録状況: derived from the contract's registrations and the scope of the linkage, never stored.

use crate::{AccountId, contract::Contract, scope::Scope};

/// What stands in the 登録状況 cell of steps 4 and 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationStatus {
    /// 未登録
    NotRegistered,
    /// 登録済み: registered, but not in this linkage.
    Registered,
    /// 登録済み*: registered and in this linkage.
    RegisteredInThisLinkage,
}

impl RegistrationStatus {
    /// Derives the status of one account; `linkage` is the draft's scope, else the live linkage's.
    ///
    /// An account that is in the linkage but no longer registered (its PIN was reset, say) reads
    /// 未登録, so that the customer proves the PIN again.
    pub fn of(account: &AccountId, contract: &Contract, linkage: &Scope) -> Self {
        match (
            contract.is_registered(account),
            linkage.has_account(account),
        ) {
            (true, true) => Self::RegisteredInThisLinkage,
            (true, false) => Self::Registered,
            (false, _) => Self::NotRegistered,
        }
    }
}
