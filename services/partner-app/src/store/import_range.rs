//! 自動取得対象の開始日: from which day on the books are filled (step 7 of the procedure).

use chrono::{Days, NaiveDate};

/// The customer's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportRange {
    /// 取得可能なデータをすべて取り込む.
    All,
    /// 開始日以降のデータのみ取り込む; the day itself included, Japan time.
    From(NaiveDate),
}

/// Why a choice can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Neither of the two was chosen.
    #[error("no range was chosen")]
    NotChosen,
    /// 「開始日以降」 without a day.
    #[error("the start date is missing")]
    NoDate,
    /// Not a day in the form YYYY-MM-DD.
    #[error("the start date is not a date")]
    NotADate,
    /// A day after today.
    #[error("the start date is in the future")]
    Future,
    /// A day before 2000: no bank keeps it, and it is more likely a slip.
    #[error("the start date is before 2000")]
    TooEarly,
}

/// Days of an account that can't be had although they were asked for, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnavailableDays {
    /// The first day asked for.
    pub first: NaiveDate,
    /// The last day before the bank's data begin.
    pub last: NaiveDate,
}

const FIRST_YEAR: &str = "2000-01-01";

impl ImportRange {
    /// Reads the form's `range` (`all` or `from`) and `start_date` (YYYY-MM-DD). A date beside
    /// `all` is ignored: the page says that it counts for the other choice only.
    pub fn parse(range: &str, start_date: &str, today: NaiveDate) -> Result<Self, RangeError> {
        match range {
            "all" => Ok(Self::All),
            "from" => Self::parse_start(start_date.trim(), today).map(Self::From),
            _ => Err(RangeError::NotChosen),
        }
    }

    fn parse_start(text: &str, today: NaiveDate) -> Result<NaiveDate, RangeError> {
        if text.is_empty() {
            return Err(RangeError::NoDate);
        }
        // chrono also takes signs and short numbers; the form sends ten characters.
        let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if !plain {
            return Err(RangeError::NotADate);
        }
        let date: NaiveDate = text.parse().map_err(|_| RangeError::NotADate)?;
        if date > today {
            Err(RangeError::Future)
        } else if text < FIRST_YEAR {
            Err(RangeError::TooEarly)
        } else {
            Ok(date)
        }
    }

    /// The first day to ask the bank for, given the first day that it has; none: leave it to the
    /// bank.
    pub fn first_day(self, available_from: Option<NaiveDate>) -> Option<NaiveDate> {
        match self {
            Self::All => available_from,
            Self::From(start) => available_from.map_or(Some(start), |first| Some(start.max(first))),
        }
    }

    /// The days that were asked for and can't be had.
    pub fn unavailable_days(self, available_from: Option<NaiveDate>) -> Option<UnavailableDays> {
        let Self::From(first) = self else { return None };
        let available_from = available_from.filter(|available| first < *available)?;
        let last = available_from.checked_sub_days(Days::new(1))?;
        Some(UnavailableDays { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn parse(range: &str, start: &str) -> Result<ImportRange, RangeError> {
        ImportRange::parse(range, start, day("2026-04-10"))
    }

    #[test]
    fn today_is_accepted_and_tomorrow_is_refused() {
        assert_eq!(
            parse("from", "2026-04-10"),
            Ok(ImportRange::From(day("2026-04-10")))
        );
        assert_eq!(parse("from", "2026-04-11"), Err(RangeError::Future));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        assert_eq!(parse("from", ""), Err(RangeError::NoDate));
        assert_eq!(parse("from", "2026-02-30"), Err(RangeError::NotADate));
        assert_eq!(parse("from", "2026-4-1"), Err(RangeError::NotADate));
        assert_eq!(parse("from", "令和8年4月1日"), Err(RangeError::NotADate));
        assert_eq!(parse("from", "1999-12-31"), Err(RangeError::TooEarly));
        assert_eq!(parse("", "2026-04-01"), Err(RangeError::NotChosen));
    }

    #[test]
    fn a_date_beside_all_does_not_count() {
        assert_eq!(parse("all", "2030-01-01"), Ok(ImportRange::All));
    }

    #[test]
    fn the_bank_is_asked_from_the_later_day() {
        let from = ImportRange::From(day("2026-03-01"));

        assert_eq!(
            from.first_day(Some(day("2026-02-01"))),
            Some(day("2026-03-01"))
        );
        assert_eq!(
            from.first_day(Some(day("2026-03-05"))),
            Some(day("2026-03-05"))
        );
        assert_eq!(from.first_day(None), Some(day("2026-03-01")));
        assert_eq!(
            ImportRange::All.first_day(Some(day("2026-02-01"))),
            Some(day("2026-02-01"))
        );
        assert_eq!(ImportRange::All.first_day(None), None);
    }

    #[test]
    fn days_before_the_first_available_one_are_named() {
        let from = ImportRange::From(day("2026-03-01"));

        assert_eq!(
            from.unavailable_days(Some(day("2026-04-01"))),
            Some(UnavailableDays {
                first: day("2026-03-01"),
                last: day("2026-03-31")
            })
        );
        assert_eq!(from.unavailable_days(Some(day("2026-03-01"))), None);
        assert_eq!(from.unavailable_days(None), None);
        assert_eq!(
            ImportRange::All.unavailable_days(Some(day("2026-04-01"))),
            None
        );
    }
}
