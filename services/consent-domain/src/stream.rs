use serde::{Serialize, de::DeserializeOwned};

/// A kind of stream: what its facts are and how they fold into a state.
pub trait Stream: 'static {
    /// Stored with every event; never changes once written.
    const TYPE: &'static str;
    /// Raised when the shape of `State` changes, so that stored states are folded anew.
    const STATE_VERSION: i32;
    /// What the facts add up to. `Default` is the state before the first fact.
    type State: Default + Clone + Serialize + DeserializeOwned + Send + Sync;
    /// The facts.
    type Event: DomainEvent;
    /// Folds one fact. Total: a stored fact is never refused.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// Folds facts from the beginning.
    fn replay<'e>(events: impl IntoIterator<Item = &'e Self::Event>) -> Self::State {
        let mut state = Self::State::default();
        for event in events {
            Self::evolve(&mut state, event);
        }
        state
    }
}

/// A fact as it is stored: a name and a version beside its JSON.
pub trait DomainEvent:
    Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + Send + Sync
{
    /// The event's name, e.g. `TasksSelected`.
    fn event_type(&self) -> &'static str;
    /// The version of the event's shape, starting at "1".
    fn event_version(&self) -> &'static str {
        "1"
    }
    /// Since when the fact holds, where that is not the time at which it is recorded.
    fn effective_at(&self) -> Option<crate::Instant> {
        None
    }
}

/// What a command that was not refused did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<E> {
    /// These facts are to be appended; never empty.
    Changed(Vec<E>),
    /// The world was so already; nothing is to be appended.
    AlreadyDone,
}

impl<E> Outcome<E> {
    /// One fact.
    pub fn fact(event: E) -> Self {
        Self::Changed(vec![event])
    }

    /// These facts, or `AlreadyDone` where there are none.
    pub fn facts(events: Vec<E>) -> Self {
        if events.is_empty() {
            Self::AlreadyDone
        } else {
            Self::Changed(events)
        }
    }

    /// The facts, none where the world was so already.
    pub fn into_events(self) -> Vec<E> {
        match self {
            Self::Changed(events) => events,
            Self::AlreadyDone => Vec::new(),
        }
    }
}
