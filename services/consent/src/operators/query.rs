//! Queries of the operators' API, read strictly: an unknown or repeated name is refused, so that a slip of
//! the pen is never a search for something else.

use std::collections::BTreeMap;

use crate::problem::Problem;

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
