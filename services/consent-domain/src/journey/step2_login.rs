use super::{
    GrantAction, Journey, JourneyEvent, JourneyRefusal, LinkageBasis, LoginMethod, Request,
    Revision, UserRole,
};
use crate::{ContractId, Instant, Outcome, UserId};

/// Step 2: the bank authenticated the customer.
#[derive(Debug, Clone)]
pub struct RecordLogin {
    /// The contract.
    pub contract: ContractId,
    /// The user.
    pub user: UserId,
    /// Master or general user.
    pub role: UserRole,
    /// How.
    pub method: LoginMethod,
    /// The linkage that this journey would change, or that it would make a new one.
    pub basis: LinkageBasis,
}

/// The linkage that the journey would change is another, or another one's, than it was.
#[derive(Debug, Clone)]
pub struct RebaseLinkage {
    /// What the journey would change now.
    pub basis: LinkageBasis,
}

impl Request {
    /// What the request lets 許可 do, given the linkage that was found: one to create another never
    /// changes what there is, one that names a linkage changes that one or nothing, and no other makes
    /// one beside it.
    fn basis(&self, found: LinkageBasis) -> Result<LinkageBasis, JourneyRefusal> {
        match (&self.grant_action, found) {
            (GrantAction::Create, _) => Ok(LinkageBasis::Beside),
            (GrantAction::Unspecified, LinkageBasis::Beside) => Ok(LinkageBasis::New),
            (GrantAction::Unspecified, found) => Ok(found),
            (
                GrantAction::Replace { grant: named } | GrantAction::Merge { grant: named },
                LinkageBasis::Amends { grant, scope },
            ) if *named == grant => Ok(LinkageBasis::Amends { grant, scope }),
            (GrantAction::Replace { .. } | GrantAction::Merge { .. }, _) => {
                Err(JourneyRefusal::GrantUnavailable)
            }
        }
    }
}

impl Journey {
    /// Records a login. A later one resumes the journey at its step with its choices, for the same
    /// user only.
    ///
    /// # Errors
    /// [`JourneyRefusal::AnotherUser`]; [`JourneyRefusal::GrantUnavailable`] where the request names a
    /// linkage that is not among the contract's live ones; and those of [`Journey::in_time`].
    pub fn record_login(
        &self,
        command: RecordLogin,
        now: Instant,
    ) -> Result<Outcome<JourneyEvent>, JourneyRefusal> {
        let journey = self.in_time(now)?;
        let basis = match journey.stage.login() {
            Some(login) if login.contract != command.contract || login.user != command.user => {
                return Err(JourneyRefusal::AnotherUser);
            }
            // A renewed login goes on with the choices made, so with the linkage they were made for.
            Some(login) => login.basis.clone(),
            None => journey.request.basis(command.basis)?,
        };
        Ok(Outcome::fact(JourneyEvent::LoginSucceeded {
            contract: command.contract,
            user: command.user,
            role: command.role,
            method: command.method,
            at: now,
            basis,
        }))
    }

    /// Takes note that the linkage to be changed is not as it was; step 5 comes again.
    ///
    /// # Errors
    /// Those of [`Journey::in_time`]; [`JourneyRefusal::TooManyRevisions`];
    /// [`JourneyRefusal::GrantUnavailable`].
    pub fn rebase_linkage(
        &self,
        command: RebaseLinkage,
        now: Instant,
    ) -> Result<Outcome<JourneyEvent>, JourneyRefusal> {
        let journey = self.in_time(now)?;
        let basis = journey.request.basis(command.basis)?;
        if journey.login()?.basis == basis {
            return Ok(Outcome::AlreadyDone);
        }
        let revision: Revision = journey.next_revision()?;
        Ok(Outcome::fact(JourneyEvent::LinkageBasisChanged {
            revision,
            basis,
        }))
    }
}
