//! The rules of consent, told as given/when/then; their laws, as properties; their facts, as files.

#![cfg(test)]

#[path = "../support/mod.rs"]
mod support;

mod step1_request;
mod step2_login;
mod step3_tasks;
mod step4_accounts;
mod step5_confirm;
mod step6_authorize;

mod amendment;
mod back_and_repeat;
mod ends;
mod kept_accounts;
mod linkage_changed_in_between;
mod named_linkage;
mod new_linkage;
mod partial_success;
mod resume;
mod revisions;
mod time_limits;
mod unticking;
mod withdrawal;

mod access_decision;
mod bank_notices;
mod bank_record;
mod consent_changes;
mod consent_life;
mod contract_locks;
mod identifiers;
mod partner_record;
mod reconsent;
mod suspension;

mod golden_files;
mod laws;
