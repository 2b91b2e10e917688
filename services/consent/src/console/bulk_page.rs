//! 一括解除: a filter, what it means, the request, the second person's approval, and how it goes.

use super::{
    act_page::REVOCATION_REASONS,
    acts_page::paging,
    block::{
        Block, Cell, Column, Entry, Facts, Field, Form, FormKind, Input, Link, Links, Problem, Row,
        Story, Table, Tone, Weight, Width,
    },
    names,
    page::{Frame, Page, Section, section_path},
    words,
};
use crate::{
    bulk_revocation::{Act, BulkRevocation, Sample, State, Totals},
    operator::Role,
    pages::Locale,
};

/// The list of them.
#[derive(Debug)]
pub(super) struct BulkListView {
    pub(super) bulks: Vec<BulkRevocation>,
    pub(super) next: Option<String>,
    pub(super) role: Role,
}

fn base(bank: &str) -> String {
    format!("{}/bulk", section_path(bank, Section::Revocations))
}

impl BulkListView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let here = base(&frame.bank_code());
        let rows = self.bulks.iter().map(|bulk| Row {
            key: bulk.bulk_id.to_string(),
            cells: vec![
                Cell::text(names::moment(bulk.requested_at))
                    .leading_to(format!("{here}/{}", bulk.bulk_id)),
                Cell::badge(state_tone(bulk.state), state_name(locale, bulk.state)),
                Cell::text(bulk.item_count.map(names::figure).unwrap_or_default()),
                Cell::text(names::revocation_reason(locale, bulk.reason())),
                Cell::text(bulk.requested_by.clone()),
                Cell::text(bulk.approved_by.clone().unwrap_or_default()),
            ],
        });
        let table = Table {
            id: "bulks",
            caption: w.bulk_caption.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.time),
                Column::text(w.status),
                Column::number(w.bulk_matching),
                Column::text(w.reason),
                Column::text(w.bulk_requested_by),
                Column::text(w.bulk_approved_by),
            ],
            rows: rows.collect(),
        };
        let mut blocks = Vec::new();
        if self.role == Role::Operator {
            blocks.push(Block::Links(Links {
                id: "bulk-links",
                label: w.bulk.to_owned(),
                links: vec![Link::new("new-bulk", w.new_bulk, format!("{here}/new"))],
            }));
        }
        blocks.push(Block::Table(table));
        blocks.extend(paging(locale, &here, self.next.as_deref()));
        Page {
            title: w.bulk.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }
}

/// What was typed into a new one.
#[derive(Debug, Clone, Default)]
pub(super) struct TypedBulk {
    pub(super) partner: Option<String>,
    pub(super) contract: Option<String>,
    pub(super) account: Option<String>,
    pub(super) began_from: Option<String>,
    pub(super) began_to: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) problem: Option<BulkProblem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BulkProblem {
    /// A filter that names nothing would mean every consent of the bank.
    EmptyFilter,
    Filter,
    Reason,
}

/// The page of a new one.
#[derive(Debug)]
pub(super) struct NewBulkView {
    pub(super) partners: Vec<(String, String)>,
    pub(super) form_key: String,
    pub(super) typed: TypedBulk,
}

impl NewBulkView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let here = base(&frame.bank_code());
        let typed = &self.typed;
        let mut blocks = Vec::new();
        if let Some(problem) = typed.problem {
            let (href, text) = match problem {
                BulkProblem::EmptyFilter => ("#bulk-form-partner", w.bulk_filter_empty),
                BulkProblem::Filter => ("#bulk-form-partner", w.conditions_invalid),
                BulkProblem::Reason => ("#bulk-form-reason", w.choose_reason),
            };
            blocks.push(Block::Problems(vec![Problem {
                href: href.to_owned(),
                text: text.to_owned(),
            }]));
        }
        blocks.push(Block::Text {
            id: "lead",
            text: w.bulk_lead.to_owned(),
        });
        let of = |value: &Option<String>| value.clone().unwrap_or_default();
        let reasons = REVOCATION_REASONS.into_iter().map(|reason| {
            (
                reason.as_str().to_owned(),
                names::revocation_reason(locale, reason).to_owned(),
            )
        });
        let fields = vec![
            Field::select(
                "partner",
                w.partner,
                w.all,
                self.partners.clone(),
                typed.partner.as_deref(),
            ),
            Field::new("contract", w.contract, Input::Text(of(&typed.contract))),
            Field::new("account", w.account, Input::Text(of(&typed.account))),
            Field::new(
                "began_from",
                w.began_from,
                Input::Date(of(&typed.began_from)),
            ),
            Field::new("began_to", w.began_to, Input::Date(of(&typed.began_to))),
            Field::select(
                "reason",
                w.reason,
                w.choose_reason,
                reasons,
                typed.reason.as_deref(),
            ),
        ];
        blocks.push(Block::Form(Form {
            id: "bulk-form".to_owned(),
            kind: FormKind::Act,
            action: format!("{here}/new"),
            form_key: Some(self.form_key.clone()),
            hidden: Vec::new(),
            fields,
            submit: w.bulk_request.to_owned(),
            weight: Weight::Strong,
            back: Some(Link::new("back", w.back, here)),
        }));
        blocks.push(Block::Small(w.bulk_request_note.to_owned()));
        Page {
            title: w.new_bulk.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }
}

/// What an operator may do with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BulkStep {
    Approve,
    Start,
    Pause,
    Resume,
    Cancel,
}

impl BulkStep {
    pub(super) const ALL: [Self; 5] = [
        Self::Approve,
        Self::Start,
        Self::Pause,
        Self::Resume,
        Self::Cancel,
    ];

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
        }
    }

    pub(super) fn find(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.path() == path)
    }

    /// The steps that an operator may take with one as it stands.
    fn possible(bulk: &BulkRevocation, operator: &str) -> Vec<Self> {
        match bulk.state {
            State::Previewed if !bulk.needs_approval => vec![Self::Start, Self::Cancel],
            State::Previewed if bulk.requested_by == operator => vec![Self::Cancel],
            State::Previewed => vec![Self::Approve, Self::Cancel],
            State::Approved => vec![Self::Start, Self::Cancel],
            State::Running => vec![Self::Pause, Self::Cancel],
            State::Paused => vec![Self::Resume, Self::Cancel],
            State::Preparing | State::Completed | State::Cancelled => Vec::new(),
        }
    }
}

/// One of them.
#[derive(Debug)]
pub(super) struct BulkView {
    pub(super) bulk: BulkRevocation,
    pub(super) totals: Totals,
    pub(super) sample: Vec<Sample>,
    pub(super) acts: Vec<Act>,
    pub(super) partners: Vec<(String, String)>,
    /// Who looks.
    pub(super) operator: String,
    pub(super) role: Role,
    /// A form's key for each step.
    pub(super) form_keys: Vec<(BulkStep, String)>,
    pub(super) said: Option<(String, Tone)>,
}

impl BulkView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame.bank_code();
        let here = format!("{}/{}", base(&bank), self.bulk.bulk_id);
        let mut blocks = Vec::new();
        if let Some((text, tone)) = &self.said {
            blocks.push(Block::Said {
                text: text.clone(),
                tone: *tone,
            });
        }
        blocks.push(Block::Facts(self.facts(locale)));
        blocks.extend(self.steps(locale, &here));
        blocks.push(Block::Heading {
            id: "progress-heading",
            text: w.bulk_progress.to_owned(),
        });
        blocks.push(Block::Facts(self.progress(locale)));
        blocks.push(Block::Heading {
            id: "sample-heading",
            text: w.bulk_sample.to_owned(),
        });
        blocks.push(Block::Table(self.sample(locale, &bank)));
        blocks.push(Block::Heading {
            id: "acts-heading",
            text: w.story.to_owned(),
        });
        blocks.push(Block::Story(self.story(locale)));
        Page {
            title: w.bulk.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }

    fn facts(&self, locale: Locale) -> Facts {
        let w = words::of(locale);
        let bulk = &self.bulk;
        let filter = &bulk.filter.0;
        let mut rows = vec![
            (
                w.status.to_owned(),
                Cell::badge(state_tone(bulk.state), state_name(locale, bulk.state)),
            ),
            (
                w.bulk_matching.to_owned(),
                Cell::text(bulk.item_count.map(names::figure).unwrap_or_default()),
            ),
            (
                w.reason.to_owned(),
                Cell::text(names::revocation_reason(locale, bulk.reason())),
            ),
            (
                w.bulk_requested_by.to_owned(),
                Cell::text(bulk.requested_by.clone()),
            ),
            (
                w.bulk_approved_by.to_owned(),
                Cell::text(bulk.approved_by.clone().unwrap_or_default()),
            ),
            (
                w.as_of.to_owned(),
                Cell::text(bulk.frozen_at.map(names::moment).unwrap_or_default()),
            ),
        ];
        let mut condition = |name: &str, value: Option<String>| {
            rows.extend(value.map(|value| (name.to_owned(), Cell::text(value))));
        };
        let partner = filter
            .partner
            .as_ref()
            .map(|id| names::partner(&self.partners, id.as_str()));
        condition(w.partner, partner);
        condition(
            w.contract,
            filter.contract.as_ref().map(ToString::to_string),
        );
        condition(w.account, filter.account.as_ref().map(ToString::to_string));
        condition(w.began_from, filter.began_from.map(names::moment));
        condition(w.began_before, filter.began_before.map(names::moment));
        Facts { id: "bulk", rows }
    }

    fn progress(&self, locale: Locale) -> Facts {
        let w = words::of(locale);
        let totals = &self.totals;
        let row = |name: &str, value: i64| {
            let cell =
                Cell::text(names::figure(value)).with_below(names::share(value, totals.items));
            (name.to_owned(), cell)
        };
        Facts {
            id: "progress",
            rows: vec![
                row(w.bulk_done, totals.revoked),
                row(w.bulk_skipped, totals.already_ended),
                row(w.bulk_failed, totals.failed),
                row(w.bulk_open, totals.open),
            ],
        }
    }

    fn steps(&self, locale: Locale, here: &str) -> Vec<Block> {
        let w = words::of(locale);
        if self.role != Role::Operator {
            return Vec::new();
        }
        let possible = BulkStep::possible(&self.bulk, &self.operator);
        let mut blocks = Vec::new();
        let is_own = self.bulk.needs_approval
            && self.bulk.state == State::Previewed
            && self.bulk.requested_by == self.operator;
        if is_own {
            blocks.push(Block::Small(w.bulk_own.to_owned()));
        }
        for step in possible {
            let Some((_, key)) = self.form_keys.iter().find(|(each, _)| *each == step) else {
                continue;
            };
            let (text, weight) = match step {
                BulkStep::Approve => (w.bulk_approve, Weight::Strong),
                BulkStep::Start => (w.bulk_start, Weight::Final),
                BulkStep::Pause => (w.bulk_pause, Weight::Strong),
                BulkStep::Resume => (w.bulk_resume, Weight::Strong),
                BulkStep::Cancel => (w.bulk_cancel, Weight::Plain),
            };
            let digest = self.bulk.digest().unwrap_or_default();
            blocks.push(Block::Form(Form {
                id: format!("{}-form", step.path()),
                kind: FormKind::Button,
                action: format!("{here}/{}", step.path()),
                form_key: Some(key.clone()),
                hidden: vec![("digest".to_owned(), digest)],
                fields: Vec::new(),
                submit: text.to_owned(),
                weight,
                back: None,
            }));
        }
        blocks
    }

    fn sample(&self, locale: Locale, bank: &str) -> Table {
        let w = words::of(locale);
        let rows = self.sample.iter().map(|consent| Row {
            key: consent.grant_id.clone(),
            cells: vec![
                Cell::code(consent.grant_id.clone()).leading_to(format!(
                    "{}/{}",
                    section_path(bank, Section::Consents),
                    consent.grant_id
                )),
                Cell::code(consent.contract.clone()),
                Cell::text(names::partner(&self.partners, &consent.partner)),
                Cell::text(names::moment(consent.began_at)),
                Cell::text(names::moment(consent.valid_until)),
                Cell::text(names::status(locale, &consent.status)),
            ],
        });
        Table {
            id: "sample",
            caption: w.bulk_sample.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.grant),
                Column::text(w.contract),
                Column::text(w.partner),
                Column::text(w.began_at),
                Column::text(w.valid_until),
                Column::text(w.status),
            ],
            rows: rows.collect(),
        }
    }

    fn story(&self, locale: Locale) -> Story {
        let entries = self.acts.iter().enumerate().map(|(index, act)| Entry {
            key: index.to_string(),
            at: names::moment(act.acted_at),
            instant: act
                .acted_at
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            title: act_name(locale, &act.act),
            details: act.operator.iter().cloned().collect(),
            tone: Tone::Quiet,
        });
        Story {
            id: "bulk-acts",
            entries: entries.collect(),
        }
    }
}

fn state_name(locale: Locale, state: State) -> &'static str {
    match (state, locale) {
        (State::Preparing, Locale::Ja) => "準備中",
        (State::Preparing, Locale::En) => "Preparing",
        (State::Previewed, Locale::Ja) => "承認待ち",
        (State::Previewed, Locale::En) => "Awaiting approval",
        (State::Approved, Locale::Ja) => "承認済み",
        (State::Approved, Locale::En) => "Approved",
        (State::Running, Locale::Ja) => "実行中",
        (State::Running, Locale::En) => "Running",
        (State::Paused, Locale::Ja) => "一時停止",
        (State::Paused, Locale::En) => "Paused",
        (State::Completed, Locale::Ja) => "完了",
        (State::Completed, Locale::En) => "Completed",
        (State::Cancelled, Locale::Ja) => "中止",
        (State::Cancelled, Locale::En) => "Cancelled",
    }
}

fn state_tone(state: State) -> Tone {
    match state {
        State::Running | State::Completed => Tone::Good,
        State::Previewed | State::Approved | State::Paused => Tone::Caution,
        State::Preparing | State::Cancelled => Tone::Quiet,
    }
}

/// What was done with one, by the word in its table.
fn act_name(locale: Locale, act: &str) -> String {
    let (ja, en) = match act {
        "requested" => ("依頼", "Asked for"),
        "approved" => ("承認", "Approved"),
        "started" => ("開始", "Started"),
        "paused" => ("一時停止", "Paused"),
        "resumed" => ("再開", "Resumed"),
        "cancelled" => ("中止", "Cancelled"),
        "completed" => ("完了", "Completed"),
        other => return other.to_owned(),
    };
    match locale {
        Locale::Ja => ja.to_owned(),
        Locale::En => en.to_owned(),
    }
}
