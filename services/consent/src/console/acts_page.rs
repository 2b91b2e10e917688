//! 操作記録: what operators did at a bank, reads included.

use chrono::{DateTime, Utc};

use super::{
    block::{
        Block, Cell, Column, Field, Form, Input, Link, Links, Problem, Row, Table, Tone, Width,
    },
    names,
    page::{Frame, Page, Section, section_path},
    words,
};
use crate::pages::Locale;

/// A recorded act.
#[derive(Debug, Clone)]
pub(super) struct ActLine {
    pub(super) id: String,
    pub(super) at: DateTime<Utc>,
    pub(super) operator: String,
    /// `api`, `console` or `command_line`.
    pub(super) via: String,
    pub(super) act: String,
    pub(super) subject_kind: String,
    pub(super) subject_id: Option<String>,
    pub(super) outcome: String,
    /// What else is known, as codes.
    pub(super) detail: String,
}

/// The page's data.
#[derive(Debug, Default)]
pub(super) struct ActsView {
    pub(super) operator: Option<String>,
    pub(super) consent: Option<String>,
    pub(super) lines: Vec<ActLine>,
    /// The address of the next page.
    pub(super) next: Option<String>,
    pub(super) is_invalid: bool,
}

impl ActsView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let w = words::of(frame.locale);
        let bank = frame.bank_code();
        let here = section_path(&bank, Section::Acts);
        let mut blocks = Vec::new();
        if self.is_invalid {
            blocks.push(Block::Problems(vec![Problem {
                href: "#filter-operator".to_owned(),
                text: w.conditions_invalid.to_owned(),
            }]));
        }
        let fields = vec![
            Field::new(
                "operator",
                w.operator_id,
                Input::Text(self.operator.clone().unwrap_or_default()),
            ),
            Field::new(
                "consent",
                w.grant,
                Input::Text(self.consent.clone().unwrap_or_default()),
            ),
        ];
        blocks.push(Block::Form(Form::filter(
            "filter",
            here.clone(),
            fields,
            w.show,
        )));
        blocks.push(Block::Table(self.table(frame.locale, &bank)));
        blocks.extend(paging(frame.locale, &here, self.next.as_deref()));
        Page {
            title: w.acts_log.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }

    fn table(&self, locale: Locale, bank: &str) -> Table {
        let w = words::of(locale);
        let rows = self.lines.iter().map(|line| {
            let subject = match (&line.subject_id, line.subject_kind.as_str()) {
                (Some(id), "consent") => Cell::code(id.clone())
                    .leading_to(format!("{}/{id}", section_path(bank, Section::Consents))),
                (Some(id), _) => Cell::code(id.clone()),
                (None, _) => Cell::default(),
            };
            Row {
                key: line.id.clone(),
                cells: vec![
                    Cell::text(names::moment(line.at)),
                    Cell::text(line.operator.clone()).with_below(line.via.clone()),
                    Cell::text(names::act(locale, &line.act)).with_below(line.detail.clone()),
                    subject.with_below(line.subject_kind.clone()),
                    Cell::badge(
                        outcome_tone(&line.outcome),
                        names::outcome(locale, &line.outcome),
                    ),
                ],
            }
        });
        Table {
            id: "acts",
            caption: w.acts_caption.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.time),
                Column::text(w.signed_in),
                Column::text(w.what),
                Column::text(w.on_whom),
                Column::text(w.outcome),
            ],
            rows: rows.collect(),
        }
    }
}

fn outcome_tone(outcome: &str) -> Tone {
    match outcome {
        "done" => Tone::Good,
        "refused" => Tone::Caution,
        "failed" => Tone::Bad,
        _ => Tone::Quiet,
    }
}

/// The way to the next page of a list, and back to its beginning.
pub(super) fn paging(locale: Locale, first: &str, next: Option<&str>) -> Option<Block> {
    let w = words::of(locale);
    let next = next?;
    Some(Block::Links(Links {
        id: "paging",
        label: w.paging.to_owned(),
        links: vec![
            Link::new("first-page", w.first_page, first),
            Link::new("next-page", w.next_page, next),
        ],
    }))
}
