//! One linkage.

use askama::Template;

use super::{
    super::{
        clauses::Clause,
        layout::{Layout, RenderError},
        linkage_texts::LinkageTexts,
        texts::{AccountTableTexts, Texts},
    },
    AccountNames, LinkageInView, LinkagesFrame,
};

/// One linkage, and what may be done about it.
#[derive(Debug, Clone)]
pub struct LinkageView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// The linkage.
    pub linkage: LinkageInView,
    /// Whether accounts can be named.
    pub names: AccountNames,
    /// What this user may do.
    pub acts: LinkageActs,
    /// Back to the list.
    pub list_url: String,
}

/// Where the acts begin; `None` for one that this user may not do, or that can't be done.
#[derive(Debug, Clone, Default)]
pub struct LinkageActs {
    /// To end it.
    pub end: Option<String>,
}

struct Row<'a> {
    reference: &'a str,
    name: &'a str,
    memo: &'a str,
    tasks: String,
}

#[derive(Template)]
#[template(path = "linkage.html")]
struct LinkagePage<'a> {
    layout: Layout<'a>,
    words: &'a LinkageTexts,
    table: &'a AccountTableTexts,
    view: &'a LinkageView,
    status: &'a str,
    status_lines: Vec<String>,
    clauses: Vec<Clause>,
    rows: Vec<Row<'a>>,
    names_unknown: Option<&'a str>,
}

impl LinkageView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let words = &texts.catalogue.linkage;
        let table = &texts.catalogue.account_table;
        let rows = self.linkage.accounts.iter().map(|account| Row {
            reference: &account.reference,
            name: account.name.text(texts),
            memo: account
                .memo
                .as_deref()
                .filter(|memo| !memo.trim().is_empty())
                .unwrap_or(table.none.as_str()),
            tasks: texts.catalogue.task_names.join(&account.tasks),
        });
        Ok(LinkagePage {
            layout: self.frame.layout(texts, words.title.as_str(), Vec::new()),
            words,
            table,
            view: self,
            status: self.linkage.status_word(words),
            status_lines: self.linkage.status_lines(texts),
            clauses: self.linkage.facts(texts),
            rows: rows.collect(),
            names_unknown: self.names.remark(texts),
        }
        .render()?)
    }
}
