//! Queries of the operators' API, read strictly: an unknown or repeated name is refused, so that a slip of
//! the pen is never a search for something else.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use consent_domain::Instant;

use crate::{
    problem::Problem,
    search::{Place, Search, Span},
};

/// Most parameters.
const PARAMETERS_MAX: usize = 24;
/// Longest value, in bytes.
const VALUE_BYTES_MAX: usize = 512;
const LIMIT_MAX: usize = 200;
const LIMIT_DEFAULT: usize = 50;

/// What is left of a query.
#[derive(Debug)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads it.
    ///
    /// # Errors
    /// `invalid_parameter` where a name comes twice, or there is too much of it.
    pub(crate) fn parse(query: &str) -> Result<Self, Problem> {
        let invalid = Problem::invalid_parameter;
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if value.len() > VALUE_BYTES_MAX {
                return Err(invalid("A parameter is longer than 512 bytes."));
            }
            if value.contains('\0') {
                return Err(invalid("A parameter has a NUL character."));
            }
            if parameters
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                return Err(invalid("The query has a parameter more than once."));
            }
            if parameters.len() > PARAMETERS_MAX {
                return Err(invalid("The query has too many parameters."));
            }
        }
        Ok(Self(parameters))
    }

    /// Takes a parameter out. An empty one is as if it were not there: forms send those.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    /// Refuses what is left.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid_parameter(
                "The query has a parameter that is not known.",
            ))
        }
    }
}

/// `limit`: 1 to 200, 50 where it is not sent.
///
/// # Errors
/// `invalid_parameter`.
pub(crate) fn page_limit(parameters: &mut Parameters) -> Result<usize, Problem> {
    let Some(text) = parameters.take("limit") else {
        return Ok(LIMIT_DEFAULT);
    };
    let is_plain = text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    let limit = text.parse().ok().filter(|_| is_plain);
    limit
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or(Problem::invalid_parameter("limit is 1 to 200."))
}

/// A moment: RFC 3339. A `+` that came unescaped, and so as a space, is taken for what it was.
///
/// # Errors
/// `invalid_parameter`.
pub(crate) fn instant(parameters: &mut Parameters, name: &str) -> Result<Option<Instant>, Problem> {
    let Some(text) = parameters.take(name) else {
        return Ok(None);
    };
    DateTime::parse_from_rfc3339(&text.replace(' ', "+"))
        .map(|moment| Some(moment.with_timezone(&Utc)))
        .map_err(|_| {
            Problem::invalid_parameter(
                "A time is written as in RFC 3339, e.g. 2026-11-22T09:00:00+09:00, with %2B for +.",
            )
        })
}

/// A span by two names.
///
/// # Errors
/// `invalid_parameter`; also where it ends before it begins.
pub(crate) fn span(parameters: &mut Parameters, from: &str, to: &str) -> Result<Span, Problem> {
    let span = Span {
        from: instant(parameters, from)?,
        to: instant(parameters, to)?,
    };
    match (span.from, span.to) {
        (Some(from), Some(to)) if to <= from => Err(Problem::invalid_parameter(
            "A span of time ends after it begins: … _to is later than … _from.",
        )),
        _ => Ok(span),
    }
}

/// The place that a cursor of this search leads to.
///
/// # Errors
/// `invalid_parameter`.
pub(crate) fn place(
    parameters: &mut Parameters,
    search: &impl Search,
) -> Result<Option<Place>, Problem> {
    let cursor = parameters.take("cursor");
    cursor
        .map(|cursor| Place::parse(&cursor, &search.text()))
        .transpose()
        .map_err(|_| {
            Problem::invalid_parameter(
                "cursor is not one of this search: send it with the same filters as before.",
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_repeated_or_out_of_range_is_refused() {
        assert!(Parameters::parse("a=1&a=2").is_err());
        assert!(Parameters::parse(&format!("a={}", "x".repeat(513))).is_err());
        assert!(Parameters::parse("a=%00").is_err());
        assert!(Parameters::parse("a=1").unwrap().finish().is_err());
        for (query, limit) in [
            ("", Some(50)),
            ("limit=200", Some(200)),
            ("limit=", Some(50)),
        ] {
            let mut parameters = Parameters::parse(query).unwrap();
            assert_eq!(page_limit(&mut parameters).ok(), limit, "{query}");
        }
        for query in ["limit=0", "limit=201", "limit=-1", "limit=+1", "limit=1e2"] {
            let mut parameters = Parameters::parse(query).unwrap();
            assert!(page_limit(&mut parameters).is_err(), "{query}");
        }
    }

    #[test]
    fn a_time_has_an_offset_and_may_lose_its_plus_on_the_way() {
        let read = |query: &str| {
            let mut parameters = Parameters::parse(query).unwrap();
            instant(&mut parameters, "at")
        };
        let morning = read("at=2026-11-22T00:00:00Z").unwrap().unwrap();
        assert_eq!(read("at=2026-11-22T09:00:00%2B09:00"), Ok(Some(morning)));
        assert_eq!(read("at=2026-11-22T09:00:00+09:00"), Ok(Some(morning)));
        for bad in ["at=2026-11-22", "at=yesterday", "at=2026-11-22T09:00:00"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
