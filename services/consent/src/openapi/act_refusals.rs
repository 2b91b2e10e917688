//! What an operator's order may be refused with, beside what every operation of the API may.

use crate::problem::Problem;

const ORDER: [Problem; 3] = [
    Problem::KEY_MISSING,
    Problem::INVALID_BODY,
    Problem::KEY_REUSED,
];
const STEP: [Problem; 2] = [Problem::WRONG_STATE, Problem::PREVIEW_EXPIRED];

/// By the operation's id.
pub(super) fn refusals_of(operation: &str) -> Vec<Problem> {
    let mut refusals: Vec<Problem> = match operation {
        "revoke_consent" | "remove_account" => vec![Problem::CONSENT_ENDED],
        "hand_over_consent" => vec![Problem::CONSENT_ENDED, Problem::USER_REMOVED],
        "suspend_consent" | "restore_consent" => vec![Problem::CONSENT_ENDED],
        "suspend_contract" | "restore_contract" => vec![Problem::CONTRACT_CLOSED],
        "suspend_partner" | "restore_partner" | "suspend_bank" | "restore_bank" => Vec::new(),
        "request_bulk_revocation" => vec![Problem::EMPTY_FILTER, Problem::BEING_PREPARED],
        "approve_bulk_revocation" => {
            return [
                Problem::INVALID_BODY,
                Problem::SAME_PERSON,
                Problem::DIGEST_DIFFERS,
            ]
            .into_iter()
            .chain(STEP)
            .collect();
        }
        "start_bulk_revocation" => {
            return [Problem::NEEDS_APPROVAL].into_iter().chain(STEP).collect();
        }
        "pause_bulk_revocation" | "resume_bulk_revocation" | "cancel_bulk_revocation" => {
            return vec![Problem::WRONG_STATE];
        }
        "enable_partner" => return vec![Problem::CONTRACT_ENDED],
        "set_partner_contract" => return vec![Problem::INVALID_BODY, Problem::INVALID_CONTRACT],
        "set_push_target" => return vec![Problem::INVALID_BODY, Problem::INVALID_TARGET],
        "register_partner" => {
            return vec![
                Problem::INVALID_BODY,
                Problem::INVALID_RECORD,
                Problem::INVALID_KEY,
                Problem::PARTNER_EXISTS,
            ];
        }
        "change_legal_record" | "change_redirect_uris" => {
            return vec![
                Problem::INVALID_BODY,
                Problem::INVALID_RECORD,
                Problem::RECORD_CHANGED,
            ];
        }
        "add_partner_key" => return vec![Problem::INVALID_BODY, Problem::INVALID_KEY],
        "retire_partner_key" => return vec![Problem::INVALID_BODY, Problem::LAST_KEY],
        _ => return Vec::new(),
    };
    refusals.extend(ORDER);
    refusals
}
