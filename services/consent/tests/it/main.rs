//! The service as a whole: real pages over HTTP, a real PostgreSQL with a database for each test, the
//! sandbox bank behind its port, as many replicas as the test needs.

#![expect(missing_docs, reason = "tests")]

mod bench;
mod journey_customer;
mod journey_repeats;
mod journey_foreign_forms;
mod journey_revisions;
mod evidence;
mod rebuild;
mod smoke;
