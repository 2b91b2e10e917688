//! What stands around each of these pages.

use super::super::{
    deadline::Deadline,
    layout::{Around, Layout, Problem},
    phrase::Slot,
    shell::{BankContact, Customer, FormTarget},
    texts::Texts,
};

/// The data around a page.
#[derive(Debug, Clone)]
pub struct LinkagesFrame {
    /// Whose page it is.
    pub bank: BankContact,
    /// Who is logged in; `None` before the login.
    pub customer: Option<Customer>,
    /// Until when something has to be done, or the session ends; `None` before the login.
    pub deadline: Option<Deadline>,
    /// Where 「ログアウト」 posts to; `None` before the login.
    pub logout: Option<FormTarget>,
    /// What the customer should know before reading on.
    pub notices: Vec<LinkagesNotice>,
    /// The number to quote to the bank.
    pub inquiry_number: String,
    /// The page's own address on its origin, where the language switch leads back to.
    pub address: String,
}

/// A message at the top of a page (`role="status"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkagesNotice {
    /// The session ended by idleness, or after its longest time.
    SessionEnded,
    /// The customer logged out.
    LoggedOut,
    /// The form was of another session; nothing was changed.
    SendAgain,
    /// The form was sent before with other content; nothing was changed this time.
    AlreadySent,
    /// The linkage was ended.
    Ended,
    /// It had ended before.
    AlreadyEnded,
    /// The account is not in the linkage any more.
    Removed,
    /// A new period began.
    Renewed,
    /// A period that begins today would end no later.
    NotLonger,
    /// It can be renewed by the partner's request only.
    RenewAtService,
    /// This user answers for the linkage.
    TakenOver,
}

impl LinkagesNotice {
    fn text(self, texts: &Texts) -> &str {
        let notices = &texts.catalogue.linkages.notices;
        match self {
            Self::SessionEnded => notices.session_ended.as_str(),
            Self::LoggedOut => notices.logged_out.as_str(),
            Self::SendAgain => notices.send_again.as_str(),
            Self::AlreadySent => notices.already_sent.as_str(),
            Self::Ended => notices.ended.as_str(),
            Self::AlreadyEnded => notices.already_ended.as_str(),
            Self::Removed => notices.removed.as_str(),
            Self::Renewed => notices.renewed.as_str(),
            Self::NotLonger => notices.not_longer.as_str(),
            Self::RenewAtService => notices.renew_at_service.as_str(),
            Self::TakenOver => notices.taken_over.as_str(),
        }
    }
}

impl LinkagesFrame {
    /// The frame as `base.html` needs it.
    pub(in crate::pages) fn layout<'a>(
        &'a self,
        texts: &'a Texts,
        title: &'a str,
        problems: Vec<Problem>,
    ) -> Layout<'a> {
        let common = &texts.catalogue.common;
        let around = Around {
            bank: Some(&self.bank),
            inquiry_number: &self.inquiry_number,
            address: &self.address,
        };
        let bare = Layout::bare(texts, title, around);
        let document_title = if problems.is_empty() {
            bare.document_title
        } else {
            common
                .document_title_error
                .fill(&[(Slot::Page, title), (Slot::Bank, &self.bank.display_name)])
        };
        Layout {
            document_title,
            customer: self.customer.as_ref(),
            deadline: self
                .deadline
                .as_ref()
                .map(|deadline| super::super::layout::deadline_line(texts, deadline)),
            logout: self.logout.as_ref(),
            notices: self
                .notices
                .iter()
                .map(|notice| notice.text(texts).to_owned())
                .collect(),
            problems,
            ..bare
        }
    }
}
