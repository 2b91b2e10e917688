//! 連携の検索.

use chrono::{DateTime, Utc};
use consent_domain::consent::RevocationReason;
use serde::Serialize;
use sqlx::FromRow;

use super::{
    acts_page::paging,
    block::{Block, Cell, Column, Field, Form, Input, Link, Links, Problem, Row, Table, Width},
    consent_page::Standing,
    names,
    page::{Frame, Page, Section, section_path},
    words::{self, Words},
};
use crate::pages::Locale;

/// What was typed: names and values of the form.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) partner: Option<String>,
    pub(super) contract: Option<String>,
    pub(super) account: Option<String>,
    pub(super) status: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) began_from: Option<String>,
    pub(super) began_to: Option<String>,
    pub(super) ended_from: Option<String>,
    pub(super) ended_to: Option<String>,
}

/// A consent that was found; ids only.
#[derive(Debug, Clone, Serialize, FromRow)]
pub(super) struct ConsentLine {
    /// The consent.
    pub(super) grant_id: String,
    /// The partner.
    pub(super) partner: String,
    /// The contract (団体).
    pub(super) contract: String,
    /// `live`, `suspended`, `expired`, `revoked` or `superseded`, by the clock.
    pub(super) status: String,
    /// Of a revoked one: why, as a code.
    pub(super) reason: Option<String>,
    /// The causes of its own for which it is suspended.
    pub(super) suspended: Vec<String>,
    /// How many accounts it covers, or covered last.
    pub(super) account_count: i64,
    /// When it began.
    pub(super) began_at: DateTime<Utc>,
    /// When its last fact was recorded.
    pub(super) changed_at: DateTime<Utc>,
    /// When it ends or ended.
    pub(super) ends_at: DateTime<Utc>,
}

/// The page's data.
#[derive(Debug)]
pub(super) struct ConsentsView {
    pub(super) typed: Typed,
    pub(super) partners: Vec<(String, String)>,
    pub(super) is_invalid: bool,
    pub(super) found: Vec<ConsentLine>,
    pub(super) next: Option<String>,
    /// The search's own query, for the export.
    pub(super) query: String,
}

impl ConsentsView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame.bank_code();
        let here = section_path(&bank, Section::Consents);
        let mut blocks: Vec<Block> = self.is_invalid.then(|| invalid(w)).into_iter().collect();
        blocks.push(Block::Form(Form::filter(
            "filter",
            here.clone(),
            self.fields(locale),
            w.search,
        )));
        if !self.is_invalid {
            blocks.push(export(w, &here, &self.query));
            blocks.push(Block::Table(self.table(locale, &here)));
            let first = format!("{here}?{}", self.query);
            blocks.extend(paging(locale, &first, self.next.as_deref()));
        }
        Page {
            title: w.consents.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }

    fn fields(&self, locale: Locale) -> Vec<Field> {
        let w = words::of(locale);
        let typed = &self.typed;
        let of = |value: &Option<String>| value.clone().unwrap_or_default();
        let statuses = Standing::ALL
            .into_iter()
            .map(|standing| (standing.word().to_owned(), standing.name(locale).to_owned()));
        let reasons = RevocationReason::ALL.into_iter().map(|reason| {
            (
                reason.as_str().to_owned(),
                names::revocation_reason(locale, reason).to_owned(),
            )
        });
        vec![
            Field::select(
                "partner",
                w.partner,
                w.all,
                self.partners.clone(),
                typed.partner.as_deref(),
            ),
            Field::new("contract", w.contract, Input::Text(of(&typed.contract))),
            Field::new("account", w.account, Input::Text(of(&typed.account))),
            Field::select("status", w.status, w.all, statuses, typed.status.as_deref()),
            Field::select("reason", w.reason, w.all, reasons, typed.reason.as_deref()),
            Field::new(
                "began_from",
                w.began_from,
                Input::Date(of(&typed.began_from)),
            ),
            Field::new("began_to", w.began_to, Input::Date(of(&typed.began_to))),
            Field::new(
                "ended_from",
                w.ended_from,
                Input::Date(of(&typed.ended_from)),
            ),
            Field::new("ended_to", w.ended_to, Input::Date(of(&typed.ended_to))),
        ]
    }

    fn table(&self, locale: Locale, here: &str) -> Table {
        let w = words::of(locale);
        let rows = self.found.iter().map(|consent| Row {
            key: consent.grant_id.clone(),
            cells: vec![
                Cell::code(consent.grant_id.clone())
                    .leading_to(format!("{here}/{}", consent.grant_id)),
                Cell::text(names::partner(&self.partners, &consent.partner)),
                Cell::code(consent.contract.clone()),
                status_cell(locale, consent),
                Cell::text(consent.account_count.to_string()),
                Cell::text(names::minute(consent.began_at)),
                Cell::text(names::minute(consent.ends_at)),
                Cell::text(names::minute(consent.changed_at)),
            ],
        });
        Table {
            id: "consents",
            caption: w.consents_caption.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.grant),
                Column::text(w.partner),
                Column::text(w.contract),
                Column::text(w.status),
                Column::number(w.accounts),
                Column::text(w.began_at),
                Column::text(w.ends_or_ended),
                Column::text(w.changed_at),
            ],
            rows: rows.collect(),
        }
    }
}

fn status_cell(locale: Locale, consent: &ConsentLine) -> Cell {
    let Some(standing) = Standing::find(&consent.status) else {
        return Cell::text(consent.status.clone());
    };
    let cell = Cell::badge(standing.tone(), standing.name(locale));
    let reason = consent
        .reason
        .as_deref()
        .map(|code| names::stored_reason(locale, code));
    let causes = consent
        .suspended
        .iter()
        .map(|code| names::stored_cause(locale, code));
    reason
        .into_iter()
        .chain(causes)
        .fold(cell, Cell::with_below)
}

/// Something typed can't be read.
pub(super) fn invalid(w: &Words) -> Block {
    Block::Problems(vec![Problem {
        href: "#filter-partner".to_owned(),
        text: w.conditions_invalid.to_owned(),
    }])
}

/// Everything that was found, as files.
pub(super) fn export(w: &Words, here: &str, query: &str) -> Block {
    Block::Links(Links {
        id: "export",
        label: w.export.to_owned(),
        links: vec![
            Link::new("export-csv", "CSV", format!("{here}.csv?{query}")),
            Link::new("export-ndjson", "NDJSON", format!("{here}.ndjson?{query}")),
        ],
    })
}
