//! The cursor: the bank's page token, wrapped with the range that it continues.
//!
//! The digest catches a cursor that was damaged or carried to another account. It is no proof
//! against a forger, and need not be: the range inside is held against the limits like any other,
//! and the decision is asked on every page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::access_token::AccessToken;
use crate::date_range::{AskedRange, ReadableRange};
use crate::problem::Problem;
use crate::task::AccountId;

/// Longest cursor taken and given, in characters.
const MAX_CHARACTERS: usize = 4096;
/// Raised when the meaning of a field changes.
const VERSION: u8 = 1;

/// Where to go on reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// `from` of the first request, before any limit.
    pub(crate) asked_from: Option<NaiveDate>,
    /// First day that the first page was read from.
    pub(crate) from: NaiveDate,
    /// Last day; `today` of the first request where it named none.
    pub(crate) to: NaiveDate,
    /// The bank's own, opaque, never empty.
    pub(crate) page_token: String,
}

/// What a cursor belongs to.
#[derive(Clone, Copy)]
pub(crate) struct CursorOwner<'a> {
    pub(crate) token: &'a AccessToken,
    pub(crate) account_id: &'a AccountId,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u8,
    a: Option<NaiveDate>,
    f: NaiveDate,
    t: NaiveDate,
    p: String,
    d: String,
}

impl Cursor {
    /// Continues `range`, which answered `asked`; `None` on the last page.
    pub(crate) fn after(
        asked: AskedRange,
        range: &ReadableRange,
        page_token: Option<String>,
    ) -> Option<Self> {
        page_token.map(|page_token| Self {
            asked_from: asked.from,
            from: range.from,
            to: range.to,
            page_token,
        })
    }

    /// The opaque text; `None` where the bank's token is too long to travel in a URL.
    pub(crate) fn encode(&self, owner: CursorOwner<'_>) -> Option<String> {
        let wire = Wire {
            v: VERSION,
            a: self.asked_from,
            f: self.from,
            t: self.to,
            p: self.page_token.clone(),
            d: self.digest(owner),
        };
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).ok()?);
        (text.len() <= MAX_CHARACTERS).then_some(text)
    }

    /// Reads a cursor that `owner` was given.
    ///
    /// # Errors
    ///
    /// `invalid_cursor` for anything else.
    pub(crate) fn parse(text: &str, owner: CursorOwner<'_>) -> Result<Self, Problem> {
        if text.len() > MAX_CHARACTERS {
            return Err(Problem::InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| Problem::InvalidCursor)?;
        let wire: Wire = serde_json::from_slice(&bytes).map_err(|_| Problem::InvalidCursor)?;
        let cursor = Self {
            asked_from: wire.a,
            from: wire.f,
            to: wire.t,
            page_token: wire.p,
        };
        let ours =
            wire.v == VERSION && !cursor.page_token.is_empty() && wire.d == cursor.digest(owner);
        if ours {
            Ok(cursor)
        } else {
            Err(Problem::InvalidCursor)
        }
    }

    /// What the first request asked for, with its last day made explicit.
    ///
    /// # Errors
    ///
    /// `invalid_cursor` where `repeated`, sent along with the cursor, names another range. The days
    /// asked for and the days answered both count as the same range.
    pub(crate) fn asked(&self, repeated: AskedRange) -> Result<AskedRange, Problem> {
        let from_agrees = repeated
            .from
            .is_none_or(|from| Some(from) == self.asked_from || from == self.from);
        let to_agrees = repeated.to.is_none_or(|to| to == self.to);
        if from_agrees && to_agrees {
            Ok(AskedRange {
                from: self.asked_from,
                to: Some(self.to),
            })
        } else {
            Err(Problem::InvalidCursor)
        }
    }

    fn digest(&self, owner: CursorOwner<'_>) -> String {
        let mut digest = Sha256::new();
        let asked_from = self
            .asked_from
            .map(|day| day.to_string())
            .unwrap_or_default();
        for part in [
            owner.token.bank_code(),
            owner.token.client_id(),
            owner.account_id.as_str(),
            &asked_from,
            &self.from.to_string(),
            &self.to.to_string(),
            &self.page_token,
        ] {
            // The length keeps neighbouring parts apart.
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(digest.finalize())
    }
}
