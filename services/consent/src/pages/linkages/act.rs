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
    AccountName, LinkageInView, LinkagesFrame,
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
            back: page.back.as_str(),
            back_url: &self.back_url,
        }
        .render()?)
    }
}

/// Before an account is taken out.
#[derive(Debug, Clone)]
pub struct RemoveAccountView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// The linkage.
    pub linkage: LinkageInView,
    /// The account.
    pub account: AccountName,
    /// Where the form posts to.
    pub form: FormTarget,
    /// Back, with nothing done.
    pub back_url: String,
}

impl RemoveAccountView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.linkage_remove;
        let words = &texts.catalogue.linkage;
        let partner = &self.linkage.partner;
        let last = self.linkage.accounts.len() == 1;
        let places = [
            (Slot::Service, partner.service_name.as_str()),
            (Slot::LegalName, partner.legal_name.as_str()),
            (Slot::Account, self.account.text(texts)),
            (Slot::Phone, partner.complaint_contact.as_str()),
        ];
        let (lead, first, submit) = if last {
            (&page.lead_last, &page.effect_last, &page.submit_last)
        } else {
            (&page.lead, &page.effect_reads, &page.submit)
        };
        Ok(ActPage {
            layout: self.frame.layout(texts, page.title.as_str(), Vec::new()),
            act: "remove",
            lead: lead.fill(&places),
            effects_heading: words.effects_heading.as_str(),
            effects: vec![
                first.fill(&places),
                page.effect_fetched.fill(&places),
                page.effect_registrations.to_string(),
                page.effect_again.fill(&places),
            ],
            linkage_heading: words.linkage_heading.as_str(),
            service: &partner.service_name,
            clauses: self.linkage.outline(texts),
            form: &self.form,
            submit: submit.as_str(),
            back: page.back.as_str(),
            back_url: &self.back_url,
        }
        .render()?)
    }
}

/// Before a user answers for a linkage in place of one who has left.
#[derive(Debug, Clone)]
pub struct TakeOverView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// The linkage.
    pub linkage: LinkageInView,
    /// Where the form posts to.
    pub form: FormTarget,
    /// Back, with nothing done.
    pub back_url: String,
}

impl TakeOverView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.linkage_take_over;
        let words = &texts.catalogue.linkage;
        let partner = &self.linkage.partner;
        let you = self.frame.customer.as_ref();
        let places = [
            (Slot::Service, partner.service_name.as_str()),
            (Slot::User, you.map_or("", |you| you.login_name.as_str())),
        ];
        Ok(ActPage {
            layout: self.frame.layout(texts, page.title.as_str(), Vec::new()),
            act: "take-over",
            lead: page.lead.fill(&places),
            effects_heading: words.effects_heading.as_str(),
            effects: vec![
                page.effect_who.fill(&places),
                page.effect_scope.to_string(),
                page.effect_resume.to_string(),
                page.effect_duty.to_string(),
            ],
            linkage_heading: words.linkage_heading.as_str(),
            service: &partner.service_name,
            clauses: self.linkage.outline(texts),
            form: &self.form,
            submit: page.submit.as_str(),
            back: page.back.as_str(),
            back_url: &self.back_url,
        }
        .render()?)
    }
}
