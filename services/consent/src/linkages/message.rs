//! What a page says first, as the query parameter `m` of a redirect of ours. Anything else there is
//! ignored.

use actix_web::HttpRequest;
use url::form_urlencoded::parse;

use crate::pages::{LinkagesNotice, LoginProblem};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    Idle,
    LoggedOut,
    SendAgain,
    AlreadySent,
    Rejected,
    Locked,
    LockedAtBank,
    PasswordChangeDue,
    Stopped,
    CertificateRequired,
    Unavailable,
    Ended,
    AlreadyEnded,
    Removed,
    Renewed,
    NotLonger,
    RenewAtService,
    TakenOver,
}

impl Message {
    const ALL: [Self; 18] = [
        Self::Idle,
        Self::LoggedOut,
        Self::SendAgain,
        Self::AlreadySent,
        Self::Rejected,
        Self::Locked,
        Self::LockedAtBank,
        Self::PasswordChangeDue,
        Self::Stopped,
        Self::CertificateRequired,
        Self::Unavailable,
        Self::Ended,
        Self::AlreadyEnded,
        Self::Removed,
        Self::Renewed,
        Self::NotLonger,
        Self::RenewAtService,
        Self::TakenOver,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::LoggedOut => "logged_out",
            Self::SendAgain => "send_again",
            Self::AlreadySent => "already_sent",
            Self::Rejected => "rejected",
            Self::Locked => "locked",
            Self::LockedAtBank => "locked_at_bank",
            Self::PasswordChangeDue => "password_change_due",
            Self::Stopped => "stopped",
            Self::CertificateRequired => "certificate_required",
            Self::Unavailable => "unavailable",
            Self::Ended => "ended",
            Self::AlreadyEnded => "already_ended",
            Self::Removed => "removed",
            Self::Renewed => "renewed",
            Self::NotLonger => "not_longer",
            Self::RenewAtService => "renew_at_service",
            Self::TakenOver => "taken_over",
        }
    }

    /// The message of a request, if it has one of ours.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        Self::in_query(request.query_string())
    }

    /// The message of a query, if it has one of ours.
    pub(super) fn in_query(query: &str) -> Option<Self> {
        let name = parse(query.as_bytes()).find(|(key, _)| key == "m")?.1;
        Self::ALL
            .into_iter()
            .find(|message| message.as_str() == name)
    }

    /// As a message at the top of a page.
    pub(super) fn notice(self) -> Option<LinkagesNotice> {
        match self {
            Self::Idle => Some(LinkagesNotice::SessionEnded),
            Self::LoggedOut => Some(LinkagesNotice::LoggedOut),
            Self::SendAgain => Some(LinkagesNotice::SendAgain),
            Self::AlreadySent => Some(LinkagesNotice::AlreadySent),
            Self::Ended => Some(LinkagesNotice::Ended),
            Self::AlreadyEnded => Some(LinkagesNotice::AlreadyEnded),
            Self::Removed => Some(LinkagesNotice::Removed),
            Self::Renewed => Some(LinkagesNotice::Renewed),
            Self::NotLonger => Some(LinkagesNotice::NotLonger),
            Self::RenewAtService => Some(LinkagesNotice::RenewAtService),
            Self::TakenOver => Some(LinkagesNotice::TakenOver),
            Self::Rejected
            | Self::Locked
            | Self::LockedAtBank
            | Self::PasswordChangeDue
            | Self::Stopped
            | Self::CertificateRequired
            | Self::Unavailable => None,
        }
    }

    /// As the reason for which a login did not succeed; `lock_minutes` is how long a lock lasts.
    pub(super) fn problem(self, lock_minutes: u32) -> Option<LoginProblem> {
        match self {
            Self::Rejected => Some(LoginProblem::Rejected),
            Self::Locked => Some(LoginProblem::Locked {
                minutes: lock_minutes,
            }),
            Self::LockedAtBank => Some(LoginProblem::LockedAtBank),
            Self::PasswordChangeDue => Some(LoginProblem::PasswordChangeDue),
            Self::Stopped => Some(LoginProblem::Stopped),
            Self::CertificateRequired => Some(LoginProblem::CertificateRequired),
            Self::Unavailable => Some(LoginProblem::BankUnavailable),
            Self::Idle
            | Self::LoggedOut
            | Self::SendAgain
            | Self::AlreadySent
            | Self::Ended
            | Self::AlreadyEnded
            | Self::Removed
            | Self::Renewed
            | Self::NotLonger
            | Self::RenewAtService
            | Self::TakenOver => None,
        }
    }
}
