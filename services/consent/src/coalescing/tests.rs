use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::{Semaphore, mpsc};

use super::*;

/// Reads only when it is let, and says what it was asked.
struct Gated {
    gate: Semaphore,
    began: mpsc::UnboundedSender<Vec<u32>>,
    under_way: AtomicUsize,
}

/// What [`Gated`] can't read.
const UNREADABLE: u32 = 666;
const PANICS: u32 = 667;

impl BatchRead for Gated {
    type Question = u32;
    type Answer = u32;
    type Error = &'static str;

    async fn read(&self, questions: &[u32]) -> Result<Vec<u32>, &'static str> {
        self.under_way.fetch_add(1, Ordering::SeqCst);
        self.began.send(questions.to_vec()).unwrap();
        self.gate.acquire().await.unwrap().forget();
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        assert!(!questions.contains(&PANICS), "as the test wants it");
        if questions.contains(&UNREADABLE) {
            return Err("unreadable");
        }
        Ok(questions.iter().map(|question| question * 10).collect())
    }
}

const LIMITS: Limits = Limits {
    questions: 4,
    reads: 2,
    waiting: 6,
};

struct Given {
    coalescing: Arc<Coalescing<Gated>>,
    began: mpsc::UnboundedReceiver<Vec<u32>>,
}

type Asking = tokio::task::JoinHandle<Result<u32, Unanswered<&'static str>>>;

impl Given {
    fn new() -> Self {
        let (sender, began) = mpsc::unbounded_channel();
        let reader = Gated {
            gate: Semaphore::new(0),
            began: sender,
            under_way: AtomicUsize::new(0),
        };
        Self {
            coalescing: Arc::new(Coalescing::new(reader, LIMITS)),
            began,
        }
    }

    /// Asks, and is in the queue when this returns.
    async fn ask(&self, question: u32) -> Asking {
        let coalescing = Arc::clone(&self.coalescing);
        let asking = tokio::spawn(async move { coalescing.ask(question).await });
        // One thread: a task that is yielded to runs until it waits.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        asking
    }

    async fn both_reads_under_way(&mut self) -> [Asking; 2] {
        let asking = [self.ask(1).await, self.ask(2).await];
        assert_eq!(self.began().await, [1]);
        assert_eq!(self.began().await, [2]);
        asking
    }

    async fn began(&mut self) -> Vec<u32> {
        self.began.recv().await.unwrap()
    }

    fn let_reads_end(&self, reads: usize) {
        self.coalescing.reader().gate.add_permits(reads);
    }
}

async fn answer(asking: Asking) -> Result<u32, Unanswered<&'static str>> {
    tokio::time::timeout(Duration::from_secs(10), asking)
        .await
        .expect("an answer in time")
        .expect("no panic")
}

#[tokio::test]
async fn a_lone_question_is_read_at_once() {
    let mut given = Given::new();
    let asking = given.ask(7).await;
    assert_eq!(given.began().await, [7]);
    given.let_reads_end(1);
    assert_eq!(answer(asking).await.unwrap(), 70);
}

#[tokio::test]
async fn who_waits_when_a_read_starts_is_answered_by_it_and_nobody_by_one_that_had_begun() {
    let mut given = Given::new();
    let first = given.both_reads_under_way().await;
    let mut later = Vec::new();
    for question in 3..=7 {
        later.push(given.ask(question).await);
    }
    given.let_reads_end(1);
    assert_eq!(given.began().await, [3, 4, 5, 6], "at most four at once");
    given.let_reads_end(1);
    assert_eq!(given.began().await, [7]);
    given.let_reads_end(2);
    for (asking, expected) in first.into_iter().chain(later).zip((1..).map(|n| n * 10)) {
        assert_eq!(answer(asking).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn no_more_reads_than_allowed_are_under_way() {
    let mut given = Given::new();
    let asking = given.both_reads_under_way().await;
    let third = given.ask(3).await;
    assert_eq!(
        given.coalescing.reader().under_way.load(Ordering::SeqCst),
        2
    );
    given.let_reads_end(3);
    for asking in asking.into_iter().chain([third]) {
        answer(asking).await.unwrap();
    }
}

#[tokio::test]
async fn whoever_stops_waiting_takes_nothing_from_the_others() {
    let mut given = Given::new();
    let [first, second] = given.both_reads_under_way().await;
    let third = given.ask(3).await;
    let fourth = given.ask(4).await;
    // One whose read is under way, and one who waits for a read.
    first.abort();
    third.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert!(third.await.unwrap_err().is_cancelled());
    given.let_reads_end(3);
    assert_eq!(answer(second).await.unwrap(), 20);
    assert_eq!(given.began().await, [4], "nobody is read for in vain");
    assert_eq!(answer(fourth).await.unwrap(), 40);
}

#[tokio::test]
async fn a_failed_read_fails_for_all_whom_it_would_have_answered_and_for_nobody_else() {
    let mut given = Given::new();
    let first = given.both_reads_under_way().await;
    let mut failing = vec![given.ask(3).await];
    failing.push(given.ask(UNREADABLE).await);
    failing.push(given.ask(4).await);
    failing.push(given.ask(5).await);
    let beyond = given.ask(6).await;
    given.let_reads_end(4);
    for asking in failing {
        let failed = answer(asking).await;
        assert!(matches!(failed, Err(Unanswered::Failed(error)) if *error == "unreadable"));
    }
    for asking in first.into_iter().chain([beyond]) {
        answer(asking).await.unwrap();
    }
}

#[tokio::test]
async fn beyond_the_most_that_may_wait_a_question_is_refused_at_once() {
    let mut given = Given::new();
    let mut asking = Vec::from(given.both_reads_under_way().await);
    for question in 3..=8 {
        asking.push(given.ask(question).await);
    }
    let refused = given.ask(9).await;
    assert!(matches!(answer(refused).await, Err(Unanswered::Overloaded)));
    given.let_reads_end(8);
    for asking in asking {
        answer(asking).await.unwrap();
    }
    let again = given.ask(10).await;
    assert_eq!(answer(again).await.unwrap(), 100);
}

#[tokio::test]
async fn a_read_that_panics_leaves_nobody_waiting_and_the_next_question_is_read() {
    let mut given = Given::new();
    let lost = given.ask(PANICS).await;
    assert_eq!(given.began().await, [PANICS]);
    given.let_reads_end(1);
    assert!(matches!(answer(lost).await, Err(Unanswered::GivenUp)));
    let next = given.ask(1).await;
    given.let_reads_end(1);
    assert_eq!(answer(next).await.unwrap(), 10);
}
