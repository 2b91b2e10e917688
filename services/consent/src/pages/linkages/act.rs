//! The pages before an act: what it does and does not do, and the button that does it.

use askama::Template;

use super::{
    super::{
        clauses::Clause,
        layout::{Layout, RenderError},
        phrase::Slot,
        shell::FormTarget,
        texts::Texts,
    },
    LinkageInView, LinkagesFrame,
};

/// Before a linkage is ended.
#[derive(Debug, Clone)]
pub struct EndLinkageView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// The linkage.
    pub linkage: LinkageInView,
    /// Where the form posts to.
    pub form: FormTarget,
    /// Back, with nothing done.
    pub back_url: String,
}

/// A page before an act.
#[derive(Template)]
#[template(path = "linkage_act.html")]
struct ActPage<'a> {
    layout: Layout<'a>,
    /// The name of the act, in ids.
    act: &'static str,
    lead: String,
    effects_heading: &'a str,
    effects: Vec<String>,
    linkage_heading: &'a str,
    service: &'a str,
    clauses: Vec<Clause>,
    form: &'a FormTarget,
    submit: &'a str,
    back: &'a str,
    back_url: &'a str,
}

impl EndLinkageView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.linkage_end;
        let words = &texts.catalogue.linkage;
        let partner = &self.linkage.partner;
        let places = [
            (Slot::Service, partner.service_name.as_str()),
            (Slot::LegalName, partner.legal_name.as_str()),
        ];
        let effects = vec![
            page.effect_reads.fill(&places),
            page.effect_fetched
                .fill(&[places[1], (Slot::Phone, &partner.complaint_contact)]),
            page.effect_registrations.to_string(),
            page.effect_final.fill(&places),
        ];
        Ok(ActPage {
            layout: self.frame.layout(texts, page.title.as_str(), Vec::new()),
            act: "end",
            lead: page.lead.fill(&places),
            effects_heading: words.effects_heading.as_str(),
            effects,
            linkage_heading: words.linkage_heading.as_str(),
            service: &partner.service_name,
            clauses: self.linkage.outline(texts),
            form: &self.form,
            submit: page.submit.as_str(),
            back: words.back.as_str(),
            back_url: &self.back_url,
        }
        .render()?)
    }
}
