use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use crate::line::Line;

/// How far the ratios of a line's rounds may lie apart: the largest less the smallest, over the median.
pub const SPREAD_MAX: f64 = 0.30;

/// What one round of a line measured, per second.
#[derive(Clone, Copy, Serialize)]
pub struct Round {
    /// Ours.
    pub ours_per_second: f64,
    /// The reference.
    pub reference_per_second: f64,
}

impl Round {
    fn ratio(self) -> f64 {
        self.ours_per_second / self.reference_per_second
    }
}

/// A line with its rounds.
#[derive(Serialize)]
pub struct Measured {
    /// [`Line::name`].
    pub name: &'static str,
    /// [`Line::ours`].
    pub ours: &'static str,
    /// [`Line::reference`].
    pub reference: &'static str,
    /// [`Line::aim`].
    pub aim: Option<f64>,
    /// The median of the rounds' ratios.
    pub ratio: f64,
    /// The largest ratio less the smallest, over the median.
    pub ratio_spread: f64,
    /// The median of ours.
    pub ours_per_second: f64,
    /// The median of the reference.
    pub reference_per_second: f64,
    /// Every round.
    pub rounds: Vec<Round>,
    /// What was counted.
    pub facts: BTreeMap<String, f64>,
}

impl Measured {
    /// Of at least one round.
    pub fn new(line: &Line, rounds: Vec<Round>, facts: BTreeMap<String, f64>) -> Self {
        let ratios: Vec<f64> = rounds.iter().map(|round| round.ratio()).collect();
        let of = |side: fn(&Round) -> f64| median(&rounds.iter().map(side).collect::<Vec<_>>());
        let ratio = median(&ratios);
        let largest = ratios.iter().copied().fold(f64::MIN, f64::max);
        let smallest = ratios.iter().copied().fold(f64::MAX, f64::min);
        Self {
            name: line.name,
            ours: line.ours,
            reference: line.reference,
            aim: line.aim,
            ratio,
            ratio_spread: (largest - smallest) / ratio,
            ours_per_second: of(|round| round.ours_per_second),
            reference_per_second: of(|round| round.reference_per_second),
            rounds,
            facts,
        }
    }

    /// Why the line means nothing, if so.
    pub fn complaint(&self) -> Option<String> {
        (self.ratio_spread > SPREAD_MAX).then(|| {
            format!(
                "{}: its rounds lie {:.0} % apart (at most {:.0} %)",
                self.name,
                self.ratio_spread * 100.0,
                SPREAD_MAX * 100.0
            )
        })
    }
}

/// Everything of one run.
#[derive(Serialize)]
pub struct Report {
    /// Why the figures mean nothing; empty where they do.
    pub complaints: Vec<String>,
    /// Cores that the system gives us.
    pub cores: usize,
    /// The server's version.
    pub postgresql: String,
    /// Seconds that each side of a round is measured.
    pub period_seconds: f64,
    /// Share of the processors that other processes took; none where the system does not tell.
    pub others_share: Option<f64>,
    /// Share that a hypervisor took.
    pub stolen_share: Option<f64>,
    /// See [`crate::machine::Watch::calibration_spread`].
    pub calibration_spread: f64,
    /// The lines.
    pub lines: Vec<Measured>,
}

impl Report {
    /// For people.
    ///
    /// # Errors
    /// None in practice: writing to a string does not fail.
    pub fn table(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        for complaint in &self.complaints {
            writeln!(text, "NOT A RESULT: {complaint}")?;
        }
        writeln!(
            text,
            "PostgreSQL {}, {} cores shared by everything; medians of {} rounds of {} s\n\n\
             {:<16} {:>8} {:>7} {:>7} {:>12} {:>12}  ours / reference",
            self.postgresql,
            self.cores,
            self.lines.first().map_or(0, |line| line.rounds.len()),
            self.period_seconds,
            "line",
            "ratio",
            "aim",
            "spread",
            "ours/s",
            "reference/s",
        )?;
        for line in &self.lines {
            let aim = line
                .aim
                .map_or_else(|| "-".to_owned(), |aim| format!("{aim:.2}"));
            writeln!(
                text,
                "{:<16} {:>8.3} {:>7} {:>5.0} % {:>12.1} {:>12.1}  {} / {}",
                line.name,
                line.ratio,
                aim,
                line.ratio_spread * 100.0,
                line.ours_per_second,
                line.reference_per_second,
                line.ours,
                line.reference,
            )?;
        }
        text.push('\n');
        for line in &self.lines {
            let facts: Vec<String> = line
                .facts
                .iter()
                .map(|(name, value)| format!("{name} {value:.1}"))
                .collect();
            writeln!(text, "{:<16} {}", line.name, facts.join(", "))?;
        }
        Ok(text)
    }
}

/// The middle one; of an even number the upper of the two. 0 of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LINES;

    fn measured(ours: [f64; 5]) -> Measured {
        let rounds = ours.map(|ours_per_second| Round {
            ours_per_second,
            reference_per_second: 10.0,
        });
        Measured::new(&LINES[0], rounds.to_vec(), BTreeMap::new())
    }

    #[test]
    fn the_median_round_counts_and_an_outlier_is_complained_of() {
        let steady = measured([5.0, 5.1, 4.9, 5.0, 5.2]);
        assert!((steady.ratio - 0.5).abs() < 1e-9);
        assert_eq!(steady.complaint(), None);
        let unsteady = measured([5.0, 5.1, 2.0, 5.0, 5.2]);
        assert!((unsteady.ratio - 0.5).abs() < 1e-9);
        assert!(unsteady.complaint().is_some());
    }

    #[test]
    fn lines_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = LINES.iter().map(|line| line.name).collect();
        assert_eq!(names.len(), LINES.len());
    }
}
