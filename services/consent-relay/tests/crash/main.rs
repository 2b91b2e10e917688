//! The relay as it runs in the field: its executable, which is killed, stopped and given bad
//! settings, between a PostgreSQL cluster of its own and a real Apache Kafka. What is in the topics is
//! read by Kafka's own Java consumer.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test program: what is not as expected ends the test, and a long one says its numbers"
)]

mod bench;
mod configuration;
mod crash;
mod fencing;
mod front_door;
mod outage;
mod published;
mod relay;
mod writers;

/// How much of something a test does: what the environment says, else what is quick.
fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}
