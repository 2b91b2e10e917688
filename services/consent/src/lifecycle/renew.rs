use std::collections::BTreeMap;

use chrono::NaiveDate;
use consent_domain::{
    AccountId, Instant, JourneyId, UserId,
    consent::{Consent, ConsentRefusal, Renewal, RenewalShown},
};

use super::{ActError, Acted, Along, OnConsent, Order};
use crate::{
    evidence::SealedEvidence,
    journey::end_of_validity,
    partners::bank_record,
    store::{CommandError, Companion},
};

/// What a user who renews says.
#[derive(Debug, Clone)]
pub struct RenewalWish {
    /// The user, who answers for the consent from now on.
    pub user: UserId,
    /// The journey, where a partner's request led to it.
    pub journey: Option<JourneyId>,
    /// Per account the day from which the partner goes on.
    pub continue_from: BTreeMap<AccountId, NaiveDate>,
}

impl OnConsent<'_> {
    /// Begins a new period of the bank's usual length today; the scope stays.
    ///
    /// # Errors
    /// [`super::ActError`].
    pub async fn renew(self, wish: &RenewalWish, order: Order) -> Acted {
        let record = bank_record(self.pool, self.bank).await?;
        let days = record
            .ok_or(ActError::Command(CommandError::Refused(
                ConsentRefusal::Unknown,
            )))?
            .settings
            .consent_validity_days;
        let content = format!("renew {}", wish.user);
        let wish = wish.clone();
        let along = Along {
            answers: Some(wish.user.clone()),
            ..Along::default()
        };
        self.act_with(order, &content, along, move |consent, now| {
            let valid_until = end_of_validity(now, days).ok_or(ConsentRefusal::PeriodNotLonger)?;
            let renewal = Renewal {
                journey: wish.journey.clone(),
                user: wish.user.clone(),
                valid_until,
                continue_from: wish.continue_from.clone(),
            };
            consent.renew(&renewal, now)
        })
        .await
    }

    /// The same by a user on the bank's own page, who was shown an end: with what that page said, kept
    /// for the bank's years.
    ///
    /// # Errors
    /// [`super::ActError`].
    pub(crate) async fn renew_as_shown(self, sight: RenewalSeen, order: Order) -> Acted {
        let RenewalSeen {
            wish,
            valid_until,
            shown,
            evidence,
            evidence_years,
        } = sight;
        let content = format!("renew {} {valid_until}", wish.user);
        let kept = Companion::RecordEvidence {
            bank: self.bank.to_string(),
            journey: shown.record.clone(),
            grant: self.grant.to_string(),
            evidence,
            years: evidence_years,
        };
        let along = Along {
            rows: vec![kept],
            answers: Some(wish.user.clone()),
        };
        let decide = move |consent: &Consent, now| {
            let renewal = Renewal {
                journey: None,
                user: wish.user.clone(),
                valid_until,
                continue_from: wish.continue_from.clone(),
            };
            consent.renew_as_shown(&renewal, &shown, now)
        };
        self.act_with(order, &content, along, decide).await
    }
}

/// A renewal on the bank's own page.
pub(crate) struct RenewalSeen {
    /// What the user says.
    pub wish: RenewalWish,
    /// The end that was shown.
    pub valid_until: Instant,
    /// What was shown, for the fact.
    pub shown: RenewalShown,
    /// The words themselves.
    pub evidence: SealedEvidence,
    /// How long they are kept, in years.
    pub evidence_years: i32,
}
