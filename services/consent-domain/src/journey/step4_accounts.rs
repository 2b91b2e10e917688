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
}

impl Journey {
    /// Registers what can be registered; each row is judged by itself. Gives the journey's facts and
    /// the contract's, which commit together.
    ///
    /// # Errors
    /// [`JourneyRefusal::RevisionMoved`] (the verdicts are dropped), [`JourneyRefusal::NothingTicked`],
    /// [`JourneyRefusal::AccountNotSeen`], [`JourneyRefusal::StepNotReached`],
    /// [`JourneyRefusal::TooManyRevisions`], and those of [`Journey::in_time`].
    pub fn register_accounts(
        &self,
        contract: &Contract,
        command: RegisterAccounts,
        now: Instant,
    ) -> Result<(Vec<JourneyEvent>, Vec<ContractEvent>), JourneyRefusal> {
        let journey = self.in_time(now)?;
        journey.login()?;
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

        let mut registered: BTreeMap<AccountId, BTreeSet<Task>> = BTreeMap::new();
        let mut proven: Vec<(AccountId, PinScopeId)> = Vec::new();
        let mut rejections: Vec<JourneyEvent> = Vec::new();
        for row in command.ticked {
            let granted: BTreeSet<Task> = tasks.intersection(&row.eligible).copied().collect();
            let verdict = match row.verdict {
                _ if granted.is_empty() => RowVerdict::Rejected(RejectionReason::NotEligible),
                verdict => verdict,
            };
            match verdict {
                RowVerdict::Match => {
                    proven.push((row.account.clone(), row.pin_scope));
                    registered.insert(row.account, granted);
                }
                RowVerdict::Rejected(reason) => {
                    rejections.push(JourneyEvent::AccountRegistrationRejected {
                        revision,
                        account: row.account,
                        reason,
                    });
                }
            }
        }

        let mut events = vec![JourneyEvent::AccountsSelected {
            revision,
            seen: command.seen,
            ticked,
        }];
        if !registered.is_empty() {
            events.push(JourneyEvent::AccountsRegistered {
                revision,
                tasks: registered,
            });
        }
        events.append(&mut rejections);
        Ok((events, contract.register(&journey.request.journey, proven)))
    }
}
