//! What each bank has announced of its maintenance, as last heard: a page says it before it begins.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use consent_domain::BankCode;

use crate::bank_port::{BankFailure, PlannedMaintenance};

/// How long what was heard is good for.
const ASKED_EVERY: Duration = Duration::from_secs(60);
/// Longest that a page waits to hear it. The page is worth more than the announcement.
const WAITED_AT_MOST: Duration = Duration::from_millis(300);
/// How long before it begins a page says so.
const SAID_AHEAD: TimeDelta = TimeDelta::hours(24);

/// The announcements of every bank.
#[derive(Debug, Default)]
pub(crate) struct Announcements {
    heard: Mutex<HashMap<BankCode, Heard>>,
}

#[derive(Debug)]
struct Heard {
    asked_at: Instant,
    planned: Vec<PlannedMaintenance>,
}

impl Announcements {
    /// The next maintenance that begins soon. Asks where the last answer is old; of the requests side
    /// by side one asks, and the others take what was heard before.
    pub(crate) async fn next(
        &self,
        bank: &BankCode,
        now: DateTime<Utc>,
        ask: impl Future<Output = Result<Vec<PlannedMaintenance>, BankFailure>>,
    ) -> Option<PlannedMaintenance> {
        if self.is_due(bank) {
            match tokio::time::timeout(WAITED_AT_MOST, ask).await {
                Ok(Ok(planned)) => self.hear(bank, planned),
                // What was announced before still stands.
                Ok(Err(error)) => tracing::debug!(%bank, %error, "no announcements to be had"),
                Err(_) => tracing::debug!(%bank, "no announcements in time"),
            }
        }
        self.soon(bank, now)
    }

    /// The next maintenance that begins soon, as last heard.
    pub(crate) fn soon(&self, bank: &BankCode, now: DateTime<Utc>) -> Option<PlannedMaintenance> {
        let heard = self.heard();
        let planned = heard.get(bank).into_iter().flat_map(|heard| &heard.planned);
        planned
            .filter(|planned| planned.from > now && planned.from - now <= SAID_AHEAD)
            .min_by_key(|planned| planned.from)
            .copied()
    }

    /// Whether the caller is the one to ask.
    fn is_due(&self, bank: &BankCode) -> bool {
        let mut heard = self.heard();
        let before = heard.get_mut(bank);
        match before {
            Some(before) if before.asked_at.elapsed() < ASKED_EVERY => return false,
            Some(before) => before.asked_at = Instant::now(),
            None => {
                let nothing = Heard {
                    asked_at: Instant::now(),
                    planned: Vec::new(),
                };
                heard.insert(bank.clone(), nothing);
            }
        }
        true
    }

    fn hear(&self, bank: &BankCode, planned: Vec<PlannedMaintenance>) {
        if let Some(heard) = self.heard().get_mut(bank) {
            heard.planned = planned;
        }
    }

    fn heard(&self) -> MutexGuard<'_, HashMap<BankCode, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-20T03:00:00Z".parse().unwrap()
    }

    fn beginning_in(hours: i64) -> PlannedMaintenance {
        PlannedMaintenance {
            from: now() + TimeDelta::hours(hours),
            until: None,
        }
    }

    fn bank() -> BankCode {
        BankCode::parse("2963").unwrap()
    }

    #[tokio::test]
    async fn the_next_that_begins_within_a_day_is_said() {
        let planned = vec![
            beginning_in(30),
            beginning_in(9),
            beginning_in(3),
            beginning_in(-1),
        ];
        let announcements = Announcements::default();
        let next = announcements.next(&bank(), now(), ready(Ok(planned))).await;
        assert_eq!(next, Some(beginning_in(3)));
    }

    #[tokio::test]
    async fn a_bank_is_asked_once_and_not_for_every_page() {
        let announcements = Announcements::default();
        let planned = Ok(vec![beginning_in(3)]);
        announcements.next(&bank(), now(), ready(planned)).await;
        let bank = bank();
        let again = announcements.next(&bank, now(), async { panic!("asked again") });
        assert_eq!(again.await, Some(beginning_in(3)));
    }

    #[tokio::test]
    async fn a_silent_bank_holds_a_page_up_for_a_moment_only() {
        let announcements = Announcements::default();
        let bank = bank();
        let next = announcements.next(&bank, now(), pending());
        let bounded = tokio::time::timeout(WAITED_AT_MOST * 10, next).await;
        assert_eq!(bounded, Ok(None));
    }
}
