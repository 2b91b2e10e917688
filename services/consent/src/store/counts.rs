//! What an append insists on, in the order in which it is looked at. PostgreSQL works out the terms of the sum
//! from left to right, each with the common table expression that it counts: the order of the terms is the
//! order in which rows are locked. Everybody's is: a journey, the contract, consents.

use super::Projected;
use consent_domain::{Stream as _, consent::ConsentStream};

/// The terms of one statement.
#[derive(Default)]
pub(super) struct Counts {
    /// SQL that counts a stream's events, and how many there must be.
    before: Vec<(String, usize)>,
    /// Of what has to hold before a consent is touched; one each.
    guards: Vec<(String, usize)>,
    /// As `before`, of a consent.
    consents: Vec<(String, usize)>,
    /// Of what else has to be written; one each.
    rest: Vec<(String, usize)>,
}

impl Counts {
    /// A stream changes by so many events, which this SQL counts.
    pub(super) fn stream<S: Projected>(&mut self, count: String, events: usize) {
        let of = if S::TYPE == ConsentStream::TYPE {
            &mut self.consents
        } else {
            &mut self.before
        };
        of.push((count, events));
    }

    /// What this SQL counts has to be there before a consent is touched.
    pub(super) fn guard(&mut self, count: String) {
        self.guards.push((count, 1));
    }

    /// What this SQL counts has to be written.
    pub(super) fn insist(&mut self, count: String) {
        self.rest.push((count, 1));
    }

    /// Whether none of the command's streams changes.
    pub(super) fn is_unchanged(&self) -> bool {
        self.before.is_empty() && self.consents.is_empty()
    }

    /// The sum in SQL, and what it must be.
    pub(super) fn sum(self) -> (String, usize) {
        let terms = [self.before, self.guards, self.consents, self.rest].concat();
        let (mut counts, expected): (Vec<String>, Vec<usize>) = terms.into_iter().unzip();
        counts.push("0".to_owned());
        (counts.join(" + "), expected.iter().sum())
    }
}
