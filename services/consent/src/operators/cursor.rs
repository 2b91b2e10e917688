//! Cursors: the key of the last row of a page, as text that says nothing to whoever gets it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use super::query::Parameters;
use crate::problem::Problem;

/// A key that a page begins after.
pub(crate) struct Cursor<K>(pub(crate) K);

/// `cursor`, if it was sent.
///
/// # Errors
/// `invalid_parameter`.
pub(crate) fn take<K: DeserializeOwned>(
    parameters: &mut Parameters,
) -> Result<Option<Cursor<K>>, Problem> {
    let Some(text) = parameters.take("cursor") else {
        return Ok(None);
    };
    let json = URL_SAFE_NO_PAD.decode(text).ok();
    let key = json.and_then(|json| serde_json::from_slice(&json).ok());
    key.map(|key| Some(Cursor(key)))
        .ok_or(Problem::invalid_parameter("cursor is not one of ours."))
}

/// How many rows to read: one more than the page tells whether there is another.
pub(crate) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

/// Cuts what was read to the page, and gives the next page's cursor where there is one.
pub(crate) fn next<T, K: Serialize>(
    rows: &mut Vec<T>,
    limit: usize,
    key: impl Fn(&T) -> K,
) -> Option<String> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more)?;
    let json = serde_json::to_vec(&key(last)).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}
