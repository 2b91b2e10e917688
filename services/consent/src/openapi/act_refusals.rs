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
        "revoke_consent" | "remove_account" | "suspend_consent" | "restore_consent" => {
            vec![Problem::CONSENT_ENDED, Problem::ORDER_REFUSED]
        }
        "hand_over_consent" => vec![
            Problem::CONSENT_ENDED,
            Problem::USER_REMOVED,
            Problem::ORDER_REFUSED,
        ],
        "suspend_contract" | "restore_contract" => vec![Problem::CONTRACT_CLOSED],
        "suspend_partner" | "restore_partner" | "suspend_bank" | "restore_bank" => {
            vec![Problem::ORDER_REFUSED]
        }
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
        operation => return on_a_partner(operation),
    };
    refusals.extend(ORDER);
    refusals
}

/// Of an order on a partner, whose key need not be sent.
fn on_a_partner(operation: &str) -> Vec<Problem> {
    let mut refusals: Vec<Problem> = match operation {
        "enable_partner" => vec![Problem::CONTRACT_ENDED],
        "disable_partner" | "remove_push_target" => Vec::new(),
        "set_partner_contract" => vec![Problem::INVALID_BODY, Problem::INVALID_CONTRACT],
        "set_push_target" => vec![Problem::INVALID_BODY, Problem::INVALID_TARGET],
        "register_partner" => vec![
            Problem::INVALID_BODY,
            Problem::INVALID_RECORD,
            Problem::INVALID_KEY,
            Problem::PARTNER_EXISTS,
        ],
        "change_legal_record" | "change_redirect_uris" => vec![
            Problem::INVALID_BODY,
            Problem::INVALID_RECORD,
            Problem::RECORD_CHANGED,
        ],
        "add_partner_key" => vec![Problem::INVALID_BODY, Problem::INVALID_KEY],
        "retire_partner_key" => vec![Problem::INVALID_BODY, Problem::LAST_KEY],
        _ => return Vec::new(),
    };
    refusals.extend([Problem::KEY_MISSING, Problem::KEY_REUSED]);
    refusals
}
