//! A story held against the example.

use std::fmt;

use super::{TITLES, confirmation, selection};
use crate::agent::browser::Tick;
use crate::agent::walk::{AccountRow, Received, Step, Story};

/// The accounts that the example links: 5000000 and 1000014.
const LINKED_ACCOUNT_COUNT: usize = 2;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where it is, e.g. `step 5 (登録口座確認), row 2`.
    pub place: String,
    /// What the example says.
    pub expected: String,
    /// What the story has.
    pub seen: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: expected {}, saw {}",
            self.place, self.expected, self.seen
        )
    }
}

/// Every difference between a story and the example: titles, both tables cell for cell, the boxes
/// that come ticked, and how many accounts the partner has in the end.
#[must_use]
pub fn check(story: &Story) -> Vec<Mismatch> {
    let mut found = Vec::new();
    for (step, expected) in TITLES {
        let seen = story.screens.iter().find(|screen| screen.step == step);
        let seen = seen.map(|screen| screen.title.as_str()).unwrap_or_default();
        compare(&mut found, format!("title of {step}"), expected, seen);
    }
    // Exactly the rows of this linkage come ticked, and no PIN does.
    let offered = selection().map(|row| AccountRow {
        tick: if row.status.ends_with('*') {
            Tick::Ticked
        } else {
            Tick::Unticked
        },
        pin: String::new(),
        ..row
    });
    let step = Step::ChooseAccounts;
    compare_rows(
        &mut found,
        &format!("{step} as offered"),
        &offered,
        &story.offered,
    );
    compare_rows(
        &mut found,
        &format!("{step}"),
        &selection(),
        &story.selection,
    );
    let step = Step::CheckRegistration;
    compare_rows(
        &mut found,
        &format!("{step}"),
        &confirmation(),
        &story.confirmation,
    );
    let linked = match &story.received {
        Received::Tokens { tokens, .. } => tokens.account_ids().len(),
        Received::PartnerApp(view) => view.accounts.rows.len(),
    };
    let place = "accounts at the partner".to_owned();
    compare(
        &mut found,
        place,
        &LINKED_ACCOUNT_COUNT.to_string(),
        &linked.to_string(),
    );
    found
}

fn compare_rows(
    found: &mut Vec<Mismatch>,
    table: &str,
    expected: &[AccountRow],
    seen: &[AccountRow],
) {
    for position in 0..expected.len().max(seen.len()) {
        let line = |rows: &[AccountRow]| rows.get(position).map(row_text).unwrap_or_default();
        let place = format!("{table}, row {}", position + 1);
        compare(found, place, &line(expected), &line(seen));
    }
}

fn compare(found: &mut Vec<Mismatch>, place: String, expected: &str, seen: &str) {
    if expected != seen {
        let quote = |text: &str| format!("「{text}」");
        found.push(Mismatch {
            place,
            expected: quote(expected),
            seen: quote(seen),
        });
    }
}

fn row_text(row: &AccountRow) -> String {
    let AccountRow {
        status,
        account,
        memo,
        pin,
        ..
    } = row;
    format!(
        "{} | {account} | {memo} | {pin}",
        super::print::status_cell(row.tick, status)
    )
}
