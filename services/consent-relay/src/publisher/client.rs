//! What Kafka's client says on its own: kept, because a later time-out is only understood with it.

use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::{
    ClientContext, config::RDKafkaLogLevel, consumer::ConsumerContext, error::KafkaError,
    types::RDKafkaErrorCode,
};

/// The context of our producer and our reader.
#[derive(Debug, Clone, Default)]
pub(super) struct Listening {
    last_words: Arc<Mutex<Option<(RDKafkaErrorCode, String)>>>,
}

impl Listening {
    pub fn last_words(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl ClientContext for Listening {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::warn!(facility, "kafka client: {message}"),
            _ => tracing::debug!(facility, "kafka client: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else {
            return;
        };
        let mut last = self
            .last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // "All brokers are down" follows on the reason, which says more.
        let vague = code == RDKafkaErrorCode::AllBrokersDown;
        if !(vague && last.is_some()) {
            *last = Some((code, reason.to_owned()));
        }
    }
}

impl ConsumerContext for Listening {}
