//! Where the next page of a list begins: the time that orders it and an id, as text.

use chrono::{DateTime, Utc};

/// `<microseconds>.<id>`.
pub(super) fn write(at: DateTime<Utc>, id: &str) -> String {
    format!("{}.{id}", at.timestamp_micros())
}

/// What a cursor means; what is none begins from the first.
pub(super) fn read(text: Option<&str>) -> Option<(DateTime<Utc>, String)> {
    let (at, id) = text?.split_once('.')?;
    let at = DateTime::from_timestamp_micros(at.parse().ok()?)?;
    // What PostgreSQL can't hold was never given.
    let is_ours = (0..=253_402_300_799).contains(&at.timestamp());
    is_ours.then(|| (at, id.to_owned()))
}

/// Cuts a list to a page, and says where the next one begins; one row more than the page tells that there is one.
pub(super) fn cut<T>(
    rows: &mut Vec<T>,
    size: usize,
    place: impl Fn(&T) -> String,
) -> Option<String> {
    let is_more = rows.len() > size;
    rows.truncate(size);
    rows.last().filter(|_| is_more).map(place)
}

#[cfg(test)]
mod tests {
    use super::{cut, read, write};

    #[test]
    fn a_cursor_leads_to_where_it_was_written() {
        let at = "2026-11-22T01:02:03.000456Z".parse().unwrap();
        assert_eq!(read(Some(&write(at, "a.b"))), Some((at, "a.b".to_owned())));
        for bad in [
            None,
            Some(""),
            Some("x.y"),
            Some("1"),
            Some("-99999999999999999.a"),
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_full_page_without_a_row_more_is_the_last() {
        let mut rows = vec![1, 2, 3];
        assert_eq!(cut(&mut rows, 3, ToString::to_string), None);
        assert_eq!(cut(&mut rows, 2, ToString::to_string), Some("2".to_owned()));
        assert_eq!(rows, [1, 2]);
    }
}
