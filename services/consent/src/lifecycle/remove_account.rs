use consent_domain::{
    AccountId,
    consent::{RemovalReason, RevokedBy},
};

use super::{Acted, OnConsent, Order};

impl OnConsent<'_> {
    /// Takes an account out; with the last one the consent ends.
    ///
    /// # Errors
    /// [`super::ActError`].
    pub async fn remove_account(
        self,
        account: &AccountId,
        by: RevokedBy,
        reason: RemovalReason,
        order: Order,
    ) -> Acted {
        let (by_whom, why) = (by.as_str(), reason.as_str());
        let content = format!("remove_account {account} {by_whom} {why}");
        let account = account.clone();
        self.act(order, &content, move |consent, now| {
            consent.remove_account(&account, by, reason, now)
        })
        .await
    }
}
