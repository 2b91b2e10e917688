use super::{Journey, JourneyEvent, JourneyRefusal, Revision, Stage};
use crate::{Instant, Outcome};

/// Step 5: the customer confirmed what came of step 4.
#[derive(Debug, Clone)]
pub struct ConfirmRegistration {
    /// The revision that the page showed.
    pub shown: Revision,
}

impl Journey {
    /// Confirms the registration.
    ///
    /// # Errors
    /// [`JourneyRefusal::RevisionMoved`], [`JourneyRefusal::NothingRegistered`],
    /// [`JourneyRefusal::StepNotReached`], and those of [`Journey::in_time`].
    pub fn confirm_registration(
        &self,
        command: ConfirmRegistration,
        now: Instant,
    ) -> Result<Outcome<JourneyEvent>, JourneyRefusal> {
        let journey = self.in_time(now)?;
        journey.shown(command.shown)?;
        match &journey.stage {
            Stage::Confirming { draft, .. } if draft.registered.is_empty() => {
                Err(JourneyRefusal::NothingRegistered)
            }
            Stage::Confirming { .. } => Ok(Outcome::fact(JourneyEvent::RegistrationConfirmed {
                revision: journey.revision,
            })),
            Stage::Authorizing { .. } => Ok(Outcome::AlreadyDone),
            earlier => Err(JourneyRefusal::StepNotReached(earlier.step())),
        }
    }
}
