//! What is posted to an account, when, and how much: the seed's profiles.

use chrono::{Datelike, NaiveDate};
use renkei_proto::bank::v1 as port;
use serde::Deserialize;

use crate::calendar;

/// One kind of item that comes back.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Posting {
    /// 摘要, one of these each time.
    pub(crate) remarks: Vec<String>,
    pub(crate) direction: Direction,
    pub(crate) when: When,
    pub(crate) amount: Amount,
    /// 振込手数料 right after a withdrawal.
    pub(crate) fee_yen: Option<i64>,
    /// Business days until a deposit can be drawn.
    #[serde(default)]
    pub(crate) clearing_days: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// 入金
    Deposit,
    /// 出金
    Withdrawal,
}

impl Direction {
    pub(crate) fn on_port(self) -> port::Direction {
        match self {
            Self::Deposit => port::Direction::Deposit,
            Self::Withdrawal => port::Direction::Withdrawal,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum When {
    /// On a day of the month, moved off bank holidays.
    Monthly {
        day: u32,
        move_to: MoveTo,
        months: Option<Vec<u32>>,
    },
    /// By chance.
    Daily {
        chance_percent: u64,
        on: BusinessOrAny,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MoveTo {
    Next,
    Previous,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BusinessOrAny {
    Business,
    Any,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Amount {
    FixedYen(i64),
    Between {
        low_yen: i64,
        high_yen: i64,
        round_yen: i64,
    },
    /// What exceeds `keep_yen`.
    Above {
        keep_yen: i64,
        round_yen: i64,
    },
    /// On the balance of the day, for half a year.
    Interest {
        per_million_a_year: i64,
    },
}

impl Posting {
    pub(crate) fn remarks(&self, index: u64) -> &str {
        let index = usize::try_from(index).unwrap_or(0);
        self.remarks.get(index).map_or("", String::as_str)
    }
}

impl When {
    /// The day of a monthly posting that belongs to the month beginning on `first_of_month`; it
    /// may fall into the month after.
    pub(crate) fn day_in(&self, first_of_month: NaiveDate) -> Option<NaiveDate> {
        let Self::Monthly {
            day,
            move_to,
            months,
        } = self
        else {
            return None;
        };
        if months
            .as_ref()
            .is_some_and(|months| !months.contains(&first_of_month.month()))
        {
            return None;
        }
        let nominal = calendar::day_of_month(first_of_month, *day);
        Some(match move_to {
            MoveTo::Next => calendar::business_day_from(nominal),
            MoveTo::Previous => calendar::business_day_until(nominal),
        })
    }
}
