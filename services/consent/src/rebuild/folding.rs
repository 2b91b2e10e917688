//! Folds events, as they come in the order of their streams, into rows of a projection.

use consent_domain::Instant;
use cqrs_es::persist::EventUpcaster;
use sqlx::{
    Row as _, ValueRef as _,
    postgres::{PgRow, PgValueRef},
};

use super::RebuildError;
use crate::store::{Projected, StoredEvent};

/// What a stream's events add up to, as far as they came.
pub(super) struct Folded<S: Projected> {
    pub id: String,
    pub version: i64,
    pub state: S::State,
    pub began_at: Instant,
    pub changed_at: Instant,
}

impl<S: Projected> Folded<S> {
    /// The state as JSON.
    pub(super) fn json(&self) -> Result<String, RebuildError> {
        serde_json::to_string(&self.state).map_err(RebuildError::State)
    }
}

/// The columns that [`Folder`] reads, in its order.
pub(super) const COLUMNS: &str =
    "aggregate_id, sequence, recorded_at, payload, event_type, event_version";

/// Takes rows of [`COLUMNS`] ordered by stream and sequence.
pub(super) struct Folder<S: Projected> {
    upcasters: Vec<Box<dyn EventUpcaster>>,
    current: Option<Folded<S>>,
    /// Events taken.
    pub events: u64,
    /// Streams begun.
    pub streams: u64,
}

impl<S: Projected> Folder<S> {
    pub(super) fn new() -> Self {
        Self {
            upcasters: S::upcasters(),
            current: None,
            events: 0,
            streams: 0,
        }
    }

    /// Takes an event. Gives the stream before, where this one is another's first.
    pub(super) fn take(&mut self, row: &PgRow) -> Result<Option<Folded<S>>, RebuildError> {
        let stream: &str = row.try_get(0)?;
        let sequence: i64 = row.try_get(1)?;
        let recorded_at: Instant = row.try_get(2)?;
        let event = self.read(stream, sequence, row)?;
        self.events += 1;
        if let Some(current) = &mut self.current
            && current.id == stream
        {
            S::evolve(&mut current.state, &event);
            current.version = sequence;
            current.changed_at = recorded_at;
            return Ok(None);
        }
        self.streams += 1;
        let mut state = S::State::default();
        S::evolve(&mut state, &event);
        Ok(self.current.replace(Folded {
            id: stream.to_owned(),
            version: sequence,
            state,
            began_at: recorded_at,
            changed_at: recorded_at,
        }))
    }

    /// The last stream, once no event is left.
    pub(super) fn finish(&mut self) -> Option<Folded<S>> {
        self.current.take()
    }

    fn read(&self, stream: &str, sequence: i64, row: &PgRow) -> Result<S::Event, RebuildError> {
        let payload = text(row.try_get_raw(3)?)?;
        let event = if self.upcasters.is_empty() {
            serde_json::from_str(payload)
        } else {
            let stored = StoredEvent {
                stream,
                sequence,
                event_type: row.try_get(4)?,
                event_version: row.try_get(5)?,
                payload: serde_json::from_str(payload)
                    .map_err(|source| unreadable(stream, sequence, source))?,
            };
            stored.read::<S>(&self.upcasters)
        };
        event.map_err(|source| unreadable(stream, sequence, source))
    }
}

/// The text of a `json` value: parsed once, into the event itself.
fn text(value: PgValueRef<'_>) -> Result<&str, sqlx::Error> {
    if value.is_null() {
        return Err(sqlx::Error::Decode("an event without payload".into()));
    }
    value.as_str().map_err(sqlx::Error::Decode)
}

fn unreadable(stream: &str, sequence: i64, source: serde_json::Error) -> RebuildError {
    RebuildError::Event {
        stream: stream.to_owned(),
        sequence,
        source,
    }
}
