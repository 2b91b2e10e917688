use std::collections::BTreeSet;

use super::{Journey, JourneyEvent, JourneyRefusal};
use crate::{Instant, Outcome, scope::Task};

/// Step 3: the customer chose the tasks that the partner may use.
#[derive(Debug, Clone)]
pub struct SelectTasks {
    /// The tasks.
    pub tasks: BTreeSet<Task>,
}

impl Journey {
    /// Chooses tasks, at any time before 許可; what was chosen in step 4 stays as a proposal.
    ///
    /// # Errors
    /// [`JourneyRefusal::NoTask`], [`JourneyRefusal::TaskNotRequested`],
    /// [`JourneyRefusal::StepNotReached`], [`JourneyRefusal::TooManyRevisions`], and those of
    /// [`Journey::in_time`].
    pub fn select_tasks(
        &self,
        command: SelectTasks,
        now: Instant,
    ) -> Result<Outcome<JourneyEvent>, JourneyRefusal> {
        let journey = self.in_time(now)?;
        journey.login()?;
        if command.tasks.is_empty() {
            return Err(JourneyRefusal::NoTask);
        }
        if !command.tasks.is_subset(&journey.request.tasks) {
            return Err(JourneyRefusal::TaskNotRequested);
        }
        let revision = journey.next_revision()?;
        Ok(Outcome::fact(JourneyEvent::TasksSelected {
            revision,
            tasks: command.tasks,
        }))
    }
}
