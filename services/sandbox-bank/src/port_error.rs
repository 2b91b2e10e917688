//! Why the bank port answers with a status instead of an outcome, and which status that is.

use prost::Message;
use renkei_proto::bank::v1 as port;
use tonic::{Code, Status};

use crate::switches::{Closure, ClosureReason};

/// No outcome is known to the caller. The texts name no value that the caller sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortError {
    #[error("no such bank")]
    UnknownBank,
    #[error("no such contract or user")]
    UnknownSubject,
    #[error("no such account")]
    UnknownAccount,
    #[error("no such PIN scope for this user")]
    UnknownPinScope,
    #[error("invalid request: {0}")]
    Invalid(&'static str),
    /// A login under an attempt_id that `GetVerdict` voided: its response has no word for that.
    #[error("this attempt is void")]
    VoidLogin,
    #[error("the bank is closed")]
    Closed(Closure),
    #[error("the bank did not take the request")]
    Unavailable,
    #[error("the answer was lost")]
    AnswerLost,
}

impl From<PortError> for Status {
    fn from(error: PortError) -> Self {
        let text = error.to_string();
        match error {
            PortError::UnknownBank
            | PortError::UnknownSubject
            | PortError::UnknownAccount
            | PortError::UnknownPinScope => Self::not_found(text),
            PortError::Invalid(_) => Self::invalid_argument(text),
            PortError::VoidLogin => Self::aborted(text),
            PortError::Closed(closure) => {
                let details = service_closed(closure).encode_to_vec();
                Self::with_details(Code::FailedPrecondition, text, details.into())
            }
            PortError::Unavailable => Self::unavailable(text),
            PortError::AnswerLost => Self::deadline_exceeded(text),
        }
    }
}

fn service_closed(closure: Closure) -> port::ServiceClosed {
    let reason = match closure.reason {
        ClosureReason::Hours => port::ClosedReason::Hours,
        ClosureReason::Maintenance => port::ClosedReason::Maintenance,
    };
    port::ServiceClosed {
        reason: reason.into(),
        reopens_at: closure.reopens_at.map(timestamp),
    }
}

pub(crate) fn timestamp(at: chrono::DateTime<chrono::Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.timestamp(),
        // Below two thousand million even in a leap second, as chrono counts them.
        nanos: i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}
