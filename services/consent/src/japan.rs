//! The clocks of Japan: nine hours ahead of UTC, all year round.

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use consent_domain::Instant;

const OFFSET: TimeDelta = TimeDelta::hours(9);

/// What the clocks show.
pub(crate) fn local(at: Instant) -> NaiveDateTime {
    let utc = at.naive_utc();
    utc.checked_add_signed(OFFSET).unwrap_or(utc)
}

/// When they show it; none only where the calendar ends.
pub(crate) fn instant_of(local: NaiveDateTime) -> Option<Instant> {
    Some(local.checked_sub_signed(OFFSET)?.and_utc())
}

/// The day that it is.
pub(crate) fn day_of(at: Instant) -> NaiveDate {
    local(at).date()
}

/// When a day begins: at midnight.
pub(crate) fn start_of_day(day: NaiveDate) -> Option<Instant> {
    instant_of(day.and_time(NaiveTime::MIN))
}

/// Whether it has a year of four digits, by these clocks and by UTC: what goes through JSON has no other.
pub(crate) fn has_four_digits(at: Instant) -> bool {
    let years = 1..=9999;
    years.contains(&at.year()) && years.contains(&local(at).year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_of_four_digits_are_so_in_japan_and_in_utc() {
        for (at, expected) in [
            ("0001-01-01T00:00:00Z", true),
            ("0000-12-31T23:59:59Z", false),
            ("9999-12-31T14:59:59Z", true),
            ("9999-12-31T15:00:00Z", false),
        ] {
            assert_eq!(has_four_digits(at.parse().unwrap()), expected, "{at}");
        }
    }

    #[test]
    fn a_day_begins_nine_hours_before_it_does_in_utc() {
        let day = NaiveDate::from_ymd_opt(2027, 4, 1).unwrap();
        let midnight: Instant = "2027-03-31T15:00:00Z".parse().unwrap();
        assert_eq!(start_of_day(day), Some(midnight));
        assert_eq!(day_of(midnight), day);
        assert_eq!(
            day_of(midnight - TimeDelta::seconds(1)),
            day.pred_opt().unwrap()
        );
    }

    #[test]
    fn where_the_calendar_ends_there_is_no_instant() {
        assert_eq!(start_of_day(NaiveDate::MIN), None);
        assert_eq!(local(Instant::MAX_UTC), NaiveDateTime::MAX);
    }
}
