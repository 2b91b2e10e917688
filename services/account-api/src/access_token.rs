//! JWT access tokens (RFC 9068): what must hold before a claim is believed.
//!
//! ES256 only; the keys come from the issuer's configured `jwks_url`. Claims and headers that name
//! keys or URLs are never followed.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use crate::jwks::{IssuerKeys, KeyError};
use crate::problem::Problem;
use crate::settings::Issuer;
use crate::task::Task;

/// Clocks may differ by this much, either way.
const LEEWAY_SECONDS: i64 = 10;
/// Longest identifier in a claim, in bytes.
const MAX_IDENTIFIER_BYTES: usize = 256;
/// The only type of `authorization_details` that this API serves.
const DETAILS_TYPE: &str = "account_information";

/// Proves access tokens of the configured issuers.
pub(crate) struct TokenVerifier {
    resource_identifier: String,
    /// By `iss`.
    issuers: HashMap<String, IssuerAtBank>,
}

struct IssuerAtBank {
    bank_code: String,
    keys: Arc<IssuerKeys>,
}

/// A proven access token.
#[derive(Clone, Debug)]
pub(crate) struct AccessToken {
    bank_code: String,
    client_id: String,
    grant_id: String,
    token_id: String,
    key_id: String,
    coverage: TokenCoverage,
}

/// What the token itself was issued for; the grant may cover more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TokenCoverage {
    /// Tasks named in `scope`; `None` where it names none.
    scope: Option<Vec<Task>>,
    /// Pairs in `authorization_details`; `None` where there are none of our type.
    details: Option<Vec<DetailsAccount>>,
}

/// Why a token is not believed; for the operator's log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Disbelief {
    #[error("not a JWT access token of the accepted form")]
    Form,
    #[error("header: typ, alg, kid or crit")]
    Header,
    #[error("issuer is not configured")]
    Issuer,
    #[error("key is not published by the issuer")]
    Key,
    #[error("signature or audience")]
    Signature,
    #[error("expired, or not yet valid")]
    Time,
    #[error("bound to a key (cnf), which this API can't check")]
    Bound,
    #[error("claims")]
    Claims,
}

#[derive(Deserialize)]
struct IssuerClaim {
    iss: String,
}

#[derive(Deserialize)]
struct Claims {
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    sub: String,
    jti: String,
    client_id: String,
    grant_id: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    authorization_details: Vec<serde_json::Value>,
    cnf: Option<serde_json::Value>,
}

/// One account of a granted `authorization_details` element.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct DetailsAccount {
    account_id: String,
    tasks: Vec<String>,
}

#[derive(Deserialize)]
struct Details {
    accounts: Vec<DetailsAccount>,
}

impl TokenVerifier {
    /// Takes tokens of `issuers` for `resource_identifier`.
    pub(crate) fn new(
        resource_identifier: String,
        issuers: Vec<Issuer>,
        http: &reqwest::Client,
    ) -> Self {
        let issuers = issuers
            .into_iter()
            .map(
                |Issuer {
                     identifier,
                     bank_code,
                     jwks_url,
                 }| {
                    let keys = IssuerKeys::new(jwks_url, http.clone());
                    (identifier, IssuerAtBank { bank_code, keys })
                },
            )
            .collect();
        Self {
            resource_identifier,
            issuers,
        }
    }

    /// Proves a token at `now`.
    ///
    /// # Errors
    ///
    /// `invalid_token`, or `keys_unavailable` where the issuer's keys can't be had.
    pub(crate) async fn verify(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<AccessToken, Problem> {
        let disbelieved = |reason: Disbelief| {
            tracing::info!(%reason, "access token refused");
            Problem::InvalidToken
        };
        let key_id = key_id(token).map_err(disbelieved)?;
        let IssuerClaim { iss } = jsonwebtoken::dangerous::insecure_decode_claims(token)
            .map_err(|_| disbelieved(Disbelief::Form))?;
        let issuer = self
            .issuers
            .get(&iss)
            .ok_or_else(|| disbelieved(Disbelief::Issuer))?;
        let key = match issuer.keys.key(&key_id).await {
            Ok(key) => key,
            Err(KeyError::Unknown) => return Err(disbelieved(Disbelief::Key)),
            Err(KeyError::Unavailable) => return Err(Problem::KeysUnavailable),
        };
        let proven = jsonwebtoken::decode::<Claims>(token, &key, &self.validation(&iss))
            .map_err(|_| disbelieved(Disbelief::Signature))?;
        accept(proven.claims, key_id, &issuer.bank_code, now).map_err(disbelieved)
    }

    fn validation(&self, issuer: &str) -> Validation {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[&self.resource_identifier]);
        // The times are checked below, with the leeway of both ends and the service's clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation
    }
}

/// RFC 9068 section 4, RFC 7515 section 4.1.11.
fn key_id(token: &str) -> Result<String, Disbelief> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Disbelief::Form)?;
    let is_access_token = header.typ.as_deref().is_some_and(|typ| {
        typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
    });
    if !is_access_token || header.alg != Algorithm::ES256 || header.crit.is_some() {
        return Err(Disbelief::Header);
    }
    header
        .kid
        .filter(|kid| is_identifier(kid))
        .ok_or(Disbelief::Header)
}

fn accept(
    claims: Claims,
    key_id: String,
    bank_code: &str,
    now: DateTime<Utc>,
) -> Result<AccessToken, Disbelief> {
    let now = now.timestamp();
    let ahead = |moment: i64| moment > now.saturating_add(LEEWAY_SECONDS);
    if claims.exp.saturating_add(LEEWAY_SECONDS) <= now
        || ahead(claims.iat)
        || claims.nbf.is_some_and(ahead)
    {
        return Err(Disbelief::Time);
    }
    if claims.cnf.is_some() {
        return Err(Disbelief::Bound);
    }
    let identifiers = [
        &claims.sub,
        &claims.jti,
        &claims.client_id,
        &claims.grant_id,
    ];
    if !identifiers
        .into_iter()
        .all(|identifier| is_identifier(identifier))
    {
        return Err(Disbelief::Claims);
    }
    let coverage = TokenCoverage::parse(&claims.scope, claims.authorization_details)?;
    Ok(AccessToken {
        bank_code: bank_code.to_owned(),
        client_id: claims.client_id,
        grant_id: claims.grant_id,
        token_id: claims.jti,
        key_id,
        coverage,
    })
}

fn is_identifier(text: &str) -> bool {
    (1..=MAX_IDENTIFIER_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl AccessToken {
    /// The bank whose issuer signed it; four digits.
    pub(crate) fn bank_code(&self) -> &str {
        &self.bank_code
    }

    /// The partner's service.
    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The grant it was issued under.
    pub(crate) fn grant_id(&self) -> &str {
        &self.grant_id
    }

    /// `jti`.
    pub(crate) fn token_id(&self) -> &str {
        &self.token_id
    }

    /// `kid` of the key that verified it.
    pub(crate) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// True where the token was issued for any task of this account.
    pub(crate) fn covers_account(&self, account_id: &str) -> bool {
        self.coverage.details.as_ref().is_none_or(|accounts| {
            accounts
                .iter()
                .any(|account| account.account_id == account_id)
        })
    }

    /// True where the token was issued for this task of this account.
    pub(crate) fn covers(&self, task: Task, account_id: &str) -> bool {
        let TokenCoverage { scope, details } = &self.coverage;
        let in_scope = scope.as_ref().is_none_or(|tasks| tasks.contains(&task));
        let in_details = details.as_ref().is_none_or(|accounts| {
            accounts.iter().any(|account| {
                account.account_id == account_id
                    && account
                        .tasks
                        .iter()
                        .any(|name| Task::find(name) == Some(task))
            })
        });
        let issued_for_something = scope.is_some() || details.is_some();
        issued_for_something && in_scope && in_details
    }
}

impl TokenCoverage {
    fn parse(scope: &str, details: Vec<serde_json::Value>) -> Result<Self, Disbelief> {
        let tasks: Vec<Task> = scope.split(' ').filter_map(Task::find).collect();
        let mut accounts: Option<Vec<DetailsAccount>> = None;
        for element in details {
            if element.get("type").and_then(serde_json::Value::as_str) != Some(DETAILS_TYPE) {
                continue;
            }
            let details: Details =
                serde_json::from_value(element).map_err(|_| Disbelief::Claims)?;
            accounts.get_or_insert_default().extend(details.accounts);
        }
        Ok(Self {
            scope: (!tasks.is_empty()).then_some(tasks),
            details: accounts,
        })
    }
}
