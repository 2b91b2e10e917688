use consent_domain::{AccountId, BankCode, ContractId, PartnerId};
use shared_keys::{PairwiseId, SharedKey};

/// How public events name what facts call by the bank's own ids.
#[derive(Debug, Clone)]
pub struct Names {
    public_url: String,
    pairwise: SharedKey,
}

impl Names {
    /// `public_url` is the consent service's (a trailing slash is dropped); `pairwise` is the shared
    /// key of that purpose, so that events name accounts as tokens do.
    pub fn new(public_url: &str, pairwise: SharedKey) -> Self {
        Self {
            public_url: public_url.trim_end_matches('/').to_owned(),
            pairwise,
        }
    }

    /// The source of a bank's events: its issuer. Of no bank: the service.
    pub(crate) fn source(&self, bank: Option<&BankCode>) -> String {
        bank.map_or_else(
            || self.public_url.clone(),
            |bank| format!("{}/{bank}", self.public_url),
        )
    }

    pub(crate) fn account(
        &self,
        partner: &PartnerId,
        bank: &BankCode,
        account: &AccountId,
    ) -> String {
        PairwiseId::of_account(&self.pairwise, partner, bank, account).into()
    }

    pub(crate) fn subject(
        &self,
        partner: &PartnerId,
        bank: &BankCode,
        contract: &ContractId,
    ) -> String {
        PairwiseId::of_contract(&self.pairwise, partner, bank, contract).into()
    }

    /// The bank's code stays in front: it says whose stream it is.
    pub(crate) fn opaque_stream(&self, stream_type: &str, bank: &BankCode, id: &str) -> String {
        let opaque = PairwiseId::of_stream(&self.pairwise, stream_type, &format!("{bank}:{id}"));
        format!("{bank}:{opaque}")
    }
}
