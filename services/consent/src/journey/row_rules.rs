//! What a row of step 4 lets the customer do, by what the linkage to be changed holds of its account.

use std::collections::BTreeSet;

use consent_domain::{
    consent::{Today, reconsent_needed},
    contract::Contract,
    journey::{InProgress, LinkageBasis},
    linkage_rules::PinsOfKeptAccounts,
    scope::{Scope, Task},
};

use super::{
    at_step::AtStep,
    present::{eligible, task_view},
    respond::PageError,
};
use crate::{
    bank_port::BankAccount,
    pages::{AccountHint, Availability, PinField},
};

/// What the rows of one form rest on.
pub(super) struct RowRules<'a> {
    journey: &'a InProgress,
    pub contract: Contract,
    /// What the linkage has and may keep without PINs; nothing where the bank asks for them.
    keepable: Scope,
}

impl<'a> RowRules<'a> {
    /// Reads what they rest on.
    ///
    /// # Errors
    /// The error page for a database that is down.
    pub(super) async fn of(at: &AtStep<'a>) -> Result<Self, PageError> {
        Ok(Self {
            journey: at.journey,
            contract: at.contract().await?,
            keepable: keepable(at).await?,
        })
    }

    /// What can be done with the row of that account.
    pub(super) fn rule(&self, account: &BankAccount, tasks: &BTreeSet<Task>) -> RowRule {
        let eligible = eligible(account, tasks);
        let kept = self.journey.kept().tasks_of(&account.id);
        if kept.is_empty() {
            let keepable = self.keepable.tasks_of(&account.id);
            return if eligible.is_empty() {
                RowRule::Unavailable
            } else if eligible.is_subset(&keepable) && self.contract.is_registered(&account.id) {
                RowRule::Keepable
            } else {
                RowRule::Free
            };
        }
        let more: BTreeSet<Task> = eligible.difference(&kept).copied().collect();
        if more.is_empty() {
            RowRule::Kept
        } else {
            RowRule::KeptAddable(more)
        }
    }
}

/// By the bank's rule, and not where the consent has to be given anew.
async fn keepable(at: &AtStep<'_>) -> Result<Scope, PageError> {
    let visit = at.visit;
    let rules = &visit.record.settings.linkage_rules;
    let LinkageBasis::Amends { grant, scope } = &at.login.basis else {
        return Ok(Scope::default());
    };
    if rules.pins_of_kept_accounts == PinsOfKeptAccounts::Asked {
        return Ok(Scope::default());
    }
    let today = Today {
        terms_version: &visit.record.settings.terms_version,
        recipients_since: visit.recipients_since,
    };
    let linkages = at.linkages().await?;
    let linkage = linkages.iter().find(|linkage| &linkage.grant == grant);
    let terms = linkage.and_then(|linkage| linkage.consent.terms());
    Ok(match terms {
        Some(terms) if reconsent_needed(terms, today, rules).is_none() => scope.clone(),
        _ => Scope::default(),
    })
}

/// What can be done with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowRule {
    /// Ticked with its PIN, or left out.
    Free,
    /// The same, and it stays as the linkage has it where its PIN is left out.
    Keepable,
    /// No chosen task can be had for it.
    Unavailable,
    /// It is in the linkage and stays as it is.
    Kept,
    /// It is in the linkage and stays; with its PIN these tasks are added.
    KeptAddable(BTreeSet<Task>),
}

impl RowRule {
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept | Self::KeptAddable(_))
    }

    pub(super) fn availability(&self) -> Availability {
        match self {
            Self::Free | Self::Keepable => Availability::Selectable,
            Self::Unavailable => Availability::Unavailable,
            Self::Kept | Self::KeptAddable(_) => Availability::Kept,
        }
    }

    pub(super) fn pin(&self) -> PinField {
        match self {
            Self::Free | Self::Keepable | Self::Unavailable => PinField::Asked,
            Self::Kept => PinField::NotAsked,
            Self::KeptAddable(_) => PinField::ForMore,
        }
    }

    /// What is said of the row.
    pub(super) fn hint(&self) -> Option<AccountHint> {
        match self {
            Self::Free | Self::Unavailable => None,
            Self::Keepable => Some(AccountHint::Keepable),
            Self::Kept => Some(AccountHint::Kept),
            Self::KeptAddable(more) => Some(AccountHint::KeptAddable(
                more.iter().copied().map(task_view).collect(),
            )),
        }
    }
}
