//! What the endpoints read from their forms. The handlers read field by field (`protocol::form`), so
//! these only describe; a test of the service sends what they describe.

#![expect(dead_code, reason = "descriptions, never constructed")]

use utoipa::ToSchema;

/// The client's proof (RFC 7523, RFC 7521 4.2): `private_key_jwt`.
#[derive(ToSchema)]
struct ClientAuthentication {
    /// May be left out; where sent, it is the assertion's client.
    #[schema(nullable = false, example = "kaikei-app")]
    client_id: Option<String>,
    /// Always `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    #[schema(example = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")]
    client_assertion_type: String,
    /// A JWT signed with a key that the client registered: ES256, PS256 or EdDSA. `iss` and `sub` are
    /// the client id, `aud` the bank's issuer as a single string, `exp` at most 5 minutes ahead, `jti`
    /// new each time.
    #[schema(example = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl")]
    client_assertion: String,
}

/// An authorization request (RFC 9126). At least one of `scope` and `authorization_details` is needed.
#[derive(ToSchema)]
#[schema(as = PushedAuthorizationRequest)]
pub(crate) struct PushedRequestForm {
    #[serde(flatten)]
    client: ClientAuthentication,
    /// Always `code`.
    #[schema(example = "code")]
    response_type: String,
    /// A registered one, byte for byte.
    #[schema(example = "https://kaikei.example/callback")]
    redirect_uri: String,
    /// Returned as it is: at most 1024 printable ASCII characters.
    #[schema(nullable = false, max_length = 1024, example = "af0ifjsldkj")]
    state: Option<String>,
    /// PKCE (RFC 7636): the verifier's SHA-256 in base64url.
    #[schema(example = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    code_challenge: String,
    /// Always `S256`.
    #[schema(example = "S256")]
    code_challenge_method: String,
    /// Task names separated by a space.
    #[schema(nullable = false, example = "balance transactions")]
    scope: Option<String>,
    /// A JSON array (RFC 9396) with one element of type `account_information`: `tasks`, and, where
    /// wanted, `accounts` (the partner's own ids, 1 to 100) and `history_from` (a day in Japan).
    #[schema(
        nullable = false,
        example = "[{\"type\":\"account_information\",\"tasks\":[\"balance\"]}]"
    )]
    authorization_details: Option<String>,
    /// `create` makes a grant beside those that live. `replace` and `merge` change the one that
    /// `grant_id` names: what is allowed stands in the place of what it says, or is added. Without an
    /// action the live grant, if there is one, is changed as by `replace`.
    #[schema(
        nullable = false,
        example = "replace",
        pattern = "^(create|replace|merge)$"
    )]
    grant_management_action: Option<String>,
    /// Of a token response; with `replace` and `merge` only, and always with these.
    #[schema(nullable = false, example = "0196384e-7c3a-7b6e-9d3b-0a4f5c2e8d11")]
    grant_id: Option<String>,
    /// The languages that the customer's pages should have, in order of preference: `ja`, `en`. What
    /// the customer chooses there comes first.
    #[schema(nullable = false, max_length = 256, example = "en ja")]
    ui_locales: Option<String>,
}

/// A code for tokens, or a refresh token for an access token.
#[derive(ToSchema)]
#[schema(as = TokenRequest)]
#[serde(untagged)]
pub(crate) enum TokenForm {
    /// The code of a finished journey (RFC 6749 4.1.3): once, within 60 seconds.
    Code(CodeForm),
    /// RFC 6749 6.
    Refresh(RefreshForm),
    /// RFC 6749 4.4.
    Own(OwnCredentialsForm),
}

/// The client's own credentials for a token of the partner's own (RFC 6749 4.4).
#[derive(ToSchema)]
#[schema(as = ClientCredentialsRequest)]
pub(crate) struct OwnCredentialsForm {
    #[serde(flatten)]
    client: ClientAuthentication,
    /// Always `client_credentials`.
    #[schema(example = "client_credentials", pattern = "^client_credentials$")]
    grant_type: String,
    /// Scopes of the partner itself, separated by a space; no account scopes.
    #[schema(example = "notifications")]
    scope: String,
}

/// What the token endpoint gives.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum TokenAnswer<'a> {
    /// For accounts: of a code or a refresh token.
    OfGrant(crate::protocol::token_response::Body<'a>),
    /// For the partner itself: of `client_credentials`.
    OfPartner(crate::authorization_server::OwnToken<'a>),
}

/// The code of a finished journey (RFC 6749 4.1.3): once, within 60 seconds.
#[derive(ToSchema)]
#[schema(as = AuthorizationCodeRequest)]
pub(crate) struct CodeForm {
    #[serde(flatten)]
    client: ClientAuthentication,
    /// Always `authorization_code`.
    #[schema(example = "authorization_code", pattern = "^authorization_code$")]
    grant_type: String,
    /// As it came to the redirect URI.
    #[schema(example = "SplxlOBeZQQYbYS6WxSbIASplxlOBeZQQYbYS6WxSbI")]
    code: String,
    /// The one of the pushed request.
    #[schema(example = "https://kaikei.example/callback")]
    redirect_uri: String,
    /// Of the pushed request's challenge.
    #[schema(
        min_length = 43,
        max_length = 128,
        example = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )]
    code_verifier: String,
}

/// A refresh token for an access token (RFC 6749 6).
#[derive(ToSchema)]
#[schema(as = RefreshTokenRequest)]
pub(crate) struct RefreshForm {
    #[serde(flatten)]
    client: ClientAuthentication,
    /// Always `refresh_token`.
    #[schema(example = "refresh_token", pattern = "^refresh_token$")]
    grant_type: String,
    /// The token.
    #[schema(example = "5mW0gQkzv0nq8N1i3cJ7yX2bT4uH6sLdRfPeAoVhKxE")]
    refresh_token: String,
    /// Fewer tasks than were granted; all of them without it.
    #[schema(nullable = false, example = "balance")]
    scope: Option<String>,
}

/// A token of the client's own.
#[derive(ToSchema)]
#[schema(as = OwnToken)]
pub(crate) struct ClientTokenForm {
    #[serde(flatten)]
    client: ClientAuthentication,
    #[serde(flatten)]
    token: TokenToIntrospect,
}

/// A token.
#[derive(ToSchema)]
#[schema(as = PresentedToken)]
pub(crate) struct TokenToIntrospect {
    /// An access or a refresh token.
    #[schema(
        max_length = 32_768,
        example = "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2lnbmF0dXJl"
    )]
    token: String,
    /// Taken and ignored: the tokens tell their kinds by themselves.
    #[schema(nullable = false, example = "access_token")]
    token_type_hint: Option<String>,
}
