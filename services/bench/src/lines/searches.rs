//! Pages of the operators' searches where there are ten times as many events, and how many rows they read.

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use consent::search::{
    PAGE_MAX, Place, Search, Span,
    consents::{Among, ConsentSearch, Status},
    journeys::{JourneySearch, JourneyStatus},
    page, rows_read,
};
use consent_domain::{BankCode, InvalidId, PartnerId, journey::Step};
use sqlx::PgPool;

use super::latency::median_milliseconds;
use crate::{
    error::BenchError,
    ground::{BANK, Ground},
    line::{Contender, Line, Pair, Preparing, SPREAD_MAX, Unit},
    loaded_ground::Filled,
};

/// Rows of a page, as many as the API gives by default; fewer where the larger database has no thousand
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
        let (ours, reference) = match which {
            Which::First => (Spot::FIRST, Spot::FIRST),
            Which::Thousandth => far_spots(smaller, larger, &search()?).await?,
        };
        Ok(Pair {
            ours: Box::new(Pages::prepared(larger, search()?, ours).await?),
            reference: Box::new(Pages::prepared(smaller, search()?, reference).await?),
        })
    })
}

/// A page of a search.
#[derive(Clone, Copy)]
struct Spot {
    /// Which, from 1.
    page: i64,
    /// Its rows.
    limit: i64,
}

impl Spot {
    const FIRST: Self = Self {
        page: 1,
        limit: PAGE,
    };
}

/// The thousandth page of the larger database, of as many rows as it has a thousand such pages; and the
/// thousandth of the smaller one, or the last that is full.
async fn far_spots(
    smaller: &Filled,
    larger: &Filled,
    search: &impl Search,
) -> Result<(Spot, Spot), BenchError> {
    let (rows, _) = skip(&larger.searches, search, PAGE * FAR).await?;
    if rows < FAR {
        return Err(BenchError::wrong("there is no thousandth page"));
    }
    let limit = (rows / FAR).min(PAGE);
    let (rows, _) = skip(&smaller.searches, search, limit * FAR).await?;
    let page = rows / limit;
    if page < 2 {
        return Err(BenchError::wrong("the smaller database has no far page"));
    }
    Ok((Spot { page: FAR, limit }, Spot { page, limit }))
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
    spot: Spot,
    /// For each row of a page.
    rows_read: f64,
}

impl<S: Search> Pages<S> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    async fn prepared(filled: &Filled, search: S, spot: Spot) -> Result<Self, BenchError> {
        let pool = filled.searches.clone();
        let (_, after) = skip(&pool, &search, (spot.page - 1) * spot.limit).await?;
        let mut connection = pool.acquire().await?;
        let found = page(&mut connection, &search, after.as_ref(), spot.limit).await?;
        let read = rows_read(&mut connection, &search, after.as_ref(), spot.limit).await?;
        drop(connection);
        if i64::try_from(found.found.len()) != Ok(spot.limit) {
            return Err(BenchError::wrong("a page is not full"));
        }
        Ok(Self {
            pool,
            search,
            after,
            spot,
            rows_read: read as f64 / spot.limit as f64,
        })
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
                self.spot.limit,
            )
            .await?
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    async fn facts(&mut self) -> Result<BTreeMap<&'static str, f64>, BenchError> {
        Ok(BTreeMap::from([
            ("page", self.spot.page as f64),
            ("rows_of_a_page", self.spot.limit as f64),
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
