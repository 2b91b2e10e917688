use super::{FailureCode, Journey, JourneyEnd, JourneyEvent, JourneyRefusal, Step, TimeOutCause};
use crate::{
    Instant, Outcome,
    contract::{Contract, ContractEvent},
};

/// The ways to end a journey without 許可.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndJourney {
    /// The customer pressed cancel (before step 6) or decline (at step 6).
    ByCustomer,
    /// The total time passed.
    ByTime(SessionAtTimeOut),
    /// It can't go on.
    ByFailure(FailureCode),
}

/// Whether a bank session was alive when the total time passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionAtTimeOut {
    /// One was.
    Alive,
    /// None was.
    None,
}

impl Journey {
    /// Ends the journey, and takes back the registrations that it made. Gives the journey's facts and
    /// the contract's, which commit together.
    ///
    /// # Errors
    /// [`JourneyRefusal::Unknown`]; [`JourneyRefusal::AlreadyEnded`] where it ended in another way;
    /// [`JourneyRefusal::TimeLeft`] for a time-out before its time, [`JourneyRefusal::OutOfTime`] for
    /// any other end after it.
    pub fn end(
        &self,
        contract: &Contract,
        how: EndJourney,
        now: Instant,
    ) -> Result<(Outcome<JourneyEvent>, Vec<ContractEvent>), JourneyRefusal> {
        let journey = match (self, how) {
            // Pressed twice, or found twice: the first time counts.
            (Self::Ended(ended), _) if same_way(&ended.end, how) => {
                return Ok((Outcome::AlreadyDone, Vec::new()));
            }
            _ => self.open()?,
        };
        let step = journey.stage.step();
        let ends_at = journey.request.ends_at;
        let event = match how {
            // The clock has ended it by then, whether or not anybody has recorded that.
            EndJourney::ByCustomer | EndJourney::ByFailure(_) if now >= ends_at => {
                return Err(JourneyRefusal::OutOfTime);
            }
            EndJourney::ByCustomer if step == Step::Authorize => {
                JourneyEvent::AccessDeclined { step }
            }
            EndJourney::ByCustomer => JourneyEvent::JourneyCancelled { step },
            EndJourney::ByTime(_) if now < ends_at => return Err(JourneyRefusal::TimeLeft),
            EndJourney::ByTime(session) => JourneyEvent::JourneyTimedOut {
                step,
                cause: match session {
                    SessionAtTimeOut::Alive => TimeOutCause::Total,
                    SessionAtTimeOut::None => TimeOutCause::Idle,
                },
                effective_at: ends_at,
            },
            EndJourney::ByFailure(code) => JourneyEvent::JourneyFailed { step, code },
        };
        Ok((
            Outcome::fact(event),
            contract.withdraw(&journey.request.journey),
        ))
    }
}

fn same_way(end: &JourneyEnd, how: EndJourney) -> bool {
    match (end, how) {
        (JourneyEnd::Cancelled { .. } | JourneyEnd::Declined, EndJourney::ByCustomer)
        | (JourneyEnd::TimedOut { .. }, EndJourney::ByTime(_)) => true,
        (JourneyEnd::Failed { code, .. }, EndJourney::ByFailure(again)) => *code == again,
        _ => false,
    }
}
