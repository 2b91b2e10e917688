//! Reports of reads: the port's words and ours.

use chrono::NaiveDate;
use consent_domain::{AccountId, BankCode, ClientId, GrantId};
use renkei_proto::decision::v1 as wire;
use telemetry::TraceParent;
use tonic::Status;
use uuid::Uuid;

use crate::access_record::{DataRead, Days, RecordId, Unrecorded, What};

/// Longest request id, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;

fn invalid<E>(what: &'static str) -> impl FnOnce(E) -> Status {
    move |_| Status::invalid_argument(what)
}

/// What is reported, where it is well-formed.
pub(super) fn understood(report: wire::RecordReadRequest) -> Result<DataRead, Status> {
    let what = match report.read {
        Some(wire::record_read_request::Read::Accounts(_)) => What::Accounts,
        Some(wire::record_read_request::Read::Balance(read)) => {
            What::Balance(account(read.bank_account_id)?)
        }
        Some(wire::record_read_request::Read::Transactions(read)) => transactions(read)?,
        None => return Err(Status::invalid_argument("read")),
    };
    Ok(DataRead {
        id: RecordId::parse(&report.record_id).map_err(invalid("record_id"))?,
        bank: BankCode::parse(report.bank_code).map_err(invalid("bank_code"))?,
        grant: GrantId::parse(report.grant_id).map_err(invalid("grant_id"))?,
        client: ClientId::parse(report.client_id).map_err(invalid("client_id"))?,
        jti: Uuid::parse_str(&report.jti).map_err(invalid("jti"))?,
        what,
        rows: i32::try_from(report.rows).map_err(invalid("rows"))?,
        request_id: request_id(report.request_id)?,
        traceparent: TraceParent::find(&report.traceparent).map(|parent| parent.to_string()),
    })
}

fn account(id: String) -> Result<AccountId, Status> {
    AccountId::parse(id).map_err(invalid("bank_account_id"))
}

fn transactions(read: wire::TransactionsRead) -> Result<What, Status> {
    let days = match (day(&read.from_date)?, day(&read.to_date)?) {
        (None, None) => None,
        (Some(from), Some(to)) if from <= to => Some(Days { from, to }),
        _ => return Err(Status::invalid_argument("from_date and to_date")),
    };
    let last_served_on = day(&read.last_served_date)?;
    let within = |day: &NaiveDate| days.is_some_and(|days| days.from <= *day && *day <= days.to);
    if !last_served_on.as_ref().is_none_or(within) {
        return Err(Status::invalid_argument("last_served_date"));
    }
    Ok(What::Transactions {
        account: account(read.bank_account_id)?,
        days,
        last_served_on,
    })
}

fn day(text: &str) -> Result<Option<NaiveDate>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
    day.map(Some).map_err(invalid("a day is YYYY-MM-DD"))
}

fn request_id(text: String) -> Result<String, Status> {
    let fits = (1..=REQUEST_ID_BYTES_MAX).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text)
    } else {
        Err(Status::invalid_argument("request_id"))
    }
}

/// The port's word for a read that is not recorded.
pub(super) fn refusal(unrecorded: &Unrecorded) -> Status {
    match unrecorded {
        Unrecorded::Refused => {
            tracing::error!("a read was reported that can't be recorded: {unrecorded}");
            Status::failed_precondition("no such grant of this client, or a time that is not now")
        }
        Unrecorded::Overloaded => {
            tracing::error!("a read is not recorded: {unrecorded}");
            Status::resource_exhausted("too many reads are reported at once")
        }
        Unrecorded::Failed(_) | Unrecorded::GivenUp => {
            tracing::error!(error = %unrecorded, "a read could not be recorded");
            Status::unavailable("the read could not be recorded")
        }
    }
}
