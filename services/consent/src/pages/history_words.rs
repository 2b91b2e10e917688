//! What happened to a consent, in plain words.

use consent_domain::{
    consent::{RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};

use super::texts::Texts;

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
