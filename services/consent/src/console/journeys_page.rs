//! 手続きの検索: where a journey is stuck, and how it ended.

use chrono::{DateTime, Utc};

use super::{
    block::{Cell, Column, Field, Input, Row, Table, Tone, Width},
    names,
    page::{Section, section_path},
    search_page::{Line, Partners},
    words::{self, Words},
};
use crate::{funnel::FunnelStep, pages::Locale, search::journeys::FoundJourney};

/// What was typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) journey: Option<String>,
    pub(super) partner: Option<String>,
    pub(super) status: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) began_from: Option<String>,
    pub(super) began_to: Option<String>,
}

/// A journey that was found; ids only.
#[derive(Debug, Clone)]
pub(super) struct JourneyLine {
    /// The journey.
    pub(super) journey_id: String,
    /// The partner.
    pub(super) partner: String,
    /// The contract (団体), once somebody has logged in.
    pub(super) contract: Option<String>,
    /// `in_progress`, `authorized`, `declined`, `cancelled`, `timed_out` or `failed`.
    pub(super) status: String,
    /// The step that is next, or at which it ended.
    pub(super) stage: Option<String>,
    /// Of a failed or timed-out one: why.
    pub(super) reason: Option<String>,
    /// Of an authorized one: the grant that it made or changed.
    pub(super) grant_id: Option<String>,
    /// When the partner asked for it.
    pub(super) began_at: DateTime<Utc>,
    /// When its last fact was recorded.
    pub(super) changed_at: DateTime<Utc>,
}

impl From<FoundJourney> for JourneyLine {
    fn from(found: FoundJourney) -> Self {
        Self {
            journey_id: found.journey_id,
            partner: found.partner,
            contract: found.contract,
            status: found.status,
            stage: found.stage,
            reason: found.reason,
            grant_id: found.grant_id,
            began_at: found.began_at,
            changed_at: found.changed_at,
        }
    }
}

/// How a journey stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    InProgress,
    Authorized,
    Declined,
    Cancelled,
    TimedOut,
    Failed,
}

impl Outcome {
    pub(super) const ALL: [Self; 6] = [
        Self::InProgress,
        Self::Authorized,
        Self::Declined,
        Self::Cancelled,
        Self::TimedOut,
        Self::Failed,
    ];

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Authorized => "authorized",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
        }
    }

    pub(super) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }

    fn name(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::InProgress, Locale::Ja) => "手続き中",
            (Self::InProgress, Locale::En) => "In progress",
            (Self::Authorized, Locale::Ja) => "許可",
            (Self::Authorized, Locale::En) => "Allowed",
            (Self::Declined, Locale::Ja) => "許可しない",
            (Self::Declined, Locale::En) => "Declined",
            (Self::Cancelled, Locale::Ja) => "中止",
            (Self::Cancelled, Locale::En) => "Cancelled",
            (Self::TimedOut, Locale::Ja) => "時間切れ",
            (Self::TimedOut, Locale::En) => "Timed out",
            (Self::Failed, Locale::Ja) => "続けられない",
            (Self::Failed, Locale::En) => "Could not go on",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Authorized => Tone::Good,
            Self::InProgress => Tone::Caution,
            Self::Failed => Tone::Bad,
            Self::Declined | Self::Cancelled | Self::TimedOut => Tone::Quiet,
        }
    }
}

/// The bank's steps, at which a journey can stand.
pub(super) const STAGES: [FunnelStep; 5] = [
    FunnelStep::Login,
    FunnelStep::Tasks,
    FunnelStep::Accounts,
    FunnelStep::Confirm,
    FunnelStep::Authorize,
];

impl Line for JourneyLine {
    type Typed = Typed;
    const SECTION: Section = Section::Journeys;

    fn title(words: &'static Words) -> &'static str {
        words.journeys
    }

    fn fields(typed: &Typed, partners: &Partners, locale: Locale) -> Vec<Field> {
        let w = words::of(locale);
        let of = |value: &Option<String>| value.clone().unwrap_or_default();
        let statuses = Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome.word().to_owned(), outcome.name(locale).to_owned()));
        let stages = STAGES
            .into_iter()
            .map(|step| (step.as_str().to_owned(), names::step(locale, step)));
        vec![
            Field::select(
                "partner",
                w.partner,
                w.all,
                partners.iter().cloned(),
                typed.partner.as_deref(),
            ),
            Field::select(
                "status",
                w.outcome,
                w.all,
                statuses,
                typed.status.as_deref(),
            ),
            Field::select("stage", w.step, w.all, stages, typed.stage.as_deref()),
            Field::new(
                "began_from",
                w.requested_from,
                Input::Date(of(&typed.began_from)),
            ),
            Field::new("began_to", w.requested_to, Input::Date(of(&typed.began_to))),
            Field::new("journey", w.journey, Input::Text(of(&typed.journey))),
        ]
    }

    fn table(found: &[Self], partners: &Partners, bank: &str, locale: Locale) -> Table {
        let w = words::of(locale);
        let rows = found.iter().map(|journey| Row {
            key: journey.journey_id.clone(),
            cells: vec![
                Cell::code(journey.journey_id.clone()),
                Cell::text(names::partner(partners, &journey.partner)),
                Cell::code(journey.contract.clone().unwrap_or_default()),
                outcome(locale, journey),
                Cell::text(
                    journey
                        .stage
                        .as_deref()
                        .map(|stage| names::stage(locale, stage))
                        .unwrap_or_default(),
                ),
                Cell::text(names::minute(journey.began_at)),
                Cell::text(names::minute(journey.changed_at)),
                grant(bank, journey),
            ],
        });
        Table {
            id: "journeys",
            caption: w.journeys_caption.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.journey),
                Column::text(w.partner),
                Column::text(w.contract),
                Column::text(w.outcome),
                Column::text(w.step),
                Column::text(w.requested_at),
                Column::text(w.changed_at),
                Column::text(w.grant),
            ],
            rows: rows.collect(),
        }
    }
}

fn outcome(locale: Locale, journey: &JourneyLine) -> Cell {
    let Some(outcome) = Outcome::find(&journey.status) else {
        return Cell::text(journey.status.clone());
    };
    let reason = journey
        .reason
        .as_deref()
        .map(|code| names::end_reason(locale, code));
    Cell::badge(outcome.tone(), outcome.name(locale)).with_below(reason.unwrap_or_default())
}

fn grant(bank: &str, journey: &JourneyLine) -> Cell {
    match &journey.grant_id {
        Some(grant) => Cell::code(grant.clone())
            .leading_to(format!("{}/{grant}", section_path(bank, Section::Consents))),
        None => Cell::default(),
    }
}
