//! Suspension and restoration of one consent, by cause.

use super::{Consent, ConsentEvent, ConsentRefusal};
use crate::{
    Instant, Outcome,
    suspension::{SuspensionCause, Suspensions},
};

impl Consent {
    /// The causes for which it is suspended; none where it is not live.
    pub fn suspensions(&self) -> Suspensions {
        match self {
            Self::Live { suspended, .. } => suspended.clone(),
            Self::Absent
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Superseded { .. } => Suspensions::default(),
        }
    }

    /// Suspends it for one more cause. It keeps its place, its scope and its end.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`], [`ConsentRefusal::AlreadyEnded`].
    pub fn suspend(
        &self,
        cause: SuspensionCause,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        self.live(now)?;
        Ok(if self.suspensions().contains(cause) {
            Outcome::AlreadyDone
        } else {
            Outcome::fact(ConsentEvent::AccessSuspended { cause })
        })
    }

    /// Lifts one cause; it may be read again once none is left.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`], [`ConsentRefusal::AlreadyEnded`].
    pub fn restore(
        &self,
        cause: SuspensionCause,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        self.live(now)?;
        Ok(if self.suspensions().contains(cause) {
            Outcome::fact(ConsentEvent::AccessRestored { cause })
        } else {
            Outcome::AlreadyDone
        })
    }

    /// The restorations that follow where the customer's act answers some of the causes.
    pub(crate) fn restored_by(&self, answers: fn(SuspensionCause) -> bool) -> Vec<ConsentEvent> {
        self.suspensions()
            .iter()
            .filter(|cause| answers(*cause))
            .map(|cause| ConsentEvent::AccessRestored { cause })
            .collect()
    }
}
