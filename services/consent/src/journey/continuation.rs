//! Where the partner would go on with the statements of accounts that a linkage has been read for.

use chrono::{Days, NaiveDate};
use consent_domain::{
    journey::LinkageBasis,
    scope::{Scope, Task},
};

use super::{at_step::AtStep, respond::PageError};
use crate::{
    access_record::{AccessTotal, ReadKind, totals_of},
    bank_port::BankAccount,
    pages::ContinuedAccount,
};

/// Per account that stays, in the bank's order: the day after the last that was served in full, and the
/// days that can't be had any more because the bank's statements begin later.
pub(super) async fn continuations(
    at: &AtStep<'_>,
    accounts: &[BankAccount],
    scope: &Scope,
) -> Result<Vec<ContinuedAccount>, PageError> {
    let LinkageBasis::Amends { grant, .. } = &at.login.basis else {
        return Ok(Vec::new());
    };
    let visit = at.visit;
    let totals = totals_of(&visit.app.pool, &visit.bank, std::slice::from_ref(grant))
        .await
        .map_err(|error| visit.error(error))?;
    Ok(accounts
        .iter()
        .filter(|account| scope.covers(&account.id, Task::Transactions))
        .filter_map(|account| continued(account, &totals))
        .collect())
}

fn continued(account: &BankAccount, totals: &[AccessTotal]) -> Option<ContinuedAccount> {
    let served = totals.iter().find(|total| {
        total.account.as_ref() == Some(&account.id) && total.task == ReadKind::Transactions
    })?;
    let next = served.last_served_on?.checked_add_days(Days::new(1))?;
    let available = account.tasks.get(&Task::Transactions).copied();
    Some(ContinuedAccount {
        account: account.label.clone(),
        from: available.map_or(next, |available| next.max(available)),
        lost: available.and_then(|available| lost(next, available)),
    })
}

/// The days from where the partner would go on to where the bank's statements begin, both inclusive.
fn lost(next: NaiveDate, available: NaiveDate) -> Option<(NaiveDate, NaiveDate)> {
    (next < available).then_some(())?;
    Some((next, available.pred_opt()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_days_before_the_banks_first_one_are_lost() {
        assert_eq!(
            lost(day("2026-03-11"), day("2026-04-01")),
            Some((day("2026-03-11"), day("2026-03-31")))
        );
    }

    #[test]
    fn nothing_is_lost_where_the_bank_goes_back_far_enough() {
        assert_eq!(lost(day("2026-03-11"), day("2026-03-11")), None);
        assert_eq!(lost(day("2026-03-11"), day("2026-01-01")), None);
    }
}
