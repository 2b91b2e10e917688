//! What happened to a consent, in plain words.

use chrono::{DateTime, TimeDelta, Utc};
use consent_domain::{
    AccountId, UserId,
    consent::{ConsentEvent, GrantTerms, RemovalReason, RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};

use super::{japan_time, phrase::Slot, texts::Texts};

/// What the reader of a sentence calls those that it is about.
pub struct FactNames<'a> {
    /// The partner's company.
    pub partner: &'a str,
    /// An account.
    pub account: &'a dyn Fn(&AccountId) -> String,
    /// A user of the contract.
    pub user: &'a dyn Fn(&UserId) -> String,
}

/// A cause of suspension.
pub(super) fn cause_words(texts: &Texts, cause: SuspensionCause) -> &str {
    use SuspensionCause as Cause;
    let words = &texts.catalogue.history.causes;
    let label = match cause {
        Cause::CustomerRequest => &words.customer_request,
        Cause::SuspectedFraud => &words.suspected_fraud,
        Cause::SecurityIncident => &words.security_incident,
        Cause::LegalOrder => &words.legal_order,
        Cause::UserRemoved => &words.user_removed,
        Cause::PasswordChanged => &words.password_changed,
        Cause::CertificateChanged => &words.certificate_changed,
        Cause::RightRemoved => &words.right_removed,
        Cause::AccountMoved => &words.account_moved,
        Cause::TermsChanged => &words.terms_changed,
        Cause::RecipientsChanged => &words.recipients_changed,
        Cause::Other => &words.other,
    };
    label.as_str()
}

impl Texts {
    /// The customer, as the one who acted.
    pub(crate) fn actor_customer(&self) -> &str {
        self.catalogue.history.by.customer.as_str()
    }

    /// The partner.
    pub(crate) fn actor_partner(&self) -> &str {
        self.catalogue.history.by.partner.as_str()
    }

    /// The bank.
    pub(crate) fn actor_bank(&self) -> &str {
        self.catalogue.history.by.bank.as_str()
    }

    /// This service, by a rule or a clock.
    pub(crate) fn actor_system(&self) -> &str {
        self.catalogue.history.by.system.as_str()
    }

    /// A fact of a consent as a sentence.
    pub(crate) fn fact(&self, fact: &ConsentEvent, names: &FactNames<'_>) -> String {
        let words = &self.catalogue.history;
        let partner = (Slot::LegalName, names.partner);
        match fact {
            ConsentEvent::AccessGranted { terms, .. } => self.allowed(&words.granted, terms, names),
            ConsentEvent::AccessAmended { terms, .. } => self.allowed(&words.amended, terms, names),
            ConsentEvent::PartnerConnected { .. } => words.connected.fill(&[partner]),
            ConsentEvent::AccessExpired { .. } => words.expired.to_string(),
            ConsentEvent::AccessRevoked { by, reason } => words.revoked.fill(&[
                (Slot::User, self.by_words(*by)),
                (Slot::Reason, self.end_reason_words(*reason)),
            ]),
            ConsentEvent::AccountRemoved {
                account,
                by,
                reason,
            } => words.account_removed.fill(&[
                (Slot::User, self.by_words(*by)),
                (Slot::Account, &(names.account)(account)),
                (Slot::Reason, self.removal_words(*reason)),
            ]),
            ConsentEvent::AccessRenewed {
                user, valid_until, ..
            } => words.renewed.fill(&[
                (Slot::User, &(names.user)(user)),
                (Slot::Time, &self.last_minute(*valid_until)),
            ]),
            ConsentEvent::AccessSuspended { cause } => words
                .suspended
                .fill(&[(Slot::Reason, cause_words(self, *cause))]),
            ConsentEvent::AccessRestored { cause } => words
                .restored
                .fill(&[(Slot::Reason, cause_words(self, *cause))]),
            ConsentEvent::ExpiryWarned {
                days_left,
                valid_until,
            } => words.warned.fill(&[
                (Slot::Count, &days_left.to_string()),
                (Slot::Time, &self.last_minute(*valid_until)),
            ]),
            ConsentEvent::AccessSuperseded { .. } => words.superseded.to_string(),
            ConsentEvent::HandedOver { from_user, to_user } => words.handed_over.fill(&[
                (Slot::From, &(names.user)(from_user)),
                (Slot::User, &(names.user)(to_user)),
            ]),
        }
    }

    fn allowed(
        &self,
        phrase: &super::phrase::Phrase,
        terms: &GrantTerms,
        names: &FactNames<'_>,
    ) -> String {
        phrase.fill(&[
            (Slot::User, &(names.user)(&terms.user)),
            (Slot::LegalName, names.partner),
            (Slot::Count, &terms.scope.accounts().len().to_string()),
            (Slot::Time, &self.last_minute(terms.valid_until)),
        ])
    }

    /// The last minute that holds before an end.
    fn last_minute(&self, end: DateTime<Utc>) -> String {
        japan_time::day_and_clock(end - TimeDelta::minutes(1), self.locale())
    }

    /// Why an account left.
    fn removal_words(&self, reason: RemovalReason) -> &str {
        let words = &self.catalogue.history.removal_reasons;
        let label = match reason {
            RemovalReason::NoLongerNeeded => &words.no_longer_needed,
            RemovalReason::LinkedByMistake => &words.linked_by_mistake,
            RemovalReason::AccountClosed => &words.account_closed,
            RemovalReason::RightRemoved => &words.right_removed,
            RemovalReason::AccountMoved => &words.account_moved,
            RemovalReason::Other => &words.other,
        };
        label.as_str()
    }

    /// Who acted.
    pub(super) fn by_words(&self, by: RevokedBy) -> &str {
        let words = &self.catalogue.history.by;
        let label = match by {
            RevokedBy::Customer => &words.customer,
            RevokedBy::Partner => &words.partner,
            RevokedBy::Bank => &words.bank,
            RevokedBy::System => &words.system,
        };
        label.as_str()
    }

    /// Why a linkage was ended before its time.
    pub(super) fn end_reason_words(&self, reason: RevocationReason) -> &str {
        use RevocationReason as Reason;
        let words = &self.catalogue.history.end_reasons;
        let label = match reason {
            Reason::NoLongerNeeded => &words.no_longer_needed,
            Reason::CustomerRequest => &words.customer_request,
            Reason::LinkedByMistake => &words.linked_by_mistake,
            Reason::Fraud => &words.fraud,
            Reason::ServiceEnded => &words.service_ended,
            Reason::PartnerLeft => &words.partner_left,
            Reason::ContractClosed => &words.contract_closed,
            Reason::NoAccountLeft => &words.no_account_left,
            Reason::UserRemoved => &words.user_removed,
            Reason::PasswordChanged => &words.password_changed,
            Reason::CertificateChanged => &words.certificate_changed,
            Reason::LegalOrder => &words.legal_order,
            Reason::Other => &words.other,
        };
        label.as_str()
    }
}
