use serde::{Deserialize, Serialize};

/// Who acted on a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedBy {
    /// The customer.
    Customer,
    /// The partner.
    Partner,
    /// The bank.
    Bank,
    /// This service, by a rule.
    System,
}

impl RevokedBy {
    /// The name in facts and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Partner => "partner",
            Self::Bank => "bank",
            Self::System => "system",
        }
    }

    /// Whoever has that name, if anybody.
    pub fn find(name: &str) -> Option<Self> {
        [Self::Customer, Self::Partner, Self::Bank, Self::System]
            .into_iter()
            .find(|by| by.as_str() == name)
    }
}

/// Why a consent was ended before its time. A closed set; a reason in a stored fact that this release
/// does not know reads as [`RevocationReason::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "&'static str")]
pub enum RevocationReason {
    /// The customer does not use it any more.
    NoLongerNeeded,
    /// The customer asked the bank or the partner to end it.
    CustomerRequest,
    /// It was linked with the wrong login or the wrong accounts.
    LinkedByMistake,
    /// Unauthorised use.
    Fraud,
    /// The customer's contract with the partner ended.
    ServiceEnded,
    /// The partner no longer serves this bank's customers.
    PartnerLeft,
    /// The bank closed the contract (団体).
    ContractClosed,
    /// Its last account was taken out.
    NoAccountLeft,
    /// The user who allowed it left the contract, and the bank ends consents then.
    UserRemoved,
    /// That user changed the password, and the bank ends consents then.
    PasswordChanged,
    /// The same with the electronic certificate.
    CertificateChanged,
    /// A court or an authority ordered it.
    LegalOrder,
    /// Another one; the fact records who acted.
    Other,
}

impl RevocationReason {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::NoLongerNeeded,
        Self::CustomerRequest,
        Self::LinkedByMistake,
        Self::Fraud,
        Self::ServiceEnded,
        Self::PartnerLeft,
        Self::ContractClosed,
        Self::NoAccountLeft,
        Self::UserRemoved,
        Self::PasswordChanged,
        Self::CertificateChanged,
        Self::LegalOrder,
        Self::Other,
    ];

    /// The reason's name in facts and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoLongerNeeded => "no_longer_needed",
            Self::CustomerRequest => "customer_request",
            Self::LinkedByMistake => "linked_by_mistake",
            Self::Fraud => "fraud",
            Self::ServiceEnded => "service_ended",
            Self::PartnerLeft => "partner_left",
            Self::ContractClosed => "contract_closed",
            Self::NoAccountLeft => "no_account_left",
            Self::UserRemoved => "user_removed",
            Self::PasswordChanged => "password_changed",
            Self::CertificateChanged => "certificate_changed",
            Self::LegalOrder => "legal_order",
            Self::Other => "other",
        }
    }

    /// The reason of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

impl From<String> for RevocationReason {
    fn from(stored: String) -> Self {
        Self::find(&stored).unwrap_or(Self::Other)
    }
}

impl From<RevocationReason> for &'static str {
    fn from(reason: RevocationReason) -> Self {
        reason.as_str()
    }
}

/// Why one account was taken out of a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalReason {
    /// Whoever acted does not want it in there any more.
    NoLongerNeeded,
    /// It is the wrong account.
    LinkedByMistake,
    /// The bank closed it.
    AccountClosed,
    /// The user who allowed it lost the right to the account.
    RightRemoved,
    /// It got another number or branch, and the bank takes such accounts out.
    AccountMoved,
    /// Another one; the fact records who acted.
    Other,
}

impl RemovalReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::NoLongerNeeded,
        Self::LinkedByMistake,
        Self::AccountClosed,
        Self::RightRemoved,
        Self::AccountMoved,
        Self::Other,
    ];

    /// The reason's name in facts and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoLongerNeeded => "no_longer_needed",
            Self::LinkedByMistake => "linked_by_mistake",
            Self::AccountClosed => "account_closed",
            Self::RightRemoved => "right_removed",
            Self::AccountMoved => "account_moved",
            Self::Other => "other",
        }
    }

    /// The reason of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}
