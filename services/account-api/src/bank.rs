//! The bank port: what is read of the bank's core, checked before it is passed on.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use prost::Message as _;
use renkei_proto::bank::v1 as port;
use renkei_proto::bank::v1::bank_port_client::BankPortClient;
use telemetry::grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tracing::{Instrument as _, Span};

use crate::clock::{Clock, from_timestamp, parse_day};
use crate::date_range::ReadableRange;
use crate::decisions::{AllowedRead, Subject};
use crate::metrics;
use crate::problem::{Closed, ClosedReason, Problem};
use crate::task::Task;
use crate::trace_context::RequestContext;

/// The port's name in spans.
const SERVICE: &str = "renkei.bank.v1.BankPort";
/// For one call.
const DEADLINE: Duration = Duration::from_secs(4);

/// Reads from the banks' cores.
pub(crate) struct Bank {
    client: BankPortClient<Channel>,
    clock: Clock,
}

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

/// Which page of a range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageRequest<'a> {
    pub(crate) range: &'a ReadableRange,
    /// `None` for the first page.
    pub(crate) page_token: Option<&'a str>,
    /// 1 to 500.
    pub(crate) page_size: u32,
}

impl Bank {
    /// Asks over `channel`.
    pub(crate) fn new(channel: Channel, clock: Clock) -> Self {
        Self {
            client: BankPortClient::new(channel),
            clock,
        }
    }

    /// The accounts that `subject` may inquire, in the bank's order.
    ///
    /// # Errors
    ///
    /// The bank's outage, time-out or closed hours. A subject that the bank no longer knows has no
    /// accounts.
    pub(crate) async fn list_accounts(
        &self,
        bank_code: &str,
        subject: &Subject,
        context: &RequestContext,
    ) -> Result<Vec<BankAccount>, Problem> {
        let span = grpc::client_span(SERVICE, "ListAccounts");
        let request = span.in_scope(|| {
            request(
                context,
                port::ListAccountsRequest {
                    bank_code: bank_code.to_owned(),
                    subject: Some(port::Subject {
                        contract_id: subject.contract_id.clone(),
                        user_id: subject.user_id.clone(),
                    }),
                },
            )
        });
        let mut client = self.client.clone();
        let response = match self
            .answer("ListAccounts", client.list_accounts(request))
            .instrument(span)
            .await
        {
            Ok(response) => response,
            Err(Failure::NotFound) => return Ok(Vec::new()),
            Err(failure) => return Err(failure.into()),
        };
        let asked = port::Asked {
            bank_code: bank_code.to_owned(),
            contract_id: subject.contract_id.clone(),
            user_id: subject.user_id.clone(),
            ..port::Asked::default()
        };
        check_asked(response.asked.as_ref(), &asked)?;
        bank_accounts(response.accounts)
    }

    /// The account's listing, where the bank still lists it.
    ///
    /// # Errors
    ///
    /// `account_unavailable`, and as [`Self::list_accounts`].
    pub(crate) async fn account(
        &self,
        bank_code: &str,
        allowed: &AllowedRead,
        context: &RequestContext,
    ) -> Result<BankAccount, Problem> {
        let accounts = self
            .list_accounts(bank_code, &allowed.subject, context)
            .await?;
        accounts
            .into_iter()
            .find(|account| account.bank_account_id == allowed.bank_account_id)
            .ok_or(Problem::AccountUnavailable)
    }

    /// The balance, now.
    ///
    /// # Errors
    ///
    /// `account_unavailable`, or the bank's outage, time-out or closed hours.
    pub(crate) async fn balance(
        &self,
        bank_code: &str,
        allowed: &AllowedRead,
        context: &RequestContext,
    ) -> Result<Balance, Problem> {
        let span = grpc::client_span(SERVICE, "GetBalance");
        let request = span.in_scope(|| {
            request(
                context,
                port::GetBalanceRequest {
                    bank_code: bank_code.to_owned(),
                    contract_id: allowed.contract_id.clone(),
                    account_id: allowed.bank_account_id.clone(),
                },
            )
        });
        let mut client = self.client.clone();
        let response = self
            .answer("GetBalance", client.get_balance(request))
            .instrument(span)
            .await?;
        check_asked(response.asked.as_ref(), &asked_of(bank_code, allowed))?;
        let as_of = response
            .as_of
            .and_then(from_timestamp)
            .ok_or_else(|| contract_broken("as_of of a balance"))?;
        Ok(Balance {
            balance_yen: response.balance_yen,
            available_balance_yen: response.available_balance_yen,
            as_of,
        })
    }

    /// One page of the transactions in `page.range`.
    ///
    /// # Errors
    ///
    /// `account_unavailable`, `invalid_cursor` where the bank refuses the page token, or the bank's
    /// outage, time-out or closed hours.
    pub(crate) async fn transactions(
        &self,
        bank_code: &str,
        allowed: &AllowedRead,
        page: PageRequest<'_>,
        context: &RequestContext,
    ) -> Result<TransactionPage, Problem> {
        let span = grpc::client_span(SERVICE, "ListTransactions");
        let request = span.in_scope(|| {
            request(
                context,
                port::ListTransactionsRequest {
                    bank_code: bank_code.to_owned(),
                    contract_id: allowed.contract_id.clone(),
                    account_id: allowed.bank_account_id.clone(),
                    from_date: page.range.from.to_string(),
                    to_date: page.range.to.to_string(),
                    page_token: page.page_token.unwrap_or_default().to_owned(),
                    page_size: page.page_size,
                },
            )
        });
        let mut client = self.client.clone();
        let response = match self
            .answer("ListTransactions", client.list_transactions(request))
            .instrument(span)
            .await
        {
            Ok(response) => response,
            // Everything else in the question is ours; the page token came back from outside.
            Err(Failure::Refused) if page.page_token.is_some() => {
                return Err(Problem::InvalidCursor);
            }
            Err(failure) => return Err(failure.into()),
        };
        check_asked(response.asked.as_ref(), &asked_of(bank_code, allowed))?;
        check_page(&response, &page)?;
        let transactions = response
            .transactions
            .into_iter()
            .map(|transaction| self::transaction(transaction, page.range))
            .collect::<Result<_, _>>()?;
        let next = Some(response.next_page_token).filter(|token| !token.is_empty());
        Ok(TransactionPage {
            transactions,
            next_page_token: next,
        })
    }

    async fn answer<T>(
        &self,
        rpc: &'static str,
        call: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failure> {
        let started = Instant::now();
        let status = match tokio::time::timeout(DEADLINE, call).await {
            Ok(Ok(response)) => {
                metrics::bank_called(rpc, "ok", started.elapsed());
                grpc::record_status(&Span::current(), Code::Ok);
                return Ok(response.into_inner());
            }
            Ok(Err(status)) => status,
            Err(_) => Status::deadline_exceeded(""),
        };
        grpc::record_status(&Span::current(), status.code());
        let failure = self.failure(&status);
        metrics::bank_called(rpc, failure.word(), started.elapsed());
        // The bank's message may speak of the customer: only the code is logged.
        tracing::warn!(grpc_code = ?status.code(), ?failure, "bank port");
        Err(failure)
    }

    fn failure(&self, status: &Status) -> Failure {
        match status.code() {
            Code::NotFound => Failure::NotFound,
            Code::InvalidArgument => Failure::Refused,
            // Cancelled is how a client's own time-out shows.
            Code::DeadlineExceeded | Code::Cancelled => Failure::Timeout,
            Code::FailedPrecondition => {
                self.closed(status).map_or(Failure::Outage, Failure::Closed)
            }
            _ => Failure::Outage,
        }
    }

    fn closed(&self, status: &Status) -> Option<Closed> {
        let closed = port::ServiceClosed::decode(status.details()).ok()?;
        let reason = match closed.reason() {
            port::ClosedReason::Hours => ClosedReason::Hours,
            port::ClosedReason::Maintenance => ClosedReason::Maintenance,
            port::ClosedReason::Unspecified => return None,
        };
        // One that has passed says nothing.
        let reopens_at = closed
            .reopens_at
            .and_then(from_timestamp)
            .filter(|reopens_at| *reopens_at > self.clock.now());
        Some(Closed {
            reason,
            reopens_at,
            asked_at: self.clock.now(),
        })
    }
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

/// A call without an answer.
#[derive(Debug)]
enum Failure {
    NotFound,
    Refused,
    Timeout,
    Closed(Closed),
    Outage,
}

impl Failure {
    /// In metrics.
    fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Closed(_) => "closed",
            Self::Outage => "unavailable",
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound => Self::AccountUnavailable,
            Failure::Refused => Self::Internal,
            Failure::Timeout => Self::BankTimeout,
            Failure::Closed(closed) => Self::Closed(closed),
            Failure::Outage => Self::BankUnavailable,
        }
    }
}

fn request<T>(context: &RequestContext, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    context.propagate(request.metadata_mut());
    request
}

/// What an answer about an account repeats.
fn asked_of(bank_code: &str, allowed: &AllowedRead) -> port::Asked {
    port::Asked {
        bank_code: bank_code.to_owned(),
        contract_id: allowed.contract_id.clone(),
        account_id: allowed.bank_account_id.clone(),
        ..port::Asked::default()
    }
}

/// An answer to another question would be another customer's data.
fn check_asked(told: Option<&port::Asked>, asked: &port::Asked) -> Result<(), Problem> {
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

fn bank_accounts(listed: Vec<port::Account>) -> Result<Vec<BankAccount>, Problem> {
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
fn check_page(
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

fn transaction(
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

fn contract_broken(what: &'static str) -> Problem {
    tracing::error!(what, "the bank's answer breaks the bank port's contract");
    Problem::BankUnavailable
}
