//! The client side of OAuth 2.0 as the banks ask for it (FAPI 2.0): one file per exchange.

pub mod authorization_details;
pub mod authorization_response;
pub mod client_assertion;
pub mod error;
pub mod grant_management;
pub mod metadata;
pub mod par;
pub mod pkce;
pub mod token;
