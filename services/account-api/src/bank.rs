//! The bank port: what is read of the bank's core, checked before it is passed on.

mod answer;
mod failure;

use std::time::{Duration, Instant};

use renkei_proto::bank::v1 as port;
use renkei_proto::bank::v1::bank_port_client::BankPortClient;
use telemetry::grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tracing::{Instrument as _, Span};

use self::answer::{Balance, bank_accounts, check_asked, check_page, contract_broken};
use self::failure::Failure;
use crate::clock::{Clock, from_timestamp};
use crate::date_range::ReadableRange;
use crate::decisions::{AllowedRead, Subject};
use crate::metrics;
use crate::problem::Problem;
use crate::trace_context::RequestContext;

pub(crate) use answer::{AccountType, BankAccount, Movement, Transaction, TransactionPage};

/// The port's name in spans.
const SERVICE: &str = "renkei.bank.v1.BankPort";
/// For one call.
const DEADLINE: Duration = Duration::from_secs(4);

/// Reads from the banks' cores.
pub(crate) struct Bank {
    client: BankPortClient<Channel>,
    clock: Clock,
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
            .map(|transaction| answer::transaction(transaction, page.range))
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
        let failure = Failure::of(&status, self.clock.now());
        metrics::bank_called(rpc, failure.word(), started.elapsed());
        // The bank's message may speak of the customer: only the code is logged.
        tracing::warn!(grpc_code = ?status.code(), ?failure, "bank port");
        Err(failure)
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
