//! The table. A line is a file of its own and an entry here.

mod commands;
mod decisions;
mod history;
mod insert;
mod journeys;
mod latency;
mod primary_key;
mod rebuild;
mod relay_drain;
mod relay_latency;
mod searches;
mod stock;

use crate::line::Line;

/// Every line, in the order of the report.
pub static LINES: [Line; 29] = [
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
    searches::ALL_FIRST,
    searches::ALL_FAR,
    searches::PARTNER_FIRST,
    searches::PARTNER_FAR,
    searches::LIVE_FIRST,
    searches::LIVE_FAR,
    searches::ENDED_FIRST,
    searches::ENDED_FAR,
    searches::REVOKED_FIRST,
    searches::REVOKED_FAR,
    searches::JOURNEYS_FIRST,
    searches::JOURNEYS_FAR,
    searches::LEFT_FIRST,
    searches::LEFT_FAR,
    searches::DONE_FIRST,
    searches::DONE_FAR,
    history::AS_OF,
    history::WHY,
];
