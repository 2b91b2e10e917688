use std::collections::BTreeMap;

use chrono::NaiveDate;
use consent_domain::{
    AccountId, JourneyId, UserId,
    consent::{ConsentRefusal, Renewal},
};

use super::{ActError, Acted, OnConsent, Order};
use crate::{journey::end_of_validity, partners::bank_record, store::CommandError};

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
        self.act(order, &content, move |consent, now| {
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
}
