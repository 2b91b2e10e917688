//! What is told of every fact that there is, to whom, and in which bytes.

#![cfg(test)]

mod asyncapi;
mod golden_records;
mod laws;
mod stored;
mod story;
mod total;
