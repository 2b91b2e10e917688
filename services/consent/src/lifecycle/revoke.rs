use consent_domain::consent::{RevocationReason, RevokedBy};

use super::{Acted, OnConsent, Order};

impl OnConsent<'_> {
    /// Ends it: for every read that starts after this returns, on every replica. Its codes and refresh
    /// tokens give nothing any more, because each use asks for the consent first.
    ///
    /// # Errors
    /// [`super::ActError`].
    pub async fn revoke(self, by: RevokedBy, reason: RevocationReason, order: Order) -> Acted {
        let content = format!("revoke {} {}", by.as_str(), reason.as_str());
        self.act(order, &content, move |consent, now| {
            consent.revoke(by, reason, now)
        })
        .await
    }
}
