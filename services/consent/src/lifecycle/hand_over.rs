use consent_domain::{
    ContractId, UserId,
    consent::{Consent, ConsentRefusal, ConsentStream},
    contract::{Contract, ContractStream},
};

use super::{ActError, Acted, OnConsent, Order, done, entitled, telling};
use crate::{
    journey::stream_id,
    store::{Act, CommandError},
};

impl OnConsent<'_> {
    /// Lets another user of the contract answer for it; the contract says who has left.
    ///
    /// # Errors
    /// [`super::ActError`].
    pub async fn hand_over(self, to: &UserId, order: Order) -> Acted {
        self.hand_over_from(None, to, order).await
    }

    /// The same, where the user who answers for it is still the one that was seen.
    ///
    /// # Errors
    /// [`super::ActError`]; [`ConsentRefusal::ChangedMeanwhile`] where it is another.
    pub async fn hand_over_from(self, seen: Option<&UserId>, to: &UserId, order: Order) -> Acted {
        let actor = order.actor.clone();
        let context = self.context(order, &format!("hand_over {to}")).await?;
        let Some(contract) = context.contract.clone() else {
            let unknown = CommandError::Refused(ConsentRefusal::Unknown);
            return Err(ActError::Command(unknown));
        };
        let contract = ContractId::parse(contract)?;
        let entitled = entitled(&context, self.bank, to);
        let (key, bank, to) = (context.key.clone(), self.bank.clone(), to.clone());
        let seen = seen.cloned();
        let executed = self
            .bus
            .execute_pair::<ConsentStream, ContractStream, ConsentRefusal>(
                (self.stream(), stream_id(self.bank, contract.as_str())),
                context,
                Act::new(move |consent: &Consent, contract: &Contract, now| {
                    let facts = consent.hand_over(&to, contract, now)?.into_events();
                    let user = consent.live_terms(now).map(|terms| &terms.user);
                    // What is so already is never refused.
                    if !facts.is_empty() && seen.is_some() && seen.as_ref() != user {
                        return Err(ConsentRefusal::ChangedMeanwhile);
                    }
                    Ok((facts, Vec::new()))
                }),
                move |facts, _, consent, _| {
                    let mut rows = telling::notices(&bank, &actor, facts, consent);
                    if !facts.is_empty() {
                        rows.extend(entitled.clone());
                    }
                    rows
                },
            )
            .await?;
        done(executed, key.as_ref())
    }
}
