//! The page of a search: the form with what was typed, what was found, and the way to all of it.

use super::{
    acts_page::paging,
    block::{Block, Field, Form, Table},
    consents_page::{Unsearchable, files},
    page::{Frame, Page, Section, section_path},
    words::{self, Words},
};
use crate::pages::Locale;

/// Partners of the bank, by id and name.
pub(super) type Partners = [(String, String)];

/// A line of what a search finds.
pub(super) trait Line: Sized {
    /// What can be typed into the search's form.
    type Typed;
    /// Where the search is.
    const SECTION: Section;

    /// The page's title.
    fn title(words: &'static Words) -> &'static str;

    /// The form's fields.
    fn fields(typed: &Self::Typed, partners: &Partners, locale: Locale) -> Vec<Field>;

    /// The lines as a table.
    fn table(found: &[Self], partners: &Partners, bank: &str, locale: Locale) -> Table;
}

/// The page's data.
#[derive(Debug)]
pub(super) struct SearchView<L: Line> {
    pub(super) typed: L::Typed,
    pub(super) partners: Vec<(String, String)>,
    pub(super) unsearchable: Option<Unsearchable>,
    pub(super) found: Vec<L>,
    pub(super) next: Option<String>,
    /// The search's own query, which leads to its first page.
    pub(super) query: String,
}

impl<L: Line> SearchView<L> {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame.bank_code();
        let here = section_path(&bank, L::SECTION);
        let mut blocks: Vec<Block> = self
            .unsearchable
            .map(|why| why.said(w))
            .into_iter()
            .collect();
        let fields = L::fields(&self.typed, &self.partners, locale);
        let form = Form::filter("filter", here.clone(), fields, w.search);
        blocks.push(Block::Form(form));
        if self.unsearchable.is_none() {
            let table = L::table(&self.found, &self.partners, &bank, locale);
            blocks.push(Block::Table(table));
            let first = format!("{here}?{}", self.query);
            blocks.extend(paging(locale, &first, self.next.as_deref()));
            blocks.push(files(w, &here, &self.query));
        }
        Page {
            title: L::title(w).to_owned(),
            error: None,
            blocks,
            frame,
        }
    }
}
