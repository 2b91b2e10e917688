//! One producer's life.

use std::{
    collections::{BTreeSet, HashSet},
    time::{Duration, Instant},
};

use public_events::{LoggedFact, PublicEvent};
use telemetry::TraceParent;
use tokio::{
    sync::watch,
    task::{spawn_blocking, yield_now},
    time::timeout,
};
use tracing::Instrument as _;

use super::{
    Publisher,
    position::{self, Mark, Position},
    problem::Problem,
    told_position::ToldPosition,
    transactions::{Outcome, Outgoing, Refused, Transactions},
};
use crate::{
    lease::Term,
    log_reader::{self, Batch, TranslationError, Translator},
    metrics::METRICS,
    parking::{self, Cause, TermOver, ToPark},
};

/// Without news the log, and what was parked, is looked at this often.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Facts that are prepared at a stretch, before the transaction under way gets its turn.
const STRETCH: usize = 64;
/// Most parked events that go in one transaction.
const REPLAY_MAX: u32 = 100;

pub(super) struct Session<'p> {
    publisher: &'p Publisher,
    term: &'p Term,
    leads_until: watch::Receiver<Instant>,
    log_end: watch::Receiver<i64>,
    transactions: Transactions,
    /// The last number of the ordinary way that is in Kafka.
    published: i64,
    /// Most facts of one transaction.
    batch_max: u32,
    /// Marks of replayed events that the database has noted: removed with the next transaction.
    to_forget: BTreeSet<i64>,
    looked_at_parked: Option<Instant>,
    translator: Translator,
    /// What was prepared while the transaction before it went.
    ahead: Option<Prepared>,
    told: ToldPosition,
}

/// A batch with its records.
struct Prepared {
    batch: Batch,
    records: Vec<Outgoing>,
    to_park: Parking,
}

type Parking = Vec<ToPark>;

impl<'p> Session<'p> {
    /// Takes the transactional id over, reads the position, and compares it with the log.
    pub async fn begin(
        publisher: &'p Publisher,
        term: &'p Term,
        leads_until: watch::Receiver<Instant>,
        log_end: watch::Receiver<i64>,
    ) -> Result<Self, Problem> {
        let (kafka, topics) = (&publisher.kafka, &publisher.topics);
        if Instant::now() >= *leads_until.borrow() {
            // The next leader may have taken the transactional id already: leave it alone.
            return Err(Problem::TermOver);
        }
        // The order matters: from here on no older instance can commit anything.
        let transactions =
            Transactions::begin_life(kafka, &publisher.transactional_id, topics).await?;
        transactions.bar_earlier_lives().await?;
        let known = {
            let (client, bootstrap) = (kafka.client(), kafka.bootstrap.clone());
            let topics = topics.clone();
            spawn_blocking(move || position::read(&client, &bootstrap, &topics)).await??
        };
        let published = begin_after(publisher, known.position.as_ref()).await?;
        let numbers: Vec<i64> = known.replayed.iter().copied().collect();
        parking::settle(&publisher.pool, &numbers).await?;
        METRICS.published_is(published);
        tracing::info!(published, "publishing begins");
        Ok(Self {
            publisher,
            term,
            leads_until,
            log_end,
            transactions,
            published,
            batch_max: publisher.batch_max,
            to_forget: known.replayed,
            looked_at_parked: None,
            translator: Translator::default(),
            ahead: None,
            told: ToldPosition::default(),
        })
    }

    /// Publishes until something stands in the way.
    pub async fn run(mut self) -> Problem {
        loop {
            if let Err(problem) = self.round().await {
                self.transactions.end().await;
                return problem;
            }
        }
    }

    async fn round(&mut self) -> Result<(), Problem> {
        if Instant::now() >= *self.leads_until.borrow() {
            return Err(Problem::TermOver);
        }
        let due = self
            .looked_at_parked
            .is_none_or(|looked| looked.elapsed() >= LOOK_EVERY);
        if due {
            while self.replay_parked().await? {}
            self.observe().await?;
            self.looked_at_parked = Some(Instant::now());
        }
        self.log_end.mark_unchanged();
        let prepared = match self.ahead.take() {
            Some(prepared) => Some(prepared),
            None => self.prepare_after(self.published).await?,
        };
        let Some(prepared) = prepared else {
            // A sender that is gone ends the term elsewhere.
            drop(timeout(LOOK_EVERY, self.log_end.changed()).await);
            return Ok(());
        };
        let count = prepared.batch.facts.len();
        match self.publish(prepared).await {
            Err(problem) if problem.is_full_queue() && count > 1 => {
                // The queue bounds the memory: fewer at once, from now on.
                self.batch_max = (self.batch_max / 2).max(1);
                Ok(())
            }
            published => published,
        }
    }

    /// The next batch after a number; none where the log ends there.
    async fn prepare_after(&mut self, number: i64) -> Result<Option<Prepared>, Problem> {
        let mut translator = std::mem::take(&mut self.translator);
        let prepared = self.look_after(&mut translator, number).await;
        self.translator = translator;
        prepared
    }

    async fn look_after(
        &self,
        translator: &mut Translator,
        number: i64,
    ) -> Result<Option<Prepared>, Problem> {
        let batch = log_reader::after(&self.publisher.pool, number, self.batch_max).await?;
        if batch.facts.is_empty() {
            return Ok(None);
        }
        let (records, to_park) = self.prepare(translator, &batch.facts, &[]).await?;
        Ok(Some(Prepared {
            batch,
            records,
            to_park,
        }))
    }

    /// Publishes a batch, passing over what can't be: its row is committed to the database first.
    ///
    /// After a full one the next is prepared meanwhile. That looks at what is parked when this batch's
    /// rows are there; where the brokers refuse more, it is done again. An operator only ever frees a
    /// stream: what was taken for waiting then waits until parked events are looked at next.
    async fn publish(&mut self, prepared: Prepared) -> Result<(), Problem> {
        let Prepared {
            batch: Batch { facts, epoch },
            mut records,
            mut to_park,
        } = prepared;
        let Some(last) = facts.last() else {
            return Ok(());
        };
        let position = Position {
            global_sequence: last.global_sequence,
            epoch,
            event_id: last.event_id,
        };
        loop {
            self.park(&to_park).await?;
            let mut marks = vec![Mark::Published(position)];
            marks.extend(self.to_forget.iter().copied().map(Mark::Forgotten));
            let mut translator = std::mem::take(&mut self.translator);
            // Of a batch that is not full nothing is left behind it: the next is what comes meanwhile.
            let full = u32::try_from(facts.len()).is_ok_and(|count| count >= self.batch_max);
            let ahead = async {
                match full {
                    true => self.look_after(&mut translator, last.global_sequence).await,
                    false => Ok(None),
                }
            };
            let (outcome, ahead) = tokio::join!(self.transactions.commit(&records, &marks), ahead);
            self.translator = translator;
            match outcome? {
                Outcome::Committed => {
                    self.to_forget.clear();
                    self.published = last.global_sequence;
                    METRICS.committed(records.len(), self.published);
                    // What went wrong ahead is met again, in its turn.
                    self.ahead = ahead.ok().flatten();
                    return Ok(());
                }
                Outcome::Refused(refused) => {
                    let mut translator = std::mem::take(&mut self.translator);
                    let again = self.prepare(&mut translator, &facts, &refused).await;
                    self.translator = translator;
                    (records, to_park) = again?;
                }
            }
        }
    }

    /// The records of a batch, and what must stand still.
    async fn prepare(
        &self,
        translator: &mut Translator,
        facts: &[LoggedFact],
        refused: &[Refused],
    ) -> Result<(Vec<Outgoing>, Parking), Problem> {
        let publisher = self.publisher;
        let standing = parking::standing(&publisher.pool, facts).await?;
        let has_row: HashSet<i64> = standing.numbers.into_iter().collect();
        let mut still: HashSet<(String, String)> = standing.streams.into_iter().collect();
        translator.look_ahead(&publisher.pool, facts).await?;
        let (mut records, mut to_park) = (Vec::new(), Vec::new());
        for (index, fact) in facts.iter().enumerate() {
            if index % STRETCH == STRETCH - 1 {
                yield_now().await;
            }
            if has_row.contains(&fact.global_sequence) {
                continue;
            }
            let stream = (fact.stream_type.clone(), fact.stream_id.clone());
            if still.contains(&stream) {
                to_park.push(ToPark::new(fact, None));
                continue;
            }
            match self.outgoing(translator, fact, refused).await? {
                Ok(outgoing) => records.extend(outgoing),
                Err(why) => {
                    to_park.push(ToPark::new(fact, Some(why)));
                    still.insert(stream);
                }
            }
        }
        Ok((records, to_park))
    }

    /// A fact's records, or why it must stand still.
    async fn outgoing(
        &self,
        translator: &mut Translator,
        fact: &LoggedFact,
        refused: &[Refused],
    ) -> Result<Result<Vec<Outgoing>, (Cause, String)>, Problem> {
        let refusal = refused
            .iter()
            .find(|refused| refused.global_sequence == fact.global_sequence);
        if let Some(refusal) = refusal {
            return Ok(Err((refusal.cause, refusal.detail.clone())));
        }
        let span = tracing::info_span!(
            "publish",
            otel.kind = "producer",
            messaging.system = "kafka",
            event_id = %fact.event_id,
            global_sequence = fact.global_sequence,
        );
        let parent = fact.traceparent.as_deref().and_then(TraceParent::find);
        if let Some(parent) = &parent {
            parent.adopt(&span);
        }
        let traceparent = parent.and_then(|_| TraceParent::of(&span));
        let translated = translator
            .translate(&self.publisher.pool, &self.publisher.names, fact)
            .instrument(span)
            .await;
        match translated {
            Ok(events) => Ok(Ok(events
                .into_iter()
                .map(|event| self.record(fact, event, traceparent.as_ref()))
                .collect())),
            Err(TranslationError::Untranslatable(why)) => {
                Ok(Err((Cause::Untranslatable, why.to_string())))
            }
            Err(TranslationError::Database(error)) => Err(error.into()),
        }
    }

    fn record(
        &self,
        fact: &LoggedFact,
        mut event: PublicEvent,
        traceparent: Option<&TraceParent>,
    ) -> Outgoing {
        if let Some(traceparent) = traceparent {
            event.attributes.traceparent = Some(traceparent.to_string());
        }
        let Publisher {
            topics, encoding, ..
        } = self.publisher;
        Outgoing {
            global_sequence: fact.global_sequence,
            topic: topics.of(&event.audience),
            headers: event.headers(*encoding),
            value: event.value(*encoding),
            key: event.key,
        }
    }

    /// Publishes parked events whose turn it is, and says whether there may be more. Their marks are in
    /// the same transaction, so a crash before the database notes it repeats nothing.
    async fn replay_parked(&mut self) -> Result<bool, Problem> {
        let pool = &self.publisher.pool;
        let numbers = parking::released(pool, self.published, REPLAY_MAX).await?;
        if numbers.is_empty() {
            return Ok(false);
        }
        let facts = log_reader::of_numbers(pool, &numbers).await?;
        let mut refused: Vec<Refused> = Vec::new();
        loop {
            let (records, replayed, to_park) = self.prepare_replay(&facts, &refused).await?;
            self.park(&to_park).await?;
            if replayed.is_empty() {
                return Ok(false);
            }
            self.transactions.look_up_topics(&records).await?;
            let marks: Vec<Mark> = replayed.iter().copied().map(Mark::Replayed).collect();
            match self.transactions.commit(&records, &marks).await? {
                Outcome::Committed => {
                    METRICS.committed(records.len(), self.published);
                    parking::settle(pool, &replayed).await?;
                    self.to_forget.extend(replayed);
                    return Ok(to_park.is_empty());
                }
                Outcome::Refused(more) => refused.extend(more),
            }
        }
    }

    async fn prepare_replay(
        &mut self,
        facts: &[LoggedFact],
        refused: &[Refused],
    ) -> Result<(Vec<Outgoing>, Vec<i64>, Parking), Problem> {
        let mut translator = std::mem::take(&mut self.translator);
        translator.look_ahead(&self.publisher.pool, facts).await?;
        let (mut records, mut replayed, mut to_park) = (Vec::new(), Vec::new(), Vec::new());
        let mut still = HashSet::new();
        for fact in facts {
            let stream = (&fact.stream_type, &fact.stream_id);
            if still.contains(&stream) {
                continue;
            }
            match self.outgoing(&mut translator, fact, refused).await? {
                Ok(outgoing) => {
                    records.extend(outgoing);
                    replayed.push(fact.global_sequence);
                }
                Err(why) => {
                    to_park.push(ToPark::new(fact, Some(why)));
                    still.insert(stream);
                }
            }
        }
        self.translator = translator;
        Ok((records, replayed, to_park))
    }

    async fn park(&self, to_park: &[ToPark]) -> Result<(), Problem> {
        parking::park(&self.publisher.pool, self.term, to_park)
            .await?
            .map_err(|TermOver| Problem::TermOver)?;
        for event in to_park {
            if let Some((cause, detail)) = &event.why {
                METRICS.parked(cause.as_str());
                tracing::error!(
                    global_sequence = event.global_sequence,
                    event_id = %event.event_id,
                    cause = cause.as_str(),
                    detail,
                    "an event is parked, and its stream waits; see `consent-relay parked list`"
                );
            }
        }
        Ok(())
    }

    async fn observe(&mut self) -> Result<(), Problem> {
        let pool = &self.publisher.pool;
        self.told.tell(pool, self.published).await;
        let (events, seconds) = log_reader::lag(pool, self.published).await?;
        METRICS.lag(events, Duration::from_secs_f64(seconds.max(0.0)));
        let (parked, waiting) = parking::count(pool).await?;
        METRICS.parked_now(parked, waiting);
        Ok(())
    }
}

/// The number after which publishing goes on: where the offset topic says, if the log still has what comes
/// next; else where an operator says.
async fn begin_after(publisher: &Publisher, position: Option<&Position>) -> Result<i64, Problem> {
    let published = position.map_or(0, |position| position.global_sequence);
    let archived_to = log_reader::archived_to(&publisher.pool).await?;
    if published < archived_to {
        if publisher.begin_after != Some(archived_to) {
            return Err(Problem::Archived {
                published,
                archived_to,
            });
        }
        tracing::warn!(
            published,
            archived_to,
            "publisher.begin_after: archived events are not published"
        );
        return Ok(archived_to);
    }
    if let Some(position) = position {
        same_log(publisher, position).await?;
    }
    Ok(published)
}

/// Whether what was published last is what this log has there. An epoch that an operator began after
/// that number says that the difference is known.
async fn same_log(publisher: &Publisher, position: &Position) -> Result<(), Problem> {
    let number = position.global_sequence;
    let logged = log_reader::event_at(&publisher.pool, number).await?;
    if logged == Some(position.event_id)
        || log_reader::epoch_begins_after(&publisher.pool, number).await?
    {
        return Ok(());
    }
    Err(Problem::Diverged {
        number,
        published: position.event_id,
        logged: logged.map_or_else(|| "nothing".to_owned(), |event| event.to_string()),
    })
}
