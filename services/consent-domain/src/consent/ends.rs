//! The ways out of a consent: somebody ends it, its last account leaves it, the clock ends it, another
//! takes its place.

use super::{Consent, ConsentEvent, ConsentRefusal, RemovalReason, RevocationReason, RevokedBy};
use crate::{AccountId, ClientId, GrantId, Instant, Outcome};

impl Consent {
    /// Records an end that the clock has already decided; a suspension does not hold it up.
    pub fn expire(&self, now: Instant) -> Outcome<ConsentEvent> {
        match self {
            Self::Live { terms, .. } if terms.valid_until <= now => {
                Outcome::fact(ConsentEvent::AccessExpired {
                    effective_at: terms.valid_until,
                })
            }
            _ => Outcome::AlreadyDone,
        }
    }

    /// Ends it, suspended or not.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`]; [`ConsentRefusal::AlreadyEnded`] where another end came first.
    pub fn revoke(
        &self,
        by: RevokedBy,
        reason: RevocationReason,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        match self {
            Self::Absent => Err(ConsentRefusal::Unknown),
            Self::Live { terms, .. } if now < terms.valid_until => {
                Ok(Outcome::fact(ConsentEvent::AccessRevoked { by, reason }))
            }
            Self::Revoked {
                by: before,
                reason: why,
                ..
            } if *before == by && *why == reason => Ok(Outcome::AlreadyDone),
            _ => Err(ConsentRefusal::AlreadyEnded),
        }
    }

    /// Takes an account out at once, with all of its tasks. A consent without an account says nothing:
    /// with the last one it ends, and both facts say so.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`], [`ConsentRefusal::AlreadyEnded`].
    pub fn remove_account(
        &self,
        account: &AccountId,
        by: RevokedBy,
        reason: RemovalReason,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        let scope = &self.live(now)?.scope;
        if !scope.has_account(account) {
            return Ok(Outcome::AlreadyDone);
        }
        let mut facts = vec![ConsentEvent::AccountRemoved {
            account: account.clone(),
            by,
            reason,
        }];
        if scope.without(account).is_empty() {
            facts.push(ConsentEvent::AccessRevoked {
                by,
                reason: RevocationReason::NoAccountLeft,
            });
        }
        Ok(Outcome::Changed(facts))
    }

    /// Ends it because another grant of the same contract took its place.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`]; [`ConsentRefusal::AlreadyEnded`] where another end came first.
    pub fn supersede(
        &self,
        by: &GrantId,
        by_client: &ClientId,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        if matches!(self, Self::Superseded { by: before, .. } if before == by) {
            return Ok(Outcome::AlreadyDone);
        }
        self.live(now)?;
        Ok(Outcome::fact(ConsentEvent::AccessSuperseded {
            by: by.clone(),
            by_client: Some(by_client.clone()),
        }))
    }
}
