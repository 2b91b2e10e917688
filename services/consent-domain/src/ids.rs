use serde::{Deserialize, Serialize};

/// A text that can't be an id: empty, too long, or with characters outside `A-Za-z0-9._-`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct InvalidId {
    /// Which id was to be parsed.
    pub kind: &'static str,
}

/// Longest id taken from outside, in bytes.
const MAX_LENGTH: usize = 64;

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts 1 to 64 characters of `A-Za-z0-9._-`.
            ///
            /// # Errors
            /// [`InvalidId`] for anything else.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let fits = !text.is_empty()
                    && text.len() <= MAX_LENGTH
                    && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
                if fits { Ok(Self(text)) } else { Err(InvalidId { kind: stringify!($name) }) }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

opaque_id!(/// One walk through the seven steps.
    JourneyId);
opaque_id!(/// A linkage: what a contract allows one partner's service to read. OAuth calls it a grant.
    GrantId);
opaque_id!(/// A contract of the bank's corporate internet banking (団体), as the bank names it.
    ContractId);
opaque_id!(/// A user within a contract, as the bank names it.
    UserId);
opaque_id!(/// A partner's service, as OAuth names it.
    ClientId);
opaque_id!(/// A partner (API連携事業者) as a legal record.
    PartnerId);
opaque_id!(/// An account, as the bank names it; never its number.
    AccountId);
opaque_id!(/// What shares one 照会用暗証番号 and its counter: a contract, a user or an account.
    PinScopeId);

/// A bank's code: four digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BankCode(String);

impl BankCode {
    /// Accepts four ASCII digits.
    ///
    /// # Errors
    /// [`InvalidId`] for anything else.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        if text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text))
        } else {
            Err(InvalidId { kind: "BankCode" })
        }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for BankCode {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(text)
    }
}

impl From<BankCode> for String {
    fn from(code: BankCode) -> String {
        code.0
    }
}

impl std::fmt::Display for BankCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
