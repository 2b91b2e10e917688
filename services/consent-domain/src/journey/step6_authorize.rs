use std::collections::BTreeMap;

use super::{
    Journey, JourneyEvent, JourneyRefusal, LinkageBasis, Login, Request, Revision, ShownText, Stage,
};
use crate::{
    GrantId, Instant,
    consent::{Amendment, Consent, ConsentEvent, ConsentRefusal, GivenUnder, GrantTerms, Place},
    suspension::SuspensionCause,
};

/// Step 6: the customer allowed access.
#[derive(Debug, Clone)]
pub struct AuthorizeAccess {
    /// The revision that the page showed.
    pub shown: Revision,
    /// The grant to be made, or to be changed where the journey changes one.
    pub grant: GrantId,
    /// The first instant at which access no longer holds, by the bank's settings of now.
    pub valid_until: Instant,
    /// Which version of the partner's record was shown.
    pub partner_record_version: u32,
    /// The text that was shown.
    pub text: ShownText,
    /// The terms' version.
    pub terms_version: String,
    /// The linkages that a new one ends by the bank's rule, as they are now; the page named them.
    pub supersedes: BTreeMap<GrantId, Consent>,
}

/// What 許可 appends to the two streams, together.
#[derive(Debug, Clone, PartialEq)]
pub struct Authorized {
    /// To the journey's.
    pub journey: JourneyEvent,
    /// To the consent's: the grant or its change, then the suspensions that 許可 answers.
    pub consent: Vec<ConsentEvent>,
    /// To those of the linkages that it ends.
    pub superseded: BTreeMap<GrantId, ConsentEvent>,
}

impl Journey {
    /// The grant that 許可 would change, if it would change one.
    pub fn amends(&self) -> Option<&GrantId> {
        let Self::InProgress(journey) = self else {
            return None;
        };
        match &journey.stage.login()?.basis {
            LinkageBasis::Amends { grant, .. } => Some(grant),
            LinkageBasis::New | LinkageBasis::Beside => None,
        }
    }

    /// Allows access: makes the consent, or replaces the scope and validity of the one to be changed.
    ///
    /// # Errors
    /// [`JourneyRefusal::RevisionMoved`]; [`JourneyRefusal::LinkageMoved`] where the consent is not as
    /// the journey knew it; [`JourneyRefusal::StepNotReached`], [`JourneyRefusal::NothingRegistered`],
    /// and those of [`Journey::in_time`].
    pub fn authorize_access(
        &self,
        consent: &Consent,
        command: AuthorizeAccess,
        now: Instant,
    ) -> Result<Authorized, JourneyRefusal> {
        let journey = self.in_time(now)?;
        journey.shown(command.shown)?;
        let Stage::Authorizing { login, draft, .. } = &journey.stage else {
            return Err(JourneyRefusal::StepNotReached(journey.stage.step()));
        };
        if draft.registered.is_empty() {
            return Err(JourneyRefusal::NothingRegistered);
        }
        let request = &journey.request;
        let terms = GrantTerms {
            contract: login.contract.clone(),
            user: login.user.clone(),
            client: request.client.clone(),
            partner: request.partner.clone(),
            scope: journey.linkage_scope(),
            history_from: request.history_from,
            valid_from: now,
            valid_until: command.valid_until,
            given_under: Some(GivenUnder {
                terms_version: command.terms_version.clone(),
                partner_record_version: command.partner_record_version,
            }),
        };
        let how = request.grant_action.amendment();
        let (given, grant, amends) = match &login.basis {
            LinkageBasis::New => {
                let granted = consent.grant(&request.journey, terms.clone(), Place::Default);
                (granted.map(|fact| (fact, terms)), command.grant, None)
            }
            LinkageBasis::Beside => {
                let granted = consent.grant(&request.journey, terms.clone(), Place::Beside);
                (granted.map(|fact| (fact, terms)), command.grant, None)
            }
            LinkageBasis::Amends { grant, scope } => {
                let terms = consent.amended_terms(how, terms);
                let amended = consent.amend(&request.journey, terms.clone(), scope, now);
                let amended = amended.map(|fact| (fact, terms));
                (amended, grant.clone(), Some(grant.clone()))
            }
        };
        let superseded = match &amends {
            Some(_) => BTreeMap::new(),
            None => superseded(&command.supersedes, &grant, (login, request), now)?,
        };
        let (fact, terms) = given.map_err(JourneyRefusal::LinkageMoved)?;
        let mut facts = vec![fact];
        facts.extend(consent.restored_by(match how {
            Amendment::Replace => SuspensionCause::is_answered_by_authorization,
            Amendment::Merge => SuspensionCause::is_answered_by_handover,
        }));
        Ok(Authorized {
            journey: JourneyEvent::AccessAuthorized {
                journey: request.journey.clone(),
                grant,
                revision: journey.revision,
                scope: terms.scope,
                history_from: terms.history_from,
                valid_from: terms.valid_from,
                valid_until: terms.valid_until,
                contract: terms.contract,
                user: terms.user,
                role: login.role,
                login_method: login.method,
                login_at: login.at,
                client: terms.client,
                partner: terms.partner,
                partner_record_version: command.partner_record_version,
                text: command.text,
                terms_version: command.terms_version,
                request_sha256: request.request_sha256.clone(),
                amends,
                supersedes: superseded.keys().cloned().collect(),
            },
            consent: facts,
            superseded,
        })
    }
}

/// The ends of the linkages in whose place the new one comes: the contract's own, and live.
fn superseded(
    linkages: &BTreeMap<GrantId, Consent>,
    by: &GrantId,
    (login, request): (&Login, &Request),
    now: Instant,
) -> Result<BTreeMap<GrantId, ConsentEvent>, JourneyRefusal> {
    let mut facts = BTreeMap::new();
    for (grant, consent) in linkages {
        if consent
            .terms()
            .is_none_or(|terms| terms.contract != login.contract)
        {
            return Err(JourneyRefusal::LinkageMoved(ConsentRefusal::Foreign));
        }
        let ended = consent
            .supersede(by, &request.client, now)
            .map_err(JourneyRefusal::LinkageMoved)?;
        for fact in ended.into_events() {
            facts.insert(grant.clone(), fact);
        }
    }
    Ok(facts)
}
