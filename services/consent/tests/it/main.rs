//! The service as a whole: real pages over HTTP, a real PostgreSQL with a database for each test, the
//! sandbox bank behind its port, as many replicas as the test needs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test program: what is not as expected ends the test"
)]

mod access_record;
mod bench;
mod certificate_authority;
mod certificate_guesses;
mod certificate_login;
mod certificate_proxy;
mod certificate_time;
mod console_consent;
mod console_entry;
mod console_funnel;
mod console_given;
mod decisions_coalesced;
mod evidence;
mod feed;
mod feed_polling;
mod feed_push;
mod feed_push_command;
mod feed_reading;
mod feed_tokens;
mod feed_waiting;
mod funnel;
mod guesses_counter;
mod guesses_limits;
mod guesses_locks;
mod guesses_unknown;
mod journey_amendment;
mod journey_crash;
mod journey_customer;
mod journey_ends;
mod journey_foreign_forms;
mod journey_idle;
mod journey_lies;
mod journey_logins;
mod journey_maintenance;
mod journey_named_linkage;
mod journey_outages;
mod journey_races;
mod journey_repeats;
mod journey_replicas;
mod journey_request_uri;
mod journey_revisions;
mod journey_seed_example;
mod journey_slow;
mod journey_supersede;
mod lifecycle_acts;
mod lifecycle_bank_notices;
mod lifecycle_clock;
mod lifecycle_given;
mod lifecycle_races;
mod lifecycle_strict;
mod linkages_end;
mod linkages_given;
mod linkages_login;
mod locale_choice;
mod locale_deadline;
mod locale_of_the_bank;
mod locale_of_the_consent;
mod notices;
mod oauth_account_api;
mod oauth_authorize;
mod oauth_bad_input;
mod oauth_client_authentication;
mod oauth_decisions;
mod oauth_metadata;
mod oauth_partner;
mod oauth_push;
mod oauth_token;
mod operator_given;
mod operator_identity;
mod partner_grants;
mod operator_life;
mod operator_search;
mod operator_search_budget;
mod rebuild;
mod request_status;
mod retention_archive;
mod retention_destruction;
mod retention_given;
mod retention_journeys;
mod retention_settings;
mod secret_sweep;
mod smoke;
mod store_budget;
mod store_conflicts;
mod store_facts;
mod store_fold;
mod store_order;
mod store_roles;
mod store_schema;
mod store_secrets;
mod store_tap;
mod telemetry_collector;
mod telemetry_logs;
mod telemetry_metrics;
mod telemetry_traces;
mod tls_bank_port;
mod tls_listeners;
mod tls_pki;
mod tokens_introspect;
mod tokens_openapi;
mod tokens_presented;
mod tokens_revoke;
