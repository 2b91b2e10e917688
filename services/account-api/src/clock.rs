//! The one place that reads the time.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};

/// Japan has one offset and no daylight saving time.
const JAPAN_OFFSET_SECONDS: i32 = 9 * 3600;

/// Where the current time comes from: the system's clock, or a test's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Utc::now)
    }

    /// A clock that asks `now` each time.
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The current time.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }

    /// The calendar day in Japan.
    pub(crate) fn today_in_japan(&self) -> NaiveDate {
        japan_day(self.now())
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Clock")
    }
}

/// A moment as Japan writes it, e.g. `2026-04-01T09:00:00+09:00`.
pub(crate) fn in_japan(moment: DateTime<Utc>) -> String {
    match FixedOffset::east_opt(JAPAN_OFFSET_SECONDS) {
        Some(japan) => moment.with_timezone(&japan).to_rfc3339(),
        None => moment.to_rfc3339(),
    }
}

fn japan_day(moment: DateTime<Utc>) -> NaiveDate {
    (moment + TimeDelta::seconds(i64::from(JAPAN_OFFSET_SECONDS))).date_naive()
}

/// Reads a protobuf timestamp; `None` where it lies outside the calendar.
pub(crate) fn from_timestamp(timestamp: prost_types::Timestamp) -> Option<DateTime<Utc>> {
    let nanos = u32::try_from(timestamp.nanos).ok()?;
    DateTime::from_timestamp(timestamp.seconds, nanos)
}

/// Reads a calendar day written exactly YYYY-MM-DD.
pub(crate) fn parse_day(text: &str) -> Option<NaiveDate> {
    let shape_is_right = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shape_is_right {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_in_japan_begins_at_fifteen_hours_universal_time() {
        let before = "2026-03-31T14:59:59Z".parse::<DateTime<Utc>>().unwrap();
        let after = "2026-03-31T15:00:00Z".parse::<DateTime<Utc>>().unwrap();
        assert_eq!(japan_day(before).to_string(), "2026-03-31");
        assert_eq!(japan_day(after).to_string(), "2026-04-01");
        assert_eq!(in_japan(after), "2026-04-01T00:00:00+09:00");
    }

    #[test]
    fn a_day_is_written_with_four_two_and_two_digits() {
        assert_eq!(parse_day("2026-02-28").unwrap().to_string(), "2026-02-28");
        for bad in [
            "2026-02-30",
            "2026-2-28",
            "20260228",
            "+026-02-28",
            "2026-02-28 ",
            "",
            "２０２６",
        ] {
            assert_eq!(parse_day(bad), None, "{bad}");
        }
    }
}
