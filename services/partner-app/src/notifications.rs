//! What the banks tell after the customer has left their pages: each linked bank's feed is followed, from
//! the number that was handled last, and reads stop and go on by what it says.
//!
//! A product would store the number and the ids in its database, in the transaction that handles the
//! event; here they live as long as the linkages do, in memory.

mod feed;
mod standing;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use standing::{Meaning, RevokedBy, Standing};

use crate::application::Services;
use crate::settings::{Bank, BankCode};

/// Notices that are kept of a bank; the oldest go.
const NOTICES_MAX: usize = 500;
/// Ids that are kept of a bank, so that what comes again is known. Beyond it the number that was handled
/// last keeps repetitions away.
const IDS_MAX: usize = 2_000;

/// One event, as the customer is told of it.
#[derive(Debug, Clone)]
pub struct Notice {
    /// When it took effect.
    pub at: DateTime<Utc>,
    /// The linkage that it is about; none: the bank as a whole.
    pub grant_id: Option<String>,
    /// What it means.
    pub meaning: Meaning,
}

#[derive(Debug, Default)]
struct OfBank {
    /// The number that was handled last.
    after: i64,
    handled: HashSet<String>,
    handled_in_order: VecDeque<String>,
    notices: VecDeque<Notice>,
    /// By grant; a grant without one may be read.
    standings: HashMap<String, Standing>,
    /// Whether the bank lets this service read at all.
    is_disabled: bool,
    /// For how many causes the bank holds this service: each is told once, and its end once.
    suspensions: u32,
}

impl OfBank {
    /// Why nothing of the bank is to be read.
    fn stopped(&self) -> Option<Standing> {
        if self.is_disabled {
            Some(Standing::PartnerDisabled)
        } else if self.suspensions > 0 {
            Some(Standing::PartnerSuspended)
        } else {
            None
        }
    }
}

/// What the banks told so far.
#[derive(Debug)]
pub struct Notifications {
    banks: Mutex<HashMap<BankCode, OfBank>>,
    to_follow: mpsc::UnboundedSender<Bank>,
    followed: Mutex<Option<mpsc::UnboundedReceiver<Bank>>>,
}

impl Default for Notifications {
    fn default() -> Self {
        let (to_follow, followed) = mpsc::unbounded_channel();
        Self {
            banks: Mutex::default(),
            to_follow,
            followed: Mutex::new(Some(followed)),
        }
    }
}

impl Notifications {
    fn banks(&self) -> MutexGuard<'_, HashMap<BankCode, OfBank>> {
        self.banks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the bank's feed from now on; once is enough.
    pub fn follow(&self, bank: &Bank) {
        let mut banks = self.banks();
        if !banks.contains_key(&bank.code) {
            banks.insert(bank.code.clone(), OfBank::default());
            // Nobody listens only while the process ends.
            drop(self.to_follow.send(bank.clone()));
        }
    }

    /// Why a linkage is not to be read now, by what the bank told last.
    pub fn stopped(&self, bank: &BankCode, grant_id: &str) -> Option<Standing> {
        let banks = self.banks();
        let bank = banks.get(bank)?;
        let own = bank.standings.get(grant_id).copied();
        own.or(bank.stopped())
    }

    /// What a bank told of these grants and of itself, the latest first.
    pub fn notices(&self, bank: &BankCode, grants: &[&str]) -> Vec<Notice> {
        let banks = self.banks();
        let told = banks.get(bank).map(|bank| bank.notices.iter().rev());
        told.into_iter()
            .flatten()
            .filter(|notice| {
                let grant = notice.grant_id.as_deref();
                grant.is_none_or(|grant| grants.contains(&grant))
            })
            .cloned()
            .collect()
    }

    /// The number that was handled last.
    fn after(&self, bank: &BankCode) -> i64 {
        self.banks().get(bank).map_or(0, |bank| bank.after)
    }

    /// Handles events in their order; one that was handled before changes nothing.
    fn handle(&self, bank: &BankCode, events: Vec<feed::Event>) {
        let mut banks = self.banks();
        let Some(of_bank) = banks.get_mut(bank) else {
            return;
        };
        for event in events {
            of_bank.after = of_bank.after.max(event.sequence);
            if of_bank.handled.insert(event.id.clone()) {
                of_bank.remember(event);
            }
        }
    }
}

impl OfBank {
    fn remember(&mut self, event: feed::Event) {
        self.handled_in_order.push_back(event.id.clone());
        if self.handled_in_order.len() > IDS_MAX
            && let Some(oldest) = self.handled_in_order.pop_front()
        {
            self.handled.remove(&oldest);
        }
        let Some(meaning) = Meaning::of(&event) else {
            return; // A type of a later release.
        };
        let grant_id = event.grant_id.clone();
        match (&grant_id, meaning.standing()) {
            (Some(grant), standing::Change::Stops(why)) => {
                self.standings.insert(grant.clone(), why);
            }
            (Some(grant), standing::Change::Goes) => {
                self.standings.remove(grant);
            }
            (None, standing::Change::Stops(Standing::PartnerSuspended)) => self.suspensions += 1,
            (None, standing::Change::Goes) if meaning == Meaning::PartnerRestored => {
                self.suspensions = self.suspensions.saturating_sub(1);
            }
            (None, standing::Change::Stops(_)) => self.is_disabled = true,
            (None, standing::Change::Goes) => self.is_disabled = false,
            (_, standing::Change::None) => {}
        }
        tracing::info!(?meaning, "the bank told something");
        self.notices.push_back(Notice {
            at: event.time,
            grant_id,
            meaning,
        });
        if self.notices.len() > NOTICES_MAX {
            self.notices.pop_front();
        }
    }
}

/// Follows the feeds of linked banks until it is dropped.
pub async fn run(services: Arc<Services>) {
    let followed = &services.notifications.followed;
    let taken = followed
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some(mut banks) = taken else { return };
    let mut feeds = JoinSet::new();
    while let Some(bank) = banks.recv().await {
        feeds.spawn(feed::follow(Arc::clone(&services), bank));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str, sequence: i64, kind: &str, data: serde_json::Value) -> feed::Event {
        feed::Event::read(&json!({
            "id": id, "sequence": format!("{sequence:019}"), "time": "2026-04-01T00:00:00Z",
            "type": format!("jp.renkei.consent.v1.{kind}"), "subject": "g1", "data": data,
        }))
        .unwrap()
    }

    fn code() -> BankCode {
        BankCode::parse("2963").unwrap()
    }

    fn told(events: Vec<feed::Event>) -> Notifications {
        let notifications = Notifications::default();
        notifications.banks().insert(code(), OfBank::default());
        notifications.handle(&code(), events);
        notifications
    }

    fn of_grant(id: &str, sequence: i64, kind: &str) -> feed::Event {
        event(id, sequence, kind, json!({ "grant_id": "g1" }))
    }

    #[test]
    fn reads_stop_at_an_end_or_suspension_and_go_on_at_a_restoration() {
        let notifications = told(vec![
            of_grant("1", 1, "AccessAuthorized"),
            of_grant("2", 2, "AccessSuspended"),
        ]);
        assert_eq!(
            notifications.stopped(&code(), "g1"),
            Some(Standing::Suspended)
        );
        let another = json!({ "grant_id": "g1", "causes": ["SUSPENSION_CAUSE_BANK"] });
        notifications.handle(&code(), vec![event("3", 3, "AccessRestored", another)]);
        assert!(notifications.stopped(&code(), "g1").is_some());
        notifications.handle(&code(), vec![of_grant("4", 4, "AccessRestored")]);
        assert_eq!(notifications.stopped(&code(), "g1"), None);
        notifications.handle(&code(), vec![of_grant("5", 5, "AccessRevoked")]);
        assert_eq!(
            notifications.stopped(&code(), "g1"),
            Some(Standing::Revoked)
        );
        assert_eq!(notifications.stopped(&code(), "g2"), None);
    }

    #[test]
    fn the_bank_as_a_whole_stops_and_goes_on() {
        let of_bank =
            |id: &str, sequence, kind| event(id, sequence, kind, json!({ "partner_id": "p" }));
        let notifications = told(vec![of_bank("1", 1, "PartnerDisabled")]);
        assert_eq!(
            notifications.stopped(&code(), "g2"),
            Some(Standing::PartnerDisabled)
        );
        notifications.handle(&code(), vec![of_bank("2", 2, "PartnerEnabled")]);
        assert_eq!(notifications.stopped(&code(), "g2"), None);
    }

    #[test]
    fn the_bank_holds_this_service_for_each_cause_by_itself() {
        let of_bank =
            |id: &str, sequence, kind| event(id, sequence, kind, json!({ "partner_id": "p" }));
        let notifications = told(vec![
            of_bank("1", 1, "PartnerSuspended"),
            of_bank("2", 2, "PartnerSuspended"),
        ]);
        let stopped = || notifications.stopped(&code(), "g1");
        assert_eq!(stopped(), Some(Standing::PartnerSuspended));
        notifications.handle(&code(), vec![of_bank("3", 3, "PartnerRestored")]);
        assert_eq!(stopped(), Some(Standing::PartnerSuspended));
        notifications.handle(&code(), vec![of_bank("4", 4, "PartnerRestored")]);
        assert_eq!(stopped(), None);
        assert_eq!(notifications.notices(&code(), &[]).len(), 4);
    }

    #[test]
    fn an_event_that_comes_again_is_handled_once_and_unknown_ones_are_passed_over() {
        let notifications = told(vec![
            of_grant("1", 7, "AccessRevoked"),
            of_grant("1", 7, "AccessRevoked"),
            of_grant("2", 9, "SomethingNew"),
        ]);
        assert_eq!(notifications.notices(&code(), &["g1"]).len(), 1);
        assert!(notifications.notices(&code(), &["g2"]).is_empty());
        assert_eq!(notifications.after(&code()), 9);
    }
}
