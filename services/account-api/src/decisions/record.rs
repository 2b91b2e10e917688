//! The access record: a read is reported after the bank's answer, and served only once it is recorded.

use chrono::NaiveDate;
use renkei_proto::decision::v1 as port;
use telemetry::{TraceParent, grpc};
use tonic::{Code, Response, Status};
use tracing::{Instrument as _, Span};
use uuid::{NoContext, Timestamp, Uuid};

use super::{DEADLINE, Decisions, SERVICE};
use crate::access_token::AccessToken;
use crate::clock::Clock;
use crate::problem::Problem;
use crate::trace_context::RequestContext;

/// A report without an answer is sent once more, while the deadline of both lasts: a replica that went
/// away must not cost a partner its read.
const MOST_TRIES: usize = 2;

/// What an answer to a partner holds, by ids, days and counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataRead {
    pub(crate) what: What,
    /// Accounts, balances or transactions.
    pub(crate) rows: usize,
}

/// What was read. Accounts are named by the bank's ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Accounts,
    Balance {
        bank_account_id: String,
    },
    Transactions {
        bank_account_id: String,
        /// First and last day; `None` where no day could be read.
        days: Option<(NaiveDate, NaiveDate)>,
        /// The last day that is over and of which, with the pages before, all was served.
        last_served: Option<NaiveDate>,
    },
}

impl Decisions {
    /// Records a read; it may be served when this gives `Ok`.
    ///
    /// # Errors
    ///
    /// `record_unavailable`; the record may be there all the same.
    pub(crate) async fn record(
        &self,
        token: &AccessToken,
        read: DataRead,
        clock: &Clock,
        context: &RequestContext,
    ) -> Result<(), Problem> {
        // One id for both tries, so that the read is recorded once.
        let report = report(token, read, clock, context)?;
        let recorded = tokio::time::timeout(DEADLINE, self.report(&report, context)).await;
        match recorded {
            Ok(Ok(())) => Ok(()),
            Ok(Err(code)) => Err(unrecorded(code)),
            Err(_) => Err(unrecorded(Code::DeadlineExceeded)),
        }
    }

    async fn report(
        &self,
        report: &port::RecordReadRequest,
        context: &RequestContext,
    ) -> Result<(), Code> {
        let mut tries = 1;
        loop {
            let span = grpc::client_span(SERVICE, "RecordRead");
            let request = span.in_scope(|| self.request(context, report.clone()));
            let mut client = self.client.clone();
            match noted(client.record_read(request)).instrument(span).await {
                Ok(()) => return Ok(()),
                // Nobody answered: it may be recorded or not.
                Err(Code::Unavailable | Code::Unknown | Code::Cancelled) if tries < MOST_TRIES => {
                    tries += 1;
                }
                Err(code) => return Err(code),
            }
        }
    }
}

async fn noted(
    call: impl Future<Output = Result<Response<port::RecordReadResponse>, Status>>,
) -> Result<(), Code> {
    let outcome = call.await.map(drop).map_err(|status| status.code());
    grpc::record_status(&Span::current(), outcome.err().unwrap_or(Code::Ok));
    outcome
}

fn unrecorded(code: Code) -> Problem {
    tracing::error!(grpc_code = ?code, "a read is not recorded, and so not served");
    Problem::RecordUnavailable
}

fn report(
    token: &AccessToken,
    read: DataRead,
    clock: &Clock,
    context: &RequestContext,
) -> Result<port::RecordReadRequest, Problem> {
    let now = clock.now();
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let moment = Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos());
    let trace = TraceParent::current().map(|trace| trace.to_string());
    Ok(port::RecordReadRequest {
        record_id: Uuid::new_v7(moment).to_string(),
        bank_code: token.bank_code().to_owned(),
        grant_id: token.grant_id().to_owned(),
        client_id: token.client_id().to_owned(),
        jti: token.token_id().to_owned(),
        request_id: context.request_id().to_string(),
        traceparent: trace.unwrap_or_default(),
        // Limits on accounts and pages keep every answer far below that.
        rows: u32::try_from(read.rows).map_err(|_| Problem::Internal)?,
        read: Some(read.what.on_wire()),
    })
}

impl What {
    fn on_wire(self) -> port::record_read_request::Read {
        use port::record_read_request::Read;
        let text = |day: NaiveDate| day.format("%Y-%m-%d").to_string();
        match self {
            Self::Accounts => Read::Accounts(port::AccountsRead {}),
            Self::Balance { bank_account_id } => {
                Read::Balance(port::BalanceRead { bank_account_id })
            }
            Self::Transactions {
                bank_account_id,
                days,
                last_served,
            } => Read::Transactions(port::TransactionsRead {
                bank_account_id,
                from_date: days.map(|(from, _)| text(from)).unwrap_or_default(),
                to_date: days.map(|(_, to)| text(to)).unwrap_or_default(),
                last_served_date: last_served.map(text).unwrap_or_default(),
            }),
        }
    }
}
