//! A customer's browser and a partner's OAuth client that walk the journey over HTTP.
//!
//! Everything here is a stranger to the services: it knows their public pages, endpoints and
//! element ids, and none of their code.

pub mod account_api;
pub mod browser;
mod cookie_jar;
#[cfg(test)]
mod fake_server;
mod form;
mod page;
pub mod partner;
pub mod seed_example;
mod text_table;
pub mod trust;
mod visible_text;
pub mod walk;
