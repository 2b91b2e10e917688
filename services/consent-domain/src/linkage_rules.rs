//! What a bank sets about the linkages of one contract.

use serde::{Deserialize, Serialize};

use crate::ClientId;

/// A bank's rules about linkages. By default linkages stand beside each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkageRules {
    /// Which of a contract's linkages a new one ends.
    pub new_linkage_supersedes: NewLinkageSupersedes,
    /// Whether a journey asks for the PINs of accounts that stay as the linkage has them.
    pub pins_of_kept_accounts: PinsOfKeptAccounts,
    /// What a renewal takes after the bank's terms changed.
    pub after_terms_change: AfterChange,
    /// What a renewal takes after the company, or those to whom it passes data on, changed.
    pub after_recipients_change: AfterChange,
}

/// Whether a journey asks for the PINs of accounts that stay as the linkage has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinsOfKeptAccounts {
    /// It does.
    #[default]
    Asked,
    /// A login is enough for them; what is new needs its PIN.
    NotAsked,
}

/// What a renewal takes after something changed that the consent was given under.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterChange {
    /// A login: the page shows what there is today.
    #[default]
    Renew,
    /// Every step, each account chosen and proven again.
    ConsentAnew,
}

impl LinkageRules {
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Which of a contract's linkages a new one ends. One that is changed, by a request that names it or by
/// one that names none, is not new and ends none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewLinkageSupersedes {
    /// None: linkages stand beside each other.
    #[default]
    Nothing,
    /// Those with the same service.
    SameService,
    /// Those with any service of the same company, by its registration number.
    SameCompany,
}

/// A service as the rule sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its OAuth client.
    pub client: ClientId,
    /// The company's registration number (電子決済等代行業者登録番号).
    pub registration_number: String,
}

impl NewLinkageSupersedes {
    /// Whether a new linkage with `new` ends one with `old`.
    pub fn ends(self, old: &Service, new: &Service) -> bool {
        match self {
            Self::Nothing => false,
            Self::SameService => old.client == new.client,
            Self::SameCompany => {
                old.client == new.client || old.registration_number == new.registration_number
            }
        }
    }
}
