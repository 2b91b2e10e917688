use std::{marker::PhantomData, sync::Arc};

use consent_domain::{DomainEvent, Instant, Stream};
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};

/// What a command decides on: one stream's state, or two, and the database's time.
///
/// To cqrs-es this is the aggregate; the domain's states stay free of foreign traits.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct World<A: Stream, B: Stream, R> {
    /// The first stream's state.
    pub first: A::State,
    /// The second stream's state; `()` where there is none.
    pub second: B::State,
    /// The database's time, read with the states; absent while events are only folded.
    #[serde(skip)]
    pub(super) now: Option<Instant>,
    /// The recorded outcome, where the command's key is spent: then nothing is decided.
    #[serde(skip)]
    pub(super) spent: bool,
    #[serde(skip)]
    refusal: PhantomData<fn() -> R>,
}

impl<A: Stream, B: Stream, R> Default for World<A, B, R> {
    fn default() -> Self {
        Self {
            first: A::State::default(),
            second: B::State::default(),
            now: None,
            spent: false,
            refusal: PhantomData,
        }
    }
}

impl<A: Stream, B: Stream, R> Clone for World<A, B, R> {
    fn clone(&self) -> Self {
        Self {
            first: self.first.clone(),
            second: self.second.clone(),
            now: self.now,
            spent: self.spent,
            refusal: PhantomData,
        }
    }
}

/// The facts of both streams, or a refusal.
type Decision<A, B, R> = Result<(Vec<<A as Stream>::Event>, Vec<<B as Stream>::Event>), R>;
type Decide<A, B, R> = dyn Fn(&<A as Stream>::State, &<B as Stream>::State, Instant) -> Decision<A, B, R>
    + Send
    + Sync;

/// A command: the domain's decision, closed over what the caller asks for.
pub struct Act<A: Stream, B: Stream, R>(Arc<Decide<A, B, R>>);

impl<A: Stream, B: Stream, R> Act<A, B, R> {
    /// A decision that may run several times: once per attempt after a conflict.
    pub fn new(
        decide: impl Fn(&A::State, &B::State, Instant) -> Decision<A, B, R> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(decide))
    }
}

impl<A: Stream, B: Stream, R> Clone for Act<A, B, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A fact of either stream; its JSON is the stream's own.
#[derive(Serialize, Deserialize)]
#[serde(untagged, bound = "")]
pub enum Fact<A: Stream, B: Stream> {
    /// Of the first.
    First(A::Event),
    /// Of the second.
    Second(B::Event),
}

impl<A: Stream, B: Stream> Clone for Fact<A, B> {
    fn clone(&self) -> Self {
        match self {
            Self::First(event) => Self::First(event.clone()),
            Self::Second(event) => Self::Second(event.clone()),
        }
    }
}

impl<A: Stream, B: Stream> PartialEq for Fact<A, B> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::First(a), Self::First(b)) => a == b,
            (Self::Second(a), Self::Second(b)) => a == b,
            _ => false,
        }
    }
}

impl<A: Stream, B: Stream> std::fmt::Debug for Fact<A, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::First(event) => event.fmt(f),
            Self::Second(event) => event.fmt(f),
        }
    }
}

impl<A: Stream, B: Stream> cqrs_es::DomainEvent for Fact<A, B> {
    fn event_type(&self) -> String {
        match self {
            Self::First(event) => event.event_type().to_owned(),
            Self::Second(event) => event.event_type().to_owned(),
        }
    }

    fn event_version(&self) -> String {
        match self {
            Self::First(event) => event.event_version().to_owned(),
            Self::Second(event) => event.event_version().to_owned(),
        }
    }
}

impl<A, B, R> Aggregate for World<A, B, R>
where
    A: Stream,
    B: Stream,
    R: std::error::Error + Send + Sync + 'static,
{
    const TYPE: &'static str = A::TYPE;
    type Command = Act<A, B, R>;
    type Event = Fact<A, B>;
    type Error = R;
    type Services = ();

    async fn handle(
        &mut self,
        command: Act<A, B, R>,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), R> {
        // The store sets the time whenever it loads for a command; a spent key decides nothing.
        let Some(now) = self.now.filter(|_| !self.spent) else {
            return Ok(());
        };
        let (first, second) = tracing::info_span!("decide")
            .in_scope(|| (command.0)(&self.first, &self.second, now))?;
        for event in first {
            sink.write(Fact::First(event), self).await;
        }
        for event in second {
            sink.write(Fact::Second(event), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Fact<A, B>) {
        match event {
            Fact::First(event) => A::evolve(&mut self.first, &event),
            Fact::Second(event) => B::evolve(&mut self.second, &event),
        }
    }
}
