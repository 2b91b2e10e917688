//! Plots as SVG that a template writes out: no script, no font metrics. Lengths across are in percent and heights in
//! em, so that a plot is as wide as its place at 320 and at 1280 pixels while its letters keep their size. See
//! `docs/decisions/0044-the-funnel.md`.

/// Journeys by step, one bar each, its length by those who came to the step.
#[derive(Debug)]
pub(super) struct StepsPlot {
    pub(super) title: String,
    /// The same in words, for whoever can't see it.
    pub(super) description: String,
    pub(super) bars: Vec<StepBar>,
    pub(super) legend: Vec<Legend>,
}

#[derive(Debug)]
pub(super) struct StepBar {
    pub(super) name: String,
    /// At the end of the line above the bar.
    pub(super) figures: String,
    pub(super) segments: Vec<Segment>,
}

/// A part of a bar; percent of the plot's width.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) class: &'static str,
    start: f64,
    length: f64,
}

#[derive(Debug)]
pub(super) struct Legend {
    pub(super) class: &'static str,
    pub(super) text: String,
}

/// Em from one bar's top to the next one's.
const STEP_HEIGHT: f64 = 3.4;

impl StepsPlot {
    pub(super) fn height(&self) -> String {
        em(STEP_HEIGHT * count(self.bars.len()))
    }

    /// Each bar with the height of its name and of itself.
    pub(super) fn placed(&self) -> impl Iterator<Item = (String, String, &StepBar)> {
        self.bars.iter().enumerate().map(|(index, bar)| {
            let top = STEP_HEIGHT * count(index);
            (em(top + 1.2), em(top + 1.6), bar)
        })
    }
}

impl StepBar {
    /// A bar of parts, drawn to the scale of the longest bar.
    pub(super) fn new(
        name: String,
        figures: String,
        parts: impl IntoIterator<Item = (&'static str, i64)>,
        longest: i64,
    ) -> Self {
        let mut start = 0.0;
        let segments = parts
            .into_iter()
            .filter(|(_, value)| *value > 0)
            .map(|(class, value)| {
                let segment = Segment {
                    class,
                    start,
                    length: share(value, longest) * 100.0,
                };
                start += segment.length;
                segment
            });
        Self {
            name,
            figures,
            segments: segments.collect(),
        }
    }
}

impl Segment {
    pub(super) fn x(&self) -> String {
        percent(self.start)
    }

    pub(super) fn width(&self) -> String {
        percent(self.length)
    }
}

/// Journeys by week: a bar for all, and in it those that were allowed.
#[derive(Debug)]
pub(super) struct WeeksPlot {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) weeks: Vec<WeekBar>,
    pub(super) legend: Vec<Legend>,
}

#[derive(Debug)]
pub(super) struct WeekBar {
    /// Its Monday, short.
    pub(super) label: String,
    pub(super) all: i64,
    pub(super) allowed: i64,
}

/// Em of the part in which bars stand.
const WEEKS_HEIGHT: f64 = 10.0;
/// Em above it, for the figure over the highest bar.
const ABOVE: f64 = 1.4;
/// Most labels below the bars: as many as have room on a narrow screen.
const LABELS_MAX: usize = 6;

/// A bar as it is drawn.
pub(super) struct PlacedWeek {
    pub(super) x: String,
    pub(super) middle: String,
    pub(super) width: String,
    pub(super) all_y: String,
    pub(super) all_height: String,
    pub(super) allowed_y: String,
    pub(super) allowed_height: String,
    pub(super) label: String,
}

impl WeeksPlot {
    pub(super) fn height(&self) -> String {
        em(ABOVE + WEEKS_HEIGHT + 1.6)
    }

    pub(super) fn base(&self) -> String {
        em(ABOVE + WEEKS_HEIGHT)
    }

    pub(super) fn label_y(&self) -> String {
        em(ABOVE + WEEKS_HEIGHT + 1.25)
    }

    /// Lines across at round figures, with what they stand for.
    pub(super) fn lines(&self) -> Vec<(String, String, i64)> {
        let top = self.top();
        let lines = [top, top / 2].into_iter().filter(|value| *value > 0);
        lines
            .map(|value| {
                let y = ABOVE + WEEKS_HEIGHT * (1.0 - share(value, top));
                (em(y), em(y - 0.3), value)
            })
            .collect()
    }

    /// The round figure at which the highest bar has room, and half of which is one as well.
    fn top(&self) -> i64 {
        let highest = self
            .weeks
            .iter()
            .map(|week| week.all)
            .max()
            .unwrap_or(0)
            .max(1);
        let mut unit = 1_i64;
        loop {
            for factor in [2, 4, 6, 8, 10, 12, 16] {
                let top = unit.saturating_mul(factor);
                if top >= highest || top == i64::MAX {
                    return top;
                }
            }
            unit = unit.saturating_mul(10);
        }
    }

    pub(super) fn placed(&self) -> Vec<PlacedWeek> {
        let room = 100.0 / count(self.weeks.len().max(1));
        let every = self.weeks.len().div_ceil(LABELS_MAX).max(1);
        let top = self.top();
        let placed = self.weeks.iter().enumerate().map(|(index, week)| {
            let x = room * count(index);
            let (all, allowed) = (
                WEEKS_HEIGHT * share(week.all, top),
                WEEKS_HEIGHT * share(week.allowed, top),
            );
            PlacedWeek {
                x: percent(x + room * 0.15),
                middle: percent(x + room * 0.5),
                width: percent(room * 0.7),
                all_y: em(ABOVE + WEEKS_HEIGHT - all),
                all_height: em(all),
                allowed_y: em(ABOVE + WEEKS_HEIGHT - allowed),
                allowed_height: em(allowed),
                label: if index % every == 0 {
                    week.label.clone()
                } else {
                    String::new()
                },
            }
        });
        placed.collect()
    }
}

fn em(value: f64) -> String {
    format!("{value:.2}em")
}

fn percent(value: f64) -> String {
    format!("{value:.3}%")
}

/// Figures of plots are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "a plot shows three digits")]
fn share(value: i64, of: i64) -> f64 {
    if of <= 0 {
        0.0
    } else {
        value as f64 / of as f64
    }
}

#[expect(clippy::cast_precision_loss, reason = "a plot has few bars")]
fn count(items: usize) -> f64 {
    items as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(all: i64, allowed: i64) -> WeekBar {
        WeekBar {
            label: "8/31".to_owned(),
            all,
            allowed,
        }
    }

    fn plot(weeks: Vec<WeekBar>) -> WeeksPlot {
        WeeksPlot {
            title: String::new(),
            description: String::new(),
            weeks,
            legend: Vec::new(),
        }
    }

    #[test]
    fn the_parts_of_a_bar_lie_end_to_end_and_nothing_is_drawn_for_none() {
        let bar = StepBar::new(
            String::new(),
            String::new(),
            [("on", 60), ("cancelled", 0), ("idle", 20)],
            160,
        );
        let drawn: Vec<_> = bar
            .segments
            .iter()
            .map(|s| (s.class, s.x(), s.width()))
            .collect();
        assert_eq!(
            drawn,
            [
                ("on", "0.000%".to_owned(), "37.500%".to_owned()),
                ("idle", "37.500%".to_owned(), "12.500%".to_owned())
            ]
        );
    }

    #[test]
    fn the_highest_week_stays_within_the_plot_at_a_round_figure() {
        for (highest, top) in [
            (0, 2),
            (1, 2),
            (3, 4),
            (5, 6),
            (11, 12),
            (399, 400),
            (401, 600),
        ] {
            assert_eq!(plot(vec![week(highest, 0)]).top(), top, "{highest}");
        }
    }

    #[test]
    fn a_year_of_weeks_has_no_more_labels_than_there_is_room_for() {
        let weeks = (0..53).map(|n| week(n, n / 2)).collect();
        let labels = plot(weeks)
            .placed()
            .into_iter()
            .filter(|week| !week.label.is_empty());
        assert_eq!(labels.count(), LABELS_MAX);
    }
}
