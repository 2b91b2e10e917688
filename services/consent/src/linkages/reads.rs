//! What partners read under the contract's linkages, and from where they would go on.

use chrono::{Days, NaiveDate};
use consent_domain::{AccountId, GrantId, scope::Task};

use super::{linkage::Linkage, sight::Sight, visit::AtPage};
use crate::{
    access_record::{AccessTotal, ReadKind, page_of, totals_of},
    journey::PageError,
    pages::{Continuation, LastRead, Lost, ReadInView, ReadWhat},
};

/// How many of the latest reads a linkage's page shows.
const LATEST: u32 = 20;

/// The sums of the reads under some linkages.
pub(super) struct Reads(Vec<AccessTotal>);

impl Reads {
    /// Reads them.
    ///
    /// # Errors
    /// The error page for a database that is down.
    pub(super) async fn of(at: &AtPage, linkages: &[Linkage]) -> Result<Self, PageError> {
        let visit = &at.visit;
        let grants: Vec<GrantId> = linkages.iter().map(|each| each.grant.clone()).collect();
        totals_of(&visit.app.pool, &visit.bank, &grants)
            .await
            .map(Self)
            .map_err(|error| visit.error(error))
    }

    /// When data of the linkage were last read, and how often in all.
    pub(super) fn of_linkage(&self, grant: &GrantId) -> Option<LastRead> {
        last(self.0.iter().filter(|total| &total.grant == grant))
    }

    /// The same of one account.
    pub(super) fn of_account(&self, grant: &GrantId, account: &AccountId) -> Option<LastRead> {
        let of_account =
            |total: &&AccessTotal| &total.grant == grant && total.account.as_ref() == Some(account);
        last(self.0.iter().filter(of_account))
    }

    /// The day from which the partner goes on with an account's transactions: the one after the last
    /// that was served in full.
    pub(super) fn continue_from(&self, grant: &GrantId, account: &AccountId) -> Option<NaiveDate> {
        let served = self.0.iter().find(|total| {
            &total.grant == grant
                && total.account.as_ref() == Some(account)
                && total.task == ReadKind::Transactions
        })?;
        served.last_served_on?.checked_add_days(Days::new(1))
    }

    /// Per account with transactions, in the bank's order: from where the partner would go on, and the
    /// days that can't be had any more because the bank's statements begin later.
    pub(super) fn continuations(&self, sight: &Sight, linkage: &Linkage) -> Vec<Continuation> {
        let scope = &linkage.terms.scope;
        sight
            .in_order(scope)
            .into_iter()
            .filter(|account| scope.covers(account, Task::Transactions))
            .map(|account| {
                let from = self.continue_from(&linkage.grant, &account);
                let available = sight
                    .find(&account)
                    .and_then(|seen| seen.tasks.get(&Task::Transactions));
                Continuation {
                    name: sight.name(&account),
                    from,
                    lost: from.zip(available.copied()).and_then(lost),
                }
            })
            .collect()
    }
}

/// The days between where the partner stopped and where the bank's statements begin.
fn lost((from, available): (NaiveDate, NaiveDate)) -> Option<Lost> {
    let to = available.pred_opt()?;
    let days = u32::try_from((available - from).num_days()).ok()?;
    (days > 0).then_some(Lost { from, to, days })
}

fn last<'a>(totals: impl Iterator<Item = &'a AccessTotal>) -> Option<LastRead> {
    totals
        .map(|total| LastRead {
            at: total.last_read_at,
            reads: u64::try_from(total.reads).unwrap_or(0),
        })
        .reduce(|one, other| LastRead {
            at: one.at.max(other.at),
            reads: one.reads + other.reads,
        })
}

/// The latest reads under a linkage.
///
/// # Errors
/// The error page for a database that is down.
pub(super) async fn latest(
    at: &AtPage,
    sight: &Sight,
    linkage: &Linkage,
) -> Result<Vec<ReadInView>, PageError> {
    let visit = &at.visit;
    let records = page_of(&visit.app.pool, &visit.bank, &linkage.grant, None, LATEST)
        .await
        .map_err(|error| visit.error(error))?;
    let reads = records.into_iter().map(|record| ReadInView {
        at: record.id.occurred_at(),
        what: match record.what.kind() {
            ReadKind::Accounts => ReadWhat::Accounts,
            ReadKind::Balance => ReadWhat::Balance,
            ReadKind::Transactions => ReadWhat::Transactions,
        },
        account: record.what.account().map(|account| sight.name(account)),
        days: record.what.days().map(|days| (days.from, days.to)),
        rows: u32::try_from(record.rows).unwrap_or(0),
    });
    Ok(reads.collect())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::lost;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_days_between_the_last_served_and_the_first_available_are_lost() {
        let gap = lost((day("2026-03-11"), day("2026-04-01"))).unwrap();
        assert_eq!((gap.from, gap.to), (day("2026-03-11"), day("2026-03-31")));
        assert_eq!(gap.days, 21);
    }

    #[test]
    fn nothing_is_lost_where_the_bank_still_has_the_next_day() {
        assert!(lost((day("2026-03-11"), day("2026-03-11"))).is_none());
        assert!(lost((day("2026-03-11"), day("2026-01-01"))).is_none());
    }
}
