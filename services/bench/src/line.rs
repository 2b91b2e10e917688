use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;

use crate::{error::BenchError, ground::Ground};

/// Something that does one kind of thing again and again, and is counted.
#[async_trait(?Send)]
pub trait Contender {
    /// Things done per second during about that time.
    async fn rate(&mut self, period: Duration) -> Result<f64, BenchError>;

    /// What was counted, by name: where a ratio may be questioned.
    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        Ok(BTreeMap::new())
    }
}

/// One line of the table: ours against a reference of the same run.
pub struct Line {
    /// A short name, for `--only` and the JSON.
    pub name: &'static str,
    /// What is ours, in a few words.
    pub ours: &'static str,
    /// What it is compared with.
    pub reference: &'static str,
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
