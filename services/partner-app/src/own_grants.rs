//! Asking a bank for a linkage, and ending one from here, with a token of the service's own.

use crate::application::Services;
use crate::oauth::error::OauthError;
use crate::oauth::grant_management::{self, Told};
use crate::oauth::metadata::ServerMetadata;
use crate::oauth::token::{ClientProof, OwnToken, own_token};
use crate::store::Linkage;

/// Why nothing is known, or nothing was ended.
#[derive(Debug, thiserror::Error)]
pub enum OwnGrantError {
    /// The bank names no permission, or has no such interface.
    #[error("the bank does not offer it")]
    NotOffered,
    /// The bank did not answer as it should.
    #[error(transparent)]
    Oauth(#[from] OauthError),
}

/// What the bank says of the linkage now.
pub async fn ask(services: &Services, linkage: &Linkage) -> Result<Told, OwnGrantError> {
    let grant = grant_of(linkage)?;
    let metadata = ServerMetadata::fetch(&services.http, &linkage.bank.issuer).await?;
    let endpoint = metadata
        .grant_management_endpoint
        .as_ref()
        .ok_or(OwnGrantError::NotOffered)?;
    let token = token(services, linkage, &metadata, grant_management::QUERY).await?;
    let told = grant_management::query(&services.http, endpoint, &token.access_token, grant).await;
    Ok(told?)
}

/// Ends the linkage at the bank.
pub async fn end(services: &Services, linkage: &Linkage) -> Result<(), OwnGrantError> {
    let grant = grant_of(linkage)?;
    let metadata = ServerMetadata::fetch(&services.http, &linkage.bank.issuer).await?;
    let endpoint = metadata
        .grant_management_endpoint
        .as_ref()
        .ok_or(OwnGrantError::NotOffered)?;
    let token = token(services, linkage, &metadata, grant_management::REVOKE).await?;
    let ended =
        grant_management::revoke(&services.http, endpoint, &token.access_token, grant).await;
    Ok(ended?)
}

fn grant_of(linkage: &Linkage) -> Result<&str, OwnGrantError> {
    linkage.grant_id.as_deref().ok_or(OwnGrantError::NotOffered)
}

async fn token(
    services: &Services,
    linkage: &Linkage,
    metadata: &ServerMetadata,
    scope: &str,
) -> Result<OwnToken, OauthError> {
    let assertion = services.client_assertion(&linkage.bank.issuer)?;
    let client = ClientProof {
        client_id: &services.settings.client_id,
        assertion: &assertion,
    };
    let (endpoint, now) = (&metadata.token_endpoint, services.clock.now());
    own_token(&services.http, endpoint, &client, scope, now).await
}
