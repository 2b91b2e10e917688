use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use serde::Serialize;

use crate::{error::BenchError, ground::Ground};

/// Something that does one kind of thing again and again, and is counted or timed.
#[async_trait(?Send)]
pub trait Contender {
    /// The quantity of the line's unit, measured during about that time.
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError>;

    /// What was counted, by name: where a ratio may be questioned.
    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        Ok(BTreeMap::new())
    }

    /// Why what it measured means nothing, if so.
    fn complaint(&self) -> Option<String> {
        None
    }
}

/// What a line measures.
#[derive(Clone, Copy, Serialize)]
pub enum Unit {
    /// Things done in a second: more is better.
    #[serde(rename = "1/s")]
    PerSecond,
    /// A latency in milliseconds: less is better.
    #[serde(rename = "ms")]
    Milliseconds,
}

impl Unit {
    /// Its symbol.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::PerSecond => "1/s",
            Self::Milliseconds => "ms",
        }
    }
}

/// How far the ratios of a line's rounds may lie apart: the largest less the smallest, over the median.
pub const SPREAD_MAX: f64 = 0.30;

/// One line of the table: ours against a reference of the same run.
pub struct Line {
    /// A short name, for `--only` and the JSON.
    pub name: &'static str,
    /// What is ours, in a few words.
    pub ours: &'static str,
    /// What it is compared with.
    pub reference: &'static str,
    /// What both sides are measured in.
    pub unit: Unit,
    /// How far its rounds may lie apart: [`SPREAD_MAX`] but where few events decide.
    pub spread_max: f64,
    /// The ratio that was aimed for; none where the line only reports.
    pub aim: Option<f64>,
    /// Makes both ready.
    pub prepare: fn(&Ground) -> Preparing<'_>,
}

/// Both sides of a line.
pub struct Pair {
    /// Ours.
    pub ours: Box<dyn Contender>,
    /// The other.
    pub reference: Box<dyn Contender>,
}

/// A line being made ready.
pub type Preparing<'a> = std::pin::Pin<Box<dyn Future<Output = Result<Pair, BenchError>> + 'a>>;
