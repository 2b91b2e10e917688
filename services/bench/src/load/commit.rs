//! What one command of the service leaves behind: its events, and the rows of the projections.

use consent::store::{CommandContext, Projected};
use consent_domain::{DomainEvent as _, Instant};
use serde_json::Value;
use uuid::Uuid;

use super::chance::Chance;
use crate::error::BenchError;

/// One command's events, on one stream or two, and who sent it.
pub struct Commit {
    /// When it was committed.
    pub at: Instant,
    /// Who acted, for whom.
    pub context: CommandContext,
    /// Its share of each stream, in the statement's order.
    pub parts: Vec<Part>,
}

impl Commit {
    /// How many events it has.
    pub fn events(&self) -> usize {
        self.parts.iter().map(|part| part.facts.len()).sum()
    }
}

/// The events of one stream.
pub struct Part {
    /// `events.aggregate_type`.
    pub kind: &'static str,
    /// `events.aggregate_id`.
    pub stream: String,
    /// The partner whom the stream concerns, where it tells; else the command's.
    pub partner: Option<String>,
    /// The events.
    pub facts: Vec<Fact>,
}

/// One event.
pub struct Fact {
    /// Its place in the stream, from 1.
    pub sequence: i64,
    /// Its name.
    pub event_type: &'static str,
    /// The version of its shape.
    pub event_version: &'static str,
    /// JSON.
    pub payload: String,
    /// UUIDv7 of its time.
    pub id: Uuid,
    /// Since when it holds, where that is another time.
    pub effective_at: Option<Instant>,
}

/// A projection's row.
pub struct Row {
    /// Which projection.
    pub table: &'static str,
    /// The stream.
    pub stream: String,
    /// How many events it has.
    pub version: i64,
    /// Whose fold it is.
    pub state_version: i32,
    /// The state as JSON.
    pub state: String,
    /// When its first event was recorded.
    pub began_at: Instant,
    /// When its last one was.
    pub changed_at: Instant,
}

/// A stream in memory.
pub struct Living<S: Projected> {
    /// Its id.
    pub stream: String,
    /// How many events it has.
    pub version: i64,
    /// What they add up to.
    pub state: S::State,
    began_at: Option<Instant>,
    changed_at: Option<Instant>,
}

impl<S: Projected> Living<S> {
    /// Without an event.
    pub fn unborn(stream: String) -> Self {
        Self {
            stream,
            version: 0,
            state: S::State::default(),
            began_at: None,
            changed_at: None,
        }
    }

    /// Takes events as the store does: folds them, and numbers them. None where there is no event.
    ///
    /// # Errors
    /// [`BenchError::Wrong`] where an event is no JSON.
    pub fn take(
        &mut self,
        chance: &mut Chance,
        at: Instant,
        events: &[S::Event],
    ) -> Result<Option<Part>, BenchError> {
        if events.is_empty() {
            return Ok(None);
        }
        let mut facts = Vec::with_capacity(events.len());
        for event in events {
            S::evolve(&mut self.state, event);
            self.version += 1;
            facts.push(Fact {
                sequence: self.version,
                event_type: event.event_type(),
                event_version: event.event_version(),
                payload: serde_json::to_string(event).map_err(BenchError::wrong)?,
                id: chance.id_of(at),
                effective_at: event.effective_at(),
            });
        }
        self.began_at.get_or_insert(at);
        self.changed_at = Some(at);
        Ok(Some(Part {
            kind: S::TYPE,
            stream: self.stream.clone(),
            partner: S::partner_of(&self.stream, &self.state),
            facts,
        }))
    }

    /// Its row; none where it has no event.
    ///
    /// # Errors
    /// [`BenchError::Wrong`] where the state is no JSON.
    pub fn row(&self) -> Result<Option<Row>, BenchError> {
        let (Some(began_at), Some(changed_at)) = (self.began_at, self.changed_at) else {
            return Ok(None);
        };
        // By way of a value, as the store does it: what JSON can't say is refused there too.
        let state: Value = serde_json::to_value(&self.state).map_err(BenchError::wrong)?;
        Ok(Some(Row {
            table: S::TABLE,
            stream: self.stream.clone(),
            version: self.version,
            state_version: S::STATE_VERSION,
            state: state.to_string(),
            began_at,
            changed_at,
        }))
    }
}
