//! All sessions, found by their cookie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::session::Session;
use crate::secret::Secret;

const MAX_SESSIONS: usize = 1_000;
const MAX_IDLE_HOURS: i64 = 12;

/// The sessions of this process.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<Secret, Entry>>);

#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    last_used_at: DateTime<Utc>,
}

impl Sessions {
    /// The session of a cookie, if the service made it and has not forgotten it.
    pub fn find(&self, id: &Secret, now: DateTime<Utc>) -> Option<Arc<Session>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get_mut(id)?;
        if now - entry.last_used_at > TimeDelta::hours(MAX_IDLE_HOURS) {
            entries.remove(id);
            return None;
        }
        entry.last_used_at = now;
        Some(Arc::clone(&entry.session))
    }

    /// A new session, with the value of its cookie: always one of the service's own making.
    pub fn create(&self, now: DateTime<Utc>) -> (Secret, Arc<Session>) {
        let id = Secret::random();
        let session = Arc::new(Session::new());
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MAX_SESSIONS {
            evict(&mut entries);
        }
        let entry = Entry {
            session: Arc::clone(&session),
            last_used_at: now,
        };
        entries.insert(id.clone(), entry);
        (id, session)
    }
}

fn evict(entries: &mut HashMap<Secret, Entry>) {
    let least_wanted = entries
        .iter()
        .min_by_key(|(_, entry)| {
            (
                entry.session.with(|state| state.has_linkages()),
                entry.last_used_at,
            )
        })
        .map(|(id, _)| id.clone());
    if let Some(id) = least_wanted {
        entries.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_775_000_000, 0).unwrap() + TimeDelta::hours(hours)
    }

    #[test]
    fn an_unknown_cookie_finds_nothing() {
        assert!(
            Sessions::default()
                .find(&Secret::new("mine"), moment(0))
                .is_none()
        );
    }

    #[test]
    fn a_session_is_kept_while_it_is_used() {
        let sessions = Sessions::default();
        let (id, _) = sessions.create(moment(0));

        assert!(sessions.find(&id, moment(12)).is_some());
        assert!(sessions.find(&id, moment(24)).is_some());
        assert!(sessions.find(&id, moment(37)).is_none());
    }

    #[test]
    fn the_number_of_sessions_is_limited() {
        let sessions = Sessions::default();
        let (oldest, _) = sessions.create(moment(0));
        for _ in 0..MAX_SESSIONS {
            sessions.create(moment(1));
        }

        assert!(sessions.find(&oldest, moment(1)).is_none());
        assert_eq!(sessions.0.lock().unwrap().len(), MAX_SESSIONS);
    }
}
