//! Whether a linkage can be renewed on one screen: a login is enough where the bank does not want the
//! consent anew for what changed since it was given.

use consent_domain::{
    Instant,
    bank::RenewalRule,
    consent::{ReconsentReason, Today, reconsent_needed},
};

use super::{
    linkage::Linkage,
    sight::Sight,
    visit::{AtPage, Visit},
};
use crate::{
    journey::{PageError, end_of_validity},
    pages::{ByJourney, ErrorKind},
};

/// Why it can't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotRenewable {
    /// This user may not, or it is not the time.
    NotAllowed,
    /// A period of the bank's length that begins today would end no later.
    NotLonger,
    /// It takes every step of a journey, which begins at the partner.
    ByJourney(ByJourney),
}

/// The end of a period that begins now, where this user may renew the linkage on one screen.
///
/// # Errors
/// The error page for a period that no calendar holds.
pub(super) fn renewable(
    at: &AtPage,
    sight: &Sight,
    linkage: &Linkage,
) -> Result<Result<Instant, NotRenewable>, PageError> {
    let visit = &at.visit;
    let settings = &visit.record.settings;
    if !linkage.at_bank.is_enabled() || !sight.may_renew(at, linkage).yes() {
        return Ok(Err(NotRenewable::NotAllowed));
    }
    let valid_until = end_of_validity(visit.now, settings.consent_validity_days)
        .ok_or_else(|| visit.error(ErrorKind::Internal))?;
    if valid_until <= linkage.terms.valid_until {
        return Ok(Err(NotRenewable::NotLonger));
    }
    if settings.renewal == RenewalRule::ByJourney {
        return Ok(Err(NotRenewable::ByJourney(ByJourney::BanksRule)));
    }
    Ok(match consent_anew(visit, linkage) {
        Some(why) => Err(NotRenewable::ByJourney(why)),
        None => Ok(valid_until),
    })
}

/// Why the consent has to be given anew, by the rule that a journey follows.
fn consent_anew(visit: &Visit, linkage: &Linkage) -> Option<ByJourney> {
    let settings = &visit.record.settings;
    let today = Today {
        terms_version: &settings.terms_version,
        recipients_since: linkage.recipients_since,
    };
    let reason = reconsent_needed(&linkage.terms, today, &settings.linkage_rules)?;
    Some(match reason {
        // Nobody knows whether anything changed.
        _ if linkage.terms.given_under.is_none() => ByJourney::Unknown,
        ReconsentReason::TermsChanged => ByJourney::TermsChanged,
        ReconsentReason::RecipientsChanged => ByJourney::RecipientsChanged,
    })
}
