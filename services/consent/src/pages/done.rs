//! The end page: 団体IB has ended, the partner's page comes next.

use askama::Template;

use super::layout::{Layout, RenderError};
use super::phrase::Slot;
use super::shell::Shell;
use super::texts::{DoneTexts, Texts};

/// The bank's last page of a journey.
#[derive(Debug, Clone)]
pub struct DoneView {
    /// The page around it; no customer is logged in any more.
    pub shell: Shell,
    /// How the journey ended.
    pub outcome: Outcome,
    /// The registered redirect URI with the response's parameters.
    pub continue_url: String,
    /// Where linkages are checked and ended; `None` where nothing was linked.
    pub linkages_url: Option<String>,
    /// Whether the page goes on by itself.
    pub forwarding: Forwarding,
}

/// How a journey ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// 許可.
    Authorized,
    /// 許可しない, at step 6.
    Declined,
    /// 手続きを中止する, before step 6.
    Cancelled,
    /// The journey's time has passed.
    TimedOut,
}

/// How the browser gets to the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarding {
    /// At once, with the link as fallback.
    Immediate,
    /// Only when the customer follows the link.
    OnClick,
}

#[derive(Template)]
#[template(path = "done.html")]
struct DonePage<'a> {
    layout: Layout<'a>,
    texts: &'a DoneTexts,
    view: &'a DoneView,
    outcome: &'a str,
    next: String,
    link: String,
}

impl DonePage<'_> {
    fn refreshes(&self) -> bool {
        self.view.forwarding == Forwarding::Immediate
    }
}

impl DoneView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.done;
        let service = [(Slot::Service, self.shell.partner.service_name.as_str())];
        let (next, link) = match self.forwarding {
            Forwarding::Immediate => (page.forward.fill(&service), page.r#continue.to_string()),
            Forwarding::OnClick => (
                page.on_click.fill(&service),
                page.continue_on_click.fill(&service),
            ),
        };
        let page = DonePage {
            layout: Layout::outside(texts, &self.shell, page.title.as_str()),
            texts: page,
            view: self,
            outcome: self.outcome.text(page),
            next,
            link,
        };
        Ok(page.render()?)
    }
}

impl Outcome {
    fn text(self, page: &DoneTexts) -> &str {
        match self {
            Self::Authorized => page.authorized.as_str(),
            Self::Declined => page.declined.as_str(),
            Self::Cancelled => page.cancelled.as_str(),
            Self::TimedOut => page.timed_out.as_str(),
        }
    }
}
