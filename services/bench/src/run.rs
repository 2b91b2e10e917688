use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::{
    error::BenchError,
    ground::Ground,
    line::{Line, Pair},
    lines::LINES,
    machine::Watch,
    report::{Measured, Report, Round},
};

/// How long each side of a round runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// For results.
    Full,
    /// To try it out.
    Quick,
}

impl Pace {
    fn period(self) -> Duration {
        match self {
            Self::Full => Duration::from_secs(4),
            Self::Quick => Duration::from_secs(2),
        }
    }

    /// Events that wait to be published, where that is measured.
    pub fn backlog(self) -> usize {
        match self {
            Self::Full => 50_000,
            Self::Quick => 5_000,
        }
    }

    /// Generated events of the larger database, where none are asked for; the smaller has a tenth.
    pub fn loaded_events(self) -> u32 {
        match self {
            Self::Full => 10_000_000,
            Self::Quick => 1_000_000,
        }
    }
}

/// What becomes of figures that a noisy machine gave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// None are shown.
    QuietOnly,
    /// They are shown, with why they are none.
    Indicative,
}

/// What the command line asks for.
pub struct Options {
    /// How long.
    pub pace: Pace,
    /// What for.
    pub figures: Figures,
    /// Parts of the names of the lines that are wanted; none where all are.
    pub only: Vec<String>,
    /// How often.
    pub rounds: u32,
    /// Where the JSON goes.
    pub report: Option<PathBuf>,
    /// Generated events of the larger database.
    pub events: u32,
}

/// Measures, prints the table and writes the figures.
///
/// # Errors
/// [`BenchError::Noisy`] where the machine is; then nothing is written, and nothing printed unless
/// indicative figures were asked for.
pub async fn run(options: Options) -> Result<(), BenchError> {
    if cfg!(debug_assertions) && options.figures == Figures::QuietOnly {
        return Err(BenchError::DebugBuild);
    }
    let mut watch = match options.figures {
        Figures::QuietOnly => Watch::settle().await,
        Figures::Indicative => Watch::begin(),
    };
    watch.calibrate();
    let complaints = watch.complaints();
    if !complaints.is_empty() && options.figures == Figures::QuietOnly {
        return Err(BenchError::Noisy(complaints));
    }
    let ground = Ground::prepare(options.pace, options.events).await?;
    let measured = measure(&options, &ground, &mut watch).await;
    let report = measured.map(|lines| report(&options, &ground, &watch, lines));
    ground.stop().await;
    let report = report?;
    if report.complaints.is_empty() {
        say(&report.table()?);
        return write(&options, &report);
    }
    if options.figures == Figures::Indicative {
        say(&report.table()?);
    }
    Err(BenchError::Noisy(report.complaints))
}

/// A line being measured.
struct Course {
    line: &'static Line,
    pair: Pair,
    rounds: Vec<Round>,
}

/// Round after round, each with every line: what disturbs a moment disturbs one round of each.
async fn measure(
    options: &Options,
    ground: &Ground,
    watch: &mut Watch,
) -> Result<Vec<Measured>, BenchError> {
    let wanted = |line: &&Line| {
        let names = |only: &String| line.name.contains(only.as_str());
        options.only.is_empty() || options.only.iter().any(names)
    };
    let mut courses = Vec::new();
    for line in LINES.iter().filter(wanted) {
        say(&format!("preparing {}", line.name));
        courses.push(Course {
            line,
            pair: (line.prepare)(ground).await?,
            rounds: Vec::new(),
        });
    }
    let period = options.pace.period();
    for round in 0..options.rounds {
        say(&format!("round {} of {}", round + 1, options.rounds));
        for course in &mut courses {
            watch.calibrate();
            let Pair { ours, reference } = &mut course.pair;
            // Who goes first alternates.
            let measured = if round % 2 == 0 {
                let ours = ours.measure(period).await?;
                let reference = reference.measure(period).await?;
                Round { ours, reference }
            } else {
                let reference = reference.measure(period).await?;
                let ours = ours.measure(period).await?;
                Round { ours, reference }
            };
            course.rounds.push(measured);
        }
    }
    let mut lines = Vec::new();
    for Course {
        line,
        mut pair,
        rounds,
    } in courses
    {
        let mut facts = BTreeMap::new();
        for (whose, facts_of_side) in [
            ("ours", pair.ours.facts().await?),
            ("reference", pair.reference.facts().await?),
        ] {
            let named = facts_of_side
                .into_iter()
                .map(|(name, value)| (format!("{whose}.{name}"), value));
            facts.extend(named);
        }
        let sides = [pair.ours.complaint(), pair.reference.complaint()];
        let complaints = sides.into_iter().flatten().collect();
        lines.push(Measured::new(line, rounds, facts, complaints));
    }
    Ok(lines)
}

fn report(options: &Options, ground: &Ground, watch: &Watch, lines: Vec<Measured>) -> Report {
    let mut complaints = watch.complaints();
    complaints.extend(lines.iter().flat_map(Measured::complaints));
    if options.pace == Pace::Quick {
        complaints.push("the periods are too short for a result".to_owned());
    }
    let shares = watch.shares();
    Report {
        complaints,
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        postgresql: ground.postgres_version.clone(),
        period_seconds: options.pace.period().as_secs_f64(),
        others_share: shares.map(|shares| shares.others),
        stolen_share: shares.map(|shares| shares.stolen),
        calibration_spread: watch.calibration_spread(),
        lines,
    }
}

fn write(options: &Options, report: &Report) -> Result<(), BenchError> {
    let path = match &options.report {
        Some(path) => path.clone(),
        None => demo::places::target_directory()?.join("bench/report.json"),
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let json = serde_json::to_string_pretty(report).map_err(BenchError::wrong)?;
    std::fs::write(&path, json + "\n")?;
    say(&format!("The figures are in {}.", path.display()));
    Ok(())
}

/// Prints a line.
#[expect(clippy::print_stdout, reason = "the command line's own answer")]
pub fn say(text: &str) {
    println!("{text}");
}
