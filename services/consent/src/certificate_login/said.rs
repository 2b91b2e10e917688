//! Why a try did not succeed: from its outcome to what the page says, over the query parameter `m`.

use renkei_proto::bank::v1::LoginRefusal;
use url::form_urlencoded::parse;

use crate::pages::CertificatePasswordProblem as Problem;

/// Those that a redirect can carry; how long a lock lasts is not carried.
const CARRIED: [Problem; 8] = [
    Problem::Rejected,
    Problem::Locked { minutes: 0 },
    Problem::LockedAtBank,
    Problem::PasswordChangeDue,
    Problem::Stopped,
    Problem::CertificateNotAllowed,
    Problem::BankUnavailable,
    Problem::AlreadySent,
];

/// As the parameter has it.
pub(super) fn word(problem: Problem) -> &'static str {
    match problem {
        Problem::PasswordMissing => "password_missing",
        Problem::Rejected => "rejected",
        Problem::Locked { .. } => "locked",
        Problem::LockedAtBank => "locked_at_bank",
        Problem::PasswordChangeDue => "password_change_due",
        Problem::Stopped => "stopped",
        Problem::CertificateNotAllowed => "certificate_not_allowed",
        Problem::BankUnavailable => "unavailable",
        Problem::AlreadySent => "already_sent",
    }
}

/// The problem of a query, if it has one of ours; `lock_minutes` is how long a lock lasts.
pub(super) fn in_query(query: &str, lock_minutes: u32) -> Option<Problem> {
    let said = parse(query.as_bytes()).find(|(name, _)| name == "m")?.1;
    let problem = CARRIED.into_iter().find(|each| word(*each) == said)?;
    Some(match problem {
        Problem::Locked { .. } => Problem::Locked {
            minutes: lock_minutes,
        },
        other => other,
    })
}

/// What the bank refused a login with the right password for.
pub(super) fn refusal(refusal: LoginRefusal) -> Problem {
    match refusal {
        LoginRefusal::Locked => Problem::LockedAtBank,
        LoginRefusal::PasswordChangeDue => Problem::PasswordChangeDue,
        LoginRefusal::CertificateNotAllowed => Problem::CertificateNotAllowed,
        LoginRefusal::Stopped | LoginRefusal::CertificateRequired | LoginRefusal::Unspecified => {
            Problem::Stopped
        }
    }
}
