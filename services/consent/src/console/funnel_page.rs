//! 手続きの推移: the funnel of a bank as plots, and the same figures as tables.

use super::{
    block::{Block, Cell, Column, Field, Form, Input, Problem, Row, Table, Width},
    names,
    page::{Frame, Page, Section, section_path},
    plot::{Legend, StepBar, StepsPlot, WeekBar, WeeksPlot},
    words::{self, Words},
};
use crate::{
    funnel::{Funnel, FunnelStep, Leaving},
    pages::Locale,
};

/// What was asked for, as typed.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) partner: Option<String>,
}

/// The page's data.
#[derive(Debug)]
pub(super) struct FunnelView {
    pub(super) asked: Asked,
    /// Partners of the bank: id and name of the service.
    pub(super) partners: Vec<(String, String)>,
    /// `None` where the period that was asked for is none.
    pub(super) funnel: Option<Funnel>,
}

impl FunnelView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame
            .bank
            .as_ref()
            .map(|bank| bank.code.clone())
            .unwrap_or_default();
        let mut blocks = Vec::new();
        if self.funnel.is_none() {
            blocks.push(Block::Problems(vec![Problem {
                href: "#filter-from".to_owned(),
                text: w.period_invalid.to_owned(),
            }]));
        }
        blocks.push(Block::Text {
            id: "lead",
            text: w.funnel_lead.to_owned(),
        });
        blocks.push(Block::Form(self.filter(w, &bank)));
        if let Some(funnel) = &self.funnel {
            blocks.push(Block::Small(counted(locale, funnel)));
            blocks.extend(self.figures(locale, funnel));
        }
        Page {
            title: w.funnel.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }

    fn filter(&self, w: &Words, bank: &str) -> Form {
        let mut from = Field::new("from", w.from, Input::Date(self.asked.from.clone()));
        if self.funnel.is_none() {
            from.problem = Some(w.period_invalid.to_owned());
        }
        let fields = vec![
            from,
            Field::new("to", w.to, Input::Date(self.asked.to.clone())),
            Field::select(
                "partner",
                w.partner,
                w.all,
                self.partners.clone(),
                self.asked.partner.as_deref(),
            ),
        ];
        Form::filter(
            "filter",
            section_path(bank, Section::Funnel),
            fields,
            w.show,
        )
    }

    fn figures(&self, locale: Locale, funnel: &Funnel) -> Vec<Block> {
        let w = words::of(locale);
        if funnel.came_to(FunnelStep::Request) == 0 {
            return vec![Block::Said {
                text: w.funnel_empty.to_owned(),
                tone: super::block::Tone::Quiet,
            }];
        }
        let mut blocks = vec![
            Block::Heading {
                id: "steps",
                text: w.funnel_plot.to_owned(),
            },
            Block::Funnel(steps_plot(locale, funnel)),
            Block::Table(steps_table(locale, funnel)),
            Block::Heading {
                id: "weeks",
                text: w.weeks_plot.to_owned(),
            },
            Block::Weeks(weeks_plot(locale, funnel)),
            Block::Table(weeks_table(w, funnel)),
        ];
        if self.asked.partner.is_none() {
            blocks.push(Block::Heading {
                id: "partners-heading",
                text: w.by_partner.to_owned(),
            });
            blocks.push(Block::Table(self.partners_table(w, funnel)));
        }
        if !funnel.failures.is_empty() {
            blocks.push(Block::Heading {
                id: "failures-heading",
                text: w.failures.to_owned(),
            });
            blocks.push(Block::Table(failures_table(locale, funnel)));
        }
        if !funnel.rejected_rows.is_empty() {
            blocks.push(Block::Heading {
                id: "rejections-heading",
                text: w.rejected_rows.to_owned(),
            });
            blocks.push(Block::Table(rejections_table(locale, funnel)));
        }
        blocks
    }

    fn partners_table(&self, w: &Words, funnel: &Funnel) -> Table {
        let name = |id: &str| {
            let known = self.partners.iter().find(|(partner, _)| partner == id);
            known.map_or_else(|| id.to_owned(), |(_, name)| name.clone())
        };
        let rows = funnel.partners.iter().map(|partner| Row {
            key: partner.partner.clone(),
            cells: vec![
                Cell::text(name(&partner.partner)).with_below(partner.partner.clone()),
                Cell::text(names::figure(partner.ended)),
                Cell::text(names::figure(partner.authorized)),
                Cell::text(names::share(partner.authorized, partner.ended)),
                Cell::text(names::figure(partner.connected)),
            ],
        });
        Table {
            id: "partners",
            caption: w.by_partner.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.partner),
                Column::number(w.ended),
                Column::number(w.allowed),
                Column::number(w.allowed_share),
                Column::number(w.went_on_last),
            ],
            rows: rows.collect(),
        }
    }
}

/// How far the figures go.
fn counted(locale: Locale, funnel: &Funnel) -> String {
    let w = words::of(locale);
    let Some(at) = funnel.counted_at else {
        return w.counted_none.to_owned();
    };
    let (at, behind) = (names::moment(at), names::figure(funnel.uncounted));
    match (locale, funnel.uncounted) {
        (Locale::Ja, 0) => format!("{at} に集計しました。"),
        (Locale::En, 0) => format!("Counted at {at}."),
        (Locale::Ja, _) => format!("{at} に集計しました。未集計の記録 {behind} 件。"),
        (Locale::En, _) => format!("Counted at {at}; {behind} records are not counted yet."),
    }
}

fn class(leaving: Leaving) -> &'static str {
    leaving.as_str()
}

fn steps_plot(locale: Locale, funnel: &Funnel) -> StepsPlot {
    let w = words::of(locale);
    let longest = funnel.came_to(FunnelStep::Request);
    let bars = FunnelStep::ALL.into_iter().map(|step| {
        let came = funnel.came_to(step);
        let on = ("on", funnel.went_on(step));
        let left = funnel
            .reasons_at(step)
            .map(|(reason, count)| (class(reason), count));
        let figures = format!("{} ({})", names::figure(came), names::share(came, longest));
        StepBar::new(
            names::step(locale, step),
            figures,
            std::iter::once(on).chain(left),
            longest,
        )
    });
    let present = Leaving::ALL.into_iter().filter(|leaving| {
        FunnelStep::ALL.into_iter().any(|step| {
            funnel
                .reasons_at(step)
                .any(|(reason, count)| reason == *leaving && count > 0)
        })
    });
    let legend = std::iter::once(Legend {
        class: "on",
        text: w.went_on.to_owned(),
    })
    .chain(present.map(|leaving| Legend {
        class: class(leaving),
        text: names::leaving(locale, leaving).to_owned(),
    }));
    let description = FunnelStep::ALL.into_iter().map(|step| {
        format!(
            "{} {}",
            names::step(locale, step),
            names::figure(funnel.came_to(step))
        )
    });
    StepsPlot {
        title: w.funnel_plot.to_owned(),
        description: description.collect::<Vec<_>>().join(match locale {
            Locale::Ja => "、",
            Locale::En => ", ",
        }),
        bars: bars.collect(),
        legend: legend.collect(),
    }
}

fn steps_table(locale: Locale, funnel: &Funnel) -> Table {
    let w = words::of(locale);
    let rows = FunnelStep::ALL.into_iter().map(|step| {
        let reasons =
            funnel
                .reasons_at(step)
                .filter(|(_, count)| *count > 0)
                .map(|(reason, count)| {
                    format!(
                        "{} {}",
                        names::leaving(locale, reason),
                        names::figure(count)
                    )
                });
        let mut reasons = reasons.collect::<Vec<_>>().into_iter();
        let first = Cell::text(reasons.next().unwrap_or_default());
        let (came, on) = (funnel.came_to(step), funnel.went_on(step));
        Row {
            key: step.as_str().to_owned(),
            cells: vec![
                Cell::text(names::step(locale, step)),
                Cell::text(names::figure(came)),
                Cell::text(names::figure(on)),
                Cell::text(names::share(on, came)),
                Cell::text(names::figure(funnel.left_at(step))),
                reasons.fold(first, Cell::with_below),
            ],
        }
    });
    Table {
        id: "steps-figures",
        caption: w.funnel_table.to_owned(),
        width: Width::Full,
        columns: vec![
            Column::text(w.step),
            Column::number(w.came_to),
            Column::number(w.went_on),
            Column::number(w.went_on_share),
            Column::number(w.left_here),
            Column::text(w.funnel_reasons),
        ],
        rows: rows.collect(),
    }
}

fn weeks_plot(locale: Locale, funnel: &Funnel) -> WeeksPlot {
    let w = words::of(locale);
    let weeks = funnel.weeks.iter().map(|week| WeekBar {
        label: names::short_day(week.monday),
        all: week.ended,
        allowed: week.authorized,
    });
    let (ended, allowed) = funnel.weeks.iter().fold((0, 0), |(ended, allowed), week| {
        (ended + week.ended, allowed + week.authorized)
    });
    let (ended, allowed) = (names::figure(ended), names::figure(allowed));
    WeeksPlot {
        title: w.weeks_plot.to_owned(),
        description: match locale {
            Locale::Ja => format!(
                "期間の合計：終了した手続き {ended}、うち許可された手続き {allowed}。週ごとの件数は次の表。"
            ),
            Locale::En => format!(
                "In all: {ended} ended, {allowed} of them allowed. By week in the table below."
            ),
        },
        weeks: weeks.collect(),
        legend: vec![
            Legend {
                class: "on",
                text: w.allowed.to_owned(),
            },
            Legend {
                class: "ended",
                text: w.ended.to_owned(),
            },
        ],
    }
}

fn weeks_table(w: &Words, funnel: &Funnel) -> Table {
    let rows = funnel.weeks.iter().rev().map(|week| Row {
        key: week.monday.to_string(),
        cells: vec![
            Cell::text(week.monday.to_string()),
            Cell::text(names::figure(week.ended)),
            Cell::text(names::figure(week.authorized)),
            Cell::text(names::share(week.authorized, week.ended)),
        ],
    });
    Table {
        id: "weeks-figures",
        caption: w.weeks_table.to_owned(),
        width: Width::Compact,
        columns: vec![
            Column::text(w.week),
            Column::number(w.ended),
            Column::number(w.allowed),
            Column::number(w.allowed_share),
        ],
        rows: rows.collect(),
    }
}

fn failures_table(locale: Locale, funnel: &Funnel) -> Table {
    let w = words::of(locale);
    let rows = funnel.failures.iter().map(|((step, code), count)| Row {
        key: format!("{}-{code}", step.as_str()),
        cells: vec![
            Cell::text(names::failure(locale, code)),
            Cell::text(names::step(locale, *step)),
            Cell::text(names::figure(*count)),
        ],
    });
    Table {
        id: "failures",
        caption: w.failures.to_owned(),
        width: Width::Compact,
        columns: vec![
            Column::text(w.reason),
            Column::text(w.step),
            Column::number(w.count),
        ],
        rows: rows.collect(),
    }
}

fn rejections_table(locale: Locale, funnel: &Funnel) -> Table {
    let w = words::of(locale);
    let rows = funnel.rejected_rows.iter().map(|(code, count)| Row {
        key: code.clone(),
        cells: vec![
            Cell::text(names::rejection(locale, code)),
            Cell::text(names::figure(*count)),
        ],
    });
    Table {
        id: "rejections",
        caption: w.rejected_rows.to_owned(),
        width: Width::Compact,
        columns: vec![Column::text(w.reason), Column::number(w.count)],
        rows: rows.collect(),
    }
}
