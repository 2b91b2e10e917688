//! The bank port of the tests: accounts and transactions in memory, paged by position.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use prost::Message as _;
use prost_types::Timestamp;
use renkei_proto::bank::v1::bank_port_server::{BankPort, BankPortServer};
use renkei_proto::bank::v1::{
    Account, AccountType, Asked, AuthenticateRequest, AuthenticateResponse, ClosedReason,
    Direction, EligibleTask, GetBalanceRequest, GetBalanceResponse, GetVerdictRequest,
    GetVerdictResponse, ListAccountsRequest, ListAccountsResponse, ListPlannedMaintenanceRequest,
    ListPlannedMaintenanceResponse, ListTransactionsRequest, ListTransactionsResponse,
    ResolveCertificateRequest, ResolveCertificateResponse, SendNoticeRequest, SendNoticeResponse,
    ServiceClosed, Task, Transaction, VerifyInquiryPinRequest, VerifyInquiryPinResponse,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};

use super::{Conduct, text};

/// Whether the range asked for is kept to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RangeConduct {
    Kept,
    Ignored,
}

/// The bank's core of a test.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) accounts: Vec<Account>,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) conduct: Conduct,
    pub(crate) range: RangeConduct,
    /// What an answer says that it is the answer to; `None`: the truth.
    pub(crate) asked: Option<Option<Asked>>,
    /// The same of balances only.
    pub(crate) balance_asked: Option<Asked>,
    /// The token of every page; `None`: the right one.
    pub(crate) next_page_token: Option<String>,
}

/// A call's name and its request id.
type Call = (&'static str, Option<String>);

#[derive(Clone)]
pub(crate) struct BankStandIn {
    core: Arc<Mutex<Core>>,
    calls: Arc<Mutex<Vec<Call>>>,
    pub(crate) ranges: Arc<Mutex<Vec<ListTransactionsRequest>>>,
}

/// An account that offers both tasks.
pub(crate) fn account(id: &str, branch: (&str, &str), number: &str) -> Account {
    let eligible = |task: Task, day: &str| EligibleTask {
        task: task.into(),
        available_from_date: day.to_owned(),
    };
    Account {
        account_id: id.to_owned(),
        branch_code: branch.0.to_owned(),
        branch_name: branch.1.to_owned(),
        r#type: AccountType::Ordinary.into(),
        number: number.to_owned(),
        memo: "口座メモ5678901234567890".to_owned(),
        pin_scope_id: "scope".to_owned(),
        tasks: vec![
            eligible(Task::Balance, "2026-04-15"),
            eligible(Task::Transactions, "2026-03-01"),
        ],
    }
}

/// The status of a bank that is closed.
pub(crate) fn closed(reason: ClosedReason, reopens_at_seconds: Option<i64>) -> Status {
    let closed = ServiceClosed {
        reason: reason.into(),
        reopens_at: reopens_at_seconds.map(|seconds| Timestamp { seconds, nanos: 0 }),
    };
    Status::with_details(
        Code::FailedPrecondition,
        "closed",
        closed.encode_to_vec().into(),
    )
}

/// One transaction a day from 1 February to 15 April 2026, deposits and withdrawals in turn.
fn transactions() -> Vec<Transaction> {
    let first = chrono::NaiveDate::from_ymd_opt(2026, 2, 1).unwrap();
    let last = chrono::NaiveDate::from_ymd_opt(2026, 4, 15).unwrap();
    first
        .iter_days()
        .take_while(|day| *day <= last)
        .enumerate()
        .map(|(number, day)| Transaction {
            item_key: format!("item-{number:03}"),
            transaction_date: day.to_string(),
            value_date: day.to_string(),
            direction: if number % 2 == 0 {
                Direction::Deposit
            } else {
                Direction::Withdrawal
            }
            .into(),
            amount_yen: 1000 + i64::try_from(number).unwrap(),
            balance_after_yen: 1_000_000,
            remarks: "フリコミ".to_owned(),
        })
        .collect()
}

impl BankStandIn {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let core = Core {
            accounts: vec![
                account("bank-0", ("000", "インターネット支店"), "9999999"),
                account("bank-1", ("000", "インターネット支店"), "5000000"),
                account("bank-2", ("490", "豊後支店"), "1000014"),
            ],
            transactions: transactions(),
            conduct: Conduct::Answers,
            range: RangeConduct::Kept,
            asked: None,
            balance_asked: None,
            next_page_token: None,
        };
        let stand_in = Self {
            core: Arc::new(Mutex::new(core)),
            calls: Arc::default(),
            ranges: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(BankPortServer::new(stand_in.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (stand_in, address)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Core)) {
        change(&mut self.core.lock().unwrap());
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    async fn take<T>(&self, name: &'static str, request: Request<T>) -> Result<(T, Core), Status> {
        let request_id = text(request.metadata(), "x-request-id");
        self.calls.lock().unwrap().push((name, request_id));
        let core = self.core.lock().unwrap().clone();
        core.conduct.clone().apply().await?;
        Ok((request.into_inner(), core))
    }
}

#[tonic::async_trait]
impl BankPort for BankStandIn {
    async fn resolve_certificate(
        &self,
        _: Request<ResolveCertificateRequest>,
    ) -> Result<Response<ResolveCertificateResponse>, Status> {
        Err(Status::internal("account-api never sees a certificate"))
    }

    async fn authenticate(
        &self,
        _: Request<AuthenticateRequest>,
    ) -> Result<Response<AuthenticateResponse>, Status> {
        Err(Status::internal("account-api never logs anybody in"))
    }

    async fn verify_inquiry_pin(
        &self,
        _: Request<VerifyInquiryPinRequest>,
    ) -> Result<Response<VerifyInquiryPinResponse>, Status> {
        Err(Status::internal("account-api never sees a PIN"))
    }

    async fn get_verdict(
        &self,
        _: Request<GetVerdictRequest>,
    ) -> Result<Response<GetVerdictResponse>, Status> {
        Err(Status::internal("account-api never asks for a verdict"))
    }

    async fn list_accounts(
        &self,
        request: Request<ListAccountsRequest>,
    ) -> Result<Response<ListAccountsResponse>, Status> {
        let (question, core) = self.take("list_accounts", request).await?;
        let subject = question.subject.unwrap_or_default();
        if (subject.contract_id.as_str(), subject.user_id.as_str()) != ("contract-1", "user-1") {
            return Err(Status::not_found("subject"));
        }
        Ok(Response::new(ListAccountsResponse {
            accounts: core.accounts,
            asked: core.asked.unwrap_or_else(|| {
                Some(Asked {
                    bank_code: question.bank_code,
                    contract_id: subject.contract_id,
                    user_id: subject.user_id,
                    ..Asked::default()
                })
            }),
        }))
    }

    async fn get_balance(
        &self,
        request: Request<GetBalanceRequest>,
    ) -> Result<Response<GetBalanceResponse>, Status> {
        let (question, core) = self.take("get_balance", request).await?;
        Ok(Response::new(GetBalanceResponse {
            balance_yen: 1_234_567,
            available_balance_yen: 1_200_000,
            as_of: Some(Timestamp {
                seconds: 1_776_222_000,
                nanos: 0,
            }),
            asked: core
                .balance_asked
                .map(Some)
                .or(core.asked)
                .unwrap_or_else(|| {
                    Some(Asked {
                        bank_code: question.bank_code,
                        contract_id: question.contract_id,
                        account_id: question.account_id,
                        ..Asked::default()
                    })
                }),
        }))
    }

    async fn send_notice(
        &self,
        _request: Request<SendNoticeRequest>,
    ) -> Result<Response<SendNoticeResponse>, Status> {
        Err(Status::unimplemented("the account API sends no notices"))
    }

    async fn list_planned_maintenance(
        &self,
        _request: Request<ListPlannedMaintenanceRequest>,
    ) -> Result<Response<ListPlannedMaintenanceResponse>, Status> {
        Err(Status::unimplemented("the account API announces nothing"))
    }

    async fn list_transactions(
        &self,
        request: Request<ListTransactionsRequest>,
    ) -> Result<Response<ListTransactionsResponse>, Status> {
        let (question, core) = self.take("list_transactions", request).await?;
        self.ranges.lock().unwrap().push(question.clone());
        let start: usize = match question.page_token.as_str() {
            "" => 0,
            token => token
                .strip_prefix("position:")
                .and_then(|position| position.parse().ok())
                .ok_or_else(|| Status::invalid_argument("page_token"))?,
        };
        let inside: Vec<_> = core
            .transactions
            .into_iter()
            .filter(|transaction| {
                core.range == RangeConduct::Ignored
                    || (&question.from_date..=&question.to_date)
                        .contains(&&transaction.transaction_date)
            })
            .collect();
        let end = inside
            .len()
            .min(start + usize::try_from(question.page_size).unwrap());
        let next_page_token = if end < inside.len() {
            format!("position:{end}")
        } else {
            String::new()
        };
        let next_page_token = core.next_page_token.unwrap_or(next_page_token);
        let transactions = inside.get(start..end).unwrap_or_default().to_vec();
        Ok(Response::new(ListTransactionsResponse {
            transactions,
            next_page_token,
            asked: core.asked.unwrap_or_else(|| {
                Some(Asked {
                    bank_code: question.bank_code,
                    contract_id: question.contract_id,
                    account_id: question.account_id,
                    ..Asked::default()
                })
            }),
        }))
    }
}
