//! 連携事業者: who they are, whether the bank has them, their keys and where their notices are pushed.

use chrono::{DateTime, Utc};
use consent_domain::partner::PartnerRecord;

use super::{
    block::{Block, Cell, Column, Facts, Link, Links, Row, Table, Tone, Width},
    names,
    page::{Frame, Page, Section, section_path},
    words,
};
use crate::pages::Locale;

/// A partner in the list.
#[derive(Debug, Clone)]
pub(super) struct PartnerLine {
    pub(super) id: String,
    pub(super) service: String,
    pub(super) legal_name: String,
    pub(super) standing: AtBank,
    pub(super) live_consents: i64,
}

/// How a bank has a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtBank {
    Enabled,
    Suspended,
    Disabled,
}

impl AtBank {
    fn cell(self, locale: Locale) -> Cell {
        let w = words::of(locale);
        match self {
            Self::Enabled => Cell::badge(Tone::Good, w.enabled),
            Self::Suspended => Cell::badge(Tone::Caution, w.suspended),
            Self::Disabled => Cell::badge(Tone::Quiet, w.disabled),
        }
    }
}

pub(super) fn list(frame: Frame, partners: &[PartnerLine]) -> Page {
    let locale = frame.locale;
    let w = words::of(locale);
    let here = section_path(&frame.bank_code(), Section::Partners);
    let rows = partners.iter().map(|partner| Row {
        key: partner.id.clone(),
        cells: vec![
            Cell::text(partner.service.clone())
                .leading_to(format!("{here}/{}", partner.id))
                .with_below(partner.id.clone()),
            Cell::text(partner.legal_name.clone()),
            partner.standing.cell(locale),
            Cell::text(names::figure(partner.live_consents)),
        ],
    });
    let table = Table {
        id: "partners",
        caption: w.partners_caption.to_owned(),
        width: Width::Full,
        columns: vec![
            Column::text(w.service),
            Column::text(w.legal_name),
            Column::text(w.at_this_bank),
            Column::number(w.live_consents),
        ],
        rows: rows.collect(),
    };
    Page {
        title: w.partners.to_owned(),
        error: None,
        blocks: vec![Block::Table(table)],
        frame,
    }
}

/// Where a partner's notices are pushed.
#[derive(Debug, Clone)]
pub(super) struct PushLine {
    pub(super) url: String,
    pub(super) set_at: DateTime<Utc>,
    pub(super) delivered_at: Option<DateTime<Utc>>,
    pub(super) last_failure: Option<String>,
}

/// One partner.
#[derive(Debug)]
pub(super) struct PartnerView {
    pub(super) id: String,
    pub(super) record: PartnerRecord,
    pub(super) record_version: u32,
    pub(super) standing: AtBank,
    pub(super) contract_from: Option<DateTime<Utc>>,
    pub(super) contract_until: Option<DateTime<Utc>>,
    pub(super) push: Vec<PushLine>,
}

impl PartnerView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame.bank_code();
        let to_funnel = format!(
            "{}?partner={}",
            section_path(&bank, Section::Funnel),
            self.id
        );
        let to_affected = format!(
            "{}?partner={}",
            section_path(&bank, Section::Affected),
            self.id
        );
        let blocks = vec![
            Block::Links(Links {
                id: "partner-links",
                label: self.record.service_name.clone(),
                links: vec![
                    Link::new("to-funnel", w.section_funnel, to_funnel),
                    Link::new("to-affected", w.section_affected, to_affected),
                ],
            }),
            Block::Facts(self.facts(locale)),
            Block::Heading {
                id: "keys-heading",
                text: w.keys.to_owned(),
            },
            Block::Table(self.keys(locale)),
            Block::Heading {
                id: "push-heading",
                text: w.push_targets.to_owned(),
            },
            Block::Table(self.push(locale)),
        ];
        Page {
            title: self.record.service_name.clone(),
            error: None,
            blocks,
            frame,
        }
    }

    fn facts(&self, locale: Locale) -> Facts {
        let w = words::of(locale);
        let record = &self.record;
        let lines = |values: &[String]| {
            let mut values = values.iter().cloned();
            let first = Cell::text(values.next().unwrap_or_default());
            values.fold(first, Cell::with_below)
        };
        let day = |at: Option<DateTime<Utc>>| Cell::text(at.map(names::moment).unwrap_or_default());
        let rows = vec![
            (w.at_this_bank, self.standing.cell(locale)),
            (w.contract_from, day(self.contract_from)),
            (w.contract_until, day(self.contract_until)),
            (w.legal_name, Cell::text(record.legal_name.clone())),
            (
                w.registration_number,
                Cell::text(record.registration_number.clone()),
            ),
            (
                w.complaint_contact,
                Cell::text(record.complaint_contact.clone()),
            ),
            (w.onward_recipients, lines(&record.onward_recipients)),
            (
                w.client_id,
                Cell::code(record.client_id.to_string()).with_below(self.id.clone()),
            ),
            (w.redirect_uris, lines(&record.redirect_uris)),
            (
                w.record_version,
                Cell::text(self.record_version.to_string()),
            ),
        ];
        Facts {
            id: "partner",
            rows: rows
                .into_iter()
                .map(|(name, cell)| (name.to_owned(), cell))
                .collect(),
        }
    }

    fn keys(&self, locale: Locale) -> Table {
        let w = words::of(locale);
        let rows = self.record.keys.iter().map(|(id, jwk)| Row {
            key: id.clone(),
            cells: vec![Cell::code(id.clone()), Cell::text(kind_of_key(jwk))],
        });
        Table {
            id: "keys",
            caption: w.keys.to_owned(),
            width: Width::Compact,
            columns: vec![Column::text(w.key_id), Column::text(w.key_kind)],
            rows: rows.collect(),
        }
    }

    fn push(&self, locale: Locale) -> Table {
        let w = words::of(locale);
        let rows = self.push.iter().enumerate().map(|(index, push)| Row {
            key: index.to_string(),
            cells: vec![
                Cell::text(push.url.clone()),
                Cell::text(names::moment(push.set_at)),
                Cell::text(push.delivered_at.map(names::moment).unwrap_or_default()),
                Cell::text(push.last_failure.clone().unwrap_or_default()),
            ],
        });
        Table {
            id: "push",
            caption: w.push_targets.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.address),
                Column::text(w.set_at),
                Column::text(w.delivered_at),
                Column::text(w.last_failure),
            ],
            rows: rows.collect(),
        }
    }
}

/// `EC P-256`, `OKP Ed25519`, `RSA`.
fn kind_of_key(jwk: &str) -> String {
    let key: serde_json::Value = serde_json::from_str(jwk).unwrap_or_default();
    let member = |name: &str| {
        key.get(name)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    format!("{} {}", member("kty"), member("crv"))
        .trim()
        .to_owned()
}
