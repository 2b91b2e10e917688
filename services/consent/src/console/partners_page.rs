//! 連携事業者: who they are, whether the bank has them, their keys and where their notices are pushed.

use chrono::{DateTime, Utc};
use consent_domain::partner::{PartnerAtBank, PartnerRecord};

use super::{
    block::{
        Block, Cell, Column, Facts, Field, Form, Input, Link, Links, Problem, Row, Table, Tone,
        Width,
    },
    names,
    page::{Frame, Page, Section, section_path},
    partner_forms::{BankAct, of_contract},
    platform_page::{self, KeyLine},
    words,
};
use crate::{operator::Role, pages::Locale};

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
    pub(super) fn of(at_bank: &PartnerAtBank) -> Self {
        match at_bank {
            PartnerAtBank::Enabled { suspended, .. } if suspended.is_empty() => Self::Enabled,
            PartnerAtBank::Enabled { .. } => Self::Suspended,
            PartnerAtBank::Absent | PartnerAtBank::Disabled { .. } => Self::Disabled,
        }
    }

    pub(super) fn cell(self, locale: Locale) -> Cell {
        let w = words::of(locale);
        match self {
            Self::Enabled => Cell::badge(Tone::Good, w.enabled),
            Self::Suspended => Cell::badge(Tone::Caution, w.suspended),
            Self::Disabled => Cell::badge(Tone::Quiet, w.disabled),
        }
    }
}

/// Looking a partner up that the bank has had nothing to do with yet.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    /// What was typed and leads nowhere.
    pub(super) unknown: Option<String>,
}

impl Lookup {
    fn blocks(&self, w: &words::Words, here: &str) -> Vec<Block> {
        let typed = self.unknown.clone().unwrap_or_default();
        let mut field = Field::new("id", w.find_partner, Input::Text(typed));
        let mut blocks = Vec::new();
        if self.unknown.is_some() {
            field.problem = Some(w.find_partner_unknown.to_owned());
            blocks.push(Block::Problems(vec![Problem {
                href: "#lookup-id".to_owned(),
                text: w.find_partner_unknown.to_owned(),
            }]));
        }
        blocks.push(Block::Form(Form::filter(
            "lookup",
            here,
            vec![field],
            w.find_partner_open,
        )));
        blocks
    }
}

pub(super) fn list(frame: Frame, partners: &[PartnerLine], lookup: Option<&Lookup>) -> Page {
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
    let mut blocks = lookup.map_or_else(Vec::new, |lookup| lookup.blocks(w, &here));
    blocks.push(Block::Table(table));
    Page {
        title: w.partners.to_owned(),
        error: None,
        blocks,
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
    pub(super) at_bank: PartnerAtBank,
    pub(super) keys: Vec<KeyLine>,
    pub(super) push: Vec<PushLine>,
    pub(super) role: Role,
    /// Whether who looks may change the record.
    pub(super) is_of_the_platform: bool,
    pub(super) said: Option<(String, Tone)>,
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
        let mut blocks = Vec::new();
        if let Some((text, tone)) = &self.said {
            blocks.push(Block::Said {
                text: text.clone(),
                tone: *tone,
            });
        }
        blocks.extend([
            Block::Links(Links {
                id: "partner-links",
                label: self.record.service_name.clone(),
                links: vec![
                    Link::new("to-funnel", w.section_funnel, to_funnel),
                    Link::new("to-affected", w.section_affected, to_affected),
                ],
            }),
            Block::Facts(self.facts(locale)),
        ]);
        blocks.extend(self.acts(locale, &bank));
        blocks.extend([
            Block::Heading {
                id: "keys-heading",
                text: w.keys.to_owned(),
            },
            Block::Table(platform_page::keys(locale, &self.keys)),
            Block::Heading {
                id: "push-heading",
                text: w.push_targets.to_owned(),
            },
            Block::Table(self.push(locale)),
        ]);
        Page {
            title: self.record.service_name.clone(),
            error: None,
            blocks,
            frame,
        }
    }

    /// What may be done: at the bank, and where who looks may, with the record.
    fn acts(&self, locale: Locale, bank: &str) -> Option<Block> {
        let w = words::of(locale);
        let here = format!("{}/{}", section_path(bank, Section::Partners), self.id);
        let push = self.push.first().map(|line| line.url.as_str());
        let acts = BankAct::ALL
            .into_iter()
            .filter(|act| self.role == Role::Operator && act.is_possible(&self.at_bank, push))
            .map(|act| {
                let id = format!("act-{}", act.path());
                Link::new(id, act.title(w), format!("{here}/{}", act.path()))
            });
        let mut links: Vec<Link> = acts.collect();
        if self.is_of_the_platform {
            let record = format!("{}/{}", platform_page::PATH, self.id);
            links.push(Link::new("to-record", w.platform_partners, record));
        }
        (!links.is_empty()).then(|| {
            Block::Links(Links {
                id: "acts",
                label: w.acts.to_owned(),
                links,
            })
        })
    }

    fn facts(&self, locale: Locale) -> Facts {
        let w = words::of(locale);
        let record = &self.record;
        let lines = platform_page::lines;
        let mut standing = AtBank::of(&self.at_bank).cell(locale);
        for cause in self.at_bank.suspensions().iter() {
            standing = standing.with_below(names::suspension_cause(locale, cause));
        }
        let [starts, ends] = of_contract(w, self.at_bank.contract());
        let at_bank = [(w.at_this_bank.to_owned(), standing), starts, ends];
        let rows = vec![
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
            rows: at_bank
                .into_iter()
                .chain(rows.into_iter().map(|(name, cell)| (name.to_owned(), cell)))
                .collect(),
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
