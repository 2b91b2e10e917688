//! Pages that say one thing and lead on.

use askama::Template;

use super::layout::{Layout, RenderError};
use super::shell::Shell;
use super::texts::{NoticePageTexts, Texts};

/// A notice as a page of its own.
#[derive(Debug, Clone)]
pub struct NoticeView {
    /// The page around it.
    pub shell: Shell,
    /// What it says.
    pub kind: NoticeKind,
    /// Where to go on; `None` shows no link.
    pub link: Option<String>,
}

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The form was sent before; the link leads to the current step.
    AlreadySent,
    /// The bank session ended by idleness; the link leads to the login.
    SessionEnded,
    /// The journey is complete; the link, if any, leads to the partner, without a code.
    Completed,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct NoticePage<'a> {
    layout: Layout<'a>,
    texts: &'a NoticePageTexts,
    view: &'a NoticeView,
}

impl NoticeView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let pages = &texts.catalogue.notice_pages;
        let page = match self.kind {
            NoticeKind::AlreadySent => &pages.already_sent,
            NoticeKind::SessionEnded => &pages.session_ended,
            NoticeKind::Completed => &pages.completed,
        };
        let around = Layout::outside(texts, &self.shell, page.title.as_str());
        let layout = Layout {
            cancel: Layout::cancel_of(texts, &self.shell),
            ..around
        };
        Ok(NoticePage {
            layout,
            texts: page,
            view: self,
        }
        .render()?)
    }
}
