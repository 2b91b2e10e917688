//! The only place that reads the time.

use std::sync::Arc;

use chrono::{DateTime, FixedOffset, NaiveDate, Utc};

/// A source of the current time; tests put a fixed one in its place.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Clock({})", self.now())
    }
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self(Arc::new(Utc::now))
    }

    /// A clock that asks `source` each time.
    pub fn from_source(source: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The current time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }

    /// The current calendar day in Japan.
    pub fn japan_today(&self) -> NaiveDate {
        japan_time(self.now()).date_naive()
    }
}

/// Seconds that Japan time is ahead of UTC; Japan has no daylight saving time.
const JAPAN_OFFSET_SECONDS: i32 = 9 * 60 * 60;

/// The same moment, in Japan time.
pub fn japan_time(moment: DateTime<Utc>) -> DateTime<FixedOffset> {
    // The constant is within ±24 hours, for which `east_opt` always answers.
    FixedOffset::east_opt(JAPAN_OFFSET_SECONDS).map_or_else(
        || moment.fixed_offset(),
        |offset| moment.with_timezone(&offset),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_changes_at_midnight_in_japan() {
        let before = Clock::from_source(|| "2026-03-31T14:59:59Z".parse().unwrap());
        let after = Clock::from_source(|| "2026-03-31T15:00:00Z".parse().unwrap());

        assert_eq!(before.japan_today().to_string(), "2026-03-31");
        assert_eq!(after.japan_today().to_string(), "2026-04-01");
    }
}
