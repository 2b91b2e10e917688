//! The query of the feed, read strictly: unknown and repeated names are refused.

use std::time::Duration;

use utoipa::IntoParams;

use crate::problem::Problem;

/// Most events of one answer.
const LIMIT_MAX: u32 = 500;
const LIMIT_DEFAULT: u32 = 100;
/// Longest wait, in seconds.
const WAIT_MAX: u64 = 30;
/// The log's numbers are 64-bit.
const DIGITS_MAX: usize = 19;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FeedQuery {
    /// Events after this number.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
    /// How long to wait where there is none.
    pub wait: Duration,
}

/// As OpenAPI tells it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "it describes the query; the handler parses it itself"
)]
pub(crate) struct Described {
    /// Events after this number of the log (`sequence` of an event, or a former `next`); 0 is the beginning.
    #[param(minimum = 0, default = 0, example = 4711)]
    after: Option<i64>,
    /// At most so many events.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// Seconds to wait for an event where there is none.
    #[param(minimum = 0, maximum = 30, default = 0)]
    wait: Option<u64>,
}

impl FeedQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(super) fn parse(query: &str) -> Result<Self, Problem> {
        let invalid = Problem::invalid_parameter;
        let [mut after, mut limit, mut wait] = [const { None::<u64> }; 3];
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let slot = match name.as_ref() {
                "after" => &mut after,
                "limit" => &mut limit,
                "wait" => &mut wait,
                _ => return Err(invalid("The query has a parameter that is not known.")),
            };
            let number = number(&value).ok_or(invalid(
                "after, limit and wait are numbers of decimal digits.",
            ))?;
            if slot.replace(number).is_some() {
                return Err(invalid("The query has a parameter more than once."));
            }
        }
        Ok(Self {
            after: i64::try_from(after.unwrap_or(0))
                .map_err(|_| invalid("after is no number of the log."))?,
            limit: limit
                .map_or(Ok(LIMIT_DEFAULT), u32::try_from)
                .ok()
                .filter(|limit| (1..=LIMIT_MAX).contains(limit))
                .ok_or(invalid("limit is 1 to 500."))?,
            wait: wait
                .or(Some(0))
                .filter(|seconds| *seconds <= WAIT_MAX)
                .map(Duration::from_secs)
                .ok_or(invalid("wait is 0 to 30 seconds."))?,
        })
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_sent_has_a_default() {
        let query = FeedQuery::parse("").unwrap();
        assert_eq!((query.after, query.limit), (0, 100));
        assert_eq!(query.wait, Duration::ZERO);
        // As events write it.
        let query = FeedQuery::parse("wait=30&limit=500&after=0000000000000004711").unwrap();
        assert_eq!((query.after, query.limit), (4711, 500));
    }

    #[test]
    fn what_is_unknown_repeated_or_out_of_range_is_refused() {
        for query in [
            "other=1",
            "after=1&after=1",
            "%61fter=1&after=1",
            "After=1",
            "after=",
            "after=-1",
            "after=+1",
            "after=1e3",
            "after=99999999999999999999",
            "after=9999999999999999999",
            "limit=0",
            "limit=501",
            "wait=31",
            "wait=1.5",
            "=1",
            "access=1",
        ] {
            assert_eq!(FeedQuery::parse(query).unwrap_err().status, 400, "{query}");
        }
    }
}
