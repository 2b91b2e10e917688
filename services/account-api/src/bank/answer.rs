//! What a bank says of accounts, checked: no more than was asked for, of whom it was asked, in the port's form.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, Utc};
use renkei_proto::bank::v1 as port;

use super::PageRequest;
use crate::clock::parse_day;
use crate::date_range::ReadableRange;
use crate::problem::Problem;
use crate::task::Task;

/// An account as the bank lists it to the customer.
#[derive(Clone, Debug)]
pub(crate) struct BankAccount {
    pub(crate) bank_account_id: String,
    pub(crate) branch_code: String,
    pub(crate) branch_name: String,
    /// `None` for a type that this version does not know.
    pub(crate) account_type: Option<AccountType>,
    pub(crate) number: String,
    tasks: Vec<(Task, NaiveDate)>,
}

/// 科目.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountType {
    Ordinary,
    Current,
    Savings,
}

/// 残高, in yen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balance {
    pub(crate) balance_yen: i64,
    pub(crate) available_balance_yen: i64,
    pub(crate) as_of: DateTime<Utc>,
}

/// One page of 入出金明細, newest last.
#[derive(Clone, Debug)]
pub(crate) struct TransactionPage {
    pub(crate) transactions: Vec<Transaction>,
    /// The bank's own token; `None` on the last page.
    pub(crate) next_page_token: Option<String>,
}

/// One 明細.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) item_key: String,
    pub(crate) transaction_date: NaiveDate,
    pub(crate) value_date: NaiveDate,
    pub(crate) movement: Movement,
    pub(crate) balance_after_yen: i64,
    pub(crate) remarks: String,
}

/// 入金 or 出金; positive yen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Movement {
    Deposit(i64),
    Withdrawal(i64),
}

impl BankAccount {
    /// First day for which data of the task can be had; `None` where the bank does not offer it.
    pub(crate) fn available_from(&self, task: Task) -> Option<NaiveDate> {
        self.tasks
            .iter()
            .find(|(offered, _)| *offered == task)
            .map(|(_, day)| *day)
    }
}

impl AccountType {
    /// The word in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Current => "current",
            Self::Savings => "savings",
        }
    }

    /// As the bank prints it.
    pub(crate) fn japanese_name(self) -> &'static str {
        match self {
            Self::Ordinary => "普通",
            Self::Current => "当座",
            Self::Savings => "貯蓄",
        }
    }
}

/// An answer to another question would be another customer's data.
pub(super) fn check_asked(told: Option<&port::Asked>, asked: &port::Asked) -> Result<(), Problem> {
    if told == Some(asked) {
        Ok(())
    } else {
        Err(contract_broken("what the answer is the answer to"))
    }
}

/// Most accounts of one user.
const MOST_ACCOUNTS: usize = 200;
/// Characters of a branch's name.
const BRANCH_NAME_LONGEST: usize = 64;
/// Characters of a 摘要; the bank port sets no limit, an answer needs one.
const REMARKS_LONGEST: usize = 1024;

pub(super) fn bank_accounts(listed: Vec<port::Account>) -> Result<Vec<BankAccount>, Problem> {
    if listed.len() > MOST_ACCOUNTS {
        return Err(contract_broken("the number of accounts"));
    }
    let ids: HashSet<&str> = listed
        .iter()
        .map(|account| account.account_id.as_str())
        .collect();
    if ids.len() < listed.len() || ids.contains("") {
        return Err(contract_broken("the ids of accounts"));
    }
    listed.into_iter().map(bank_account).collect()
}

/// A page that is longer than asked for, that leads back to itself, or that has an item twice would
/// be read for ever or booked twice.
pub(super) fn check_page(
    response: &port::ListTransactionsResponse,
    page: &PageRequest<'_>,
) -> Result<(), Problem> {
    let transactions = &response.transactions;
    let keys: HashSet<&str> = transactions
        .iter()
        .map(|transaction| transaction.item_key.as_str())
        .collect();
    let next = response.next_page_token.as_str();
    let leads_back = !next.is_empty() && page.page_token == Some(next);
    let too_long = usize::try_from(page.page_size).is_ok_and(|size| transactions.len() > size);
    if leads_back || too_long || keys.len() < transactions.len() {
        return Err(contract_broken("a page of transactions"));
    }
    Ok(())
}

/// Control characters belong into no text for showing; a tab or a line's end breaks a partner's table.
fn is_shown_text(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.chars().any(char::is_control)
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn bank_account(account: port::Account) -> Result<BankAccount, Problem> {
    let account_type = match account.r#type() {
        port::AccountType::Unspecified => None,
        port::AccountType::Ordinary => Some(AccountType::Ordinary),
        port::AccountType::Current => Some(AccountType::Current),
        port::AccountType::Savings => Some(AccountType::Savings),
    };
    if !is_digits(&account.branch_code, 3)
        || !is_digits(&account.number, 7)
        || !is_shown_text(&account.branch_name, BRANCH_NAME_LONGEST)
    {
        return Err(contract_broken("branch or number of an account"));
    }
    let mut tasks = Vec::new();
    for eligible in &account.tasks {
        let Some(task) = Task::from_bank(eligible.task) else {
            continue;
        };
        let day = parse_day(&eligible.available_from_date)
            .ok_or_else(|| contract_broken("available_from_date of an account"))?;
        tasks.push((task, day));
    }
    Ok(BankAccount {
        bank_account_id: account.account_id,
        branch_code: account.branch_code,
        branch_name: account.branch_name,
        account_type,
        number: account.number,
        tasks,
    })
}

pub(super) fn transaction(
    transaction: port::Transaction,
    range: &ReadableRange,
) -> Result<Transaction, Problem> {
    let broken = || contract_broken("a transaction");
    let movement = match transaction.direction() {
        port::Direction::Deposit => Movement::Deposit(transaction.amount_yen),
        port::Direction::Withdrawal => Movement::Withdrawal(transaction.amount_yen),
        port::Direction::Unspecified => return Err(broken()),
    };
    let transaction_date = parse_day(&transaction.transaction_date).ok_or_else(broken)?;
    // A day outside is outside the grant: it must not leave, whoever got it wrong.
    if !range.contains(transaction_date)
        || transaction.amount_yen <= 0
        || !is_shown_text(&transaction.remarks, REMARKS_LONGEST)
    {
        return Err(broken());
    }
    Ok(Transaction {
        transaction_date,
        value_date: parse_day(&transaction.value_date).ok_or_else(broken)?,
        movement,
        item_key: transaction.item_key,
        balance_after_yen: transaction.balance_after_yen,
        remarks: transaction.remarks,
    })
}

pub(super) fn contract_broken(what: &'static str) -> Problem {
    tracing::error!(what, "the bank's answer breaks the bank port's contract");
    Problem::BankUnavailable
}
