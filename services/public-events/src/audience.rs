use consent_domain::{BankCode, PartnerId};

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    /// A partner, of its own grants at one bank.
    Partner {
        /// The bank.
        bank: BankCode,
        /// The partner.
        partner: PartnerId,
    },
    /// Whoever runs the platform: one record for every fact.
    Platform,
    /// Readers of today's registrations: a compacted topic.
    Registrations,
}
