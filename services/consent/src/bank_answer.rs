//! What of a bank's answer may be believed: an answer says what it was asked, lists an account once,
//! and its texts fit a page.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use consent_domain::{AccountId, PinScopeId, scope::Task};
use renkei_proto::bank::v1 as wire;

use crate::bank_port::{BankAccount, BankFailure, PlannedMaintenance, malformed};

/// Characters of a login's name.
pub(crate) const LOGIN_NAME_LONGEST: usize = 64;
/// Characters of a 団体名.
pub(crate) const CONTRACT_NAME_LONGEST: usize = 128;
/// Characters of a branch's name and of a 口座メモ.
const ACCOUNT_TEXT_LONGEST: usize = 64;
/// Accounts of one user: what one form can carry.
const MOST_ACCOUNTS: usize = 200;
/// Announcements of one bank that are looked at.
const MOST_ANNOUNCEMENTS: usize = 100;
/// A moment further ahead is no plan of a bank.
const FURTHEST_AHEAD: TimeDelta = TimeDelta::days(366);

/// An answer that says what it is the answer to.
pub(crate) trait Repeats {
    /// What it repeats of the request.
    fn asked(&self) -> Option<&wire::Asked>;
}

macro_rules! repeats {
    ($($answer:ident),+) => {
        $(impl Repeats for wire::$answer {
            fn asked(&self) -> Option<&wire::Asked> {
                self.asked.as_ref()
            }
        })+
    };
}

repeats!(
    ResolveCertificateResponse,
    AuthenticateResponse,
    ListAccountsResponse,
    VerifyInquiryPinResponse,
    GetVerdictResponse,
    ListPlannedMaintenanceResponse
);

/// A text for showing: not longer than a page has room for, and nothing in it that a page could not
/// show as it is.
pub(crate) fn shown_text(text: String, longest: usize) -> Result<String, BankFailure> {
    if text.chars().count() > longest {
        return Err(BankFailure::Malformed("a text that is too long"));
    }
    if text.chars().any(misleads) {
        return Err(BankFailure::Malformed("a text with control characters"));
    }
    Ok(text)
}

/// Control characters, and those that turn the direction of writing (Unicode TR 9, 2.1 to 2.5).
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A moment that is still to come, and not absurdly far.
pub(crate) fn moment_ahead(
    at: &prost_types::Timestamp,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    moment(at).filter(|at| *at > now && *at - now < FURTHEST_AHEAD)
}

fn moment(at: &prost_types::Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.seconds, 0)
}

/// The accounts of a list, in its order.
pub(crate) fn accounts(listed: Vec<wire::Account>) -> Result<Vec<BankAccount>, BankFailure> {
    if listed.len() > MOST_ACCOUNTS {
        return Err(BankFailure::Malformed("too many accounts"));
    }
    let accounts = listed
        .into_iter()
        .map(account)
        .collect::<Result<Vec<_>, _>>()?;
    let ids: BTreeSet<_> = accounts.iter().map(|account| &account.id).collect();
    if ids.len() < accounts.len() {
        return Err(BankFailure::Malformed("an account that is listed twice"));
    }
    Ok(accounts)
}

fn account(account: wire::Account) -> Result<BankAccount, BankFailure> {
    let kind = match account.r#type() {
        wire::AccountType::Ordinary => "普通",
        wire::AccountType::Current => "当座",
        wire::AccountType::Savings => "貯蓄",
        wire::AccountType::Unspecified => return Err(BankFailure::Malformed("no account type")),
    };
    if !is_digits(&account.branch_code, 3) || !is_digits(&account.number, 7) {
        return Err(BankFailure::Malformed("branch code or account number"));
    }
    let branch_name = shown_text(account.branch_name, ACCOUNT_TEXT_LONGEST)?;
    let memo = shown_text(account.memo, ACCOUNT_TEXT_LONGEST)?;
    Ok(BankAccount {
        id: AccountId::parse(account.account_id).map_err(malformed)?,
        label: format!(
            "{branch_name}({}) {kind} {}",
            account.branch_code, account.number
        ),
        memo: Some(memo).filter(|memo| !memo.is_empty()),
        pin_scope: PinScopeId::parse(account.pin_scope_id).map_err(malformed)?,
        tasks: tasks(&account.tasks)?,
    })
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn tasks(listed: &[wire::EligibleTask]) -> Result<BTreeMap<Task, NaiveDate>, BankFailure> {
    let mut tasks = BTreeMap::new();
    for eligible in listed {
        let task = match eligible.task() {
            wire::Task::Balance => Task::Balance,
            wire::Task::Transactions => Task::Transactions,
            // A task of a later version of the port: not offered.
            wire::Task::Unspecified => continue,
        };
        let from = NaiveDate::parse_from_str(&eligible.available_from_date, "%Y-%m-%d")
            .map_err(|_| BankFailure::Malformed("available_from_date"))?;
        tasks.insert(task, from);
    }
    Ok(tasks)
}

/// What is announced: of each its beginning, and an end that comes after it.
pub(crate) fn planned_maintenance(
    announced: &[wire::PlannedMaintenance],
) -> Result<Vec<PlannedMaintenance>, BankFailure> {
    if announced.len() > MOST_ANNOUNCEMENTS {
        return Err(BankFailure::Malformed("too many announcements"));
    }
    announced
        .iter()
        .map(|planned| {
            let from = planned.from.as_ref().and_then(moment);
            let from = from.ok_or(BankFailure::Malformed("maintenance without a beginning"))?;
            let until = planned.until.as_ref().and_then(moment);
            if until.is_some_and(|until| until <= from) {
                return Err(BankFailure::Malformed(
                    "maintenance that ends before it begins",
                ));
            }
            Ok(PlannedMaintenance { from, until })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(id: &str) -> wire::Account {
        wire::Account {
            account_id: id.to_owned(),
            branch_code: "490".to_owned(),
            branch_name: "豊後支店".to_owned(),
            r#type: wire::AccountType::Ordinary.into(),
            number: "1000014".to_owned(),
            memo: "口座メモ".to_owned(),
            pin_scope_id: "p-1".to_owned(),
            tasks: Vec::new(),
        }
    }

    fn refused(change: impl FnOnce(&mut wire::Account)) -> bool {
        let mut account = listed("a-1");
        change(&mut account);
        accounts(vec![account]).is_err()
    }

    #[test]
    fn a_list_within_the_contract_is_taken_to_its_last_account() {
        let most = (0..MOST_ACCOUNTS)
            .map(|n| listed(&format!("a-{n}")))
            .collect();
        let taken = accounts(most).unwrap();
        assert_eq!(taken.len(), MOST_ACCOUNTS);
        assert_eq!(taken[0].label, "豊後支店(490) 普通 1000014");
    }

    #[test]
    fn a_list_that_breaks_the_contract_is_no_answer() {
        let too_many = (0..=MOST_ACCOUNTS)
            .map(|n| listed(&format!("a-{n}")))
            .collect();
        assert!(accounts(too_many).is_err());
        assert!(accounts(vec![listed("a-1"), listed("a-1")]).is_err());
        assert!(refused(|account| account.account_id.clear()));
        assert!(refused(|account| account.account_id = "<b>".to_owned()));
        assert!(refused(|account| account.number = "100001４".to_owned()));
        assert!(refused(|account| account.branch_code = "49".to_owned()));
        assert!(refused(|account| account.r#type = 99));
        assert!(refused(|account| account.memo = "長".repeat(65)));
        assert!(refused(
            |account| account.branch_name = "支店\u{202e}".to_owned()
        ));
        assert!(refused(|account| account.memo = "メモ\n".to_owned()));
        assert!(!refused(|account| account.memo = "<b>メモ</b>".to_owned()));
    }

    #[test]
    fn a_moment_counts_only_where_it_is_still_to_come() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let at = |seconds| prost_types::Timestamp { seconds, nanos: 0 };
        assert!(moment_ahead(&at(1_800_000_060), now).is_some());
        for absurd in [1_800_000_000, 0, 1_900_000_000, i64::MAX, i64::MIN] {
            assert_eq!(moment_ahead(&at(absurd), now), None, "{absurd}");
        }
    }

    #[test]
    fn maintenance_that_ends_before_it_begins_is_no_announcement() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let planned = |from, until| wire::PlannedMaintenance { from, until };
        assert!(planned_maintenance(&[planned(at(10), at(20)), planned(at(10), None)]).is_ok());
        assert!(planned_maintenance(&[planned(at(10), at(10))]).is_err());
        assert!(planned_maintenance(&[planned(None, at(10))]).is_err());
    }
}
