//! Whether a linkage can be renewed on one screen: a login is enough where nothing changed that the
//! customer agreed to.

use consent_domain::{
    Instant,
    bank::RenewalRule,
    consent::ConsentEvent,
    journey::JourneyEvent,
    partner::{PartnerEvent, PartnerStream},
};

use super::{
    linkage::Linkage,
    sight::Sight,
    visit::{AtPage, Visit},
};
use crate::{
    history::{self, HistoryError, Told},
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
/// The error page for a database that is down.
pub(super) async fn renewable(
    at: &AtPage<'_>,
    sight: &Sight,
    linkage: &Linkage,
) -> Result<Result<Instant, NotRenewable>, PageError> {
    let visit = at.visit;
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
    let agreed = agreed(visit, linkage).await.map_err(|error| {
        tracing::error!(%error, "what was agreed to could not be read");
        visit.error(ErrorKind::ServiceUnavailable)
    })?;
    let Some(agreed) = agreed else {
        return Ok(Err(NotRenewable::ByJourney(ByJourney::Unknown)));
    };
    Ok(if agreed.terms_version != settings.terms_version {
        Err(NotRenewable::ByJourney(ByJourney::TermsChanged))
    } else if agreed.recipients.as_ref() != Some(&linkage.partner.onward_recipients) {
        Err(NotRenewable::ByJourney(ByJourney::RecipientsChanged))
    } else {
        Ok(valid_until)
    })
}

/// What the customer agreed to last.
struct Agreed {
    terms_version: String,
    /// The partner's onward recipients as they were shown; none where that record is not to be had.
    recipients: Option<Vec<String>>,
}

/// By the last fact that says what was shown: a renewal here, or a journey's 許可. None where neither is to
/// be had any more.
async fn agreed(visit: &Visit, linkage: &Linkage) -> Result<Option<Agreed>, HistoryError> {
    let (pool, bank) = (&visit.app.pool, &visit.bank);
    let facts = history::of_consent(pool, bank, &linkage.grant).await?;
    let shown_here = facts.iter().rev().find_map(|told| match &told.event {
        ConsentEvent::AccessGranted { .. } | ConsentEvent::AccessAmended { .. } => Some(None),
        ConsentEvent::AccessRenewed {
            shown: Some(shown), ..
        } => Some(Some(shown)),
        _ => None,
    });
    let (terms_version, record_version) = match shown_here.flatten() {
        Some(shown) => (shown.terms_version.clone(), shown.partner_record_version),
        None => match authorized(visit, &facts).await? {
            Some(shown) => shown,
            None => return Ok(None),
        },
    };
    let partner = linkage.terms.partner.as_str();
    let record = history::of_stream::<PartnerStream>(pool, partner)
        .await?
        .into_iter()
        .map(|told| match told.event {
            PartnerEvent::PartnerRegistered { record, .. }
            | PartnerEvent::PartnerChanged { record } => record,
        })
        .nth(usize::try_from(record_version.saturating_sub(1)).unwrap_or(usize::MAX));
    Ok(Some(Agreed {
        terms_version,
        recipients: record.map(|record| record.onward_recipients),
    }))
}

/// Terms and partner record of the last 許可.
async fn authorized(visit: &Visit, facts: &[Told]) -> Result<Option<(String, u32)>, HistoryError> {
    let Some(journey) = history::journeys_of(facts).pop() else {
        return Ok(None);
    };
    let steps = history::of_journey(&visit.app.pool, &visit.bank, &journey).await?;
    Ok(steps.into_iter().find_map(|told| match told.event {
        JourneyEvent::AccessAuthorized {
            terms_version,
            partner_record_version,
            ..
        } => Some((terms_version, partner_record_version)),
        _ => None,
    }))
}
