//! Japan time and the business days of Japanese banks.
//!
//! Banks are closed on Saturdays, Sundays, national holidays and from December 31 to January 3
//! (銀行法施行令 第5条). The holidays follow 国民の祝日に関する法律 as in force since 2022.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};

/// The calendar day in Japan, which has one time zone and no summer time.
pub(crate) fn day_in_japan(at: DateTime<Utc>) -> NaiveDate {
    (at + TimeDelta::hours(9)).date_naive()
}

/// The first business day on or after `day`.
pub(crate) fn business_day_from(day: NaiveDate) -> NaiveDate {
    let mut day = day;
    while !is_business_day(day) {
        day = next(day);
    }
    day
}

/// The last business day on or before `day`.
pub(crate) fn business_day_until(day: NaiveDate) -> NaiveDate {
    let mut day = day;
    while !is_business_day(day) {
        day = previous(day);
    }
    day
}

/// The business day `count` business days after `day`, itself moved to a business day first.
pub(crate) fn business_days_after(day: NaiveDate, count: u8) -> NaiveDate {
    (0..count).fold(business_day_from(day), |day, _| {
        business_day_from(next(day))
    })
}

pub(crate) fn is_business_day(day: NaiveDate) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
        && !matches!((day.month(), day.day()), (12, 31) | (1, 2) | (1, 3))
        && !is_national_holiday(day)
}

/// The given day of a month, or the month's last day where the month is shorter.
pub(crate) fn day_of_month(first_of_month: NaiveDate, day: u32) -> NaiveDate {
    (28..=day)
        .rev()
        .chain([day])
        .find_map(|day| first_of_month.with_day(day))
        .unwrap_or(first_of_month)
}

pub(crate) fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

pub(crate) fn months_before(day: NaiveDate, months: u32) -> NaiveDate {
    day.checked_sub_months(Months::new(months))
        .unwrap_or(NaiveDate::MIN)
}

pub(crate) fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)
}

fn previous(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN)
}

fn is_national_holiday(day: NaiveDate) -> bool {
    is_named_holiday(day)
        || is_substitute_holiday(day)
        || (is_named_holiday(previous(day)) && is_named_holiday(next(day)))
}

/// A holiday on a Sunday moves to the first day after it that is not a holiday (article 3).
fn is_substitute_holiday(day: NaiveDate) -> bool {
    let mut before = previous(day);
    while is_named_holiday(before) {
        if before.weekday() == Weekday::Sun {
            return true;
        }
        before = previous(before);
    }
    false
}

fn is_named_holiday(day: NaiveDate) -> bool {
    let nth_monday = (day.weekday() == Weekday::Mon).then(|| (day.day() - 1) / 7 + 1);
    match (day.month(), day.day()) {
        (1, 1) | (2, 11 | 23) | (4, 29) | (5, 3..=5) | (8, 11) | (11, 3 | 23) => true,
        (1 | 10, _) => nth_monday == Some(2),
        (3, date) => i64::from(date) == equinox(day.year(), 20_843_100),
        (7, _) => nth_monday == Some(3),
        (9, date) => nth_monday == Some(3) || i64::from(date) == equinox(day.year(), 23_248_800),
        _ => false,
    }
}

/// The day of an equinox, by the usual approximation for 1980 to 2099: a base in millionths of a
/// day, 0.242194 more each year, less a day for every leap year.
fn equinox(year: i32, base_in_1980: i64) -> i64 {
    let years = i64::from(year) - 1980;
    (base_in_1980 + 242_194 * years).div_euclid(1_000_000) - years.div_euclid(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn banks_close_on_the_holidays_that_the_law_names() {
        // 2026 has a sandwiched day (September 22) and a substitute holiday (May 6).
        for holiday in [
            "2026-01-01",
            "2026-01-12",
            "2026-02-11",
            "2026-02-23",
            "2026-03-20",
            "2026-04-29",
            "2026-05-04",
            "2026-05-05",
            "2026-05-06",
            "2026-07-20",
            "2026-08-11",
            "2026-09-21",
            "2026-09-22",
            "2026-09-23",
            "2026-10-12",
            "2026-11-03",
            "2026-11-23",
            "2026-12-31",
            "2025-01-02",
            "2025-02-24",
            "2024-08-12",
            "2024-09-23",
            "2025-11-24",
        ] {
            assert!(!is_business_day(day(holiday)), "{holiday}");
        }
        for open in [
            "2026-05-07",
            "2026-09-24",
            "2026-12-30",
            "2025-09-22",
            "2027-01-04",
        ] {
            assert!(is_business_day(day(open)), "{open}");
        }
    }

    #[test]
    fn the_day_changes_at_midnight_in_japan() {
        assert_eq!(
            day_in_japan("2026-03-31T14:59:59Z".parse().unwrap()),
            day("2026-03-31")
        );
        assert_eq!(
            day_in_japan("2026-03-31T15:00:00Z".parse().unwrap()),
            day("2026-04-01")
        );
    }

    #[test]
    fn the_thirty_first_is_the_last_day_of_a_shorter_month() {
        assert_eq!(day_of_month(day("2027-02-01"), 31), day("2027-02-28"));
        assert_eq!(day_of_month(day("2028-02-01"), 31), day("2028-02-29"));
        assert_eq!(day_of_month(day("2026-11-01"), 25), day("2026-11-25"));
    }
}
