//! Renkei's consent service: the journey's pages, the authorization server, and strict decisions
//! over an event store. `journey` is where to begin reading.

pub mod app;
mod authorization_server;
mod bank_announcements;
mod bank_answer;
pub mod bank_notices;
pub mod bank_pages;
pub mod bank_port;
mod boundary;
mod certificate_listener;
pub mod client_certificate;
pub mod decisions;
mod entropy;
pub mod evidence;
pub mod feed;
pub mod guess;
pub mod history;
pub mod journey;
mod journey_end;
pub mod keys;
pub mod lifecycle;
mod metrics;
pub mod notices;
mod observation;
pub mod openapi;
pub mod operator;
mod operators;
pub mod pages;
pub mod partners;
mod pin_locks;
pub mod pin_unlock;
mod problem;
pub mod protocol;
pub mod provision;
pub mod rebuild;
pub mod request_context;
pub mod resource_servers;
mod sealed;
pub mod search;
pub mod security_events;
pub mod settings;
pub mod startup;
mod static_files;
pub mod store;
pub mod sweeper;

pub use authorization_server::redirect_policy;
