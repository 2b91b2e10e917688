//! Suspension by cause: each cause is lifted by itself, and access comes back with the last of them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Why access is suspended: of a consent, a contract, a partner at a bank, or a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspensionCause {
    /// The customer asked for a pause.
    CustomerRequest,
    /// Unauthorised use is suspected.
    SuspectedFraud,
    /// An incident at the partner or at the bank.
    SecurityIncident,
    /// A court or an authority ordered it.
    LegalOrder,
    /// The user who allowed it has left the contract; until somebody takes over.
    UserRemoved,
    /// The user who allowed it changed the password, and the bank wants access allowed anew.
    PasswordChanged,
    /// The same with the electronic certificate.
    CertificateChanged,
    /// The user who allowed it lost the right to an account of it.
    RightRemoved,
    /// An account of it got another number or branch.
    AccountMoved,
    /// The terms changed, and the customer has to allow access under the new ones.
    TermsChanged,
    /// The partner's onward recipients changed, and the customer has to allow access to them.
    RecipientsChanged,
    /// Another one; the fact records who acted.
    Other,
}

impl SuspensionCause {
    /// Every cause.
    pub const ALL: [Self; 12] = [
        Self::CustomerRequest,
        Self::SuspectedFraud,
        Self::SecurityIncident,
        Self::LegalOrder,
        Self::UserRemoved,
        Self::PasswordChanged,
        Self::CertificateChanged,
        Self::RightRemoved,
        Self::AccountMoved,
        Self::TermsChanged,
        Self::RecipientsChanged,
        Self::Other,
    ];

    /// The cause's name in facts and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CustomerRequest => "customer_request",
            Self::SuspectedFraud => "suspected_fraud",
            Self::SecurityIncident => "security_incident",
            Self::LegalOrder => "legal_order",
            Self::UserRemoved => "user_removed",
            Self::PasswordChanged => "password_changed",
            Self::CertificateChanged => "certificate_changed",
            Self::RightRemoved => "right_removed",
            Self::AccountMoved => "account_moved",
            Self::TermsChanged => "terms_changed",
            Self::RecipientsChanged => "recipients_changed",
            Self::Other => "other",
        }
    }

    /// The cause of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }

    /// Whether 許可 answers it: the customer logged in, saw today's terms and recipients, and chose the
    /// accounts anew.
    pub fn is_answered_by_authorization(self) -> bool {
        self.is_answered_by_renewal() || matches!(self, Self::RightRemoved | Self::AccountMoved)
    }

    /// Whether a renewal answers it: a user logged in and saw today's terms and recipients, and the
    /// accounts stayed as they were.
    pub fn is_answered_by_renewal(self) -> bool {
        self.is_answered_by_handover()
            || matches!(self, Self::TermsChanged | Self::RecipientsChanged)
    }

    /// Whether a handover answers it: it was about the login of the user before.
    pub fn is_answered_by_handover(self) -> bool {
        matches!(
            self,
            Self::UserRemoved | Self::PasswordChanged | Self::CertificateChanged
        )
    }
}

/// The causes that stand; access is suspended while there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Suspensions(BTreeSet<SuspensionCause>);

impl Suspensions {
    /// Whether none stands.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether that one stands.
    pub fn contains(&self, cause: SuspensionCause) -> bool {
        self.0.contains(&cause)
    }

    /// The causes in order.
    pub fn iter(&self) -> impl Iterator<Item = SuspensionCause> {
        self.0.iter().copied()
    }

    pub(crate) fn add(&mut self, cause: SuspensionCause) {
        self.0.insert(cause);
    }

    pub(crate) fn lift(&mut self, cause: SuspensionCause) {
        self.0.remove(&cause);
    }
}

impl FromIterator<SuspensionCause> for Suspensions {
    fn from_iter<I: IntoIterator<Item = SuspensionCause>>(causes: I) -> Self {
        Self(causes.into_iter().collect())
    }
}
