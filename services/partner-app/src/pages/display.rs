//! Dates, times and amounts as the customer reads them.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};

use super::locale::{Locale, current, say};
use crate::clock::japan_time;
use crate::store::ImportRange;
use crate::store::import_range::UnavailableDays;

/// E.g. 「2026年4月1日」.
pub(super) fn date(date: NaiveDate) -> String {
    match current() {
        Locale::Ja => format!("{}年{}月{}日", date.year(), date.month(), date.day()),
        Locale::En => date.format("%B %-d, %Y").to_string(),
    }
}

/// E.g. 「2026年4月1日 9:05」, Japan time.
pub(super) fn time(moment: DateTime<Utc>) -> String {
    japan_time(moment)
        .format(say("%Y年%-m月%-d日 %-H:%M", "%B %-d, %Y, %-H:%M"))
        .to_string()
}

/// The last minute before an end, e.g. 「2027年3月31日 23:59」 for the first moment of 1 April: the bank's
/// pages name it so.
pub(super) fn last_minute(end: DateTime<Utc>) -> String {
    time(end - TimeDelta::seconds(1))
}

/// When to ask again.
pub(super) fn later(now: DateTime<Utc>, seconds: u32) -> String {
    time(now + TimeDelta::seconds(i64::from(seconds)))
}

/// E.g. 「1,234,567円」.
pub(super) fn yen(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 4);
    if amount < 0 {
        grouped.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match current() {
        Locale::Ja => grouped.push('円'),
        Locale::En => grouped.push_str(" yen"),
    }
    grouped
}

/// E.g. 「2026年4月1日以降」.
pub(super) fn from(first: NaiveDate) -> String {
    let first = date(first);
    say(format!("{first}以降"), format!("From {first}"))
}

/// The customer's choice in step 7.
pub(super) fn range(range: Option<ImportRange>) -> String {
    match range {
        None => say("未設定", "Not set").to_owned(),
        Some(ImportRange::All) => say("取得可能なデータすべて", "All data available").to_owned(),
        Some(ImportRange::From(start)) => from(start),
    }
}

/// E.g. 「2026年3月1日から2026年3月31日までの明細は取得できません」.
pub(super) fn unavailable(days: UnavailableDays) -> String {
    if days.first == days.last {
        let day = date(days.first);
        say(
            format!("{day}の明細は取得できません"),
            format!("Transactions of {day} can't be had"),
        )
    } else {
        let (first, last) = (date(days.first), date(days.last));
        say(
            format!("{first}から{last}までの明細は取得できません"),
            format!("Transactions from {first} to {last} can't be had"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_by_three() {
        assert_eq!(yen(0), "0円");
        assert_eq!(yen(999), "999円");
        assert_eq!(yen(1_000), "1,000円");
        assert_eq!(yen(-1_234_567), "-1,234,567円");
        assert_eq!(yen(i64::MIN), "-9,223,372,036,854,775,808円");
    }

    #[test]
    fn times_are_japan_times() {
        assert_eq!(
            time("2026-03-31T15:05:00Z".parse().unwrap()),
            "2026年4月1日 0:05"
        );
    }

    #[test]
    fn an_end_at_midnight_is_the_last_minute_of_the_day_before() {
        assert_eq!(
            last_minute("2027-03-31T15:00:00Z".parse().unwrap()),
            "2027年3月31日 23:59"
        );
    }

    #[test]
    fn unavailable_days_are_named() {
        let days = |first: &str, last: &str| UnavailableDays {
            first: first.parse().unwrap(),
            last: last.parse().unwrap(),
        };

        assert_eq!(
            unavailable(days("2026-03-01", "2026-03-31")),
            "2026年3月1日から2026年3月31日までの明細は取得できません"
        );
        assert_eq!(
            unavailable(days("2026-03-31", "2026-03-31")),
            "2026年3月31日の明細は取得できません"
        );
    }
}
