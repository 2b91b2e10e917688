//! What this user sees of the contract, and so may do: the accounts as the bank has them for this user,
//! and the contract's own record.

use consent_domain::{
    AccountId,
    contract::{Contract, ContractStream},
    journey::UserRole,
    scope::Scope,
};

use super::{linkage::Linkage, visit::AtPage};
use crate::{
    bank_port::BankAccount,
    journey::{PageError, bank_failed},
    pages::{AccountName, AccountNames},
    store::state_of,
};

/// What this user sees.
pub(super) struct Sight {
    /// The accounts that this user may inquire; none while the bank does not say.
    accounts: Option<Vec<BankAccount>>,
    pub contract: Contract,
}

/// Whether an act is this user's to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    Yes,
    No,
}

impl May {
    pub(super) fn yes(self) -> bool {
        self == Self::Yes
    }
}

impl From<bool> for May {
    fn from(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }
}

impl Sight {
    /// Asks the bank for the user's accounts. Where it does not answer, the linkages are shown without
    /// names: to end one must stay possible.
    ///
    /// # Errors
    /// The error page for a database that is down.
    pub(super) async fn of(at: &AtPage) -> Result<Self, PageError> {
        let visit = &at.visit;
        let port = &visit.app.bank_port;
        let accounts = match port.accounts(&visit.bank, &at.session.subject).await {
            Ok(accounts) => Some(accounts),
            Err(failure) => {
                bank_failed(&failure);
                None
            }
        };
        let stream = format!("{}:{}", visit.bank, at.session.subject.contract);
        let contract = state_of::<ContractStream>(&visit.app.pool, &stream)
            .await
            .map_err(|error| visit.error(error))?;
        Ok(Self { accounts, contract })
    }

    /// Whether the pages can name accounts.
    pub(super) fn names(&self) -> AccountNames {
        match self.accounts {
            Some(_) => AccountNames::Known,
            None => AccountNames::Unknown,
        }
    }

    /// The account, where this user may inquire it.
    pub(super) fn find(&self, account: &AccountId) -> Option<&BankAccount> {
        let accounts = self.accounts.as_ref()?;
        accounts.iter().find(|seen| &seen.id == account)
    }

    /// What the pages call an account.
    pub(super) fn name(&self, account: &AccountId) -> AccountName {
        match (self.find(account), self.names()) {
            (Some(seen), _) => AccountName::Shown(seen.label.clone()),
            (None, AccountNames::Known) => AccountName::NotVisible,
            (None, AccountNames::Unknown) => AccountName::NotKnown,
        }
    }

    /// A scope's accounts: in the bank's order those that this user sees, then the others.
    pub(super) fn in_order(&self, scope: &Scope) -> Vec<AccountId> {
        let seen = self.accounts.iter().flatten().map(|account| &account.id);
        let mut order: Vec<AccountId> = seen
            .filter(|account| scope.has_account(account))
            .cloned()
            .collect();
        let others: Vec<AccountId> = scope
            .accounts()
            .into_iter()
            .filter(|account| !order.contains(account))
            .collect();
        order.extend(others);
        order
    }

    /// Whether this user may inquire every account of the linkage.
    fn sees_all(&self, linkage: &Linkage) -> bool {
        let accounts = linkage.terms.scope.accounts();
        accounts.iter().all(|account| self.find(account).is_some())
    }

    /// To end it: the master user, whoever answers for it, and every user who sees all of its accounts.
    pub(super) fn may_end(&self, at: &AtPage, linkage: &Linkage) -> May {
        let own = linkage.terms.user == at.session.subject.user;
        let live = linkage.is_live(at.visit.now);
        May::from(live && (at.session.role == UserRole::Master || own || self.sees_all(linkage)))
    }

    /// To take an account out: every user who sees it.
    pub(super) fn may_remove(&self, at: &AtPage, linkage: &Linkage, account: &AccountId) -> May {
        May::from(linkage.is_live(at.visit.now) && self.find(account).is_some())
    }

    /// To renew it: whoever does answers for it from then on, so that the bank must let them inquire all
    /// that is read on their word, and must not have said that they left.
    pub(super) fn may_renew(&self, at: &AtPage, linkage: &Linkage) -> May {
        let left = self.contract.is_user_removed(&at.session.subject.user);
        May::from(!left && linkage.is_live(at.visit.now) && self.may_all_of(linkage))
    }

    /// To answer for it in place of a user who has left: the same.
    pub(super) fn may_take_over(&self, at: &AtPage, linkage: &Linkage) -> May {
        let left = self.contract.is_user_removed(&linkage.terms.user);
        May::from(left && self.may_renew(at, linkage).yes())
    }

    /// Whether this user may inquire every task of every account.
    fn may_all_of(&self, linkage: &Linkage) -> bool {
        linkage.terms.scope.iter().all(|pair| {
            self.find(&pair.account)
                .is_some_and(|seen| seen.tasks.contains_key(&pair.task))
        })
    }
}
