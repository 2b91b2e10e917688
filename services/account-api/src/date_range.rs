//! Which days of an account may be read.
//!
//! Days are calendar days in Japan, by transaction date (取引日), both ends inclusive.

use chrono::NaiveDate;

use crate::problem::Problem;

/// What the partner asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AskedRange {
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
}

/// The first days that may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FirstDays {
    /// The bank's, per account and task.
    pub(crate) available_from: NaiveDate,
    /// The grant's, where the customer allowed only a part of the history.
    pub(crate) history_from: Option<NaiveDate>,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadableRange {
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
    /// Why `from` is later than what was asked for; empty where it is not.
    pub(crate) adjustments: Vec<Adjustment>,
}

/// One limit that lies after the day asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Adjustment {
    pub(crate) reason: AdjustmentReason,
    /// The first day that this limit leaves.
    pub(crate) limit: NaiveDate,
}

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdjustmentReason {
    /// The bank's.
    BeforeAvailable,
    /// The grant's.
    BeforeHistoryFrom,
}

impl AdjustmentReason {
    /// The word in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BeforeAvailable => "from_before_available",
            Self::BeforeHistoryFrom => "from_before_history_from",
        }
    }
}

impl AskedRange {
    /// Checks what can be checked before anybody is asked.
    ///
    /// A day to come is refused rather than cut to today: a partner that keeps "read up to" would
    /// else believe to have read a day that had not happened.
    ///
    /// # Errors
    ///
    /// `invalid_parameter` for a day after `today`, and for `from` after `to`.
    pub(crate) fn check(self, today: NaiveDate) -> Result<(), Problem> {
        if self.from.is_some_and(|from| from > today) || self.to.is_some_and(|to| to > today) {
            return Err(Problem::InvalidParameter(
                "from and to can't be later than today (Japan).",
            ));
        }
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => {
                Err(Problem::InvalidParameter("from can't be later than to."))
            }
            _ => Ok(()),
        }
    }

    /// The days that are read: from the latest of the day asked for and `first_days`, to the day
    /// asked for or `today`.
    pub(crate) fn within(self, first_days: FirstDays, today: NaiveDate) -> ReadableRange {
        let limits = [
            (
                AdjustmentReason::BeforeAvailable,
                Some(first_days.available_from),
            ),
            (AdjustmentReason::BeforeHistoryFrom, first_days.history_from),
        ];
        let mut from = self.from.unwrap_or(first_days.available_from);
        let mut adjustments = Vec::new();
        for (reason, limit) in limits {
            let Some(limit) = limit else { continue };
            // Who asks for everything there is was not cut short.
            if self.from.is_some_and(|asked| asked < limit) {
                adjustments.push(Adjustment { reason, limit });
            }
            from = from.max(limit);
        }
        ReadableRange {
            from,
            to: self.to.unwrap_or(today),
            adjustments,
        }
    }
}

impl ReadableRange {
    /// True where the limits leave no day of what was asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.from > self.to
    }

    /// True for a day inside.
    pub(crate) fn contains(&self, day: NaiveDate) -> bool {
        (self.from..=self.to).contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::parse_day;

    fn day(text: &str) -> NaiveDate {
        parse_day(text).unwrap()
    }

    fn asked(from: Option<&str>, to: Option<&str>) -> AskedRange {
        AskedRange {
            from: from.map(day),
            to: to.map(day),
        }
    }

    fn first_days(available_from: &str, history_from: Option<&str>) -> FirstDays {
        FirstDays {
            available_from: day(available_from),
            history_from: history_from.map(day),
        }
    }

    const TODAY: &str = "2026-04-15";

    #[test]
    fn without_parameters_all_there_is_up_to_today_is_read() {
        let range = asked(None, None).within(first_days("2025-05-01", None), day(TODAY));
        assert_eq!((range.from, range.to), (day("2025-05-01"), day(TODAY)));
        assert!(range.adjustments.is_empty());
    }

    #[test]
    fn the_latest_of_the_three_days_wins_and_each_limit_passed_is_told() {
        let range = asked(Some("2024-01-01"), None)
            .within(first_days("2025-05-01", Some("2026-01-01")), day(TODAY));
        assert_eq!(range.from, day("2026-01-01"));
        let reasons: Vec<_> = range.adjustments.iter().map(|a| a.reason).collect();
        assert_eq!(
            reasons,
            [
                AdjustmentReason::BeforeAvailable,
                AdjustmentReason::BeforeHistoryFrom
            ]
        );

        let range = asked(Some("2025-06-01"), None)
            .within(first_days("2025-05-01", Some("2026-01-01")), day(TODAY));
        assert_eq!(range.from, day("2026-01-01"));
        assert_eq!(range.adjustments.len(), 1);

        let range = asked(Some("2026-02-01"), None)
            .within(first_days("2025-05-01", Some("2026-01-01")), day(TODAY));
        assert_eq!(range.from, day("2026-02-01"));
        assert!(range.adjustments.is_empty());
    }

    #[test]
    fn the_history_limit_holds_for_who_asks_for_everything_too() {
        let range =
            asked(None, None).within(first_days("2025-05-01", Some("2026-01-01")), day(TODAY));
        assert_eq!(range.from, day("2026-01-01"));
        assert!(range.adjustments.is_empty());
    }

    #[test]
    fn a_range_before_every_limit_is_empty() {
        let range = asked(Some("2024-01-01"), Some("2024-12-31"))
            .within(first_days("2025-05-01", None), day(TODAY));
        assert!(range.is_empty());
    }

    #[test]
    fn days_to_come_and_reversed_ranges_are_refused() {
        let today = day(TODAY);
        assert!(asked(None, Some(TODAY)).check(today).is_ok());
        assert!(asked(Some(TODAY), Some(TODAY)).check(today).is_ok());
        assert!(asked(None, Some("2026-04-16")).check(today).is_err());
        assert!(asked(Some("2026-04-16"), None).check(today).is_err());
        assert!(
            asked(Some("2026-04-02"), Some("2026-04-01"))
                .check(today)
                .is_err()
        );
    }
}
