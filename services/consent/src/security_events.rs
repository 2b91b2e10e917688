//! The feed's events as Security Event Tokens (RFC 8417), polled (RFC 8936) or pushed (RFC 8935). They
//! are made of the log when they are given, so nothing is stored of them but what was taken.

mod poll_request;
mod polling;
pub mod push;
mod refused;
mod token;

pub(crate) use polling::{__path_poll, poll};

/// Adds what is counted of security events to the process's registry.
pub(crate) fn register_metrics(registry: &mut prometheus_client::registry::Registry) {
    refused::register(registry);
    push::register(registry);
}
