//! Many questions, one read: whoever waits when a read starts is answered by it.
//!
//! A read never answers a question that was asked after it began, so an answer is as fresh as one
//! that was read for it alone. Nothing waits for company: a lone question is read at once.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// What answers many questions at once.
pub(crate) trait BatchRead: Send + Sync + 'static {
    /// One question.
    type Question: Send + Sync + 'static;
    /// Its answer.
    type Answer: Send + 'static;
    /// Why there is none.
    type Error: Send + Sync + 'static;

    /// Answers each question, in their order.
    fn read(
        &self,
        questions: &[Self::Question],
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Self::Error>> + Send;
}

/// How much at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Questions of one read.
    pub questions: usize,
    /// Reads under way.
    pub reads: usize,
    /// Questions that wait for one.
    pub waiting: usize,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered<E> {
    /// Too many wait already.
    #[error("too many questions wait")]
    Overloaded,
    /// The read failed, for all whom it would have answered.
    #[error("the read failed")]
    Failed(Arc<E>),
    /// The read ended without a result: the service stops, or it panicked.
    #[error("the read was given up")]
    GivenUp,
}

/// Puts questions together.
pub(crate) struct Coalescing<R: BatchRead>(Arc<Shared<R>>);

struct Shared<R: BatchRead> {
    reader: R,
    limits: Limits,
    queue: Mutex<Queue<R>>,
}

struct Queue<R: BatchRead> {
    waiting: VecDeque<Waiting<R>>,
    reads: usize,
}

type Answered<R> = Result<<R as BatchRead>::Answer, Arc<<R as BatchRead>::Error>>;

struct Waiting<R: BatchRead> {
    question: R::Question,
    asker: oneshot::Sender<Answered<R>>,
}

impl<R: BatchRead> Coalescing<R> {
    pub(crate) fn new(reader: R, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            reader,
            limits,
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                reads: 0,
            }),
        }))
    }

    pub(crate) fn reader(&self) -> &R {
        &self.0.reader
    }

    /// Answers a question by a read that starts after this call. Whoever stops waiting takes nothing
    /// from the others.
    pub(crate) async fn ask(
        &self,
        question: R::Question,
    ) -> Result<R::Answer, Unanswered<R::Error>> {
        let (asker, answer) = oneshot::channel();
        if self.0.enqueue(Waiting { question, asker })? == Then::StartReading {
            // In a task of its own, which outlives whoever asked first.
            tokio::spawn(read_until_empty(Reading {
                shared: Arc::clone(&self.0),
                place: Place::Held,
            }));
        }
        match answer.await {
            Ok(answered) => answered.map_err(Unanswered::Failed),
            Err(_) => Err(Unanswered::GivenUp),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Then {
    StartReading,
    Wait,
}

impl<R: BatchRead> Shared<R> {
    fn queue(&self) -> MutexGuard<'_, Queue<R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, waiting: Waiting<R>) -> Result<Then, Unanswered<R::Error>> {
        let mut queue = self.queue();
        if queue.waiting.len() >= self.limits.waiting {
            return Err(Unanswered::Overloaded);
        }
        queue.waiting.push_back(waiting);
        if queue.reads < self.limits.reads {
            queue.reads += 1;
            Ok(Then::StartReading)
        } else {
            Ok(Then::Wait)
        }
    }
}

/// One of the reads under way.
struct Reading<R: BatchRead> {
    shared: Arc<Shared<R>>,
    place: Place,
}

#[derive(PartialEq, Eq)]
enum Place {
    Held,
    GivenUp,
}

/// Whom one read answers.
struct Batch<R: BatchRead> {
    questions: Vec<R::Question>,
    askers: Vec<oneshot::Sender<Answered<R>>>,
}

impl<R: BatchRead> Reading<R> {
    /// Those who waited longest, without those who no longer do. Where nobody waits the place is given
    /// up under the same lock, so that whoever asks next starts a read.
    fn take(&mut self) -> Option<Batch<R>> {
        let limit = self.shared.limits.questions;
        let mut batch = Batch {
            questions: Vec::new(),
            askers: Vec::new(),
        };
        let mut queue = self.shared.queue();
        while batch.questions.len() < limit
            && let Some(Waiting { question, asker }) = queue.waiting.pop_front()
        {
            if !asker.is_closed() {
                batch.questions.push(question);
                batch.askers.push(asker);
            }
        }
        if batch.questions.is_empty() {
            queue.reads -= 1;
            self.place = Place::GivenUp;
            return None;
        }
        Some(batch)
    }
}

impl<R: BatchRead> Drop for Reading<R> {
    fn drop(&mut self) {
        if self.place == Place::Held {
            // It did not come to its end. Nobody may be left waiting for a read that is not there.
            let mut queue = self.shared.queue();
            queue.reads -= 1;
            queue.waiting.clear();
        }
    }
}

async fn read_until_empty<R: BatchRead>(mut reading: Reading<R>) {
    while let Some(batch) = reading.take() {
        match reading.shared.reader.read(&batch.questions).await {
            Ok(answers) => {
                for (asker, answer) in batch.askers.into_iter().zip(answers) {
                    // Whoever left meanwhile needs no answer.
                    drop(asker.send(Ok(answer)));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for asker in batch.askers {
                    drop(asker.send(Err(Arc::clone(&error))));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
