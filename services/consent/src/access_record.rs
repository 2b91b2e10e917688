//! The access record: every read of data that a partner got — who, what, when, how many rows. The
//! account API reports a read after the bank's answer and answers its partner once the record is
//! committed, so nothing that partners got is missing: `docs/decisions/0033-access-record.md`.
//!
//! Records that wait share a statement, and so a commit. They are no events: a record repeated is one
//! row, and what is too old goes as a whole month.

mod data_read;
mod metrics;
mod partitions;
mod reading;
mod recorder;
mod statement;

pub use self::{
    data_read::{DataRead, Days, NotARecordId, ReadKind, RecordId, What},
    partitions::make_partitions_ahead,
    reading::{AccessRecord, AccessTotal, page_of, totals_of},
    recorder::AccessRecorder,
};
pub(crate) use self::{metrics::register as register_metrics, recorder::Unrecorded};
