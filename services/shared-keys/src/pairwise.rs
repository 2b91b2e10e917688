//! Ids that mean nothing outside one partner: of accounts, and of the contract as `sub`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use consent_domain::{AccountId, BankCode, ContractId, PartnerId};
use serde::{Deserialize, Serialize};

use crate::SharedKey;

/// 128 bits as 22 characters of base64url: the same for one partner for ever, unlinkable between
/// partners.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PairwiseId(String);

/// The text is no pairwise id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pairwise id has 22 characters of A-Z, a-z, 0-9, - and _")]
pub struct MalformedPairwiseId;

const CHARACTERS: usize = 22;

impl PairwiseId {
    /// Reads an id that a partner sends.
    ///
    /// # Errors
    /// [`MalformedPairwiseId`].
    pub fn parse(text: &str) -> Result<Self, MalformedPairwiseId> {
        let base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if text.len() == CHARACTERS && text.bytes().all(base64url) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedPairwiseId)
        }
    }

    /// An account as the partner knows it, under the `pairwise` key.
    pub fn of_account(
        key: &SharedKey,
        partner: &PartnerId,
        bank: &BankCode,
        account: &AccountId,
    ) -> Self {
        Self::derive(
            key,
            &["account", partner.as_str(), bank.as_str(), account.as_str()],
        )
    }

    /// A contract as the partner knows it (`sub`), under the `pairwise` key.
    pub fn of_contract(
        key: &SharedKey,
        partner: &PartnerId,
        bank: &BankCode,
        contract: &ContractId,
    ) -> Self {
        Self::derive(
            key,
            &[
                "contract",
                partner.as_str(),
                bank.as_str(),
                contract.as_str(),
            ],
        )
    }

    /// A stream as whoever runs the platform knows it, where the bank's own id would otherwise show.
    pub fn of_stream(key: &SharedKey, stream_type: &str, stream_id: &str) -> Self {
        Self::derive(key, &["platform_stream", stream_type, stream_id])
    }

    fn derive(key: &SharedKey, parts: &[&str]) -> Self {
        let mut text = URL_SAFE_NO_PAD.encode(key.mac(parts));
        // 22 characters carry 132 bits of the MAC.
        text.truncate(CHARACTERS);
        Self(text)
    }

    /// As sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PairwiseId {
    type Error = MalformedPairwiseId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PairwiseId> for String {
    fn from(id: PairwiseId) -> Self {
        id.0
    }
}

impl fmt::Display for PairwiseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(partner: &str, bank: &str, account: &str) -> PairwiseId {
        PairwiseId::of_account(
            &SharedKey::for_test(1),
            &PartnerId::parse(partner).unwrap(),
            &BankCode::parse(bank).unwrap(),
            &AccountId::parse(account).unwrap(),
        )
    }

    #[test]
    fn an_id_is_stable_and_well_formed() {
        let id = account("p", "2963", "a1");
        assert_eq!(id, account("p", "2963", "a1"));
        assert_eq!(PairwiseId::parse(id.as_str()), Ok(id));
    }

    #[test]
    fn partners_banks_accounts_and_kinds_differ() {
        let contract = PairwiseId::of_contract(
            &SharedKey::for_test(1),
            &PartnerId::parse("p").unwrap(),
            &BankCode::parse("2963").unwrap(),
            &ContractId::parse("a1").unwrap(),
        );
        let ids = [
            account("p", "2963", "a1"),
            account("p2", "2963", "a1"),
            account("p", "2951", "a1"),
            account("p", "2963", "a2"),
            // Parts do not run into each other.
            account("p", "2963", "1a"),
            contract,
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }
}
