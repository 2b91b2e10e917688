//! A strict reader of `application/x-www-form-urlencoded` bytes, for pages and endpoints alike.
//!
//! Nothing is repaired: a broken escape, bytes that are not UTF-8 or a NUL (which PostgreSQL's
//! text cannot hold) are refused. Values live in memory that is wiped on drop. The errors carry
//! nothing of what was sent.

use std::collections::BTreeMap;
use std::fmt;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use zeroize::{Zeroize, Zeroizing};

/// Bounds that are checked before the work they bound.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the whole body, in bytes.
    pub body_bytes: usize,
    /// Fields in the body, repeated ones counted.
    pub fields: usize,
    /// Of one name as sent (still encoded), in bytes.
    pub name_bytes: usize,
    /// Of one value as sent (still encoded), in bytes.
    pub value_bytes: usize,
}

impl Limits {
    /// OAuth endpoints: a client assertion and authorization details fit.
    pub const ENDPOINT: Self = Self {
        body_bytes: 64 * 1024,
        fields: 64,
        name_bytes: 64,
        value_bytes: 16 * 1024,
    };
    /// Journey pages: two fields for each of some 200 accounts fit.
    pub const PAGE: Self = Self {
        body_bytes: 64 * 1024,
        fields: 512,
        name_bytes: 128,
        value_bytes: 1024,
    };
}

/// Why a form was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The body exceeds [`Limits::body_bytes`].
    #[error("the form is too large")]
    TooLarge,
    /// More fields than [`Limits::fields`].
    #[error("the form has too many fields")]
    TooManyFields,
    /// A name exceeds [`Limits::name_bytes`].
    #[error("a field name is too long")]
    NameTooLong,
    /// A value exceeds [`Limits::value_bytes`].
    #[error("a field value is too long")]
    ValueTooLong,
    /// A value without a name.
    #[error("a field has no name")]
    EmptyName,
    /// A broken percent escape, a bare byte that must be escaped, or not UTF-8.
    #[error("the form is not correctly percent-encoded UTF-8")]
    InvalidEncoding,
    /// U+0000 in a name or value.
    #[error("a field contains a NUL character")]
    NulCharacter,
    /// A required field is not there.
    #[error("the field {0} is missing")]
    Missing(&'static str),
    /// A field that may come once came more often.
    #[error("a field was sent more than once")]
    Repeated,
    /// A field that this form does not have.
    #[error("the form has a field that is not expected")]
    Unexpected,
}

/// What [`Fields::finish`] does with fields that nobody took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// They are an error.
    Refuse,
    /// They are dropped.
    Ignore,
}

/// The fields of a form in the order sent, taken out one by one.
pub struct Fields {
    fields: Vec<(String, Zeroizing<String>)>,
}

/// Whether a request says that its body is a form; parameters such as a charset are ignored.
pub fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|value| {
            value
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

impl Fields {
    /// Reads the body. Empty segments (`a=1&&b=2`) are skipped; a segment without `=` is a name
    /// with an empty value.
    ///
    /// # Errors
    /// Any [`FormError`] about size or encoding.
    pub fn parse(body: &[u8], limits: Limits) -> Result<Self, FormError> {
        if body.len() > limits.body_bytes {
            return Err(FormError::TooLarge);
        }
        let mut fields = Vec::new();
        for segment in body
            .split(|byte| *byte == b'&')
            .filter(|segment| !segment.is_empty())
        {
            if fields.len() == limits.fields {
                return Err(FormError::TooManyFields);
            }
            let mut halves = segment.splitn(2, |byte| *byte == b'=');
            let name = halves.next().unwrap_or_default();
            let value = halves.next().unwrap_or_default();
            if name.is_empty() {
                return Err(FormError::EmptyName);
            }
            if name.len() > limits.name_bytes {
                return Err(FormError::NameTooLong);
            }
            if value.len() > limits.value_bytes {
                return Err(FormError::ValueTooLong);
            }
            let name = decode(name)?.as_str().to_owned();
            fields.push((name, decode(value)?));
        }
        Ok(Self { fields })
    }

    /// Reads the form of a page, by its type and within [`Limits::PAGE`]; none for what is no such form,
    /// with a word in the log.
    pub fn of_page(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if !is_form(headers) {
            return None;
        }
        Self::parse(body, Limits::PAGE)
            .inspect_err(|error| tracing::info!(%error, "a form was refused"))
            .ok()
    }

    /// Takes a field that must be there exactly once; its value may be empty.
    ///
    /// # Errors
    /// [`FormError::Missing`] or [`FormError::Repeated`].
    pub fn take_one(&mut self, name: &'static str) -> Result<Zeroizing<String>, FormError> {
        self.take_optional(name)?.ok_or(FormError::Missing(name))
    }

    /// Takes a field that may be there once.
    ///
    /// # Errors
    /// [`FormError::Repeated`].
    pub fn take_optional(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Zeroizing<String>>, FormError> {
        let mut values = self.take_all(name);
        let value = values.pop();
        if values.is_empty() {
            Ok(value)
        } else {
            Err(FormError::Repeated)
        }
    }

    /// Takes every value of a field, in the order sent.
    pub fn take_all(&mut self, name: &str) -> Vec<Zeroizing<String>> {
        self.fields
            .extract_if(.., |(sent, _)| sent == name)
            .map(|(_, value)| value)
            .collect()
    }

    /// Takes every field whose name begins with `prefix`, by the rest of its name.
    ///
    /// # Errors
    /// [`FormError::Repeated`] where one of these names came twice.
    pub fn take_prefixed(
        &mut self,
        prefix: &str,
    ) -> Result<BTreeMap<String, Zeroizing<String>>, FormError> {
        let mut taken = BTreeMap::new();
        let mut repeated = false;
        for (name, value) in self
            .fields
            .extract_if(.., |(sent, _)| sent.starts_with(prefix))
        {
            let rest = name.strip_prefix(prefix).unwrap_or_default().to_owned();
            repeated |= taken.insert(rest, value).is_some();
        }
        if repeated {
            Err(FormError::Repeated)
        } else {
            Ok(taken)
        }
    }

    /// Looks at a field that may be there once, leaving it.
    ///
    /// # Errors
    /// [`FormError::Repeated`].
    pub fn find(&self, name: &str) -> Result<Option<&str>, FormError> {
        let mut values = self.fields.iter().filter(|(sent, _)| sent == name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err(FormError::Repeated),
            (first, _) => Ok(first.map(|(_, value)| value.as_str())),
        }
    }

    /// Checks that no name came twice.
    ///
    /// # Errors
    /// [`FormError::Repeated`].
    pub fn require_once(&self) -> Result<(), FormError> {
        let mut names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            Err(FormError::Repeated)
        } else {
            Ok(())
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`FormError::Unexpected`] where fields are left and they are to be refused.
    pub fn finish(self, remaining: Remaining) -> Result<(), FormError> {
        if remaining == Remaining::Refuse && !self.fields.is_empty() {
            Err(FormError::Unexpected)
        } else {
            Ok(())
        }
    }

    /// Everything that was not taken, in the order sent.
    pub fn into_pairs(self) -> Vec<(String, Zeroizing<String>)> {
        self.fields
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({} redacted)", self.fields.len())
    }
}

fn decode(encoded: &[u8]) -> Result<Zeroizing<String>, FormError> {
    // Allocated once at the upper bound: growing would leave copies behind.
    let mut decoded = Zeroizing::new(Vec::with_capacity(encoded.len()));
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = hex_digit(bytes.next())?;
                let low = hex_digit(bytes.next())?;
                high << 4 | low
            }
            0x21..=0x7E => byte,
            _ => return Err(FormError::InvalidEncoding),
        });
    }
    if decoded.contains(&0) {
        return Err(FormError::NulCharacter);
    }
    match String::from_utf8(std::mem::take(&mut *decoded)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(FormError::InvalidEncoding)
        }
    }
}

fn hex_digit(byte: Option<u8>) -> Result<u8, FormError> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(letter @ b'a'..=b'f') => Ok(letter - b'a' + 10),
        Some(letter @ b'A'..=b'F') => Ok(letter - b'A' + 10),
        _ => Err(FormError::InvalidEncoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Result<Fields, FormError> {
        Fields::parse(body, Limits::PAGE)
    }

    #[test]
    fn plain_and_escaped_fields_are_read() {
        let mut fields = parse(b"login_id=dantai01&memo=%E5%8F%A3%E5%BA%A7+1%2B1&flag").unwrap();
        assert_eq!(fields.take_one("login_id").unwrap().as_str(), "dantai01");
        assert_eq!(fields.take_one("memo").unwrap().as_str(), "口座 1+1");
        assert_eq!(fields.take_one("flag").unwrap().as_str(), "");
        assert_eq!(
            fields.take_one("flag").unwrap_err(),
            FormError::Missing("flag")
        );
        fields.finish(Remaining::Refuse).unwrap();
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for body in [
            &b"a=%"[..],
            b"a=%4",
            b"a=%zz",
            b"a=%4g",
            b"%=1",
            b"a=\xE5\x8F\xA3",
            b"a=b c",
        ] {
            assert_eq!(
                parse(body).unwrap_err(),
                FormError::InvalidEncoding,
                "{body:?}"
            );
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_rather_than_replaced() {
        assert_eq!(parse(b"a=%FF").unwrap_err(), FormError::InvalidEncoding);
        assert_eq!(
            parse(b"a=%ED%A0%80").unwrap_err(),
            FormError::InvalidEncoding
        );
    }

    #[test]
    fn a_nul_is_refused() {
        assert_eq!(parse(b"a=x%00y").unwrap_err(), FormError::NulCharacter);
    }

    #[test]
    fn each_limit_holds() {
        let limits = Limits {
            body_bytes: 20,
            fields: 2,
            name_bytes: 3,
            value_bytes: 4,
        };
        let refused = |body: &[u8]| Fields::parse(body, limits).unwrap_err();
        assert_eq!(refused(b"aaa=bbbb&aaa=bbbb&a=b"), FormError::TooLarge);
        assert_eq!(refused(b"a=1&b=2&c=3"), FormError::TooManyFields);
        assert_eq!(refused(b"aaaa=1"), FormError::NameTooLong);
        assert_eq!(refused(b"a=12345"), FormError::ValueTooLong);
        assert_eq!(refused(b"=1"), FormError::EmptyName);
        Fields::parse(b"aaa=bbbb&b=1", limits).unwrap();
    }

    #[test]
    fn a_repeated_field_is_found_however_it_is_spelled() {
        let mut fields = parse(b"state=1&st%61te=2").unwrap();
        assert_eq!(fields.require_once().unwrap_err(), FormError::Repeated);
        assert_eq!(fields.find("state").unwrap_err(), FormError::Repeated);
        assert_eq!(fields.take_one("state").unwrap_err(), FormError::Repeated);
    }

    #[test]
    fn every_ticked_box_and_its_pin_is_taken() {
        let mut fields = parse(b"account=a1&pin-a1=4826&account=a2&pin-a2=&x=1").unwrap();
        let accounts = fields.take_all("account");
        assert_eq!(
            accounts.iter().map(|a| a.as_str()).collect::<Vec<_>>(),
            ["a1", "a2"]
        );
        let pins = fields.take_prefixed("pin-").unwrap();
        assert_eq!(pins.get("a1").unwrap().as_str(), "4826");
        assert_eq!(pins.get("a2").unwrap().as_str(), "");
        assert_eq!(
            fields.finish(Remaining::Refuse).unwrap_err(),
            FormError::Unexpected
        );
    }

    #[test]
    fn a_pin_sent_twice_is_refused() {
        let mut fields = parse(b"pin-a1=4826&pin-a1=4827").unwrap();
        assert_eq!(
            fields.take_prefixed("pin-").unwrap_err(),
            FormError::Repeated
        );
    }

    #[test]
    fn nothing_of_the_content_is_printed() {
        let fields = parse(b"password=Rokin2026").unwrap();
        assert!(!format!("{fields:?}").contains("Rokin"));
    }
}
