//! The demonstration: a private PostgreSQL, every service as a child process, and a partner's
//! client and a customer's browser that walk the seven steps over HTTP.

pub mod addresses;
pub mod agent;
pub mod banks;
pub mod certificates;
pub mod command;
pub mod console;
pub mod demo_json;
pub mod kafka;
pub mod mock_kafka;
mod once;
pub mod operators;
pub mod partners;
pub mod places;
pub mod postgres;
pub mod private_file;
pub mod process;
pub mod relay_settings;
pub mod run;
pub mod secrets;
pub mod settings_files;
pub mod watchdog;
pub mod with_postgres;
pub mod with_services;
