use cqrs_es::persist::{EventUpcaster, SerializedEvent};
use serde_json::Value;

use super::Projected;

/// An event as it stands in the table.
pub struct StoredEvent<'a> {
    /// The stream's id.
    pub stream: &'a str,
    /// Which of its events, from 1.
    pub sequence: i64,
    /// The event's name.
    pub event_type: String,
    /// The version of its shape.
    pub event_version: String,
    /// Its JSON.
    pub payload: Value,
}

impl StoredEvent<'_> {
    /// The fact, brought to today's shape by the stream's upcasters.
    ///
    /// # Errors
    /// Where this release can't read it.
    pub fn read<S: Projected>(
        self,
        upcasters: &[Box<dyn EventUpcaster>],
    ) -> Result<S::Event, serde_json::Error> {
        if upcasters.is_empty() {
            return serde_json::from_value(self.payload);
        }
        let mut event = SerializedEvent {
            aggregate_id: self.stream.to_owned(),
            sequence: usize::try_from(self.sequence).unwrap_or(usize::MAX),
            aggregate_type: S::TYPE.to_owned(),
            event_type: self.event_type,
            event_version: self.event_version,
            payload: self.payload,
            metadata: Value::Object(serde_json::Map::default()),
        };
        for upcaster in upcasters {
            if upcaster.can_upcast(&event.event_type, &event.event_version) {
                event = upcaster.upcast(event);
            }
        }
        serde_json::from_value(event.payload)
    }
}
