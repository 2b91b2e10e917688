//! Times as the customer reads them: Japan time.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::locale::Locale;
use crate::japan;

/// `15:40`
pub(super) fn clock(at: DateTime<Utc>) -> String {
    let local = japan::local(at);
    format!("{:02}:{:02}", local.hour(), local.minute())
}

/// `2027年3月31日 23:59`, `March 31, 2027, 23:59`
pub(super) fn day_and_clock(at: DateTime<Utc>, locale: Locale) -> String {
    let separator = match locale {
        Locale::Ja => " ",
        Locale::En => ", ",
    };
    format!("{}{separator}{}", day_of(at, locale), clock(at))
}

/// The day in Japan.
pub(super) fn day_of(at: DateTime<Utc>, locale: Locale) -> String {
    day(japan::day_of(at), locale)
}

/// `2027年3月31日`, `March 31, 2027`
pub(super) fn day(date: NaiveDate, locale: Locale) -> String {
    match locale {
        Locale::Ja => format!("{}年{}月{}日", date.year(), date.month(), date.day()),
        Locale::En => date.format("%B %-d, %Y").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Locale, clock, day_and_clock};

    #[test]
    fn the_last_minute_of_a_day_in_japan_is_still_that_day() {
        let at = "2027-03-31T14:59:59Z".parse().unwrap();
        assert_eq!(day_and_clock(at, Locale::Ja), "2027年3月31日 23:59");
        assert_eq!(day_and_clock(at, Locale::En), "March 31, 2027, 23:59");
    }

    #[test]
    fn an_evening_in_utc_is_the_next_morning_in_japan() {
        assert_eq!(clock("2026-11-22T23:05:00Z".parse().unwrap()), "08:05");
    }
}
