//! Pages of the operators' searches where there are ten times as many events, and how many rows they read.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use consent::search::{
    PAGE_MAX, Place, Search, Span,
    consents::{Among, ConsentSearch, Status},
    explain,
    journeys::{JourneySearch, JourneyStatus},
    page,
};
use consent_domain::{BankCode, InvalidId, PartnerId, journey::Step};
use serde_json::Value;
use sqlx::PgPool;

use super::latency::median_milliseconds;
use crate::{
    error::BenchError,
    ground::{BANK, Ground},
    line::{Contender, Line, Pair, Preparing, SPREAD_MAX, Unit},
    loaded_ground::Filled,
};

/// Rows of a page, as many as the API gives by default; fewer where the smaller database has no thousand
/// such pages.
const PAGE: i64 = 50;
/// Which page is the far one.
const FAR: i64 = 1000;
/// Rows that may be read for each that is given.
const ROWS_READ_MAX: f64 = 3.0;
/// The partner with the most customers.
const PARTNER: &str = "load-partner-01";

/// Which page is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// The thousandth.
    Thousandth,
}

macro_rules! lines {
    ($(($first:ident, $far:ident, $name:literal, $what:literal, $search:expr)),* $(,)?) => { $(
        #[doc = concat!("The first page of ", $what, ".")]
        pub const $first: Line = line(
            concat!("search-", $name, "-1"),
            concat!("ms for the first page of ", $what, ", ten times as many events"),
            |ground| prepare(ground, Which::First, $search),
        );
        #[doc = concat!("The thousandth page of ", $what, ".")]
        pub const $far: Line = line(
            concat!("search-", $name, "-1000"),
            concat!("ms for the thousandth page of ", $what, ", ten times as many events"),
            |ground| prepare(ground, Which::Thousandth, $search),
        );
    )* };
}

const fn line(
    name: &'static str,
    ours: &'static str,
    prepare: fn(&Ground) -> Preparing<'_>,
) -> Line {
    Line {
        name,
        ours,
        reference: "the same page where there are fewer",
        unit: Unit::Milliseconds,
        spread_max: SPREAD_MAX,
        aim: Some(1.3),
        prepare,
    }
}

lines! {
    (ALL_FIRST, ALL_FAR, "consents", "a bank's consents", || consents(None, begun())),
    (PARTNER_FIRST, PARTNER_FAR, "consents-partner", "a partner's consents at a bank",
        || consents(Some(PARTNER), begun())),
    (LIVE_FIRST, LIVE_FAR, "consents-live", "a bank's live consents",
        || consents(None, ending(Some(Status::Live)))),
    (ENDED_FIRST, ENDED_FAR, "consents-ended", "a bank's consents that ended, however",
        || consents(None, ending(None))),
    (REVOKED_FIRST, REVOKED_FAR, "consents-revoked", "a partner's revoked consents at a bank",
        || consents(Some(PARTNER), ending(Some(Status::Revoked)))),
    (JOURNEYS_FIRST, JOURNEYS_FAR, "journeys", "a bank's journeys", || journeys(None, None, None)),
    (LEFT_FIRST, LEFT_FAR, "journeys-timed-out", "a bank's journeys that timed out at step 2",
        || journeys(None, Some(JourneyStatus::TimedOut), Some(Step::Login))),
    (DONE_FIRST, DONE_FAR, "journeys-authorized", "a partner's journeys with 許可 at a bank",
        || journeys(Some(PARTNER), Some(JourneyStatus::Authorized), None)),
}

fn begun() -> Among {
    Among::Begun {
        began: Span::default(),
    }
}

fn ending(status: Option<Status>) -> Among {
    Among::Ending {
        status,
        reason: None,
        ends: Span::default(),
    }
}

fn consents(partner: Option<&str>, among: Among) -> Result<ConsentSearch, InvalidId> {
    Ok(ConsentSearch {
        bank: BankCode::parse(BANK)?,
        partner: partner.map(PartnerId::parse).transpose()?,
        among,
    })
}

fn journeys(
    partner: Option<&str>,
    status: Option<JourneyStatus>,
    stage: Option<Step>,
) -> Result<JourneySearch, InvalidId> {
    Ok(JourneySearch {
        bank: BankCode::parse(BANK)?,
        one: None,
        partner: partner.map(PartnerId::parse).transpose()?,
        status,
        stage,
        began: Span::default(),
    })
}

fn prepare<S: Search + 'static>(
    ground: &Ground,
    which: Which,
    search: impl Fn() -> Result<S, InvalidId> + 'static,
) -> Preparing<'_> {
    Box::pin(async move {
        let loaded = ground.loaded()?;
        let (smaller, larger) = (loaded.smaller().await?, loaded.larger().await?);
        let search = || search().map_err(BenchError::wrong);
        let limit = limit_for(smaller, &search()?).await?;
        Ok(Pair {
            ours: Box::new(Pages::prepared(larger, search()?, which, limit).await?),
            reference: Box::new(Pages::prepared(smaller, search()?, which, limit).await?),
        })
    })
}

/// As many rows a page that there are a thousand pages of them.
async fn limit_for(filled: &Filled, search: &impl Search) -> Result<i64, BenchError> {
    let (rows, _) = skip(&filled.pool, search, PAGE * FAR).await?;
    Ok((rows / FAR).clamp(1, PAGE))
}

/// Goes past so many rows. Gives how many there were, and the place of the last of them.
async fn skip(
    pool: &PgPool,
    search: &impl Search,
    rows: i64,
) -> Result<(i64, Option<Place>), BenchError> {
    let mut connection = pool.acquire().await?;
    let (mut past, mut place) = (0, None);
    while past < rows {
        let limit = PAGE_MAX.min(rows - past);
        let found = page(&mut connection, search, place.as_ref(), limit).await?;
        past += i64::try_from(found.found.len()).map_err(BenchError::wrong)?;
        if found.next.is_none() {
            break;
        }
        place = found.next;
    }
    Ok((past, place))
}

struct Pages<S> {
    pool: PgPool,
    search: S,
    after: Option<Place>,
    limit: i64,
    /// For each row of a page.
    rows_read: f64,
}

impl<S: Search> Pages<S> {
    async fn prepared(
        filled: &Filled,
        search: S,
        which: Which,
        limit: i64,
    ) -> Result<Self, BenchError> {
        let pool = filled.pool.clone();
        let after = match which {
            Which::First => None,
            Which::Thousandth => skip(&pool, &search, (FAR - 1) * limit).await?.1,
        };
        if which == Which::Thousandth && after.is_none() {
            return Err(BenchError::wrong("there is no thousandth page"));
        }
        let mut connection = pool.acquire().await?;
        let plan = explain(&mut connection, &search, after.as_ref(), limit).await?;
        drop(connection);
        let given = plan
            .pointer("/0/Plan/Actual Rows")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        Ok(Self {
            pool,
            search,
            after,
            limit,
            rows_read: rows_read(&plan) / given.max(1.0),
        })
    }
}

/// Rows that the scans of tables in a plan looked at, those included that they passed over.
fn rows_read(plan: &Value) -> f64 {
    match plan {
        Value::Array(parts) => parts.iter().map(rows_read).sum(),
        Value::Object(node) => {
            let number = |name: &str| node.get(name).and_then(Value::as_f64).unwrap_or_default();
            let own = if node.contains_key("Relation Name") {
                let passed_over =
                    number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
                (number("Actual Rows") + passed_over) * number("Actual Loops")
            } else {
                0.0
            };
            own + node.values().map(rows_read).sum::<f64>()
        }
        _ => 0.0,
    }
}

#[async_trait(?Send)]
impl<S: Search> Contender for Pages<S> {
    async fn measure(&mut self, period: Duration) -> Result<f64, BenchError> {
        let mut connection = self.pool.acquire().await?;
        // Each line measures little, for there are many of them.
        median_milliseconds!(period / 4, {
            page(
                &mut connection,
                &self.search,
                self.after.as_ref(),
                self.limit,
            )
            .await?
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        Ok(BTreeMap::from([
            ("rows_of_a_page", self.limit as f64),
            ("rows_read_for_each", self.rows_read),
        ]))
    }

    fn complaint(&self) -> Option<String> {
        (self.rows_read > ROWS_READ_MAX).then(|| {
            format!(
                "{:.1} rows are read for each that is given (at most {ROWS_READ_MAX})",
                self.rows_read
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_that_a_scan_of_a_table_looked_at_counts_in_each_of_its_loops() {
        let plan = serde_json::json!([{"Plan": {"Node Type": "Limit", "Actual Rows": 5, "Actual Loops": 1,
        "Plans": [
            {"Node Type": "Index Scan", "Relation Name": "consent_current", "Actual Rows": 5,
                "Actual Loops": 2, "Rows Removed by Filter": 3},
            {"Node Type": "Bitmap Index Scan", "Actual Rows": 100, "Actual Loops": 1},
        ]}}]);
        assert!((rows_read(&plan) - 16.0).abs() < 1e-9);
    }
}
