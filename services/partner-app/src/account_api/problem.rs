//! Refusals of the account data interface (RFC 9457 problems with a `code`).

use serde::Deserialize;

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// Why.
    pub code: ProblemCode,
    /// The HTTP status.
    pub status: u16,
    /// When to ask again, in seconds from now, where the interface tells it.
    pub retry_after_seconds: Option<u32>,
}

/// Why the interface refused, as far as a customer can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The time that the customer allowed is over.
    GrantExpired,
    /// The customer or the bank took the permission back.
    GrantRevoked,
    /// The bank knows no such linkage of this service.
    UnknownGrant,
    /// Another linkage took this one's place.
    GrantSuperseded,
    /// The bank holds the linkage back for now.
    GrantSuspended,
    /// The account is not part of the linkage.
    AccountNotInScope,
    /// The task is not allowed on this account.
    TaskNotInScope,
    /// This token, not the linkage, was ended.
    TokenRevoked,
    /// サービス時間外.
    ClosedHours,
    /// メンテナンス.
    Maintenance,
    /// The bank does not answer.
    BankUnavailable,
    /// The bank does not answer in time.
    BankTimeout,
    /// The account is in the linkage, but the bank gives nothing of it.
    AccountUnavailable,
    /// Whether the linkage still holds can't be checked for now.
    DecisionUnavailable,
    /// The read can't be recorded for now, and so is not served.
    RecordUnavailable,
    /// The access token can't be checked for now.
    KeysUnavailable,
    /// Anything else.
    #[serde(other)]
    Other,
}

impl ProblemCode {
    /// The code as text, for logs and `data-error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GrantExpired => "grant_expired",
            Self::GrantRevoked => "grant_revoked",
            Self::UnknownGrant => "unknown_grant",
            Self::GrantSuperseded => "grant_superseded",
            Self::GrantSuspended => "grant_suspended",
            Self::AccountNotInScope => "account_not_in_scope",
            Self::TaskNotInScope => "task_not_in_scope",
            Self::TokenRevoked => "token_revoked",
            Self::ClosedHours => "closed_hours",
            Self::Maintenance => "maintenance",
            Self::BankUnavailable => "bank_unavailable",
            Self::BankTimeout => "bank_timeout",
            Self::AccountUnavailable => "account_unavailable",
            Self::DecisionUnavailable => "decision_unavailable",
            Self::RecordUnavailable => "record_unavailable",
            Self::KeysUnavailable => "keys_unavailable",
            Self::Other => "other",
        }
    }
}

impl Problem {
    /// Whether a new access token may help: it is this token that is refused, not the linkage.
    pub fn calls_for_new_token(&self) -> bool {
        self.status == 401 && matches!(self.code, ProblemCode::TokenRevoked | ProblemCode::Other)
    }
}

/// The body of a refusal; a missing code reads as [`ProblemCode::Other`].
#[derive(Deserialize)]
pub(super) struct ProblemBody {
    pub(super) code: ProblemCode,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_code_that_is_not_known_reads_as_other() {
        let code = |text: &str| {
            serde_json::from_value::<ProblemBody>(json!({ "code": text, "title": "x" }))
                .unwrap()
                .code
        };

        assert_eq!(code("grant_expired"), ProblemCode::GrantExpired);
        assert_eq!(code("something_new"), ProblemCode::Other);
    }

    #[test]
    fn only_a_refused_token_calls_for_a_new_one() {
        let problem = |status, code| Problem {
            code,
            status,
            retry_after_seconds: None,
        };

        assert!(problem(401, ProblemCode::TokenRevoked).calls_for_new_token());
        assert!(problem(401, ProblemCode::Other).calls_for_new_token());
        assert!(!problem(401, ProblemCode::GrantRevoked).calls_for_new_token());
        assert!(!problem(401, ProblemCode::UnknownGrant).calls_for_new_token());
        assert!(!problem(403, ProblemCode::Other).calls_for_new_token());
    }
}
