//! Gives the committed events one global order, and publishes them to Kafka exactly once.
//!
//! One instance leads by a lease in the database; the others stand by. The leader's *sequencer* copies
//! committed events into the log under dense numbers; its *publisher* translates the log for partners
//! and the platform, one Kafka transaction a batch. How to run it: `docs/relay.md`; why it is so:
//! `docs/decisions/0024-sequencer.md` and `0025-publisher.md`.

pub mod committed_tail;
pub mod database;
pub mod epoch;
pub mod lease;
pub mod lineage;
pub mod log_reader;
pub mod metrics;
pub mod operators;
pub mod parking;
pub mod postgres_tail;
pub mod publisher;
pub mod relay;
pub mod sequencer;
pub mod settings;
pub mod topics;
