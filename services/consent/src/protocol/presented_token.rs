//! A token that somebody presents to learn of it or to end it (RFC 7009 2.1, RFC 7662 2.1).

use super::form::{Fields, Limits, Remaining};
use super::oauth_error::OAuthError;
use super::secret::Secret;

/// A token by its form. The two kinds can't be mistaken for each other, so `token_type_hint` decides
/// nothing: wrong and unknown hints are ignored, as both RFCs allow.
#[derive(Debug)]
pub enum PresentedToken {
    /// Parts with dots between them, as a JWT has them.
    AccessToken(Secret),
    /// Anything else.
    RefreshToken(Secret),
}

impl PresentedToken {
    /// An access token of some 300 accounts fits.
    pub const LIMITS: Limits = Limits {
        body_bytes: 64 * 1024,
        fields: 16,
        name_bytes: 64,
        value_bytes: 32 * 1024,
    };

    /// Takes the token out of a form, after the client's proof was; other parameters are ignored.
    ///
    /// # Errors
    /// `invalid_request` without a token, or for a parameter that came twice.
    pub fn take(mut fields: Fields) -> Result<Self, OAuthError> {
        fields.require_once()?;
        let token = fields
            .take_optional("token")?
            .filter(|token| !token.is_empty())
            .ok_or(OAuthError::invalid_request("token is missing"))?;
        fields.finish(Remaining::Ignore)?;
        let token = Secret::new(token);
        Ok(if token.expose().contains('.') {
            Self::AccessToken(token)
        } else {
            Self::RefreshToken(token)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(body: &str) -> Result<PresentedToken, OAuthError> {
        PresentedToken::take(Fields::parse(body.as_bytes(), PresentedToken::LIMITS).unwrap())
    }

    #[test]
    fn the_form_tells_the_kind_whatever_the_hint_says() {
        for hint in [
            "",
            "&token_type_hint=access_token",
            "&token_type_hint=nonsense",
        ] {
            let refresh = take(&format!("token=abc{hint}")).unwrap();
            assert!(matches!(refresh, PresentedToken::RefreshToken(_)), "{hint}");
            let access = take(&format!("token=a.b.c{hint}&unknown=1")).unwrap();
            assert!(matches!(access, PresentedToken::AccessToken(_)), "{hint}");
        }
    }

    #[test]
    fn one_token_is_needed_and_each_parameter_comes_once() {
        for body in [
            "",
            "token=",
            "token=a&token=b",
            "token=a&token_type_hint=x&token_type_hint=x",
        ] {
            assert_eq!(take(body).unwrap_err().error, "invalid_request", "{body}");
        }
    }
}
