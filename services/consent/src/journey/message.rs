//! What a page says first, after a redirect of ours.

use actix_web::HttpRequest;

use crate::pages::Notice;

/// What a page says first, as the query parameter `m` of a redirect of ours. Anything else there is
/// ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    AlreadySent,
    Resumed,
    Changed,
    Idle,
    AnotherUser,
    Rejected,
    Locked,
    LockedAtBank,
    PasswordChangeDue,
    Stopped,
    CertificateRequired,
    Unavailable,
}

impl Message {
    const ALL: [Self; 12] = [
        Self::AlreadySent,
        Self::Resumed,
        Self::Changed,
        Self::Idle,
        Self::AnotherUser,
        Self::Rejected,
        Self::Locked,
        Self::LockedAtBank,
        Self::PasswordChangeDue,
        Self::Stopped,
        Self::CertificateRequired,
        Self::Unavailable,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AlreadySent => "already_sent",
            Self::Resumed => "resumed",
            Self::Changed => "changed",
            Self::Idle => "idle",
            Self::AnotherUser => "another_user",
            Self::Rejected => "rejected",
            Self::Locked => "locked",
            Self::LockedAtBank => "locked_at_bank",
            Self::PasswordChangeDue => "password_change_due",
            Self::Stopped => "stopped",
            Self::CertificateRequired => "certificate_required",
            Self::Unavailable => "unavailable",
        }
    }

    /// The message of a request, if it has one of ours.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        Self::in_query(request.query_string())
    }

    /// The message of a query, if it has one of ours.
    pub(super) fn in_query(query: &str) -> Option<Self> {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let name = pairs.into_iter().find(|(key, _)| key == "m")?.1;
        Self::ALL
            .into_iter()
            .find(|message| message.as_str() == name)
    }

    pub(super) fn notice(self) -> Option<Notice> {
        match self {
            Self::AlreadySent => Some(Notice::AlreadySent),
            Self::Resumed => Some(Notice::Resumed),
            Self::Changed => Some(Notice::SelectionChanged),
            _ => None,
        }
    }
}
