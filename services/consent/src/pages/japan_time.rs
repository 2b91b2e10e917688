//! Times as the customer reads them: Japan time, which is UTC+9 all year round.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Timelike, Utc};

fn in_japan(at: DateTime<Utc>) -> NaiveDateTime {
    let utc = at.naive_utc();
    utc.checked_add_signed(TimeDelta::hours(9)).unwrap_or(utc)
}

/// `15:40`
pub(super) fn clock(at: DateTime<Utc>) -> String {
    let japan = in_japan(at);
    format!("{:02}:{:02}", japan.hour(), japan.minute())
}

/// `2027年3月31日 23:59`
pub(super) fn day_and_clock(at: DateTime<Utc>) -> String {
    format!("{} {}", day(in_japan(at).date()), clock(at))
}

/// `2027年3月31日`
pub(super) fn day(date: NaiveDate) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use super::{clock, day_and_clock};

    #[test]
    fn the_last_minute_of_a_day_in_japan_is_still_that_day() {
        let at = "2027-03-31T14:59:59Z".parse().unwrap();
        assert_eq!(day_and_clock(at), "2027年3月31日 23:59");
    }

    #[test]
    fn an_evening_in_utc_is_the_next_morning_in_japan() {
        assert_eq!(clock("2026-11-22T23:05:00Z".parse().unwrap()), "08:05");
    }
}
