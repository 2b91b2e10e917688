//! One browser's session.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::attempt::{AuthorizationAttempt, Outcome};
use super::linkage::{Linkage, LinkageId};
use crate::oauth::par::GrantAction;
use crate::secret::Secret;
use crate::settings::BankCode;

const MAX_ATTEMPTS: usize = 16;
const MAX_LINKAGES: usize = 30;
/// A second click on the same bank within this time joins the first one's trip.
const DOUBLE_CLICK_SECONDS: i64 = 5;

/// A session, shared by the requests that carry its cookie.
#[derive(Debug)]
pub struct Session {
    /// Stands in every form of this session's pages: a form from elsewhere does not know it.
    form_key: Secret,
    /// Held while the service talks to an authorization server for this session, so that a
    /// repeated click or reload waits for the first one's outcome.
    pub gate: tokio::sync::Mutex<()>,
    state: Mutex<SessionState>,
}

/// The session's content.
#[derive(Debug, Default)]
pub struct SessionState {
    attempts: Vec<AuthorizationAttempt>,
    linkages: Vec<Linkage>,
}

impl Session {
    pub(super) fn new() -> Self {
        Self {
            form_key: Secret::random(),
            gate: tokio::sync::Mutex::new(()),
            state: Mutex::default(),
        }
    }

    /// The value for the hidden field `form_key`.
    pub fn form_key(&self) -> &str {
        self.form_key.reveal()
    }

    /// Reads or changes the content. `act` must be short: no I/O.
    pub fn with<R>(&self, act: impl FnOnce(&mut SessionState) -> R) -> R {
        // A panic in between leaves whole values: each change is one assignment or push.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A copy of a linkage.
    pub fn find_linkage(&self, id: &LinkageId) -> Option<Linkage> {
        self.with(|state| {
            state
                .linkages
                .iter()
                .find(|linkage| linkage.id == *id)
                .cloned()
        })
    }

    /// Copies of all linkages, the latest first.
    pub fn linkages(&self) -> Vec<Linkage> {
        self.with(|state| state.linkages.iter().rev().cloned().collect())
    }

    /// A copy of the attempt with this `state`.
    pub fn find_attempt(&self, state: &Secret) -> Option<AuthorizationAttempt> {
        self.with(|content| {
            content
                .attempts
                .iter()
                .find(|attempt| attempt.state == *state)
                .cloned()
        })
    }
}

impl SessionState {
    /// Remembers a new attempt.
    pub fn add_attempt(&mut self, attempt: AuthorizationAttempt) {
        if self.attempts.len() >= MAX_ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }

    /// The attempt that a double click made a moment ago.
    pub fn find_double_click(
        &self,
        bank: &BankCode,
        action: GrantAction,
        now: DateTime<Utc>,
    ) -> Option<&AuthorizationAttempt> {
        let since = now - TimeDelta::seconds(DOUBLE_CLICK_SECONDS);
        self.attempts.iter().rev().find(|attempt| {
            attempt.bank.code == *bank
                && attempt.action == action
                && attempt.outcome == Outcome::Awaited
                && attempt.started_at >= since
        })
    }

    /// Records what came of an attempt.
    pub fn record_outcome(&mut self, state: &Secret, outcome: Outcome) {
        if let Some(attempt) = self
            .attempts
            .iter_mut()
            .find(|attempt| attempt.state == *state)
        {
            attempt.outcome = outcome;
        }
    }

    /// Changes a linkage, if it is still there.
    pub fn change_linkage(&mut self, id: &LinkageId, change: impl FnOnce(&mut Linkage)) {
        if let Some(linkage) = self.linkages.iter_mut().find(|linkage| linkage.id == *id) {
            change(linkage);
        }
    }

    /// Takes in the permission that an attempt gave: a changed one keeps its place, its start date
    /// and its identifier, so that nothing is imported twice; a new one is added.
    pub fn connect(&mut self, attempt: &AuthorizationAttempt, incoming: Linkage) -> LinkageId {
        let same_bank = |linkage: &Linkage| linkage.bank.code == attempt.bank.code;
        let of_bank = self
            .linkages
            .iter()
            .filter(|linkage| same_bank(linkage))
            .count();
        let known = self.linkages.iter_mut().find(|linkage| {
            same_bank(linkage)
                && match (&linkage.grant_id, &incoming.grant_id) {
                    (Some(known), Some(grant)) => known == grant,
                    // Without an identifier, an unqualified request changes the only linkage.
                    _ => attempt.action == GrantAction::Default && of_bank == 1,
                }
        });
        if let Some(linkage) = known {
            linkage.connected_at = incoming.connected_at;
            linkage.metadata = incoming.metadata;
            linkage.limits = incoming.limits;
            linkage.accept(incoming.tokens);
            return linkage.id.clone();
        }
        if self.linkages.len() >= MAX_LINKAGES {
            self.linkages.remove(0);
        }
        let id = incoming.id.clone();
        self.linkages.push(incoming);
        id
    }

    pub(super) fn has_linkages(&self) -> bool {
        !self.linkages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::oauth::authorization_details::GrantedLimits;
    use crate::oauth::metadata::ServerMetadata;
    use crate::oauth::token::Tokens;
    use crate::settings::{Bank, Issuer};
    use crate::store::ImportRange;

    fn moment(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_775_000_000 + seconds, 0).unwrap()
    }

    fn url() -> Url {
        "http://bank.example/2963/authorize".parse().unwrap()
    }

    fn metadata() -> ServerMetadata {
        ServerMetadata {
            authorization_endpoint: url(),
            token_endpoint: url(),
            pushed_authorization_request_endpoint: url(),
            grant_management_endpoint: None,
        }
    }

    fn bank() -> Bank {
        Bank {
            code: BankCode::parse("2963").unwrap(),
            name: "中央労働金庫".into(),
            name_en: None,
            issuer: Issuer::parse("http://bank.example/2963").unwrap(),
        }
    }

    fn attempt(action: GrantAction) -> AuthorizationAttempt {
        AuthorizationAttempt {
            state: Secret::random(),
            nonce: Secret::random(),
            code_verifier: Secret::random(),
            bank: bank(),
            action,
            metadata: metadata(),
            authorization_url: url(),
            started_at: moment(0),
            outcome: Outcome::Awaited,
        }
    }

    fn linkage(grant_id: Option<&str>) -> Linkage {
        Linkage {
            id: LinkageId::random(),
            bank: bank(),
            metadata: metadata(),
            grant_id: grant_id.map(str::to_owned),
            tokens: Tokens {
                access_token: Secret::random(),
                fresh_until: moment(600),
                refresh_token: None,
                grant_id: grant_id.map(str::to_owned),
                limits: None,
            },
            limits: GrantedLimits::default(),
            range: None,
            accounts: Vec::new(),
            connected_at: moment(0),
        }
    }

    #[test]
    fn a_changed_permission_keeps_its_linkage_and_its_start_date() {
        let mut state = SessionState::default();
        let id = state.connect(&attempt(GrantAction::Default), linkage(Some("g1")));
        state.change_linkage(&id, |linkage| linkage.range = Some(ImportRange::All));

        let again = state.connect(&attempt(GrantAction::Default), linkage(Some("g1")));

        assert_eq!(again, id);
        assert_eq!(state.linkages.len(), 1);
        assert_eq!(state.linkages[0].range, Some(ImportRange::All));
    }

    #[test]
    fn another_permission_stands_beside_the_first() {
        let mut state = SessionState::default();
        state.connect(&attempt(GrantAction::Default), linkage(Some("g1")));
        state.connect(&attempt(GrantAction::Create), linkage(Some("g2")));

        assert_eq!(state.linkages.len(), 2);
    }

    #[test]
    fn without_a_grant_id_the_action_decides() {
        let mut state = SessionState::default();
        state.connect(&attempt(GrantAction::Default), linkage(None));
        state.connect(&attempt(GrantAction::Default), linkage(None));
        assert_eq!(state.linkages.len(), 1);

        state.connect(&attempt(GrantAction::Create), linkage(None));
        assert_eq!(state.linkages.len(), 2);
    }

    #[test]
    fn a_second_click_joins_the_first_for_five_seconds() {
        let mut state = SessionState::default();
        state.add_attempt(attempt(GrantAction::Default));
        let found = |action, seconds| {
            state
                .find_double_click(&bank().code, action, moment(seconds))
                .is_some()
        };

        assert!(found(GrantAction::Default, 5));
        assert!(!found(GrantAction::Default, 6));
        assert!(!found(GrantAction::Create, 1));
    }

    #[test]
    fn the_oldest_attempt_goes_when_there_are_too_many() {
        let mut state = SessionState::default();
        let first = attempt(GrantAction::Default);
        state.add_attempt(first.clone());
        for _ in 0..MAX_ATTEMPTS {
            state.add_attempt(attempt(GrantAction::Default));
        }

        assert_eq!(state.attempts.len(), MAX_ATTEMPTS);
        assert!(
            state
                .attempts
                .iter()
                .all(|attempt| attempt.state != first.state)
        );
    }
}
