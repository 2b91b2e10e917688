//! One consent: its state now or then, its story, why it stopped, what was read, which notices arrived, and what an
//! operator may do with it.

use chrono::{DateTime, Utc};
use consent_domain::consent::{Consent, GrantTerms, Place};

use super::{
    block::{
        Align, Block, Cell, Column, Entry, Facts, Field, Form, Input, Link, Links, Row, Story,
        Table, Tone, Width,
    },
    causes, names,
    page::{Frame, Page, Section, section_path},
    sentence,
    words::{self, Words},
};
use crate::{
    history::{
        Life, Told,
        as_of::{AsOf, as_of},
    },
    operator::Role,
    pages::Locale,
};

/// A state in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Live,
    Suspended,
    Expired,
    Revoked,
    Superseded,
}

impl Standing {
    pub(super) const ALL: [Self; 5] = [
        Self::Live,
        Self::Suspended,
        Self::Expired,
        Self::Revoked,
        Self::Superseded,
    ];

    /// The word of it in searches.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Suspended => "suspended",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Superseded => "superseded",
        }
    }

    pub(super) fn find(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.word() == word)
    }

    /// Of a consent at a moment: the clock ends it, recorded or not.
    pub(super) fn of(consent: &Consent, at: DateTime<Utc>) -> Option<Self> {
        Some(match consent {
            Consent::Absent => return None,
            Consent::Live { terms, .. } if terms.valid_until <= at => Self::Expired,
            Consent::Live { suspended, .. } if !suspended.is_empty() => Self::Suspended,
            Consent::Live { .. } => Self::Live,
            Consent::Expired { .. } => Self::Expired,
            Consent::Revoked { .. } => Self::Revoked,
            Consent::Superseded { .. } => Self::Superseded,
        })
    }

    pub(super) fn name(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::Live, Locale::Ja) => "有効",
            (Self::Live, Locale::En) => "Live",
            (Self::Suspended, Locale::Ja) => "停止中",
            (Self::Suspended, Locale::En) => "Suspended",
            (Self::Expired, Locale::Ja) => "期限切れ",
            (Self::Expired, Locale::En) => "Expired",
            (Self::Revoked, Locale::Ja) => "解除",
            (Self::Revoked, Locale::En) => "Revoked",
            (Self::Superseded, Locale::Ja) => "置換え",
            (Self::Superseded, Locale::En) => "Superseded",
        }
    }

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Live => Tone::Good,
            Self::Suspended => Tone::Caution,
            Self::Revoked => Tone::Bad,
            Self::Expired | Self::Superseded => Tone::Quiet,
        }
    }
}

/// What was read of one account by one task.
#[derive(Debug, Clone)]
pub(super) struct ReadLine {
    pub(super) account: String,
    pub(super) task: String,
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
    pub(super) reads: i64,
    pub(super) rows: i64,
}

/// A notice of the end, and whether it arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) channel: String,
    pub(super) state: String,
    pub(super) tone: Tone,
}

/// The page's data.
#[derive(Debug)]
pub(super) struct ConsentView {
    pub(super) grant: String,
    /// The service's name, where the partner is known.
    pub(super) service: Option<String>,
    pub(super) life: Life,
    /// The moment that was asked for.
    pub(super) as_of: Option<DateTime<Utc>>,
    pub(super) reads: Vec<ReadLine>,
    pub(super) arrivals: Vec<Arrival>,
    pub(super) role: Role,
    pub(super) said: Option<(String, Tone)>,
}

impl ConsentView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame
            .bank
            .as_ref()
            .map(|bank| bank.code.clone())
            .unwrap_or_default();
        let address = format!("{}/{}", section_path(&bank, Section::Consents), self.grant);
        let at = self.as_of.unwrap_or(self.life.now);
        let then = as_of(&self.life, at);
        let consent = &then.consent;
        let mut blocks = Vec::new();
        if let Some((text, tone)) = &self.said {
            blocks.push(Block::Said {
                text: text.clone(),
                tone: *tone,
            });
        }
        blocks.push(Block::Form(self.as_of_form(w, &address, at)));
        if self.as_of.is_some() {
            blocks.push(Block::Links(Links {
                id: "as-of-links",
                label: w.as_of.to_owned(),
                links: vec![Link::new("show-now", w.show_now, address.clone())],
            }));
        }
        let heading = if self.as_of.is_some() {
            w.as_of_then
        } else {
            w.as_of_now
        };
        blocks.push(Block::Heading {
            id: "state-heading",
            text: heading.to_owned(),
        });
        blocks.push(self.state(locale, &then));
        if self.as_of.is_none() {
            blocks.extend(self.acts(w, consent, &address));
        }
        if let Some(terms) = consent.terms() {
            blocks.push(Block::Heading {
                id: "terms-heading",
                text: w.terms.to_owned(),
            });
            blocks.push(Block::Table(accounts(locale, terms)));
        }
        blocks.extend(self.why(locale));
        blocks.push(Block::Heading {
            id: "story-heading",
            text: w.story.to_owned(),
        });
        blocks.push(Block::Story(self.story(locale, at)));
        blocks.extend(self.reading(locale));
        blocks.extend(self.arrived(w));
        Page {
            title: w.consent.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }

    fn as_of_form(&self, w: &Words, address: &str, at: DateTime<Utc>) -> Form {
        let field = Field::new("at", w.as_of, Input::DateTime(names::for_input(at)));
        Form::filter("as-of", address, vec![field], w.show_as_of)
    }

    fn state(&self, locale: Locale, then: &AsOf) -> Block {
        let w = words::of(locale);
        let (consent, at) = (&then.consent, then.at);
        let (Some(terms), Some(standing)) = (consent.terms(), Standing::of(consent, at)) else {
            return Block::Said {
                text: w.as_of_not_begun.to_owned(),
                tone: Tone::Quiet,
            };
        };
        let mut status = Cell::badge(standing.tone(), standing.name(locale));
        if let Consent::Revoked { by, reason, .. } = consent {
            let (by, reason) = (
                names::revoked_by(locale, *by),
                names::revocation_reason(locale, *reason),
            );
            status = status.with_below(match locale {
                Locale::Ja => format!("{by}・{reason}"),
                Locale::En => format!("{by}: {reason}"),
            });
        }
        let service = self
            .service
            .clone()
            .unwrap_or_else(|| terms.partner.to_string());
        let mut rows = vec![
            (w.status.to_owned(), status),
            (w.grant.to_owned(), Cell::code(self.grant.clone())),
            (
                w.partner.to_owned(),
                Cell::text(service).with_below(terms.partner.to_string()),
            ),
            (
                w.contract.to_owned(),
                Cell::code(terms.contract.to_string()),
            ),
            (w.user.to_owned(), Cell::code(terms.user.to_string())),
            (
                w.began_at.to_owned(),
                Cell::text(names::moment(terms.valid_from)),
            ),
            (
                w.valid_until.to_owned(),
                Cell::text(names::moment(terms.valid_until)),
            ),
            (w.history_from.to_owned(), history_from(w, terms)),
        ];
        if let Consent::Live {
            place,
            connected,
            suspended,
            ..
        } = consent
        {
            let place = match place {
                Place::Default => w.place_default,
                Place::Beside => w.place_beside,
            };
            rows.push((w.place.to_owned(), Cell::text(place)));
            let connected = if *connected {
                w.connected_yes
            } else {
                w.connected_no
            };
            rows.push((w.connected.to_owned(), Cell::text(connected)));
            let causes: Vec<&str> = suspended
                .iter()
                .map(|cause| names::suspension_cause(locale, cause))
                .collect();
            if !causes.is_empty() {
                rows.push((
                    w.suspended_for.to_owned(),
                    Cell::text(causes.join(separator(locale))),
                ));
            }
            let above = causes::above(locale, &then.obstacles);
            if !above.is_empty() {
                rows.push((
                    w.wider.to_owned(),
                    Cell::text(above.join(separator(locale))),
                ));
            }
        }
        Block::Facts(Facts { id: "state", rows })
    }

    fn acts(&self, w: &Words, consent: &Consent, address: &str) -> Option<Block> {
        if self.role != Role::Operator {
            return None;
        }
        let Consent::Live { suspended, .. } = consent else {
            return None;
        };
        consent.live_terms(self.life.now)?;
        let mut links = vec![
            Link::new("act-suspend", w.suspend, format!("{address}/suspend")),
            Link::new(
                "act-remove-account",
                w.remove_account,
                format!("{address}/remove-account"),
            ),
            Link::new("act-hand-over", w.hand_over, format!("{address}/hand-over")),
            Link::new("act-revoke", w.revoke, format!("{address}/revoke")),
        ];
        if !suspended.is_empty() {
            links.insert(
                0,
                Link::new("act-restore", w.restore, format!("{address}/restore")),
            );
        }
        Some(Block::Links(Links {
            id: "acts",
            label: w.acts.to_owned(),
            links,
        }))
    }

    fn why(&self, locale: Locale) -> Vec<Block> {
        let w = words::of(locale);
        let heading = Block::Heading {
            id: "why-heading",
            text: w.why.to_owned(),
        };
        let entries = causes::entries(locale, &self.life);
        if entries.is_empty() {
            return vec![heading, Block::Small(w.why_none.to_owned())];
        }
        vec![heading, Block::Story(Story { id: "why", entries })]
    }

    fn story(&self, locale: Locale, at: DateTime<Utc>) -> Story {
        let facts = self.life.consent.iter();
        let told = facts.filter(|fact| fact.holds_since() <= at);
        let entries = told.map(|fact| {
            let sentence = sentence::of(locale, &fact.event);
            let mut details = sentence.details;
            details.push(by_whom(locale, fact));
            if fact.recorded_at > at {
                details.push(words::of(locale).known_later.to_owned());
            }
            Entry {
                key: fact.sequence.to_string(),
                at: names::moment(fact.holds_since()),
                instant: rfc3339(fact.holds_since()),
                title: sentence.title,
                details,
                tone: sentence.tone,
            }
        });
        Story {
            id: "story",
            entries: entries.collect(),
        }
    }

    fn reading(&self, locale: Locale) -> Vec<Block> {
        let w = words::of(locale);
        let heading = Block::Heading {
            id: "reads-heading",
            text: w.reads.to_owned(),
        };
        if self.reads.is_empty() {
            return vec![heading, Block::Small(w.reads_none.to_owned())];
        }
        let rows = self.reads.iter().enumerate().map(|(index, line)| Row {
            key: index.to_string(),
            cells: vec![
                Cell::code(line.account.clone()),
                Cell::text(line.task.clone()),
                Cell::text(names::moment(line.first)),
                Cell::text(names::moment(line.last)),
                Cell::text(names::figure(line.reads)),
                Cell::text(names::figure(line.rows)),
            ],
        });
        let table = Table {
            id: "reads",
            caption: w.reads.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.account),
                Column::text(w.tasks),
                Column::text(w.first_read),
                Column::text(w.last_read),
                Column::number(w.read_times),
                Column::number(w.read_rows),
            ],
            rows: rows.collect(),
        };
        vec![heading, Block::Table(table)]
    }

    fn arrived(&self, w: &Words) -> Vec<Block> {
        if self.arrivals.is_empty() {
            return Vec::new();
        }
        let rows = self
            .arrivals
            .iter()
            .enumerate()
            .map(|(index, arrival)| Row {
                key: index.to_string(),
                cells: vec![
                    Cell::text(arrival.channel.clone()),
                    Cell::badge(arrival.tone, arrival.state.clone()),
                ],
            });
        let table = Table {
            id: "arrivals",
            caption: w.notices.to_owned(),
            width: Width::Compact,
            columns: vec![
                Column::text(w.channel),
                Column {
                    label: w.arrived.to_owned(),
                    align: Align::Start,
                },
            ],
            rows: rows.collect(),
        };
        vec![
            Block::Heading {
                id: "notices-heading",
                text: w.notices.to_owned(),
            },
            Block::Table(table),
        ]
    }
}

pub(super) fn separator(locale: Locale) -> &'static str {
    match locale {
        Locale::Ja => "、",
        Locale::En => ", ",
    }
}

pub(super) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn history_from(w: &Words, terms: &GrantTerms) -> Cell {
    match terms.history_from {
        Some(day) => Cell::text(day.to_string()),
        None => Cell::text(w.history_all),
    }
}

fn by_whom(locale: Locale, fact: &Told) -> String {
    let actor = names::actor(locale, &fact.actor);
    let recorded = names::moment(fact.recorded_at);
    let mut line = match locale {
        Locale::Ja => format!("{actor}／記録 {recorded}"),
        Locale::En => format!("{actor}; recorded {recorded}"),
    };
    if let Some(request) = &fact.request_id {
        line.push_str(match locale {
            Locale::Ja => "／受付番号 ",
            Locale::En => "; request ",
        });
        line.push_str(request);
    }
    line
}

fn accounts(locale: Locale, terms: &GrantTerms) -> Table {
    let w = words::of(locale);
    let rows = sentence::accounts_of(terms)
        .into_iter()
        .map(|(account, tasks)| {
            let tasks: Vec<&str> = tasks
                .into_iter()
                .map(|task| names::task(locale, task))
                .collect();
            Row {
                key: account.to_string(),
                cells: vec![
                    Cell::code(account.to_string()),
                    Cell::text(tasks.join(separator(locale))),
                ],
            }
        });
    Table {
        id: "accounts",
        caption: w.terms.to_owned(),
        width: Width::Compact,
        columns: vec![Column::text(w.account), Column::text(w.tasks)],
        rows: rows.collect(),
    }
}
