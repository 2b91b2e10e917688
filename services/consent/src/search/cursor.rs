use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use consent_domain::Instant;

use crate::protocol::digest::sha256;

/// A place in the order of a search: the time that orders it, then the stream's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The time.
    pub at: Instant,
    /// The stream.
    pub stream: String,
}

/// A cursor that this search did not give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this search")]
pub struct BadCursor;

/// Longest cursor, in bytes.
const LENGTH_MAX: usize = 256;

impl Place {
    /// The place as text that means nothing to others; `search` is [`super::Search::text`].
    pub fn to_cursor(&self, search: &str) -> String {
        let text = format!(
            "{}.{}.{}",
            fingerprint(search),
            self.at.timestamp_micros(),
            self.stream
        );
        URL_SAFE_NO_PAD.encode(text)
    }

    /// The place of a cursor of that search.
    ///
    /// # Errors
    /// [`BadCursor`].
    pub fn parse(cursor: &str, search: &str) -> Result<Self, BadCursor> {
        if cursor.len() > LENGTH_MAX {
            return Err(BadCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| BadCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| BadCursor)?;
        let mut parts = text.splitn(3, '.');
        let (Some(of), Some(at), Some(stream)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadCursor);
        };
        let at: i64 = at.parse().map_err(|_| BadCursor)?;
        let at = DateTime::from_timestamp_micros(at).ok_or(BadCursor)?;
        // What PostgreSQL can't hold was never given.
        let is_plain = (0..=253_402_300_799).contains(&at.timestamp()) && !stream.contains('\0');
        if of != fingerprint(search) || !is_plain {
            return Err(BadCursor);
        }
        Ok(Self {
            at,
            stream: stream.to_owned(),
        })
    }
}

fn fingerprint(search: &str) -> String {
    let digest = sha256(search.as_bytes());
    let first: Vec<u8> = digest.into_iter().take(6).collect();
    URL_SAFE_NO_PAD.encode(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place_in_its_own_search_only() {
        let place = Place {
            at: DateTime::from_timestamp_micros(1_780_000_000_123_456).unwrap(),
            stream: "2963:a.b-c_d".to_owned(),
        };
        let cursor = place.to_cursor("one");
        assert_eq!(Place::parse(&cursor, "one"), Ok(place));
        assert_eq!(Place::parse(&cursor, "another"), Err(BadCursor));
        for bad in ["", "x", "AAAA", "%00", &"A".repeat(300), &cursor[1..]] {
            assert_eq!(Place::parse(bad, "one"), Err(BadCursor), "{bad}");
        }
    }
}
