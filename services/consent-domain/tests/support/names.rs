//! The story's people, accounts and clock. Everything is fixed, so that a test reads the same for ever.

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta, TimeZone, Utc};
use consent_domain::{
    AccountId, BankCode, ClientId, ContractId, GrantId, Instant, JourneyId, PartnerId, PinScopeId,
    UserId,
    scope::{Scope, ScopePair, Task},
};

/// The seed's four accounts, by the last two digits of their numbers.
pub(crate) const A_5000000: &str = "acct-00";
pub(crate) const A_1111111: &str = "acct-11";
pub(crate) const A_9999999: &str = "acct-99";
pub(crate) const A_1000014: &str = "acct-14";
/// One that this user has no right to see.
pub(crate) const A_HIDDEN: &str = "acct-hidden";

pub(crate) const SEED_ACCOUNTS: [&str; 4] = [A_5000000, A_1111111, A_9999999, A_1000014];

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

pub(crate) fn accounts<'n>(names: impl IntoIterator<Item = &'n str>) -> BTreeSet<AccountId> {
    names.into_iter().map(account).collect()
}

pub(crate) fn journey(name: &str) -> JourneyId {
    JourneyId::parse(name).unwrap()
}

/// The journey that a test is about.
pub(crate) fn this_journey() -> JourneyId {
    journey("journey-1")
}

/// Another journey of the same contract.
pub(crate) fn another_journey() -> JourneyId {
    journey("journey-2")
}

pub(crate) fn grant_id(name: &str) -> GrantId {
    GrantId::parse(name).unwrap()
}

/// The grant that a new linkage gets.
pub(crate) fn new_grant() -> GrantId {
    grant_id("grant-new")
}

/// The grant of the linkage that was there before.
pub(crate) fn live_grant() -> GrantId {
    grant_id("grant-live")
}

pub(crate) fn bank_code() -> BankCode {
    BankCode::parse("2963").unwrap()
}

pub(crate) fn client() -> ClientId {
    ClientId::parse("books").unwrap()
}

pub(crate) fn another_client() -> ClientId {
    ClientId::parse("payroll").unwrap()
}

pub(crate) fn partner() -> PartnerId {
    PartnerId::parse("partner-1").unwrap()
}

pub(crate) fn contract_id() -> ContractId {
    ContractId::parse("dantai-1").unwrap()
}

pub(crate) fn another_contract() -> ContractId {
    ContractId::parse("dantai-2").unwrap()
}

pub(crate) fn treasurer() -> UserId {
    UserId::parse("treasurer").unwrap()
}

pub(crate) fn bookkeeper() -> UserId {
    UserId::parse("bookkeeper").unwrap()
}

/// All the seed's accounts share the contract's one PIN.
pub(crate) fn pin_scope() -> PinScopeId {
    PinScopeId::parse("pin-dantai-1").unwrap()
}

/// Where the story begins: 1 April 2026, 9:00 in Japan.
pub(crate) fn start() -> Instant {
    Utc.with_ymd_and_hms(2026, 4, 1, 0, 0, 0).unwrap()
}

/// That many minutes into the story.
pub(crate) fn minute(minutes: i64) -> Instant {
    start() + TimeDelta::minutes(minutes)
}

/// The end of 31 March 2027 in Japan, exclusive.
pub(crate) fn end_of_march_2027() -> Instant {
    Utc.with_ymd_and_hms(2027, 3, 31, 15, 0, 0).unwrap()
}

pub(crate) fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

pub(crate) const BALANCE: [Task; 1] = [Task::Balance];
pub(crate) const TRANSACTIONS: [Task; 1] = [Task::Transactions];
pub(crate) const BOTH: [Task; 2] = Task::ALL;

pub(crate) fn tasks(tasks: impl IntoIterator<Item = Task>) -> BTreeSet<Task> {
    tasks.into_iter().collect()
}

/// These tasks on each of these accounts.
pub(crate) fn scope<'n>(
    names: impl IntoIterator<Item = &'n str>,
    tasks: impl IntoIterator<Item = Task> + Clone,
) -> Scope {
    names
        .into_iter()
        .flat_map(|name| {
            tasks.clone().into_iter().map(|task| ScopePair {
                account: account(name),
                task,
            })
        })
        .collect()
}
