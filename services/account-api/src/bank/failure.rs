//! Why a bank gave no answer.

use chrono::{DateTime, Utc};
use prost::Message as _;
use renkei_proto::bank::v1 as port;
use tonic::{Code, Status};

use crate::clock::from_timestamp;
use crate::problem::{Closed, ClosedReason, Problem};

/// A call without an answer.
#[derive(Debug)]
pub(super) enum Failure {
    NotFound,
    Refused,
    Timeout,
    Closed(Closed),
    Outage,
}

impl Failure {
    /// What a status says; `now`: a bank can't reopen before.
    pub(super) fn of(status: &Status, now: DateTime<Utc>) -> Self {
        match status.code() {
            Code::NotFound => Self::NotFound,
            Code::InvalidArgument => Self::Refused,
            // Cancelled is how a client's own time-out shows.
            Code::DeadlineExceeded | Code::Cancelled => Self::Timeout,
            Code::FailedPrecondition => closed(status, now).map_or(Self::Outage, Self::Closed),
            _ => Self::Outage,
        }
    }

    /// In metrics.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Closed(_) => "closed",
            Self::Outage => "unavailable",
        }
    }
}

fn closed(status: &Status, now: DateTime<Utc>) -> Option<Closed> {
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
        .filter(|reopens_at| *reopens_at > now);
    Some(Closed {
        reason,
        reopens_at,
        asked_at: now,
    })
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
