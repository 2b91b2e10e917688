//! Client authentication by `private_key_jwt` (RFC 7523, FAPI 2.0 5.3.2.1): the assertion's rules.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use consent_domain::ClientId;
use serde::Deserialize;
use serde_json::Value;

use super::client::Client;
use super::issuer::Issuer;
use super::json_web_key::KeyAlgorithm;
use super::oauth_error::OAuthError;

/// `exp` may lie this far ahead.
pub const LIFETIME_MAX_SECONDS: i64 = 300;
/// `iat` and `nbf` may lie this far ahead. The profile accepts 10 s and refuses from 60 s; between
/// them a request's own travel time must not decide.
pub const CLOCK_SKEW_MAX_SECONDS: i64 = 30;
const ASSERTION_BYTES_MAX: usize = 8 * 1024;
const JTI_BYTES_MAX: usize = 256;

/// Why an assertion was refused; for the operator's log. The client learns `invalid_client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionRefused {
    /// Not three base64url parts of JSON within 8 KiB.
    #[error("the assertion is not a signed JWT")]
    Malformed,
    /// `alg` is not ES256, PS256 or EdDSA.
    #[error("the algorithm is not accepted")]
    Algorithm,
    /// `crit` names extensions that must be understood; none is.
    #[error("the header has crit")]
    CriticalHeader,
    /// `typ` is that of another kind of token.
    #[error("the header's typ is another token's")]
    TokenType,
    /// No key of the client has this `kid` and fits the algorithm.
    #[error("the client has no such key")]
    UnknownKey,
    /// No fitting key made the signature.
    #[error("the signature is wrong")]
    Signature,
    /// `iss` and `sub` must both be the client's id.
    #[error("iss and sub must be the client_id")]
    Subject,
    /// `aud` must be the issuer as a single string.
    #[error("aud must be the issuer as a single string")]
    Audience,
    /// `exp` is missing or past.
    #[error("the assertion has expired")]
    Expired,
    /// `exp` is more than 5 minutes ahead.
    #[error("exp is too far ahead")]
    LivesTooLong,
    /// `iat` or `nbf` is ahead of the clock.
    #[error("the assertion is from the future")]
    FromTheFuture,
    /// `jti` is missing, empty or longer than 256 bytes.
    #[error("the assertion needs a jti of at most 256 bytes")]
    TokenId,
}

impl From<AssertionRefused> for OAuthError {
    fn from(_: AssertionRefused) -> Self {
        Self::invalid_client()
    }
}

/// An assertion whose rules held. Its `jti` is not spent yet: see [`super::jti::spend_jti`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// Who signed.
    pub client_id: ClientId,
    /// To be spent once.
    pub jti: String,
    /// Until when the `jti` must be remembered.
    pub expires_at: DateTime<Utc>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    // Presence counts, whatever the value: `null` too.
    #[serde(default, deserialize_with = "present")]
    crit: Option<Value>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: f64,
    iat: Option<f64>,
    nbf: Option<f64>,
    jti: Option<String>,
}

struct Parts<'jwt> {
    message: &'jwt str,
    signature: &'jwt str,
    header: Header,
    claims: Claims,
}

fn split(assertion: &str) -> Option<Parts<'_>> {
    if assertion.len() > ASSERTION_BYTES_MAX {
        return None;
    }
    let (message, signature) = assertion.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    Some(Parts {
        message,
        signature,
        header: serde_json::from_slice(&header).ok()?,
        claims: serde_json::from_slice(&claims).ok()?,
    })
}

/// Who the assertion says it is from, unproven: only for finding the client whose keys prove it.
pub fn find_claimed_client_id(assertion: &str) -> Option<ClientId> {
    ClientId::parse(split(assertion)?.claims.sub).ok()
}

/// Checks an assertion against the client's registered keys.
///
/// # Errors
/// [`AssertionRefused`], the first rule that did not hold.
pub fn verify_client_assertion(
    assertion: &str,
    client: &Client,
    issuer: &Issuer,
    now: DateTime<Utc>,
) -> Result<VerifiedAssertion, AssertionRefused> {
    let parts = split(assertion).ok_or(AssertionRefused::Malformed)?;
    verify_signature(&parts, client)?;
    let claims = parts.claims;
    let client_id = client.client_id();
    if claims.iss != client_id.as_str() || claims.sub != client_id.as_str() {
        return Err(AssertionRefused::Subject);
    }
    if claims.aud.as_str() != Some(issuer.as_str()) {
        return Err(AssertionRefused::Audience);
    }
    let expires_at = verify_times(&claims, now)?;
    let jti = claims.jti.ok_or(AssertionRefused::TokenId)?;
    if jti.is_empty() || jti.len() > JTI_BYTES_MAX {
        return Err(AssertionRefused::TokenId);
    }
    Ok(VerifiedAssertion {
        client_id: client_id.clone(),
        jti,
        expires_at,
    })
}

fn verify_signature(parts: &Parts<'_>, client: &Client) -> Result<(), AssertionRefused> {
    let header = &parts.header;
    let algorithm = KeyAlgorithm::find(&header.alg).ok_or(AssertionRefused::Algorithm)?;
    if header.crit.is_some() {
        return Err(AssertionRefused::CriticalHeader);
    }
    if !header.typ.as_deref().is_none_or(is_assertion_type) {
        return Err(AssertionRefused::TokenType);
    }
    let mut fitting = client
        .keys()
        .iter()
        .filter(|key| key.algorithm() == algorithm)
        .filter(|key| header.kid.as_deref().is_none_or(|kid| key.kid() == kid))
        .peekable();
    if fitting.peek().is_none() {
        return Err(AssertionRefused::UnknownKey);
    }
    if fitting.any(|key| key.verifies(parts.message.as_bytes(), parts.signature)) {
        Ok(())
    } else {
        Err(AssertionRefused::Signature)
    }
}

fn is_assertion_type(typ: &str) -> bool {
    ["jwt", "client-authentication+jwt"]
        .iter()
        .any(|known| typ.eq_ignore_ascii_case(known))
}

fn verify_times(claims: &Claims, now: DateTime<Utc>) -> Result<DateTime<Utc>, AssertionRefused> {
    // Milliseconds: NumericDate may carry a fraction (RFC 7519 2).
    let instant = |seconds: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "as saturates, and the range is checked"
        )]
        let milliseconds = (seconds * 1000.0) as i64;
        DateTime::from_timestamp_millis(milliseconds).ok_or(AssertionRefused::Malformed)
    };
    let expires_at = instant(claims.exp)?;
    if expires_at <= now {
        return Err(AssertionRefused::Expired);
    }
    if expires_at - now > chrono::Duration::seconds(LIFETIME_MAX_SECONDS) {
        return Err(AssertionRefused::LivesTooLong);
    }
    for start in [claims.iat, claims.nbf].into_iter().flatten() {
        if instant(start)? - now > chrono::Duration::seconds(CLOCK_SKEW_MAX_SECONDS) {
            return Err(AssertionRefused::FromTheFuture);
        }
    }
    Ok(expires_at)
}

#[cfg(test)]
mod tests {
    use consent_domain::BankCode;
    use hmac::{Hmac, Mac};
    use serde_json::json;
    use sha2::Sha256;

    use super::super::client::RedirectUriPolicy;
    use super::super::test_keys::{self, CLIENT_ID, TestKey};
    use super::*;

    const NOW: i64 = 1_767_225_600;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(NOW, 0).unwrap()
    }

    fn issuer() -> Issuer {
        Issuer::new("https://consent.example", &BankCode::parse("2963").unwrap())
    }

    fn client() -> Client {
        Client::try_new(&test_keys::registration(), RedirectUriPolicy::HttpsOnly).unwrap()
    }

    fn claims() -> Value {
        json!({
            "iss": CLIENT_ID, "sub": CLIENT_ID, "aud": issuer().as_str(), "jti": "n1",
            "iat": NOW, "exp": NOW + 60,
        })
    }

    fn verify(assertion: &str) -> Result<VerifiedAssertion, AssertionRefused> {
        verify_client_assertion(assertion, &client(), &issuer(), now())
    }

    fn with(member: &str, value: Value) -> Result<VerifiedAssertion, AssertionRefused> {
        let mut claims = claims();
        claims[member] = value;
        verify(&test_keys::ec().sign(json!({"alg": "ES256", "kid": "ec"}), &claims))
    }

    fn with_header(key: &TestKey, header: Value) -> Result<VerifiedAssertion, AssertionRefused> {
        verify(&key.sign(header, &claims()))
    }

    #[test]
    fn each_key_type_authenticates_with_and_without_kid() {
        for (key, alg, kid) in [
            (test_keys::ec(), "ES256", "ec"),
            (test_keys::rsa(), "PS256", "rsa"),
            (test_keys::ed(), "EdDSA", "ed"),
        ] {
            let verified = with_header(key, json!({"alg": alg, "kid": kid, "typ": "JWT"})).unwrap();
            assert_eq!(verified.jti, "n1");
            assert_eq!(verified.expires_at.timestamp(), NOW + 60);
            with_header(key, json!({"alg": alg})).unwrap();
        }
    }

    #[test]
    fn the_claimed_client_is_readable_before_it_is_proven() {
        let assertion = test_keys::ec().sign(json!({"alg": "ES256"}), &claims());
        assert_eq!(
            find_claimed_client_id(&assertion).unwrap().as_str(),
            CLIENT_ID
        );
        assert_eq!(find_claimed_client_id("a.b.c"), None);
    }

    #[test]
    fn an_unsigned_assertion_is_refused() {
        let signed = test_keys::ec().sign(json!({"alg": "none"}), &claims());
        let unsigned = format!("{}.", signed.rsplit_once('.').unwrap().0);
        assert_eq!(verify(&unsigned), Err(AssertionRefused::Algorithm));
        assert_eq!(verify(&signed), Err(AssertionRefused::Algorithm));
    }

    #[test]
    fn a_public_key_is_no_hmac_secret() {
        let message = test_keys::ec().sign(json!({"alg": "HS256", "kid": "ec"}), &claims());
        let message = message.rsplit_once('.').unwrap().0;
        let secret = test_keys::ec().jwk("ec").to_string();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(message.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert_eq!(
            verify(&format!("{message}.{signature}")),
            Err(AssertionRefused::Algorithm)
        );
    }

    #[test]
    fn other_algorithms_are_refused() {
        for alg in ["RS256", "ES384", "PS512", "es256", "ES256K", ""] {
            let refused = with_header(test_keys::rsa(), json!({"alg": alg}));
            assert_eq!(refused, Err(AssertionRefused::Algorithm), "{alg}");
        }
    }

    #[test]
    fn a_key_is_not_used_with_another_types_algorithm() {
        let refused = with_header(test_keys::ec(), json!({"alg": "PS256", "kid": "ec"}));
        assert_eq!(refused, Err(AssertionRefused::UnknownKey));
    }

    #[test]
    fn an_rsa_key_does_not_sign_in_the_old_padding() {
        let refused = with_header(
            test_keys::rsa_pkcs1(),
            json!({"alg": "PS256", "kid": "rsa"}),
        );
        assert_eq!(refused, Err(AssertionRefused::Signature));
    }

    #[test]
    fn another_key_or_an_unknown_kid_is_refused() {
        let stranger = test_keys::other_ec();
        let refused = with_header(stranger, json!({"alg": "ES256", "kid": "ec"}));
        assert_eq!(refused, Err(AssertionRefused::Signature));
        let refused = with_header(stranger, json!({"alg": "ES256"}));
        assert_eq!(refused, Err(AssertionRefused::Signature));
        let refused = with_header(test_keys::ec(), json!({"alg": "ES256", "kid": "old"}));
        assert_eq!(refused, Err(AssertionRefused::UnknownKey));
    }

    #[test]
    fn changed_claims_are_refused() {
        let header = json!({"alg": "ES256"});
        let one = test_keys::ec().sign(header.clone(), &claims());
        let mut other = claims();
        other["jti"] = json!("n2");
        let other = test_keys::ec().sign(header, &other);
        let mixed = format!(
            "{}.{}",
            other.rsplit_once('.').unwrap().0,
            one.rsplit_once('.').unwrap().1
        );
        assert_eq!(verify(&mixed), Err(AssertionRefused::Signature));
    }

    #[test]
    fn a_critical_header_is_refused_whatever_it_says() {
        for crit in [json!(["b64"]), json!([]), Value::Null] {
            let header = json!({"alg": "ES256", "crit": crit, "b64": false});
            let refused = with_header(test_keys::ec(), header);
            assert_eq!(refused, Err(AssertionRefused::CriticalHeader));
        }
    }

    #[test]
    fn another_kind_of_token_is_refused() {
        let refused = with_header(test_keys::ec(), json!({"alg": "ES256", "typ": "at+jwt"}));
        assert_eq!(refused, Err(AssertionRefused::TokenType));
    }

    #[test]
    fn the_audience_is_the_issuer_as_one_string() {
        for aud in [
            json!([issuer().as_str()]),
            json!([issuer().as_str(), "x"]),
            json!(issuer().endpoint("token")),
            json!("https://consent.example/2963/"),
            json!("https://consent.example/2951"),
            Value::Null,
        ] {
            assert_eq!(
                with("aud", aud.clone()),
                Err(AssertionRefused::Audience),
                "{aud}"
            );
        }
    }

    #[test]
    fn issuer_and_subject_are_the_client() {
        assert_eq!(with("iss", json!("other")), Err(AssertionRefused::Subject));
        assert_eq!(with("sub", json!("other")), Err(AssertionRefused::Subject));
    }

    #[test]
    fn an_assertion_expires_within_five_minutes() {
        with("exp", json!(NOW + 300)).unwrap();
        with("exp", json!(NOW as f64 + 1.5)).unwrap();
        assert_eq!(
            with("exp", json!(NOW + 301)),
            Err(AssertionRefused::LivesTooLong)
        );
        assert_eq!(
            with("exp", json!(1e12)),
            Err(AssertionRefused::LivesTooLong)
        );
        assert_eq!(with("exp", json!(1e300)), Err(AssertionRefused::Malformed));
        assert_eq!(with("exp", json!(NOW)), Err(AssertionRefused::Expired));
        assert_eq!(with("exp", json!(-1e300)), Err(AssertionRefused::Malformed));
        assert_eq!(with("exp", Value::Null), Err(AssertionRefused::Malformed));
        assert_eq!(with("exp", json!("soon")), Err(AssertionRefused::Malformed));
    }

    #[test]
    fn a_clock_may_be_ten_seconds_ahead_but_not_a_minute() {
        for claim in ["iat", "nbf"] {
            with(claim, json!(NOW + 10)).unwrap();
            with(claim, json!(NOW - 3600)).unwrap();
            assert_eq!(
                with(claim, json!(NOW + 60)),
                Err(AssertionRefused::FromTheFuture)
            );
        }
        with("iat", Value::Null).unwrap();
    }

    #[test]
    fn a_bounded_jti_is_needed() {
        with("jti", json!("j".repeat(256))).unwrap();
        for jti in [Value::Null, json!(""), json!("j".repeat(257))] {
            assert_eq!(with("jti", jti), Err(AssertionRefused::TokenId));
        }
        assert_eq!(with("jti", json!(7)), Err(AssertionRefused::Malformed));
    }

    #[test]
    fn what_is_no_jwt_is_refused() {
        let huge = "a".repeat(ASSERTION_BYTES_MAX + 1);
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            "e30.e30.",
            "e30.e30.x.y",
            huge.as_str(),
        ] {
            assert_eq!(verify(text), Err(AssertionRefused::Malformed));
        }
        let padded = test_keys::ec().sign(json!({"alg": "ES256"}), &claims()) + "=";
        assert_eq!(verify(&padded), Err(AssertionRefused::Signature));
    }
}
