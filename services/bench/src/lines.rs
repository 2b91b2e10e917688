//! The table. A line is a file of its own and an entry here.

mod commands;
mod decisions;
mod insert;
mod journeys;
mod primary_key;
mod rebuild;
mod relay_drain;
mod relay_latency;
mod stock;

use crate::line::Line;

/// Every line, in the order of the report.
pub static LINES: [Line; 11] = [
    commands::AGAINST_INSERT,
    commands::AGAINST_STOCK,
    decisions::ONE,
    decisions::EIGHT,
    decisions::THIRTY_TWO,
    decisions::COALESCED,
    journeys::AGAINST_INSERT,
    relay_latency::MEDIAN,
    relay_latency::TAIL,
    relay_drain::AGAINST_BULK,
    rebuild::AGAINST_FOLD,
];
