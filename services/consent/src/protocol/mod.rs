//! OAuth 2.0 as this service speaks it (FAPI 2.0 shaped): one rule of the protocol a file, no
//! routes and no events. Handlers call these functions and append what came of it.
//!
//! In the order of a request: client authentication ([`client`], [`client_assertion`], [`jti`]),
//! the pushed request ([`pushed_request`], [`authorization_details`], [`pkce`], [`request_uri`]),
//! the browser ([`authorization_request`], [`authorization_response`]), the token endpoint
//! ([`token_request`], [`code`], [`refresh_token`], [`access_token`], [`token_response`]), and what
//! becomes of a token ([`presented_token`], [`access_token_claims`], [`introspection`], [`token_ids`]).

pub mod access_token;
pub mod access_token_claims;
pub mod authorization_details;
pub mod authorization_request;
pub mod authorization_response;
pub mod client;
pub mod client_assertion;
pub mod client_authentication;
pub mod code;
pub mod digest;
pub mod form;
pub mod introspection;
pub mod issuer;
pub mod json_web_key;
pub mod jti;
pub mod key_wrap;
pub mod keys;
pub mod metadata;
pub mod oauth_error;
pub mod pairwise;
pub mod partner_scope;
pub mod partner_token;
pub mod pkce;
pub mod presented_token;
pub mod pushed_request;
pub mod received_parameters;
pub mod refresh_token;
pub mod request_uri;
pub mod secret;
pub mod shared_key;
pub mod signing_key;
pub mod token_ids;
pub mod token_request;
pub mod token_response;

#[cfg(test)]
pub(crate) mod test_database;
#[cfg(test)]
mod test_keys;
