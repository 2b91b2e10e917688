use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use crate::line::{Line, Unit};

/// What one round of a line measured, in the line's unit.
#[derive(Clone, Copy, Serialize)]
pub struct Round {
    /// Ours.
    pub ours: f64,
    /// The reference.
    pub reference: f64,
}

impl Round {
    fn ratio(self) -> f64 {
        self.ours / self.reference
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
    /// [`Line::unit`].
    pub unit: Unit,
    /// [`Line::spread_max`].
    pub ratio_spread_max: f64,
    /// [`Line::aim`].
    pub aim: Option<f64>,
    /// The median of the rounds' ratios.
    pub ratio: f64,
    /// The largest ratio less the smallest, over the median.
    pub ratio_spread: f64,
    /// The median of ours.
    pub ours_measured: f64,
    /// The median of the reference.
    pub reference_measured: f64,
    /// Every round.
    pub rounds: Vec<Round>,
    /// What was counted.
    pub facts: BTreeMap<String, f64>,
    // They stand with the report's.
    #[serde(skip)]
    of_sides: Vec<String>,
}

impl Measured {
    /// Of at least one round; `complaints` are the two sides' own.
    pub fn new(
        line: &Line,
        rounds: Vec<Round>,
        facts: BTreeMap<String, f64>,
        complaints: Vec<String>,
    ) -> Self {
        let ratios: Vec<f64> = rounds.iter().map(|round| round.ratio()).collect();
        let of = |side: fn(&Round) -> f64| median(&rounds.iter().map(side).collect::<Vec<_>>());
        let ratio = median(&ratios);
        let largest = ratios.iter().copied().fold(f64::MIN, f64::max);
        let smallest = ratios.iter().copied().fold(f64::MAX, f64::min);
        Self {
            name: line.name,
            ours: line.ours,
            reference: line.reference,
            unit: line.unit,
            ratio_spread_max: line.spread_max,
            aim: line.aim,
            ratio,
            ratio_spread: (largest - smallest) / ratio,
            ours_measured: of(|round| round.ours),
            reference_measured: of(|round| round.reference),
            rounds,
            facts,
            of_sides: complaints,
        }
    }

    /// Why the line means nothing, if so.
    pub fn complaints(&self) -> Vec<String> {
        let apart = (self.ratio_spread > self.ratio_spread_max).then(|| {
            format!(
                "its rounds lie {:.0} % apart (at most {:.0} %)",
                self.ratio_spread * 100.0,
                self.ratio_spread_max * 100.0
            )
        });
        let all = self.of_sides.iter().cloned().chain(apart);
        all.map(|why| format!("{}: {why}", self.name)).collect()
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
             {:<18} {:>8} {:>7} {:>7} {:>12} {:>12} {:<4} ours / reference",
            self.postgresql,
            self.cores,
            self.lines.first().map_or(0, |line| line.rounds.len()),
            self.period_seconds,
            "line",
            "ratio",
            "aim",
            "spread",
            "ours",
            "reference",
            "unit",
        )?;
        for line in &self.lines {
            let aim = line
                .aim
                .map_or_else(|| "-".to_owned(), |aim| format!("{aim:.2}"));
            writeln!(
                text,
                "{:<18} {:>8.3} {:>7} {:>5.0} % {:>12.1} {:>12.1} {:<4} {} / {}",
                line.name,
                line.ratio,
                aim,
                line.ratio_spread * 100.0,
                line.ours_measured,
                line.reference_measured,
                line.unit.symbol(),
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
            writeln!(text, "{:<18} {}", line.name, facts.join(", "))?;
        }
        Ok(text)
    }
}

/// The middle one; of an even number the upper of the two. 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LINES;

    fn measured(ours: [f64; 5]) -> Measured {
        let rounds = ours.map(|ours| Round {
            ours,
            reference: 10.0,
        });
        Measured::new(&LINES[0], rounds.to_vec(), BTreeMap::new(), Vec::new())
    }

    #[test]
    fn the_median_round_counts_and_an_outlier_is_complained_of() {
        let steady = measured([5.0, 5.1, 4.9, 5.0, 5.2]);
        assert!((steady.ratio - 0.5).abs() < 1e-9);
        assert!(steady.complaints().is_empty());
        let unsteady = measured([5.0, 5.1, 2.0, 5.0, 5.2]);
        assert!((unsteady.ratio - 0.5).abs() < 1e-9);
        assert_eq!(unsteady.complaints().len(), 1);
    }

    #[test]
    fn lines_have_names_of_their_own() {
        let names: std::collections::BTreeSet<_> = LINES.iter().map(|line| line.name).collect();
        assert_eq!(names.len(), LINES.len());
    }
}
