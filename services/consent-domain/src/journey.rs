//! The journey: one walk through the seven steps, from the partner's pushed request to 許可 or
//! another end.
//!
//! Steps 2 to 6 have a file each below, with the command that the step's form becomes; `state` is what
//! the facts make of it, by `fold`; `end` holds the ways to end without 許可.

mod end;
mod event;
mod fold;
mod state;
mod step1_request;
mod step2_login;
mod step3_tasks;
mod step4_accounts;
mod step5_confirm;
mod step6_authorize;

pub use end::{EndJourney, SessionAtTimeOut};
pub use event::{
    FailureCode, GrantAction, JourneyEvent, LinkageBasis, LoginMethod, RejectionReason, ShownText,
    TimeLimits, TimeOutCause, UserRole,
};
pub use state::{
    Draft, Ended, InProgress, Journey, JourneyEnd, Login, Request, Revision, Stage, Step,
};
pub use step1_request::RequestConsent;
pub use step2_login::{RebaseLinkage, RecordLogin};
pub use step3_tasks::SelectTasks;
pub use step4_accounts::{RegisterAccounts, RowVerdict, TickedRow};
pub use step5_confirm::ConfirmRegistration;
pub use step6_authorize::{AuthorizeAccess, Authorized};

use crate::{Instant, Stream};

/// The stream `journey`, one per pushed request.
pub struct JourneyStream;

impl Stream for JourneyStream {
    const TYPE: &'static str = "journey";
    const STATE_VERSION: i32 = 2;
    type State = Journey;
    type Event = JourneyEvent;

    fn evolve(state: &mut Journey, event: &JourneyEvent) {
        fold::evolve(state, event);
    }
}

/// Most revisions of one journey: each redo of a step is one, and a script may not go on for ever.
pub const MAX_REVISIONS: u32 = 60;
/// Most rows that one form of step 4 may tick.
pub const MAX_TICKED_ROWS: usize = 100;

/// Why a journey's command was refused: the state of the world that stands against it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JourneyRefusal {
    /// There is no such journey.
    #[error("no such journey")]
    Unknown,
    /// The journey has ended, in this way.
    #[error("the journey has ended")]
    AlreadyEnded(JourneyEnd),
    /// Its total time has passed.
    #[error("the journey's time is over")]
    OutOfTime,
    /// Its total time has not passed.
    #[error("the journey's time is not over")]
    TimeLeft,
    /// An earlier step has to be done first.
    #[error("step {0:?} comes first")]
    StepNotReached(Step),
    /// The page showed an older revision than the current one.
    #[error("the page is out of date")]
    RevisionMoved {
        /// The current revision.
        current: Revision,
    },
    /// Another user than the one who began tried to go on.
    #[error("another user began this journey")]
    AnotherUser,
    /// No task was chosen.
    #[error("no task was chosen")]
    NoTask,
    /// A task was chosen that the partner did not ask for.
    #[error("the partner did not ask for this task")]
    TaskNotRequested,
    /// No row was ticked, or more than the limit.
    #[error("no account was ticked, or too many")]
    NothingTicked,
    /// A row was ticked that the user can't see.
    #[error("an account that the user can't see was ticked")]
    AccountNotSeen,
    /// Not one account of this journey's own choice is in the linkage.
    #[error("no account is in the linkage")]
    NothingRegistered,
    /// Steps were redone too often.
    #[error("too many revisions")]
    TooManyRevisions,
    /// A row came without a PIN that needs one.
    #[error("a row needs its PIN")]
    PinNeeded,
    /// The linkage that the request names is not of the contract that logged in, or has ended.
    #[error("the linkage that the request names can't be changed by this contract")]
    GrantUnavailable,
    /// The linkage that the journey would change is not (or no longer) as it was.
    #[error("the linkage is no longer as it was: {0}")]
    LinkageMoved(crate::consent::ConsentRefusal),
}

impl Journey {
    /// The journey while it can go on.
    ///
    /// # Errors
    /// [`JourneyRefusal::Unknown`], [`JourneyRefusal::AlreadyEnded`], [`JourneyRefusal::OutOfTime`].
    pub fn in_time(&self, now: Instant) -> Result<&InProgress, JourneyRefusal> {
        let journey = self.open()?;
        if now >= journey.request.ends_at {
            return Err(JourneyRefusal::OutOfTime);
        }
        Ok(journey)
    }

    /// The journey while it has no end, in time or not.
    fn open(&self) -> Result<&InProgress, JourneyRefusal> {
        match self {
            Self::Absent => Err(JourneyRefusal::Unknown),
            Self::InProgress(journey) => Ok(journey),
            Self::Ended(ended) => Err(JourneyRefusal::AlreadyEnded(ended.end.clone())),
        }
    }
}
