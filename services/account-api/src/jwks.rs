//! The keys of one issuer, cached.
//!
//! The set is loaded when first needed, again when it is old, and again when a token names a key
//! that is not in it: at most once per [`MISS_INTERVAL`], by one request at a time. A set that can't
//! be renewed serves for [`USABLE_FOR`] at most.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

/// After this the set is loaded again.
const FRESH_FOR: Duration = Duration::from_secs(300);
/// After this a set that could not be renewed is no longer trusted.
const USABLE_FOR: Duration = Duration::from_secs(3600);
/// Between two loads because of a key that is not in the set.
const MISS_INTERVAL: Duration = Duration::from_secs(10);
/// Between two loads where the last one failed.
const FAILURE_INTERVAL: Duration = Duration::from_secs(1);
/// For connecting, and for the whole exchange.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest answer, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// Most keys of a set.
const MAX_KEYS: usize = 64;

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// The issuer publishes no such key.
    #[error("the issuer publishes no such key")]
    Unknown,
    /// The issuer's keys can't be had.
    #[error("the issuer's keys can't be had")]
    Unavailable,
}

/// Loads and keeps the keys of one issuer.
pub(crate) struct IssuerKeys {
    url: Url,
    http: reqwest::Client,
    state: RwLock<KeyState>,
    /// Held while loading: one load at a time.
    loading: Mutex<()>,
}

#[derive(Default)]
struct KeyState {
    keys: HashMap<String, DecodingKey>,
    loaded_at: Option<Instant>,
    failed_at: Option<Instant>,
    missed_at: Option<Instant>,
}

enum Lookup {
    Found(DecodingKey),
    Missing(KeyError),
    MustLoad,
}

/// The HTTP client for key sets: no redirects, no proxy of the environment, bounded in time.
///
/// # Errors
///
/// Where the client can't be built.
pub(crate) fn http_client(
    tls: tls::rustls::ClientConfig,
) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(FETCH_TIMEOUT)
        .build()
}

impl IssuerKeys {
    /// Loads nothing yet.
    pub(crate) fn new(url: Url, http: reqwest::Client) -> Arc<Self> {
        Arc::new(Self {
            url,
            http,
            state: RwLock::default(),
            loading: Mutex::new(()),
        })
    }

    /// The ES256 key with this id.
    ///
    /// # Errors
    ///
    /// [`KeyError`]; `Unavailable` says nothing about the key.
    pub(crate) async fn key(self: &Arc<Self>, key_id: &str) -> Result<DecodingKey, KeyError> {
        match self.lookup(key_id) {
            Lookup::Found(key) => return Ok(key),
            Lookup::Missing(error) => return Err(error),
            Lookup::MustLoad => {}
        }
        // In a task of its own: a caller that hangs up can't keep the outcome from being recorded.
        let (keys, key_id) = (Arc::clone(self), key_id.to_owned());
        let loading = tokio::spawn(async move {
            keys.load(&key_id).await;
            keys.lookup(&key_id)
        });
        match loading.await {
            Ok(Lookup::Found(key)) => Ok(key),
            Ok(Lookup::Missing(error)) => Err(error),
            Ok(Lookup::MustLoad) | Err(_) => Err(KeyError::Unavailable),
        }
    }

    fn lookup(&self, key_id: &str) -> Lookup {
        // The state is whole after every write, so a poisoned lock is as good as any.
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.lookup(key_id, Instant::now())
    }

    async fn load(&self, key_id: &str) {
        let _one_at_a_time = self.loading.lock().await;
        if !matches!(self.lookup(key_id), Lookup::MustLoad) {
            return; // Another request has loaded the set meanwhile.
        }
        let outcome = self.fetch().await;
        if let Err(error) = &outcome {
            tracing::warn!(url = %self.url, %error, "key set not loaded");
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.record(outcome.ok(), key_id, Instant::now());
    }

    async fn fetch(&self) -> Result<HashMap<String, DecodingKey>, FetchError> {
        let mut response = self.http.get(self.url.clone()).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        parse_key_set(&body)
    }
}

impl KeyState {
    fn lookup(&self, key_id: &str, now: Instant) -> Lookup {
        let within = |moment: Option<Instant>, limit: Duration| {
            moment.is_some_and(|moment| now.saturating_duration_since(moment) < limit)
        };
        let just_failed = within(self.failed_at, FAILURE_INTERVAL);
        if !within(self.loaded_at, USABLE_FOR) {
            return if just_failed {
                Lookup::Missing(KeyError::Unavailable)
            } else {
                Lookup::MustLoad
            };
        }
        let fresh = within(self.loaded_at, FRESH_FOR);
        match self.keys.get(key_id) {
            Some(key) if fresh || just_failed => Lookup::Found(key.clone()),
            None if just_failed => Lookup::Missing(KeyError::Unavailable),
            None if fresh && within(self.missed_at, MISS_INTERVAL) => {
                Lookup::Missing(KeyError::Unknown)
            }
            Some(_) | None => Lookup::MustLoad,
        }
    }

    fn record(
        &mut self,
        loaded: Option<HashMap<String, DecodingKey>>,
        wanted_key_id: &str,
        now: Instant,
    ) {
        let Some(keys) = loaded else {
            self.failed_at = Some(now);
            return;
        };
        if !keys.contains_key(wanted_key_id) {
            self.missed_at = Some(now);
        }
        self.keys = keys;
        self.loaded_at = Some(now);
        self.failed_at = None;
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("status {0}")]
    Status(u16),
    #[error("more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("not a key set: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("more than {MAX_KEYS} keys")]
    TooManyKeys,
}

/// RFC 7517 section 5.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct EcKey {
    kty: String,
    crv: String,
    kid: String,
    x: String,
    y: String,
    r#use: Option<String>,
    alg: Option<String>,
}

/// Keeps the keys that ES256 can use; others are none of our business (RFC 7517 section 5).
fn parse_key_set(body: &[u8]) -> Result<HashMap<String, DecodingKey>, FetchError> {
    let set: KeySet = serde_json::from_slice(body)?;
    if set.keys.len() > MAX_KEYS {
        return Err(FetchError::TooManyKeys);
    }
    let mut keys = HashMap::new();
    for value in set.keys {
        let Ok(key) = serde_json::from_value::<EcKey>(value) else {
            continue;
        };
        let usable = key.kty == "EC"
            && key.crv == "P-256"
            && key.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
            && key
                .alg
                .as_deref()
                .is_none_or(|algorithm| algorithm == "ES256");
        if let (true, Ok(decoding_key)) = (usable, DecodingKey::from_ec_components(&key.x, &key.y))
        {
            keys.entry(key.kid).or_insert(decoding_key);
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = r#"{"keys":[
        {"kty":"EC","crv":"P-256","kid":"a","x":"AQ","y":"Ag","alg":"ES256","use":"sig"},
        {"kty":"EC","crv":"P-256","kid":"enc","x":"AQ","y":"Ag","use":"enc"},
        {"kty":"EC","crv":"P-384","kid":"long","x":"AQ","y":"Ag"},
        {"kty":"RSA","kid":"rsa","n":"AQ","e":"AQAB"}]}"#;

    fn keys() -> HashMap<String, DecodingKey> {
        parse_key_set(SET.as_bytes()).unwrap()
    }

    #[test]
    fn only_keys_for_es256_are_kept() {
        assert_eq!(keys().keys().collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn an_unknown_key_loads_the_set_again_once_per_interval() {
        let start = Instant::now();
        let mut state = KeyState::default();
        assert!(matches!(state.lookup("a", start), Lookup::MustLoad));
        state.record(Some(keys()), "a", start);
        assert!(matches!(state.lookup("a", start), Lookup::Found(_)));
        assert!(matches!(state.lookup("b", start), Lookup::MustLoad));
        state.record(Some(keys()), "b", start);
        assert!(matches!(
            state.lookup("b", start),
            Lookup::Missing(KeyError::Unknown)
        ));
        assert!(matches!(
            state.lookup("c", start),
            Lookup::Missing(KeyError::Unknown)
        ));
        assert!(matches!(
            state.lookup("c", start + MISS_INTERVAL),
            Lookup::MustLoad
        ));
    }

    #[test]
    fn an_outage_is_not_an_unknown_key_and_an_old_set_serves_only_so_long() {
        let start = Instant::now();
        let mut state = KeyState::default();
        state.record(None, "a", start);
        assert!(matches!(
            state.lookup("a", start),
            Lookup::Missing(KeyError::Unavailable)
        ));
        assert!(matches!(
            state.lookup("a", start + FAILURE_INTERVAL),
            Lookup::MustLoad
        ));

        state.record(Some(keys()), "a", start);
        let old = start + FRESH_FOR;
        assert!(matches!(state.lookup("a", old), Lookup::MustLoad));
        state.record(None, "a", old);
        assert!(matches!(state.lookup("a", old), Lookup::Found(_)));
        assert!(matches!(
            state.lookup("b", old),
            Lookup::Missing(KeyError::Unavailable)
        ));

        let too_old = start + USABLE_FOR;
        state.record(None, "a", too_old);
        assert!(matches!(
            state.lookup("a", too_old),
            Lookup::Missing(KeyError::Unavailable)
        ));
    }
}
