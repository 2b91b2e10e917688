//! 影響の確認: under which consents a partner could read in a span, and what it read.

use super::{
    acts_page::paging,
    block::{Block, Cell, Column, Field, Form, Input, Row, Table, Width},
    names,
    page::{Frame, Page, Section, section_path},
    span::Span,
    words,
};
use crate::{affected::AffectedConsent, pages::Locale};

/// The page's data.
#[derive(Debug)]
pub(super) struct AffectedView {
    pub(super) span: Span,
    pub(super) partner: Option<String>,
    pub(super) partners: Vec<(String, String)>,
    /// `None` until a partner was chosen.
    pub(super) found: Option<Vec<AffectedConsent>>,
    pub(super) next: Option<String>,
}

impl AffectedView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame.bank_code();
        let here = section_path(&bank, Section::Affected);
        let mut blocks = Vec::new();
        let problems = self.span.problems(w);
        if !problems.is_empty() {
            blocks.push(Block::Problems(problems));
        }
        blocks.push(Block::Text {
            id: "lead",
            text: w.affected_lead.to_owned(),
        });
        let [from, to] = self.span.fields(w, Input::DateTime);
        let fields = vec![
            Field::select(
                "partner",
                w.partner,
                w.choose_partner,
                self.partners.clone(),
                self.partner.as_deref(),
            ),
            from,
            to,
        ];
        blocks.push(Block::Form(Form::filter(
            "filter",
            here.clone(),
            fields,
            w.show,
        )));
        if let Some(found) = &self.found {
            blocks.push(Block::Table(table(locale, &bank, found)));
        }
        blocks.extend(paging(locale, &here, self.next.as_deref()));
        Page {
            title: w.affected.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }
}

fn table(locale: Locale, bank: &str, found: &[AffectedConsent]) -> Table {
    let w = words::of(locale);
    let rows = found.iter().map(|consent| Row {
        key: consent.grant_id.clone(),
        cells: vec![
            Cell::code(consent.grant_id.clone()).leading_to(format!(
                "{}/{}",
                section_path(bank, Section::Consents),
                consent.grant_id
            )),
            Cell::code(consent.contract.clone()),
            Cell::text(names::moment(consent.began_at)),
            Cell::text(names::moment(consent.ends_at))
                .with_below(names::status(locale, &consent.status)),
            Cell::text(names::figure(consent.reads)),
            Cell::text(names::figure(consent.rows)),
            Cell::text(consent.last_read_at.map(names::moment).unwrap_or_default()),
        ],
    });
    Table {
        id: "affected",
        caption: w.affected_caption.to_owned(),
        width: Width::Full,
        columns: vec![
            Column::text(w.grant),
            Column::text(w.contract),
            Column::text(w.could_read_from),
            Column::text(w.could_read_to),
            Column::number(w.reads_in_span),
            Column::number(w.read_rows),
            Column::text(w.last_read),
        ],
        rows: rows.collect(),
    }
}
