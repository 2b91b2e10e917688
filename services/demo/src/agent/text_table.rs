//! Tables for a terminal, where East Asian characters take two columns.

use std::io::{self, Write};

/// Columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// The ranges of Unicode's East Asian Width W and F that occur in Japanese text (UAX #11), and the
/// black circle, which Japanese terminals draw wide.
fn is_wide(c: char) -> bool {
    matches!(
        c,
        '\u{1100}'..='\u{115f}'
            | '\u{25cf}'
            | '\u{2e80}'..='\u{303e}'
            | '\u{3041}'..='\u{33ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}'
            | '\u{ff01}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}'
            | '\u{1f300}'..='\u{1faff}'
            | '\u{20000}'..='\u{3fffd}'
    )
}

/// Writes a head and rows in aligned columns, each line indented by four spaces.
///
/// # Errors
/// As `out`.
pub(crate) fn write_table(
    out: &mut impl Write,
    head: &[&str],
    rows: &[Vec<String>],
) -> io::Result<()> {
    let mut widths: Vec<usize> = head.iter().map(|text| width(text)).collect();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            match widths.get_mut(column) {
                Some(known) => *known = (*known).max(width(cell)),
                None => widths.push(width(cell)),
            }
        }
    }
    write_line(out, head.iter().copied(), &widths)?;
    for row in rows {
        write_line(out, row.iter().map(String::as_str), &widths)?;
    }
    Ok(())
}

fn write_line<'a>(
    out: &mut impl Write,
    cells: impl Iterator<Item = &'a str>,
    widths: &[usize],
) -> io::Result<()> {
    let mut line = String::from("   ");
    for (cell, column) in cells.zip(widths) {
        line.push(' ');
        line.push_str(cell);
        line.push_str(&" ".repeat(column.saturating_sub(width(cell)) + 1));
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(width("登録済み*"), 9);
        assert_eq!(width("●●●●"), 8);
        assert_eq!(width("API連携"), 7);
    }

    #[test]
    fn columns_line_up() {
        let mut out = Vec::new();
        let rows = [
            vec!["未登録".to_owned(), "b".to_owned()],
            vec!["-".to_owned(), "c".to_owned()],
        ];
        write_table(&mut out, &["a", "列"], &rows).unwrap();
        let expected = "    a       列\n    未登録  b\n    -       c\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
