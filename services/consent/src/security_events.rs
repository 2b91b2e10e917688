//! The feed's events as Security Event Tokens (RFC 8417), polled (RFC 8936) or pushed (RFC 8935). They
//! are made of the log when they are given, so nothing is stored of them but what was taken.

mod poll_request;
mod polling;
mod refused;
mod token;

pub(crate) use polling::{__path_poll, poll};
pub(crate) use refused::register as register_metrics;
