//! Partners' records, the same at every bank, for operators of the platform.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    acts_page::paging,
    block::{Block, Cell, Column, Facts, Link, Links, Row, Table, Tone, Width},
    names,
    page::{Frame, Page},
    platform_forms::PlatformAct,
    words,
};
use crate::pages::Locale;

/// Below this stands a page for each partner.
pub(super) const PATH: &str = "/console/platform/partners";

/// A key of a partner.
#[derive(Debug, Clone)]
pub(super) struct KeyLine {
    pub(super) kid: String,
    pub(super) jwk: Value,
    pub(super) retire_at: Option<DateTime<Utc>>,
}

/// A partner's record as it stands.
#[derive(Debug, Clone)]
pub(super) struct RecordView {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) record_version: u32,
    pub(super) legal_name: String,
    pub(super) service_name: String,
    pub(super) registration_number: String,
    pub(super) complaint_contact: String,
    pub(super) onward_recipients: Vec<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) keys: Vec<KeyLine>,
    /// Codes of the banks that have enabled it.
    pub(super) banks: Vec<String>,
}

/// Values one below the other.
pub(super) fn lines(values: &[String]) -> Cell {
    let mut values = values.iter().cloned();
    let first = Cell::text(values.next().unwrap_or_default());
    values.fold(first, Cell::with_below)
}

/// A partner's keys.
pub(super) fn keys(locale: Locale, keys: &[KeyLine]) -> Table {
    let w = words::of(locale);
    let rows = keys.iter().enumerate().map(|(index, key)| Row {
        key: index.to_string(),
        cells: vec![
            Cell::code(key.kid.clone()),
            Cell::text(kind_of_key(&key.jwk)),
            Cell::text(key.retire_at.map(names::moment).unwrap_or_default()),
        ],
    });
    Table {
        id: "keys",
        caption: w.keys.to_owned(),
        width: Width::Full,
        columns: vec![
            Column::text(w.key_id),
            Column::text(w.key_kind),
            Column::text(w.key_retires),
        ],
        rows: rows.collect(),
    }
}

/// `EC P-256`, `OKP Ed25519`, `RSA`.
fn kind_of_key(key: &Value) -> String {
    let member = |name: &str| {
        let value = key.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    format!("{} {}", member("kty"), member("crv"))
        .trim()
        .to_owned()
}

/// Every partner.
#[derive(Debug)]
pub(super) struct RecordsView {
    pub(super) partners: Vec<RecordView>,
    /// The address of the next page.
    pub(super) next: Option<String>,
}

impl RecordsView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let rows = self.partners.iter().map(|partner| Row {
            key: partner.id.clone(),
            cells: vec![
                Cell::text(partner.service_name.clone())
                    .leading_to(format!("{PATH}/{}", partner.id))
                    .with_below(partner.id.clone()),
                Cell::text(partner.legal_name.clone()),
                Cell::text(partner.banks.join(" ")),
                Cell::text(partner.record_version.to_string()),
            ],
        });
        let table = Table {
            id: "partners",
            caption: w.platform_caption.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.service),
                Column::text(w.legal_name),
                Column::text(w.banks_enabled),
                Column::number(w.record_version),
            ],
            rows: rows.collect(),
        };
        let ways = Links {
            id: "acts",
            label: w.acts.to_owned(),
            links: vec![
                Link::new("register", w.register_partner, format!("{PATH}/new")),
                Link::new("to-banks", w.home, "/console/banks"),
            ],
        };
        let mut blocks = vec![
            Block::Text {
                id: "lead",
                text: w.platform_partners_note.to_owned(),
            },
            Block::Links(ways),
            Block::Table(table),
        ];
        blocks.extend(paging(locale, PATH, self.next.as_deref()));
        Page {
            title: w.platform_partners.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }
}

impl RecordView {
    /// What stands, as rows.
    pub(super) fn rows(&self, locale: Locale) -> Vec<(String, Cell)> {
        let w = words::of(locale);
        [
            (w.service_name, Cell::text(self.service_name.clone())),
            (w.legal_name, Cell::text(self.legal_name.clone())),
            (
                w.registration_number,
                Cell::text(self.registration_number.clone()),
            ),
            (
                w.complaint_contact,
                Cell::text(self.complaint_contact.clone()),
            ),
            (w.onward_recipients, lines(&self.onward_recipients)),
            (
                w.client_id,
                Cell::code(self.client_id.clone()).with_below(self.id.clone()),
            ),
            (w.redirect_uris, lines(&self.redirect_uris)),
            (w.banks_enabled, Cell::text(self.banks.join(" "))),
            (
                w.record_version,
                Cell::text(self.record_version.to_string()),
            ),
        ]
        .into_iter()
        .map(|(name, cell)| (name.to_owned(), cell))
        .collect()
    }

    /// A key a row, each with its planned end.
    pub(super) fn rows_of_keys(&self, locale: Locale) -> impl Iterator<Item = (String, Cell)> {
        let w = words::of(locale);
        self.keys.iter().map(|key| {
            let going = key
                .retire_at
                .map(|at| format!("{}: {}", w.key_retires, names::moment(at)));
            let cell = Cell::code(key.kid.clone()).with_below(going.unwrap_or_default());
            (w.key.to_owned(), cell)
        })
    }

    pub(super) fn page(&self, frame: Frame, said: Option<(String, Tone)>) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let here = format!("{PATH}/{}", self.id);
        let acts = PlatformAct::ON_ONE.into_iter().map(|act| {
            let id = format!("act-{}", act.path());
            Link::new(id, act.title(w), format!("{here}/{}", act.path()))
        });
        let all = Link::new("to-partners", w.back, PATH);
        let mut blocks = Vec::new();
        if let Some((text, tone)) = said {
            blocks.push(Block::Said { text, tone });
        }
        blocks.extend([
            Block::Text {
                id: "lead",
                text: w.platform_partners_note.to_owned(),
            },
            Block::Links(Links {
                id: "acts",
                label: w.acts.to_owned(),
                links: acts.chain([all]).collect(),
            }),
            Block::Facts(Facts {
                id: "partner",
                rows: self.rows(locale),
            }),
            Block::Heading {
                id: "keys-heading",
                text: w.keys.to_owned(),
            },
            Block::Table(keys(locale, &self.keys)),
        ]);
        Page {
            title: self.service_name.clone(),
            error: None,
            blocks,
            frame,
        }
    }
}
