use std::collections::{BTreeMap, BTreeSet};

use super::{
    Journey, JourneyEvent, JourneyRefusal, MAX_TICKED_ROWS, RejectionReason, Revision, Step,
};
use crate::{
    AccountId, Instant, PinScopeId,
    contract::{Contract, ContractEvent},
    scope::Task,
};

/// Step 4: the customer ticked accounts, and the bank judged their PINs beforehand.
#[derive(Debug, Clone)]
pub struct RegisterAccounts {
    /// The revision that the page showed.
    pub shown: Revision,
    /// Every account that the page showed.
    pub seen: BTreeSet<AccountId>,
    /// The ticked rows.
    pub ticked: Vec<TickedRow>,
}

/// One ticked row with what the bank said of it.
#[derive(Debug, Clone)]
pub struct TickedRow {
    /// The account.
    pub account: AccountId,
    /// Whose PIN it takes.
    pub pin_scope: PinScopeId,
    /// What the bank allows on this account.
    pub eligible: BTreeSet<Task>,
    /// What the bank said of the PIN.
    pub verdict: RowVerdict,
}

/// What is known of the PIN typed beside a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowVerdict {
    /// It is right.
    Match,
    /// It is wrong, could not be judged, or was not asked for.
    Rejected(RejectionReason),
    /// None was typed, and the row is to stay as the linkage has it; by the bank's rule.
    NotAsked,
}

impl Journey {
    /// Registers what can be registered; each row is judged by itself. Gives the journey's facts and
    /// the contract's, which commit together.
    ///
    /// # Errors
    /// [`JourneyRefusal::RevisionMoved`] (the verdicts are dropped), [`JourneyRefusal::NothingTicked`],
    /// [`JourneyRefusal::AccountNotSeen`], [`JourneyRefusal::PinNeeded`], [`JourneyRefusal::StepNotReached`],
    /// [`JourneyRefusal::TooManyRevisions`], and those of [`Journey::in_time`].
    pub fn register_accounts(
        &self,
        contract: &Contract,
        command: RegisterAccounts,
        now: Instant,
    ) -> Result<(Vec<JourneyEvent>, Vec<ContractEvent>), JourneyRefusal> {
        let journey = self.in_time(now)?;
        let login = journey.login()?;
        let tasks = journey
            .stage
            .tasks()
            .ok_or(JourneyRefusal::StepNotReached(Step::Tasks))?;
        journey.shown(command.shown)?;
        let ticked: BTreeSet<AccountId> = command
            .ticked
            .iter()
            .map(|row| row.account.clone())
            .collect();
        if ticked.is_empty() || command.ticked.len() > MAX_TICKED_ROWS {
            return Err(JourneyRefusal::NothingTicked);
        }
        if !ticked.is_subset(&command.seen) {
            return Err(JourneyRefusal::AccountNotSeen);
        }
        let revision = journey.next_revision()?;
        let before = login.basis.scope();

        let mut kept: BTreeMap<AccountId, BTreeSet<Task>> = BTreeMap::new();
        let mut proven: BTreeMap<AccountId, (BTreeSet<Task>, PinScopeId)> = BTreeMap::new();
        let mut failed: BTreeMap<AccountId, RejectionReason> = BTreeMap::new();
        for row in command.ticked {
            let granted: BTreeSet<Task> = tasks.intersection(&row.eligible).copied().collect();
            match row.verdict {
                _ if granted.is_empty() => {
                    failed.insert(row.account, RejectionReason::NotEligible);
                }
                RowVerdict::Match => {
                    proven.insert(row.account, (granted, row.pin_scope));
                }
                RowVerdict::Rejected(reason) => {
                    failed.insert(row.account, reason);
                }
                RowVerdict::NotAsked => {
                    // Proven before, and no more is allowed than was.
                    let stays = contract.is_registered(&row.account)
                        && granted.is_subset(&before.tasks_of(&row.account));
                    if !stays {
                        return Err(JourneyRefusal::PinNeeded);
                    }
                    kept.insert(row.account, granted);
                }
            }
        }
        // An account that a form names twice is in only where nothing stands against it.
        proven.retain(|account, _| !failed.contains_key(account));
        kept.retain(|account, _| !failed.contains_key(account) && !proven.contains_key(account));

        let mut events = vec![JourneyEvent::AccountsSelected {
            revision,
            seen: command.seen,
            ticked,
        }];
        if !proven.is_empty() || !kept.is_empty() {
            let without_pin = kept.keys().cloned().collect();
            let registered = proven
                .iter()
                .map(|(account, (granted, _))| (account.clone(), granted.clone()));
            events.push(JourneyEvent::AccountsRegistered {
                revision,
                tasks: registered.chain(kept).collect(),
                without_pin,
            });
        }
        events.extend(failed.into_iter().map(|(account, reason)| {
            JourneyEvent::AccountRegistrationRejected {
                revision,
                account,
                reason,
            }
        }));
        let proven = proven
            .into_iter()
            .map(|(account, (_, pin_scope))| (account, pin_scope));
        Ok((events, contract.register(&journey.request.journey, proven)))
    }
}
