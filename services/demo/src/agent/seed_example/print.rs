//! A story for the terminal.

mod reading;

use std::io::{self, Write};

use super::{COLUMNS, Mismatch};
use crate::agent::browser::Tick;
use crate::agent::text_table::write_table;
use crate::agent::walk::{AccountRow, PartnerAppView, Received, Statement, Step, Story};

/// The most rows of a statement printed; a line tells how many more there are.
const STATEMENT_ROWS: usize = 8;

/// Prints the titles, both tables, and what the partner read.
///
/// # Errors
/// As `out`.
pub fn print_story(out: &mut impl Write, story: &Story) -> io::Result<()> {
    for screen in &story.screens {
        writeln!(out, "手順{}  {}", screen.step.number(), screen.title)?;
        match screen.step {
            Step::ChooseAccounts => print_rows(out, &story.selection)?,
            Step::CheckRegistration => print_rows(out, &story.confirmation)?,
            _ => {}
        }
    }
    match &story.received {
        Received::PartnerApp(view) => print_view(out, view),
        Received::Tokens { tokens, reading } => {
            writeln!(
                out,
                "    authorization_details: {}",
                tokens.authorization_details
            )?;
            reading
                .as_ref()
                .map_or(Ok(()), |reading| reading::print(out, reading))
        }
    }
}

/// Prints each difference on a line of its own; nothing where there is none.
///
/// # Errors
/// As `out`.
pub fn print_mismatches(out: &mut impl Write, mismatches: &[Mismatch]) -> io::Result<()> {
    mismatches
        .iter()
        .try_for_each(|mismatch| writeln!(out, "{mismatch}"))
}

/// 登録状況 with the box that stands before it.
pub(super) fn status_cell(tick: Tick, status: &str) -> String {
    match tick {
        Tick::Absent => status.to_owned(),
        Tick::Ticked => format!("[x] {status}"),
        Tick::Unticked => format!("[ ] {status}"),
    }
}

fn print_rows(out: &mut impl Write, rows: &[AccountRow]) -> io::Result<()> {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let status = status_cell(row.tick, &row.status);
            vec![
                status,
                row.account.clone(),
                row.memo.clone(),
                row.pin.clone(),
            ]
        })
        .collect();
    write_table(out, &COLUMNS, &rows)
}

fn print_view(out: &mut impl Write, view: &PartnerAppView) -> io::Result<()> {
    print_statement(out, &view.accounts)?;
    for (account, statement) in &view.transactions {
        writeln!(out, "  {account}")?;
        print_statement(out, statement)?;
    }
    Ok(())
}

fn print_statement(out: &mut impl Write, statement: &Statement) -> io::Result<()> {
    if statement.rows.is_empty() {
        return writeln!(out, "    （0件）");
    }
    let head: Vec<&str> = statement.head.iter().map(String::as_str).collect();
    let shown = statement
        .rows
        .get(..STATEMENT_ROWS)
        .unwrap_or(&statement.rows);
    write_table(out, &head, shown)?;
    match statement.rows.len() - shown.len() {
        0 => Ok(()),
        more => writeln!(out, "    （ほか{more}件）"),
    }
}
