//! Where the access token may stand: the Authorization header, scheme Bearer, and nowhere else
//! (RFC 6750 section 2.1; the query is what FAPI 2.0 forbids).

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::problem::Problem;

/// Longest access token, in bytes; one of a few hundred accounts fits.
const MAX_TOKEN_BYTES: usize = 24 * 1024;

/// The bearer token of a request, not yet looked at.
///
/// # Errors
///
/// `missing_token` without a bearer token, `invalid_request` for a token in the query or more than
/// one header, `invalid_token` for text that can't be a token.
pub(crate) fn bearer_token(request: &HttpRequest) -> Result<&str, Problem> {
    let in_query = url::form_urlencoded::parse(request.query_string().as_bytes())
        .any(|(name, _)| name == "access_token");
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let first = headers.next();
    if in_query || headers.next().is_some() {
        return Err(Problem::UnsupportedTokenUse);
    }
    let Some(value) = first else {
        return Err(Problem::MissingToken);
    };
    let value = value.to_str().map_err(|_| Problem::InvalidToken)?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(Problem::MissingToken);
    }
    let token = token.trim_matches(' ');
    if (1..=MAX_TOKEN_BYTES).contains(&token.len()) && token.bytes().all(is_token_byte) {
        Ok(token)
    } else {
        Err(Problem::InvalidToken)
    }
}

/// A compact JWS: base64url and dots (RFC 7515 section 3.1).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}
