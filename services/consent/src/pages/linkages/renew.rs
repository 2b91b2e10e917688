//! The page before a renewal: what stays, what changes, from where the partner goes on.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

use super::{
    super::{
        clauses::{Clause, Emphasis},
        japan_time,
        layout::{Layout, RenderError},
        linkage_texts::LinkageRenewTexts,
        phrase::Slot,
        shell::FormTarget,
        texts::Texts,
    },
    AccountName, LinkageInView, LinkagesFrame,
};

/// Before a linkage is renewed.
#[derive(Debug, Clone)]
pub struct RenewLinkageView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// The linkage as it is.
    pub linkage: LinkageInView,
    /// The last minute that would hold from then on.
    pub new_until: DateTime<Utc>,
    /// Per account from where the partner goes on.
    pub continuations: Vec<Continuation>,
    /// Version of the terms.
    pub terms_version: String,
    /// Where the form posts to.
    pub form: FormTarget,
    /// Back, with nothing done.
    pub back_url: String,
}

/// From where a partner goes on with an account's transactions.
#[derive(Debug, Clone, PartialEq)]
pub struct Continuation {
    /// The account.
    pub name: AccountName,
    /// The day; `None`: none was ever served in full.
    pub from: Option<NaiveDate>,
    /// The days that can't be had any more.
    pub lost: Option<Lost>,
}

/// Days of transactions that can't be had any more, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// The first.
    pub from: NaiveDate,
    /// The last.
    pub to: NaiveDate,
    /// How many.
    pub days: u32,
}

impl Continuation {
    /// One line an account, with a second one for what is lost.
    pub(super) fn lines(&self, texts: &Texts) -> Vec<String> {
        let words = &texts.catalogue.linkage;
        let day = |date: NaiveDate| japan_time::day(date, texts.locale());
        let account = (Slot::Account, self.name.text(texts));
        let Some(from) = self.from else {
            return vec![words.continue_anew.fill(&[account])];
        };
        let first = words
            .continue_line
            .fill(&[account, (Slot::Date, &day(from))]);
        let second = match self.lost {
            None => words.continue_none_lost.to_string(),
            Some(lost) => words.continue_lost.fill(&[
                (Slot::From, &day(lost.from)),
                (Slot::Until, &day(lost.to)),
                (Slot::Count, &lost.days.to_string()),
            ]),
        };
        vec![first, second]
    }
}

#[derive(Template)]
#[template(path = "linkage_renew.html")]
struct RenewPage<'a> {
    layout: Layout<'a>,
    texts: &'a LinkageRenewTexts,
    view: &'a RenewLinkageView,
    lead: String,
    statement: String,
    clauses: Vec<Clause>,
    text_version: String,
}

impl RenewLinkageView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.linkage_renew;
        let service = [(Slot::Service, self.linkage.partner.service_name.as_str())];
        Ok(RenewPage {
            layout: self.frame.layout(texts, page.title.as_str(), Vec::new()),
            texts: page,
            view: self,
            lead: page.lead.fill(&service),
            statement: self.statement(texts),
            clauses: self.clauses(texts),
            text_version: text_version(texts),
        }
        .render()?)
    }

    fn statement(&self, texts: &Texts) -> String {
        let partner = &self.linkage.partner;
        texts.catalogue.linkage_renew.statement.fill(&[
            (Slot::LegalName, &partner.legal_name),
            (Slot::Service, &partner.service_name),
        ])
    }

    fn clauses(&self, texts: &Texts) -> Vec<Clause> {
        let renew = &texts.catalogue.linkage_renew;
        let page = &texts.catalogue.authorize;
        let words = &texts.catalogue.linkage;
        let until = japan_time::day_and_clock(self.new_until, texts.locale());
        let new = page.valid_until.fill(&[(Slot::Time, &until)]);
        let lines = self.continuations.iter();
        let continued: Vec<String> = lines.flat_map(|each| each.lines(texts)).collect();
        let terms = page
            .terms_line
            .fill(&[(Slot::Version, &self.terms_version)]);
        let mut clauses = vec![
            Clause {
                emphasis: Emphasis::Strong,
                ..Clause::new(&renew.new_heading, vec![new])
            },
            Clause::new(&renew.now_heading, vec![self.linkage.validity(texts)]),
        ];
        if !continued.is_empty() {
            clauses.push(Clause::new(&words.continue_heading, continued));
        }
        clauses.extend(self.linkage.agreed(texts));
        clauses.push(Clause::new(&page.terms_heading, vec![terms]));
        clauses
    }
}

fn text_version(texts: &Texts) -> String {
    texts.catalogue.authorize.text_version.fill(&[
        (Slot::Version, texts.version()),
        (Slot::Locale, texts.locale().tag()),
    ])
}

/// The exact text of a renewal: what the page states, without its markup, one statement a line. It begins
/// with version and locale, so that a hash of it covers them.
pub fn renewal_text(view: &RenewLinkageView, texts: &Texts) -> String {
    let page = &texts.catalogue.linkage_renew;
    let mut lines = vec![
        text_version(texts),
        view.frame.bank.display_name.clone(),
        page.title.to_string(),
        view.statement(texts),
    ];
    for clause in view.clauses(texts) {
        lines.push(clause.heading);
        lines.extend(clause.lines);
    }
    lines.push(page.kept.to_string());
    lines.push(page.submit.to_string());
    // A line break inside a value would make two different texts read the same.
    let lines = lines.iter().map(|line| line.replace(['\r', '\n'], " "));
    lines.map(|line| line + "\n").collect()
}
