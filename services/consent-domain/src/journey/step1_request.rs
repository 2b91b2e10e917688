use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::{GrantAction, Journey, JourneyEvent, JourneyRefusal, TimeLimits};
use crate::{AccountId, BankCode, ClientId, Instant, JourneyId, Outcome, PartnerId, scope::Task};

/// Step 1: the partner's pushed request begins a journey.
#[derive(Debug, Clone)]
pub struct RequestConsent {
    /// The id of the journey to begin.
    pub journey: JourneyId,
    /// At which bank.
    pub bank: BankCode,
    /// For which service.
    pub client: ClientId,
    /// Of which partner.
    pub partner: PartnerId,
    /// The tasks asked for.
    pub tasks: BTreeSet<Task>,
    /// Accounts asked for by name.
    pub accounts: BTreeSet<AccountId>,
    /// First day of statements asked for.
    pub history_from: Option<NaiveDate>,
    /// What to do with an existing linkage.
    pub grant_action: GrantAction,
    /// SHA-256 of the request as received, lower-case hex.
    pub request_sha256: String,
    /// The bank's limits as they are now.
    pub limits: TimeLimits,
}

impl Journey {
    /// Begins the journey.
    ///
    /// # Errors
    /// [`JourneyRefusal::NoTask`] where the partner asks for nothing.
    pub fn request(
        &self,
        command: RequestConsent,
        now: Instant,
    ) -> Result<Outcome<JourneyEvent>, JourneyRefusal> {
        if !matches!(self, Self::Absent) {
            return Ok(Outcome::AlreadyDone);
        }
        if command.tasks.is_empty() {
            return Err(JourneyRefusal::NoTask);
        }
        Ok(Outcome::fact(JourneyEvent::ConsentRequested {
            journey: command.journey,
            bank: command.bank,
            client: command.client,
            partner: command.partner,
            tasks: command.tasks,
            accounts: command.accounts,
            history_from: command.history_from,
            grant_action: command.grant_action,
            request_sha256: command.request_sha256,
            limits: command.limits,
            requested_at: now,
        }))
    }
}
