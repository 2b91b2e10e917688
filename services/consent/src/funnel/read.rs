//! Reading: the counts of a period, summed by step, by week and by partner, and the journeys that are still open.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use consent_domain::{BankCode, PartnerId};
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{FunnelStep, Leaving};
use crate::store::sql_span;

/// Days in Japan, the first and the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: NaiveDate,
    to: NaiveDate,
}

/// Why two days are no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The last day comes before the first.
    #[error("the period ends before it begins")]
    Backwards,
    /// Longer than [`Period::DAYS_MAX`].
    #[error("the period is longer than {} days", Period::DAYS_MAX)]
    TooLong,
}

impl Period {
    /// The longest period, in days: two years.
    pub const DAYS_MAX: i64 = 731;

    /// From a day to a day.
    ///
    /// # Errors
    /// [`PeriodError`].
    pub fn try_new(from: NaiveDate, to: NaiveDate) -> Result<Self, PeriodError> {
        let days = (to - from).num_days();
        match days {
            ..0 => Err(PeriodError::Backwards),
            Self::DAYS_MAX.. => Err(PeriodError::TooLong),
            _ => Ok(Self { from, to }),
        }
    }

    /// The twelve weeks that end with this day.
    pub fn twelve_weeks_to(day: NaiveDate) -> Self {
        let monday = monday_of(day);
        Self {
            from: monday.checked_sub_days(Days::new(77)).unwrap_or(monday),
            to: day,
        }
    }

    /// The first day.
    pub fn from(self) -> NaiveDate {
        self.from
    }

    /// The last day.
    pub fn to(self) -> NaiveDate {
        self.to
    }

    /// The Monday of each week that it touches.
    fn weeks(self) -> impl Iterator<Item = NaiveDate> {
        let first = monday_of(self.from);
        std::iter::successors(Some(first), |monday| monday.checked_add_days(Days::new(7)))
            .take_while(move |monday| *monday <= self.to)
    }
}

fn monday_of(day: NaiveDate) -> NaiveDate {
    let since = u64::from(day.weekday().num_days_from_monday());
    day.checked_sub_days(Days::new(since)).unwrap_or(day)
}

/// What became of the journeys that began in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Funnel {
    /// Why journeys came no further than a step, and how many.
    left: BTreeMap<FunnelStep, BTreeMap<Leaving, i64>>,
    authorized: i64,
    connected: i64,
    /// Codes of failures, by step.
    pub failures: BTreeMap<(FunnelStep, String), i64>,
    /// Accounts that step 4 refused, by reason: rows, not journeys.
    pub rejected_rows: BTreeMap<String, i64>,
    /// By week, in order; a week that the period cuts counts only the days within it.
    pub weeks: Vec<Week>,
    /// By partner, those with most journeys first.
    pub partners: Vec<OfPartner>,
    /// When the log was last counted; `None` before the first time.
    pub counted_at: Option<DateTime<Utc>>,
    /// Numbers of the log that are not counted yet.
    pub uncounted: i64,
}

/// A week's journeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Week {
    /// Its Monday.
    pub monday: NaiveDate,
    /// Journeys that began in it and ended.
    pub ended: i64,
    /// Those that ended with 許可.
    pub authorized: i64,
}

/// A partner's journeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfPartner {
    /// Whose.
    pub partner: String,
    /// Those that ended.
    pub ended: i64,
    /// With 許可.
    pub authorized: i64,
    /// Of these, those whose partner fetched a token.
    pub connected: i64,
}

impl Funnel {
    /// Journeys that came to a step. Everyone whose request was taken comes to step 1 and to the login page.
    pub fn came_to(&self, step: FunnelStep) -> i64 {
        let left: i64 = self
            .left
            .range(step..)
            .filter(|(at, _)| **at != FunnelStep::Connect)
            .map(|(_, reasons)| reasons.values().sum::<i64>())
            .sum();
        match step {
            FunnelStep::Connect => self.authorized,
            _ => left + self.authorized,
        }
    }

    /// Journeys that went on from a step; at step 7, those that are connected.
    pub fn went_on(&self, step: FunnelStep) -> i64 {
        self.came_to(step) - self.left_at(step)
    }

    /// Journeys that came no further than a step.
    pub fn left_at(&self, step: FunnelStep) -> i64 {
        self.left
            .get(&step)
            .map_or(0, |reasons| reasons.values().sum())
    }

    /// Why, and how many each.
    pub fn reasons_at(&self, step: FunnelStep) -> impl Iterator<Item = (Leaving, i64)> {
        let reasons = self.left.get(&step).into_iter().flatten();
        reasons.map(|(reason, count)| (*reason, *count))
    }

    /// For pages of tests and pictures: a funnel of counts.
    pub fn of_counts(
        left: impl IntoIterator<Item = (FunnelStep, Leaving, i64)>,
        authorized: i64,
        connected: i64,
    ) -> Self {
        let mut funnel = Self {
            authorized,
            connected,
            ..Self::default()
        };
        for (step, reason, count) in left {
            funnel.leave(step, reason, count);
        }
        funnel.settle();
        funnel
    }

    fn leave(&mut self, step: FunnelStep, reason: Leaving, count: i64) {
        *self
            .left
            .entry(step)
            .or_default()
            .entry(reason)
            .or_default() += count;
    }

    /// What is left of the 許可 is not connected, or not yet.
    fn settle(&mut self) {
        let missing = self.authorized - self.connected;
        if missing > 0 {
            self.leave(FunnelStep::Connect, Leaving::NotConnected, missing);
        }
    }

    fn take(&mut self, row: &Counted) {
        let step = FunnelStep::find(&row.step);
        match (row.fact.as_str(), step) {
            ("authorized", _) => self.authorized += row.count,
            ("connected", _) => self.connected += row.count,
            ("row_rejected", _) => {
                *self.rejected_rows.entry(row.reason.clone()).or_default() += row.count;
            }
            (fact, Some(step)) => {
                if let Some(leaving) = Leaving::of_fact(fact, &row.reason) {
                    self.leave(step, leaving, row.count);
                }
                if fact == "failed" {
                    let code = (step, row.reason.clone());
                    *self.failures.entry(code).or_default() += row.count;
                }
            }
            (_, None) => {}
        }
    }
}

#[derive(sqlx::FromRow)]
struct Counted {
    monday: NaiveDate,
    fact: String,
    step: String,
    reason: String,
    count: i64,
}

impl Counted {
    fn is_end(&self) -> bool {
        !matches!(self.fact.as_str(), "connected" | "row_rejected")
    }
}

/// The funnel of a bank's journeys that began in a period, of one partner or of all.
///
/// # Errors
/// The database's.
pub async fn read(
    pool: &PgPool,
    bank: &BankCode,
    period: Period,
    partner: Option<&PartnerId>,
) -> Result<Funnel, sqlx::Error> {
    async {
        let mut funnel = Funnel {
            partners: by_partner(pool, bank, period).await?,
            ..Funnel::default()
        };
        let counted = by_week(pool, bank, period, partner).await?;
        funnel.weeks = weeks_of(period, &counted);
        for row in &counted {
            funnel.take(row);
        }
        for (step, count) in still_open(pool, bank, period, partner).await? {
            funnel.leave(step, Leaving::Open, count);
        }
        funnel.settle();
        let (counted_at, uncounted): (Option<DateTime<Utc>>, i64) = sqlx::query_as(
            "SELECT CASE WHEN u.global_sequence > 0 THEN u.moved_at END,
                 greatest(0, s.global_sequence - u.global_sequence)
             FROM journey_counts_until u, sequencer s",
        )
        .fetch_one(pool)
        .await?;
        funnel.counted_at = counted_at;
        funnel.uncounted = uncounted;
        Ok(funnel)
    }
    .instrument(sql_span("read the funnel"))
    .await
}

fn weeks_of(period: Period, counted: &[Counted]) -> Vec<Week> {
    let mut weeks: Vec<Week> = period
        .weeks()
        .map(|monday| Week {
            monday,
            ended: 0,
            authorized: 0,
        })
        .collect();
    for row in counted.iter().filter(|row| row.is_end()) {
        if let Some(week) = weeks.iter_mut().find(|week| week.monday == row.monday) {
            week.ended += row.count;
            if row.fact == "authorized" {
                week.authorized += row.count;
            }
        }
    }
    weeks
}

async fn by_week(
    pool: &PgPool,
    bank: &BankCode,
    period: Period,
    partner: Option<&PartnerId>,
) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as(
        "SELECT date_trunc('week', day)::date AS monday, fact, step, reason, sum(count)::bigint AS count
         FROM journey_counts
         WHERE bank = $1 AND day BETWEEN $2 AND $3 AND ($4::text IS NULL OR partner = $4)
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
    )
    .bind(bank.as_str())
    .bind(period.from)
    .bind(period.to)
    .bind(partner.map(PartnerId::as_str))
    .fetch_all(pool)
    .await
}

async fn by_partner(
    pool: &PgPool,
    bank: &BankCode,
    period: Period,
) -> Result<Vec<OfPartner>, sqlx::Error> {
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "SELECT partner,
             coalesce(sum(count) FILTER (WHERE fact NOT IN ('connected', 'row_rejected')), 0)::bigint AS ended,
             coalesce(sum(count) FILTER (WHERE fact = 'authorized'), 0)::bigint,
             coalesce(sum(count) FILTER (WHERE fact = 'connected'), 0)::bigint
         FROM journey_counts WHERE bank = $1 AND day BETWEEN $2 AND $3
         GROUP BY partner ORDER BY ended DESC, partner",
    )
    .bind(bank.as_str())
    .bind(period.from)
    .bind(period.to)
    .fetch_all(pool)
    .await?;
    let rows = rows
        .into_iter()
        .map(|(partner, ended, authorized, connected)| OfPartner {
            partner,
            ended,
            authorized,
            connected,
        });
    Ok(rows.collect())
}

/// Journeys in progress are few: each is over within its total time, an hour as a rule. The index
/// `journey_current_open` holds no others.
async fn still_open(
    pool: &PgPool,
    bank: &BankCode,
    period: Period,
    partner: Option<&PartnerId>,
) -> Result<Vec<(FunnelStep, i64)>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT CASE state #>> '{stage,stage}' WHEN 'awaiting_login' THEN 'login'
             WHEN 'choosing_tasks' THEN 'tasks' WHEN 'choosing_accounts' THEN 'accounts'
             WHEN 'confirming' THEN 'confirm' ELSE 'authorize' END, count(*)
         FROM journey_current
         WHERE status = 'in_progress' AND state #>> '{request,bank}' = $1
             AND (utc_instant(state #>> '{request,requested_at}') AT TIME ZONE 'Asia/Tokyo')::date
                 BETWEEN $2 AND $3
             AND ($4::text IS NULL OR state #>> '{request,partner}' = $4)
         GROUP BY 1",
    )
    .bind(bank.as_str())
    .bind(period.from)
    .bind(period.to)
    .bind(partner.map(PartnerId::as_str))
    .fetch_all(pool)
    .await?;
    let steps = rows
        .into_iter()
        .filter_map(|(step, count)| Some((FunnelStep::find(&step)?, count)));
    Ok(steps.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn each_step_is_reached_by_those_who_left_there_and_all_who_went_further() {
        let funnel = Funnel::of_counts(
            [
                (FunnelStep::Login, Leaving::Idle, 5),
                (FunnelStep::Accounts, Leaving::Cancelled, 3),
                (FunnelStep::Authorize, Leaving::Declined, 1),
                (FunnelStep::Authorize, Leaving::Open, 1),
            ],
            10,
            9,
        );
        let came: Vec<i64> = FunnelStep::ALL
            .iter()
            .map(|step| funnel.came_to(*step))
            .collect();
        assert_eq!(came, [20, 20, 15, 15, 12, 12, 10]);
        assert_eq!(funnel.went_on(FunnelStep::Authorize), 10);
        assert_eq!(funnel.went_on(FunnelStep::Connect), 9);
        let missing: Vec<_> = funnel.reasons_at(FunnelStep::Connect).collect();
        assert_eq!(missing, [(Leaving::NotConnected, 1)]);
    }

    #[test]
    fn a_period_has_an_end_and_a_limit() {
        let (first, last) = (day("2026-01-05"), day("2026-01-11"));
        assert!(Period::try_new(first, first).is_ok());
        assert_eq!(Period::try_new(last, first), Err(PeriodError::Backwards));
        let far = first.checked_add_days(Days::new(731)).unwrap();
        assert_eq!(Period::try_new(first, far), Err(PeriodError::TooLong));
    }

    #[test]
    fn twelve_weeks_are_twelve_mondays() {
        let period = Period::twelve_weeks_to(day("2026-11-22"));
        let mondays: Vec<NaiveDate> = period.weeks().collect();
        assert_eq!(mondays.len(), 12);
        assert_eq!(mondays.first(), Some(&day("2026-08-31")));
        assert_eq!(mondays.last(), Some(&day("2026-11-16")));
    }
}
