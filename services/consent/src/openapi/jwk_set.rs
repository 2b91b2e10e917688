//! The published key set, as `protocol::signing_key` writes it.

use utoipa::ToSchema;

/// The keys that sign access tokens (RFC 7517). A key is published before it signs, and until the last
/// token that it signed has ended.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes JSON that the keys' own module writes"
)]
pub(crate) struct JwkSet {
    keys: Vec<Jwk>,
}

/// A public key on P-256.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes JSON that the keys' own module writes"
)]
struct Jwk {
    /// Always `EC`.
    #[schema(example = "EC")]
    kty: String,
    /// Always `P-256`.
    #[schema(example = "P-256")]
    crv: String,
    /// 32 bytes in base64url.
    #[schema(example = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")]
    x: String,
    /// 32 bytes in base64url.
    #[schema(example = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0")]
    y: String,
    /// Always `sig`.
    #[schema(example = "sig")]
    r#use: String,
    /// Always `ES256`.
    #[schema(example = "ES256")]
    alg: String,
    /// In the header of the tokens that it signed.
    #[schema(example = "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U")]
    kid: String,
}
