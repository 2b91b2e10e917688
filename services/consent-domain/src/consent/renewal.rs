//! What keeps a consent alive: warnings before its end, renewal, another user who answers for it.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::{Consent, ConsentEvent, ConsentRefusal, GivenUnder, GrantTerms};
use crate::{
    AccountId, Instant, JourneyId, Outcome, UserId,
    contract::Contract,
    journey::{ShownText, UserRole},
    suspension::SuspensionCause,
};

/// Days before the end at which the customer is warned, each once per validity.
pub const WARNING_DAYS: [u32; 4] = [30, 14, 7, 1];

/// A new period for the same scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Renewal {
    /// The journey, where a partner's request led to it.
    pub journey: Option<JourneyId>,
    /// The user who renews, and answers for it from now on.
    pub user: UserId,
    /// The first instant at which access no longer holds.
    pub valid_until: Instant,
    /// Per account the day from which the partner goes on, where it has been served before.
    pub continue_from: BTreeMap<AccountId, NaiveDate>,
}

/// What a user was shown who renewed on the bank's own page, and how that user had logged in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenewalShown {
    /// Under which name the words themselves are kept.
    pub record: JourneyId,
    /// The text.
    pub text: ShownText,
    /// The terms' version.
    pub terms_version: String,
    /// Which version of the partner's record.
    pub partner_record_version: u32,
    /// Master or general user.
    pub role: UserRole,
    /// When the user had logged in.
    pub login_at: Instant,
}

impl RenewalShown {
    /// What the consent is given under from then on.
    pub(super) fn given_under(&self) -> GivenUnder {
        GivenUnder {
            terms_version: self.terms_version.clone(),
            partner_record_version: self.partner_record_version,
        }
    }
}

impl Consent {
    /// Begins a new period today; scope and history stay. Lifts the suspensions that a login under
    /// today's terms answers.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`], [`ConsentRefusal::AlreadyEnded`]: after the end it takes a new grant;
    /// [`ConsentRefusal::PeriodNotLonger`].
    pub fn renew(
        &self,
        renewal: &Renewal,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        self.renew_as(renewal, None, now)
    }

    /// The same by a user on the bank's own page, with what that page said.
    ///
    /// # Errors
    /// As [`Consent::renew`].
    pub fn renew_as_shown(
        &self,
        renewal: &Renewal,
        shown: &RenewalShown,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        self.renew_as(renewal, Some(shown), now)
    }

    fn renew_as(
        &self,
        renewal: &Renewal,
        shown: Option<&RenewalShown>,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        let terms = self.live(now)?;
        if renewal.valid_until <= terms.valid_until {
            return Err(ConsentRefusal::PeriodNotLonger);
        }
        let continue_from = renewal.continue_from.iter();
        let mut facts = vec![ConsentEvent::AccessRenewed {
            journey: renewal.journey.clone(),
            user: renewal.user.clone(),
            valid_from: now,
            valid_until: renewal.valid_until,
            continue_from: continue_from
                .filter(|(account, _)| terms.scope.has_account(account))
                .map(|(account, day)| (account.clone(), *day))
                .collect(),
            shown: shown.cloned(),
        }];
        facts.extend(self.restored_by(SuspensionCause::is_answered_by_renewal));
        Ok(Outcome::Changed(facts))
    }

    /// Lets another user of the contract answer for it, and lifts the suspensions that were about the
    /// login of the one before.
    ///
    /// # Errors
    /// [`ConsentRefusal::Unknown`], [`ConsentRefusal::AlreadyEnded`], also where the bank closed the contract and
    /// this end is not recorded yet; [`ConsentRefusal::UserRemoved`] where the bank said that this user is gone.
    pub fn hand_over(
        &self,
        to: &UserId,
        contract: &Contract,
        now: Instant,
    ) -> Result<Outcome<ConsentEvent>, ConsentRefusal> {
        let from = &self.live(now)?.user;
        if from == to {
            return Ok(Outcome::AlreadyDone);
        }
        if contract.is_closed() {
            return Err(ConsentRefusal::AlreadyEnded);
        }
        if contract.is_user_removed(to) {
            return Err(ConsentRefusal::UserRemoved);
        }
        let mut facts = vec![ConsentEvent::HandedOver {
            from_user: from.clone(),
            to_user: to.clone(),
        }];
        facts.extend(self.restored_by(SuspensionCause::is_answered_by_handover));
        Ok(Outcome::Changed(facts))
    }

    /// Warns of its end, where one of [`WARNING_DAYS`] is reached. Where several were missed, the nearest
    /// one is given and the others never.
    pub fn warn(&self, now: Instant) -> Outcome<ConsentEvent> {
        let Self::Live { terms, warned, .. } = self else {
            return Outcome::AlreadyDone;
        };
        if terms.valid_until <= now {
            return Outcome::AlreadyDone;
        }
        let due = warnings(terms, *warned).filter(|(_, at)| *at <= now).last();
        match due {
            None => Outcome::AlreadyDone,
            Some((days_left, _)) => Outcome::fact(ConsentEvent::ExpiryWarned {
                days_left,
                valid_until: terms.valid_until,
            }),
        }
    }
}

/// When the next warning is due, after the one at `warned` days was given.
pub(super) fn next_warning(terms: &GrantTerms, warned: Option<u32>) -> Option<Instant> {
    warnings(terms, warned).map(|(_, at)| at).next()
}

/// The warnings still to come and their times, the earliest first. A period shorter than a warning's
/// days has no such warning: it would come with the consent itself.
fn warnings(terms: &GrantTerms, warned: Option<u32>) -> impl Iterator<Item = (u32, Instant)> {
    let (from, until) = (terms.valid_from, terms.valid_until);
    WARNING_DAYS
        .into_iter()
        .filter(move |days| warned.is_none_or(|given| *days < given))
        .map(move |days| (days, until - TimeDelta::days(days.into())))
        .filter(move |(_, at)| *at > from)
}
