//! The list of a contract's linkages.

use askama::Template;

use super::{
    super::{
        clauses::Clause,
        layout::{Layout, RenderError},
        linkage_texts::{LinkageTexts, LinkagesTexts},
        phrase::Slot,
        texts::Texts,
    },
    AccountNames, LinkageInView, LinkagesFrame,
};

/// The list.
#[derive(Debug, Clone)]
pub struct LinkagesView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// Those that go on.
    pub live: Vec<LinkageInView>,
    /// Those that ended of late.
    pub ended: Vec<LinkageInView>,
    /// How many months "of late" is.
    pub ended_months: u32,
    /// Whether accounts can be named.
    pub names: AccountNames,
}

/// A linkage of the list.
struct Card<'a> {
    linkage: &'a LinkageInView,
    status: &'a str,
    status_lines: Vec<String>,
    clauses: Vec<Clause>,
    open: String,
}

#[derive(Template)]
#[template(path = "linkages_list.html")]
struct ListPage<'a> {
    layout: Layout<'a>,
    texts: &'a LinkagesTexts,
    words: &'a LinkageTexts,
    live: Vec<Card<'a>>,
    ended: Vec<Card<'a>>,
    ended_heading: String,
    names_unknown: Option<&'a str>,
}

impl LinkagesView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.linkages;
        let words = &texts.catalogue.linkage;
        let months = self.ended_months.to_string();
        Ok(ListPage {
            layout: self.frame.layout(texts, page.title.as_str(), Vec::new()),
            texts: page,
            words,
            live: cards(&self.live, texts),
            ended: cards(&self.ended, texts),
            ended_heading: page.ended_heading.fill(&[(Slot::Count, &months)]),
            names_unknown: self.names.remark(texts),
        }
        .render()?)
    }
}

fn cards<'a>(linkages: &'a [LinkageInView], texts: &'a Texts) -> Vec<Card<'a>> {
    linkages.iter().map(|each| card(each, texts)).collect()
}

fn card<'a>(linkage: &'a LinkageInView, texts: &'a Texts) -> Card<'a> {
    let words = &texts.catalogue.linkage;
    let service = linkage.partner.service_name.as_str();
    Card {
        linkage,
        status: linkage.status_word(words),
        status_lines: linkage.status_lines(texts),
        clauses: linkage.outline(texts),
        open: texts
            .catalogue
            .linkages
            .open
            .fill(&[(Slot::Service, service)]),
    }
}

impl AccountNames {
    /// What is said where accounts can't be named.
    pub(super) fn remark(self, texts: &Texts) -> Option<&str> {
        match self {
            Self::Known => None,
            Self::Unknown => Some(texts.catalogue.linkages.names_unknown.as_str()),
        }
    }
}
