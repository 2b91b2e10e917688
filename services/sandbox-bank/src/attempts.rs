//! The bank's memory of attempts: what makes a repeated `attempt_id` one attempt.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use renkei_proto::bank::v1 as port;
use uuid::Uuid;

use crate::port_error::PortError;
use crate::seed::{BankCode, Contract, User};

/// How many attempts are remembered. Beyond that the oldest is forgotten, and would count again
/// if it were repeated; its caller has given up hours before.
const CAPACITY: usize = 262_144;

/// What became of an attempt. Holds no secret: a repeat is told by its id alone.
#[derive(Debug, Clone)]
pub(crate) enum Attempt {
    /// `GetVerdict` asked for it before it came.
    Void,
    /// Bound to the login id, so that the id of one login never yields another's outcome.
    Login {
        login_id: String,
        outcome: LoginOutcome,
    },
    /// Bound to the PIN scope.
    Pin { scope: String, verdict: PinVerdict },
}

#[derive(Debug, Clone)]
pub(crate) enum LoginOutcome {
    Authenticated(Arc<Contract>, Arc<User>),
    WrongPassword(Arc<Contract>, Arc<User>),
    UnknownLoginId,
    Refused(port::LoginRefusal, Arc<Contract>, Arc<User>),
    /// Before the password was looked at: not counted.
    CertificateRefused(port::CertificateRefusal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PinVerdict {
    Match,
    Mismatch,
    /// The scope was locked; not counted.
    Locked,
}

impl Attempt {
    pub(crate) fn verdict(&self) -> port::Verdict {
        match self {
            Self::Void => port::Verdict::Void,
            Self::Login { outcome, .. } => match outcome {
                LoginOutcome::Authenticated(..) | LoginOutcome::Refused(..) => port::Verdict::Match,
                LoginOutcome::WrongPassword(..) | LoginOutcome::UnknownLoginId => {
                    port::Verdict::Mismatch
                }
                LoginOutcome::CertificateRefused(_) => port::Verdict::Void,
            },
            Self::Pin { verdict, .. } => match verdict {
                PinVerdict::Match => port::Verdict::Match,
                PinVerdict::Mismatch => port::Verdict::Mismatch,
                PinVerdict::Locked => port::Verdict::Locked,
            },
        }
    }
}

/// The identifier that a caller mints for an attempt: a UUID in any of its spellings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId(Uuid);

impl AttemptId {
    pub(crate) fn parse(text: &str) -> Result<Self, PortError> {
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| PortError::Invalid("attempt_id is not a UUID"))
    }
}

impl std::fmt::Display for AttemptId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Attempts by bank and id, oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    by_id: HashMap<(BankCode, AttemptId), Attempt>,
    oldest_first: VecDeque<(BankCode, AttemptId)>,
}

impl Attempts {
    pub(crate) fn find(&self, bank: BankCode, id: AttemptId) -> Option<&Attempt> {
        self.by_id.get(&(bank, id))
    }

    /// Remembers an attempt that is not there yet.
    pub(crate) fn remember(&mut self, bank: BankCode, id: AttemptId, attempt: Attempt) {
        if self.by_id.insert((bank, id), attempt).is_none() {
            self.oldest_first.push_back((bank, id));
        }
        if self.oldest_first.len() > CAPACITY
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.by_id.remove(&oldest);
        }
    }

    /// The verdict of an attempt; one that never came is void from now on.
    pub(crate) fn verdict_or_void(&mut self, bank: BankCode, id: AttemptId) -> port::Verdict {
        match self.find(bank, id) {
            Some(attempt) => attempt.verdict(),
            None => {
                self.remember(bank, id, Attempt::Void);
                port::Verdict::Void
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_bounded_and_forgets_the_oldest() {
        let bank: BankCode = "2963".parse().unwrap();
        let id = |n: usize| AttemptId(Uuid::from_u128(n as u128));
        let mut attempts = Attempts::default();
        for n in 0..=CAPACITY {
            assert_eq!(attempts.verdict_or_void(bank, id(n)), port::Verdict::Void);
        }
        assert_eq!(attempts.by_id.len(), CAPACITY);
        assert!(attempts.find(bank, id(0)).is_none());
        assert!(attempts.find(bank, id(CAPACITY)).is_some());
    }
}
