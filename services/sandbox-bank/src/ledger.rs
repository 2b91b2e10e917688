//! An account's statement: postings computed day by day from the day the account was opened.
//!
//! Everything follows from the account's id and the seed, so the past never changes: a later day
//! only adds items at the end. The balance never falls below zero.

mod posting;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{Months, NaiveDate};

use crate::calendar;
pub(crate) use posting::Posting;
use posting::{Amount, BusinessOrAny, Direction, When};

/// One line of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// 明細キー: the day and the place within it.
    pub(crate) key: String,
    pub(crate) transaction_date: NaiveDate,
    pub(crate) value_date: NaiveDate,
    pub(crate) direction: Direction,
    pub(crate) amount_yen: i64,
    pub(crate) balance_after_yen: i64,
    pub(crate) remarks: String,
}

/// An account's postings and what came of them so far.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Makes two accounts of one profile differ.
    salt: u64,
    opened_on: NaiveDate,
    opening_balance_yen: i64,
    postings: Arc<[Posting]>,
    /// The items until the day they were last computed for.
    computed: Mutex<Option<(NaiveDate, Arc<[Item]>)>>,
}

/// 残高 and 支払可能残高.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) balance_yen: i64,
    /// Without deposits that are still being cleared.
    pub(crate) available_yen: i64,
}

impl Ledger {
    pub(crate) fn new(
        account_id: &str,
        opened_on: NaiveDate,
        opening_balance_yen: i64,
        postings: Arc<[Posting]>,
    ) -> Self {
        let salt = hash([account_id.as_bytes()]);
        let computed = Mutex::new(None);
        Self {
            salt,
            opened_on,
            opening_balance_yen,
            postings,
            computed,
        }
    }

    pub(crate) fn opened_on(&self) -> NaiveDate {
        self.opened_on
    }

    /// All items from the opening until `today`, oldest first.
    pub(crate) fn items(&self, today: NaiveDate) -> Arc<[Item]> {
        let mut computed = self.computed.lock().unwrap_or_else(PoisonError::into_inner);
        match &*computed {
            Some((day, items)) if *day == today => Arc::clone(items),
            _ => {
                let items: Arc<[Item]> = self.compute(today).into();
                *computed = Some((today, Arc::clone(&items)));
                items
            }
        }
    }

    pub(crate) fn balance(&self, today: NaiveDate) -> Balance {
        let items = self.items(today);
        let balance_yen = items
            .last()
            .map_or(self.opening_balance_yen, |item| item.balance_after_yen);
        let clearing_yen: i64 = items
            .iter()
            .rev()
            // No clearing takes a month.
            .take_while(|item| item.transaction_date > calendar::months_before(today, 1))
            .filter(|item| item.direction == Direction::Deposit && item.value_date > today)
            .map(|item| item.amount_yen)
            .sum();
        Balance {
            balance_yen,
            available_yen: (balance_yen - clearing_yen).max(0),
        }
    }

    fn compute(&self, today: NaiveDate) -> Vec<Item> {
        let mut book = Book {
            balance_yen: self.opening_balance_yen,
            items: Vec::new(),
        };
        if self.opening_balance_yen > 0 && self.opened_on <= today {
            book.open(self.opened_on);
        }
        let monthly = self.monthly_until(today);
        let mut day = calendar::next(self.opened_on);
        while day <= today {
            for (index, posting) in self.postings.iter().enumerate() {
                let mut draw = Draw::new([self.salt, days(day), index as u64]);
                let due = match &posting.when {
                    When::Monthly { .. } => {
                        monthly.get(&day).is_some_and(|due| due.contains(&index))
                    }
                    When::Daily { chance_percent, on } => {
                        (*on == BusinessOrAny::Any || calendar::is_business_day(day))
                            && draw.below(100) < *chance_percent
                    }
                };
                if due {
                    book.post(posting, day, &mut draw);
                }
            }
            day = calendar::next(day);
        }
        book.items
    }

    /// Which monthly postings fall on which day, bank holidays minded.
    fn monthly_until(&self, today: NaiveDate) -> BTreeMap<NaiveDate, Vec<usize>> {
        let mut due: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
        let mut month = calendar::first_of_month(self.opened_on);
        while month <= today {
            for (index, posting) in self.postings.iter().enumerate() {
                if let Some(day) = posting.when.day_in(month) {
                    due.entry(day).or_default().push(index);
                }
            }
            month = month
                .checked_add_months(Months::new(1))
                .unwrap_or(NaiveDate::MAX);
        }
        due
    }
}

/// A balance and the items that led to it.
struct Book {
    balance_yen: i64,
    items: Vec<Item>,
}

impl Book {
    /// The balance brought in at the opening is the first item, so that the chain has a start.
    fn open(&mut self, day: NaiveDate) {
        let amount_yen = std::mem::take(&mut self.balance_yen);
        self.add(day, day, Direction::Deposit, amount_yen, "新規".to_owned());
    }

    fn post(&mut self, posting: &Posting, day: NaiveDate, draw: &mut Draw) {
        let amount_yen = self.amount(&posting.amount, draw);
        let remarks = posting
            .remarks(draw.below(posting.remarks.len() as u64))
            .to_owned();
        let value_date = calendar::business_days_after(day, posting.clearing_days);
        let fee_yen = posting.fee_yen.unwrap_or(0);
        let covered = amount_yen + fee_yen <= self.balance_yen;
        if amount_yen <= 0 || (posting.direction == Direction::Withdrawal && !covered) {
            return;
        }
        self.add(day, value_date, posting.direction, amount_yen, remarks);
        if fee_yen > 0 && posting.direction == Direction::Withdrawal {
            self.add(
                day,
                value_date,
                Direction::Withdrawal,
                fee_yen,
                "振込手数料".to_owned(),
            );
        }
    }

    fn amount(&self, amount: &Amount, draw: &mut Draw) -> i64 {
        match *amount {
            Amount::FixedYen(yen) => yen,
            Amount::Between {
                low_yen,
                high_yen,
                round_yen,
            } => {
                let span = u64::try_from(high_yen - low_yen + 1).unwrap_or(1);
                let yen = low_yen + i64::try_from(draw.below(span)).unwrap_or(0);
                rounded_down(yen, round_yen)
            }
            Amount::Above {
                keep_yen,
                round_yen,
            } => rounded_down(self.balance_yen - keep_yen, round_yen),
            Amount::Interest { per_million_a_year } => {
                self.balance_yen * per_million_a_year / 1_000_000 / 2
            }
        }
    }

    fn add(
        &mut self,
        day: NaiveDate,
        value_date: NaiveDate,
        direction: Direction,
        amount_yen: i64,
        remarks: String,
    ) {
        self.balance_yen += match direction {
            Direction::Deposit => amount_yen,
            Direction::Withdrawal => -amount_yen,
        };
        let place = 1 + self
            .items
            .iter()
            .rev()
            .take_while(|item| item.transaction_date == day)
            .count();
        self.items.push(Item {
            key: format!("{}-{place:03}", day.format("%Y%m%d")),
            transaction_date: day,
            value_date,
            direction,
            amount_yen,
            balance_after_yen: self.balance_yen,
            remarks,
        });
    }
}

fn rounded_down(yen: i64, to_yen: i64) -> i64 {
    yen - yen.rem_euclid(to_yen.max(1))
}

fn days(day: NaiveDate) -> u64 {
    u64::try_from(day.to_epoch_days()).unwrap_or(0)
}

/// Numbers that look drawn and are the same in every build: SplitMix64, whose sequence no library
/// update can change.
struct Draw(u64);

impl Draw {
    fn new(parts: [u64; 3]) -> Self {
        Self(hash(parts.map(u64::to_le_bytes)))
    }

    /// A number from zero up to, not including, `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}

/// FNV-1a, 64 bits: the same in every build, unlike the standard library's hashers.
pub(crate) fn hash<const N: usize>(parts: [impl AsRef<[u8]>; N]) -> u64 {
    let bytes = parts.iter().flat_map(AsRef::as_ref);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
