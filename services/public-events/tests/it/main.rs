//! What is told of every fact that there is, to whom, and in which bytes.

mod asyncapi;
mod golden_records;
mod laws;
mod stored;
mod story;
mod total;
