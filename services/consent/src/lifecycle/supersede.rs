use consent_domain::GrantId;

use super::{Acted, OnConsent, Order};

impl OnConsent<'_> {
    /// Ends it because another grant of the contract took its place.
    ///
    /// # Errors
    /// [`super::ActError`].
    pub async fn supersede(self, by: &GrantId, order: Order) -> Acted {
        let content = format!("supersede {by}");
        let by = by.clone();
        self.act(order, &content, move |consent, now| {
            consent.supersede(&by, now)
        })
        .await
    }
}
