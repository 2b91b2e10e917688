//! Why no outcome of a bank is known, and whether it may have acted.

use chrono::{DateTime, Utc};
use consent_domain::InvalidId;
use prost::Message as _;
use renkei_proto::bank::v1 as wire;
use tonic::{Code, Status};

use crate::bank_answer;

/// No outcome is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BankFailure {
    /// The bank did not take the request: nothing was done or counted.
    #[error("the bank can't be reached")]
    Unavailable,
    /// The bank may or may not have acted.
    #[error("the bank's answer is unknown")]
    Unknown,
    /// The bank is closed.
    #[error("the bank is closed")]
    Closed {
        /// When it opens again, where known.
        reopens_at: Option<DateTime<Utc>>,
        /// Whether this is planned maintenance rather than the closed hours of each day.
        cause: ClosedCause,
    },
    /// The bank does not know what was asked for.
    #[error("unknown to the bank")]
    NotFound,
    /// The answer breaks the contract of the port.
    #[error("the bank's answer breaks the contract: {0}")]
    Malformed(&'static str),
}

impl BankFailure {
    /// In metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
            Self::Closed { .. } => "closed",
            Self::NotFound => "not_found",
            Self::Malformed(_) => "malformed",
        }
    }
}

/// Why a bank is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedCause {
    /// サービス時間外
    Hours,
    /// メンテナンス
    Maintenance,
}

/// Only what says that the bank did not take the request is a definite outage.
pub(super) fn failure(status: &Status) -> BankFailure {
    match status.code() {
        Code::Unavailable if was_not_taken(status) => BankFailure::Unavailable,
        // Without a reason that is known it may be anybody's answer, not the bank's.
        Code::FailedPrecondition => closed(status).unwrap_or(BankFailure::Unknown),
        Code::NotFound => BankFailure::NotFound,
        Code::InvalidArgument => BankFailure::Malformed("the bank refused the request's form"),
        _ => BankFailure::Unknown,
    }
}

fn closed(status: &Status) -> Option<BankFailure> {
    let closed = wire::ServiceClosed::decode(status.details()).ok()?;
    let cause = match closed.reason() {
        wire::ClosedReason::Hours => ClosedCause::Hours,
        wire::ClosedReason::Maintenance => ClosedCause::Maintenance,
        wire::ClosedReason::Unspecified => return None,
    };
    let reopens_at = closed
        .reopens_at
        .and_then(|at| bank_answer::moment_ahead(&at, Utc::now()));
    Some(BankFailure::Closed { cause, reopens_at })
}

/// The bank said so itself, or no connection came about. A connection that broke meanwhile carries
/// the same code, but says nothing of whether the bank acted.
fn was_not_taken(status: &Status) -> bool {
    let mut source = std::error::Error::source(status);
    if source.is_none() {
        return true;
    }
    while let Some(error) = source {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        source = error.source();
    }
    false
}

pub(crate) fn malformed(id: InvalidId) -> BankFailure {
    BankFailure::Malformed(id.kind)
}
