//! 連携の検索.

use chrono::{DateTime, Utc};
use consent_domain::consent::RevocationReason;

use super::{
    block::{Block, Cell, Column, Field, Input, Link, Links, Problem, Row, Table, Width},
    consent_page::Standing,
    names,
    page::{Section, section_path},
    search_page::{Line, Partners},
    words::{self, Words},
};
use crate::{pages::Locale, search::consents::FoundConsent};

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
#[derive(Debug, Clone)]
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
    pub(super) account_count: i32,
    /// When it began.
    pub(super) began_at: DateTime<Utc>,
    /// When its last fact was recorded.
    pub(super) changed_at: DateTime<Utc>,
    /// When it ends or ended.
    pub(super) ends_at: DateTime<Utc>,
}

impl From<FoundConsent> for ConsentLine {
    fn from(found: FoundConsent) -> Self {
        Self {
            grant_id: found.grant_id,
            partner: found.partner,
            contract: found.contract,
            status: found.status,
            reason: found.reason,
            suspended: found.suspended,
            account_count: found.account_count,
            began_at: found.began_at,
            changed_at: found.changed_at,
            ends_at: found.ended_at.unwrap_or(found.valid_until),
        }
    }
}

impl Line for ConsentLine {
    type Typed = Typed;
    const SECTION: Section = Section::Consents;

    fn title(words: &'static Words) -> &'static str {
        words.consents
    }

    fn fields(typed: &Typed, partners: &Partners, locale: Locale) -> Vec<Field> {
        let w = words::of(locale);
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
                partners.iter().cloned(),
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

    fn table(found: &[Self], partners: &Partners, bank: &str, locale: Locale) -> Table {
        let w = words::of(locale);
        let here = section_path(bank, Self::SECTION);
        let rows = found.iter().map(|consent| Row {
            key: consent.grant_id.clone(),
            cells: vec![
                Cell::code(consent.grant_id.clone())
                    .leading_to(format!("{here}/{}", consent.grant_id)),
                Cell::text(names::partner(partners, &consent.partner)),
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

/// Why nothing can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsearchable {
    /// Something typed can't be read.
    Unreadable,
    /// No index holds both orders.
    BeginningsWithEnds,
    /// Only revoked ones have a reason.
    ReasonOfNoRevocation,
    /// A step goes with an outcome that has one.
    StepWithoutOutcome,
}

impl Unsearchable {
    /// Said above the form.
    pub(super) fn said(self, w: &Words) -> Block {
        let (field, text) = match self {
            Self::Unreadable => ("partner", w.conditions_invalid),
            Self::BeginningsWithEnds => ("began_from", w.conditions_begin_and_end),
            Self::ReasonOfNoRevocation => ("reason", w.conditions_reason),
            Self::StepWithoutOutcome => ("stage", w.conditions_step),
        };
        Block::Problems(vec![Problem {
            href: format!("#filter-{field}"),
            text: text.to_owned(),
        }])
    }
}

/// Links to every row of a search as a file.
pub(super) fn files(w: &Words, here: &str, query: &str) -> Block {
    let link = |id, name: &str, format| Link::new(id, name, format!("{here}.{format}?{query}"));
    Block::Links(Links {
        id: "files",
        label: w.export.to_owned(),
        links: vec![
            link("file-csv", "CSV", "csv"),
            link("file-ndjson", "NDJSON", "ndjson"),
        ],
    })
}
