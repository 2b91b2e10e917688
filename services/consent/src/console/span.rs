//! A span of days or minutes in Japan, as two fields of a form say it.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::{
    block::{Field, Input, Problem},
    names,
    words::Words,
};

/// What was typed, and what it means.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) from: String,
    pub(super) to: String,
    /// `None` where it is no span.
    pub(super) read: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Span {
    /// Of two days, both included; where nothing was typed, the last thirty.
    pub(super) fn of_days(from: Option<&str>, to: Option<&str>, today: NaiveDate) -> Self {
        let first = today.checked_sub_days(Days::new(29)).unwrap_or(today);
        let from = from.map_or_else(|| first.to_string(), str::to_owned);
        let to = to.map_or_else(|| today.to_string(), str::to_owned);
        let read = || {
            let (first, last): (NaiveDate, NaiveDate) = (from.parse().ok()?, to.parse().ok()?);
            let after = last.checked_add_days(Days::new(1))?;
            let span = (names::start_of_day(first)?, names::start_of_day(after)?);
            (span.0 < span.1).then_some(span)
        };
        let read = read();
        Self { from, to, read }
    }

    /// Of two moments, to the minute; where nothing was typed, the day before now.
    pub(super) fn of_minutes(from: Option<&str>, to: Option<&str>, now: DateTime<Utc>) -> Self {
        let before = now.checked_sub_days(Days::new(1)).unwrap_or(now);
        let from = from.map_or_else(|| names::for_input(before), str::to_owned);
        let to = to.map_or_else(|| names::for_input(now), str::to_owned);
        let read = names::of_input(&from)
            .zip(names::of_input(&to))
            .filter(|(from, to)| from < to);
        Self { from, to, read }
    }

    /// The two fields, named `from` and `to`.
    pub(super) fn fields(&self, w: &Words, input: fn(String) -> Input) -> [Field; 2] {
        let mut from = Field::new("from", w.from, input(self.from.clone()));
        if self.read.is_none() {
            from.problem = Some(w.span_invalid.to_owned());
        }
        [from, Field::new("to", w.to, input(self.to.clone()))]
    }

    /// What is wrong with it.
    pub(super) fn problems(&self, w: &Words) -> Vec<Problem> {
        let problem = Problem {
            href: "#filter-from".to_owned(),
            text: w.span_invalid.to_owned(),
        };
        if self.read.is_none() {
            vec![problem]
        } else {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn days_are_japans_and_both_ends_count() {
        let today = "2026-11-22".parse().unwrap();
        let span = Span::of_days(Some("2026-11-22"), Some("2026-11-22"), today);
        let (from, to) = span.read.unwrap();
        assert_eq!(from.to_rfc3339(), "2026-11-21T15:00:00+00:00");
        assert_eq!(to.to_rfc3339(), "2026-11-22T15:00:00+00:00");
        assert!(
            Span::of_days(Some("2026-11-23"), None, today)
                .read
                .is_none()
        );
        assert!(Span::of_days(Some("x"), None, today).read.is_none());
    }
}
