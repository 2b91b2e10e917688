//! Who acted and why, as far as a partner may know; the rest stays between the bank and its customer.

use consent_domain::{
    consent::{RemovalReason, RevocationReason, RevokedBy},
    suspension::{SuspensionCause, Suspensions},
};
use renkei_proto::consent::v1 as proto;

pub(crate) fn party(by: RevokedBy) -> proto::Party {
    match by {
        RevokedBy::Customer => proto::Party::Customer,
        RevokedBy::Partner => proto::Party::Partner,
        RevokedBy::Bank => proto::Party::Bank,
        RevokedBy::System => proto::Party::Platform,
    }
}

pub(crate) fn revocation_reason(reason: RevocationReason) -> proto::RevocationReason {
    match reason {
        RevocationReason::NoLongerNeeded => proto::RevocationReason::NoLongerNeeded,
        RevocationReason::ContractClosed => proto::RevocationReason::ContractEnded,
        RevocationReason::Fraud => proto::RevocationReason::Security,
        RevocationReason::NoAccountLeft => proto::RevocationReason::NoAccountLeft,
        // Users, passwords and orders of a court are the customer's affair.
        RevocationReason::CustomerRequest
        | RevocationReason::LinkedByMistake
        | RevocationReason::ServiceEnded
        | RevocationReason::PartnerLeft
        | RevocationReason::UserRemoved
        | RevocationReason::PasswordChanged
        | RevocationReason::CertificateChanged
        | RevocationReason::LegalOrder
        | RevocationReason::Other => proto::RevocationReason::Unspecified,
    }
}

/// Who ended a grant, as events say it, in lower case and without the enum's name: `customer`.
pub fn party_word(by: RevokedBy) -> String {
    word(party(by).as_str_name(), "PARTY_")
}

/// Why a grant was revoked, in the same manner; none where events say nothing.
pub fn revocation_reason_word(reason: RevocationReason) -> Option<String> {
    match revocation_reason(reason) {
        proto::RevocationReason::Unspecified => None,
        told => Some(word(told.as_str_name(), "REVOCATION_REASON_")),
    }
}

/// What of a grant's own stands against reads, in the same manner and in the order of events.
pub fn suspension_cause_words(causes: &Suspensions) -> Vec<String> {
    suspension_causes(causes)
        .into_iter()
        .filter_map(|cause| proto::SuspensionCause::try_from(cause).ok())
        .map(|cause| word(cause.as_str_name(), "SUSPENSION_CAUSE_"))
        .collect()
}

fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix)
        .unwrap_or(name)
        .to_ascii_lowercase()
}

pub(crate) fn removal_reason(by: RevokedBy, reason: RemovalReason) -> proto::AccountChangeReason {
    match (reason, by) {
        (RemovalReason::AccountClosed, _) => proto::AccountChangeReason::AccountClosed,
        (_, RevokedBy::Customer) => proto::AccountChangeReason::RemovedByCustomer,
        (_, RevokedBy::Bank) => proto::AccountChangeReason::RemovedByBank,
        (_, RevokedBy::Partner | RevokedBy::System) => proto::AccountChangeReason::Unspecified,
    }
}

pub(crate) fn suspension_cause(cause: SuspensionCause) -> proto::SuspensionCause {
    match cause {
        SuspensionCause::CustomerRequest => proto::SuspensionCause::Customer,
        // What a partner can do something about, and not why.
        _ if cause.is_answered_by_authorization() => proto::SuspensionCause::AuthorizationNeeded,
        _ => proto::SuspensionCause::Bank,
    }
}

/// Each once, in ascending order.
pub(crate) fn suspension_causes(causes: &Suspensions) -> Vec<i32> {
    let mut told: Vec<i32> = causes
        .iter()
        .map(|cause| suspension_cause(cause).into())
        .collect();
    told.sort_unstable();
    told.dedup();
    told
}
