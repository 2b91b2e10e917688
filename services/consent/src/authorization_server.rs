//! The authorization server's endpoints: metadata, keys, pushed requests, tokens, their state and end. What the rules are
//! stands in `protocol`; here they meet the events.

mod client_proof;
pub(crate) mod grant_management;
mod granted;
pub use client_proof::redirect_policy;
pub(crate) mod introspect;
mod own_credentials;
pub(crate) use own_credentials::Body as OwnToken;
pub(crate) mod pushed;
pub(crate) mod request_status;
pub(crate) mod revoke;
pub(crate) mod token;

use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    web::{self, ServiceConfig, delete, get, post, resource},
};
use consent_domain::BankCode;

use crate::{
    app::App,
    decisions::Unseen,
    feed,
    journey::authorization_endpoint,
    openapi,
    partners::bank_record,
    protocol::{
        keys::{KEY_SET_MAX_AGE_SECONDS, KeyError},
        metadata::{Metadata, metadata},
        oauth_error::OAuthError,
    },
    security_events,
    store::{CommandError, StoreError},
};

/// The routes of every bank's issuer.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/openapi.json").route(get().to(openapi::show_public)))
        .service(
            resource("/.well-known/oauth-authorization-server/{bank}")
                .route(get().to(show_metadata)),
        )
        .service(
            resource("/{bank}/.well-known/oauth-authorization-server")
                .route(get().to(show_metadata_by_suffix)),
        )
        .service(resource("/{bank}/jwks").route(get().to(show_keys)))
        .service(resource("/{bank}/par").route(post().to(pushed::push)))
        .service(resource("/{bank}/token").route(post().to(token::exchange)))
        .service(resource("/{bank}/revoke").route(post().to(revoke::revoke)))
        .service(resource("/{bank}/introspect").route(post().to(introspect::for_client)))
        .service(resource("/{bank}/notifications").route(get().to(feed::read)))
        .service(resource("/{bank}/security-events/poll").route(post().to(security_events::poll)))
        .service(resource("/{bank}/grants").route(get().to(grant_management::list)))
        .service(
            resource("/{bank}/grants/{grant_id}")
                .route(get().to(grant_management::query))
                .route(delete().to(grant_management::revoke)),
        )
        .service(resource("/{bank}/requests/{request_id}").route(get().to(request_status::show)))
        .service(resource("/{bank}/authorize").route(get().to(authorization_endpoint)));
}

/// The bank of an issuer's path.
///
/// # Errors
/// 404 for a path that is no issuer's.
pub(crate) async fn bank_of(app: &App, path: &str) -> Result<BankCode, OAuthError> {
    let unknown = OAuthError::unknown_issuer();
    let bank = BankCode::parse(path).map_err(|_| unknown)?;
    match bank_record(&app.pool, &bank).await {
        Ok(Some(_)) => Ok(bank),
        Ok(None) => Err(unknown),
        Err(error) => Err(store_failed(&error)),
    }
}

/// The answer for a store that failed; the cause goes to the log.
fn store_failed(error: &dyn std::error::Error) -> OAuthError {
    tracing::error!(%error, "the event store failed");
    OAuthError::temporarily_unavailable()
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        store_failed(&error)
    }
}

impl From<Unseen> for OAuthError {
    fn from(unseen: Unseen) -> Self {
        store_failed(&unseen)
    }
}

impl From<sqlx::Error> for OAuthError {
    fn from(error: sqlx::Error) -> Self {
        store_failed(&error)
    }
}

impl From<KeyError> for OAuthError {
    fn from(error: KeyError) -> Self {
        store_failed(&error)
    }
}

impl<R: std::error::Error> From<CommandError<R>> for OAuthError {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Refused(refusal) => {
                tracing::info!(error = %refusal, "a command was refused");
                Self::invalid_grant()
            }
            CommandError::Busy => Self::temporarily_unavailable(),
            CommandError::Violates(constraint) => {
                tracing::error!(constraint, "a command violates a constraint");
                Self::server_error()
            }
            CommandError::Store(cause) => store_failed(cause.as_ref()),
        }
    }
}

#[utoipa::path(
    get,
    path = "/.well-known/oauth-authorization-server/{bank}",
    tag = "discovery",
    operation_id = "metadata",
    summary = "The metadata of a bank's issuer (RFC 8414)",
    params(crate::openapi::BankPath),
    responses((status = 200, description = "The metadata", body = Metadata))
)]
pub(crate) async fn show_metadata(
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<HttpResponse, OAuthError> {
    let bank = bank_of(&app, &path).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .json(metadata(&app.issuer(&bank))))
}

#[utoipa::path(
    get,
    path = "/{bank}/.well-known/oauth-authorization-server",
    tag = "discovery",
    operation_id = "metadata_under_the_issuer",
    summary = "The same, at the address under the issuer",
    params(crate::openapi::BankPath),
    responses((status = 200, description = "The metadata", body = Metadata))
)]
pub(crate) async fn show_metadata_by_suffix(
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<HttpResponse, OAuthError> {
    show_metadata(app, path).await
}

#[utoipa::path(
    get,
    path = "/{bank}/jwks",
    tag = "discovery",
    operation_id = "keys",
    summary = "The keys that sign access tokens (RFC 7517)",
    params(crate::openapi::BankPath),
    responses((
        status = 200,
        description = "The keys",
        body = crate::openapi::JwkSet,
        content_type = "application/jwk-set+json"
    ))
)]
pub(crate) async fn show_keys(
    app: web::Data<App>,
    path: web::Path<String>,
) -> Result<HttpResponse, OAuthError> {
    let bank = bank_of(&app, &path).await?;
    Ok(HttpResponse::Ok()
        .insert_header((
            CACHE_CONTROL,
            format!("public, max-age={KEY_SET_MAX_AGE_SECONDS}"),
        ))
        .insert_header((CONTENT_TYPE, "application/jwk-set+json"))
        .body(
            app.keys
                .current_ring(&app.pool)
                .await?
                .jwks(&bank)
                .to_string(),
        ))
}
