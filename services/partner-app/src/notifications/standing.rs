//! What an event means: for the customer in plain words, and for the reads.

use serde_json::Value;

use super::feed::Event;
use crate::account_api::ProblemCode;

/// Why a linkage is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// For the time being.
    Suspended,
    /// Its time passed.
    Expired,
    /// Somebody ended it.
    Revoked,
    /// Another one took its place.
    Superseded,
    /// The bank lets this service read nothing.
    PartnerDisabled,
    /// The bank lets this service read nothing for the time being.
    PartnerSuspended,
}

impl Standing {
    /// The same reason, as the account interface would give it.
    pub fn problem_code(self) -> ProblemCode {
        match self {
            Self::Suspended | Self::PartnerDisabled | Self::PartnerSuspended => {
                ProblemCode::GrantSuspended
            }
            Self::Expired => ProblemCode::GrantExpired,
            Self::Revoked => ProblemCode::GrantRevoked,
            Self::Superseded => ProblemCode::GrantSuperseded,
        }
    }
}

/// What becomes of reads.
pub(super) enum Change {
    Stops(Standing),
    Goes,
    None,
}

/// The events that this service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// 許可 made the linkage.
    Authorized,
    /// The first token was fetched.
    Connected,
    /// Other accounts or tasks.
    AccountsChanged,
    /// Another validity.
    Renewed,
    /// It will end.
    Expiring,
    /// Its time passed.
    Expired,
    /// Ended.
    Revoked(RevokedBy),
    /// Held back.
    Suspended,
    /// One cause of several is gone.
    PartlyRestored,
    /// Reads work again.
    Restored,
    /// Another one took its place.
    Superseded,
    /// Somebody else answers for it.
    HandedOver,
    /// The bank lets this service read.
    PartnerEnabled,
    /// It does not.
    PartnerDisabled,
    /// It does not for the time being.
    PartnerSuspended,
    /// One of the causes of that is gone.
    PartnerRestored,
}

/// Who ended a linkage, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevokedBy {
    /// The customer.
    Customer,
    /// The bank.
    Bank,
    /// This service, the platform, or not told.
    Other,
}

impl Meaning {
    /// What an event means; none for a type that is not known.
    pub(super) fn of(event: &Event) -> Option<Self> {
        Some(match event.kind.as_str() {
            "AccessAuthorized" => Self::Authorized,
            "PartnerConnected" => Self::Connected,
            "AccountsChanged" => Self::AccountsChanged,
            "AccessRenewed" => Self::Renewed,
            "AccessExpiring" => Self::Expiring,
            "AccessExpired" => Self::Expired,
            "AccessRevoked" => {
                Self::Revoked(match event.data.get("revoked_by").and_then(Value::as_str) {
                    Some("PARTY_CUSTOMER") => RevokedBy::Customer,
                    Some("PARTY_BANK") => RevokedBy::Bank,
                    _ => RevokedBy::Other,
                })
            }
            "AccessSuspended" => Self::Suspended,
            "AccessRestored" => match event.data.get("causes").and_then(Value::as_array) {
                Some(causes) if !causes.is_empty() => Self::PartlyRestored,
                _ => Self::Restored,
            },
            "AccessSuperseded" => Self::Superseded,
            "AccessHandedOver" => Self::HandedOver,
            "PartnerEnabled" => Self::PartnerEnabled,
            "PartnerDisabled" => Self::PartnerDisabled,
            "PartnerSuspended" => Self::PartnerSuspended,
            "PartnerRestored" => Self::PartnerRestored,
            _ => return None,
        })
    }

    pub(super) fn standing(self) -> Change {
        match self {
            Self::Expired => Change::Stops(Standing::Expired),
            Self::Revoked(_) => Change::Stops(Standing::Revoked),
            Self::Suspended | Self::PartlyRestored => Change::Stops(Standing::Suspended),
            Self::Superseded => Change::Stops(Standing::Superseded),
            Self::PartnerDisabled => Change::Stops(Standing::PartnerDisabled),
            Self::PartnerSuspended => Change::Stops(Standing::PartnerSuspended),
            // A permission that is given again, changed or renewed may be read.
            Self::Authorized
            | Self::AccountsChanged
            | Self::Renewed
            | Self::Restored
            | Self::PartnerEnabled
            | Self::PartnerRestored => Change::Goes,
            Self::Connected | Self::Expiring | Self::HandedOver => Change::None,
        }
    }
}
