//! Time goes by: what is planned is done in the order of its time, and what was committed leaves in the
//! order of its time too, numbered as the log numbers it.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use consent::store::{Actor, CommandContext};
use consent_domain::{GrantId, Instant};

use super::{
    chance::Chance,
    commit::{Commit, Part, Row},
    customer::Customer,
    field::Field,
    life::Act,
    platform::Platform,
};
use crate::error::BenchError;

/// Commits that leave together.
const BATCH: usize = 4_000;
/// A year in which the number of new customers grows by so much.
const GROWTH_PER_YEAR: f64 = 0.5;

/// See the module.
pub struct Simulation {
    /// Randomness.
    pub chance: Chance,
    /// Banks and partners.
    pub field: Field,
    /// Their streams.
    pub platform: Platform,
    /// When it all ends; nothing happens then or later.
    pub until: Instant,
    agenda: BinaryHeap<Reverse<Planned>>,
    planned: u64,
    customers: Vec<Option<Box<Customer>>>,
    waiting: BinaryHeap<Reverse<Waiting>>,
    rows: Vec<Row>,
    over: bool,
}

/// What leaves the simulation together.
#[derive(Default)]
pub struct Batch {
    /// In the order of their time.
    pub commits: Vec<Commit>,
    /// Rows of streams that no later commit changes.
    pub rows: Vec<Row>,
}

/// Something to be done, by or about whom.
struct Planned {
    at: Instant,
    number: u64,
    whose: u32,
    act: Act,
}

/// A commit whose turn has not come.
struct Waiting(u64, Commit);

macro_rules! ordered_by {
    ($type:ty, $it:ident => $key:expr) => {
        impl Ord for $type {
            fn cmp(&self, other: &Self) -> Ordering {
                let key = |$it: &Self| $key;
                key(self).cmp(&key(other))
            }
        }
        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }
        impl Eq for $type {}
    };
}
ordered_by!(Planned, it => (it.at, it.number));
ordered_by!(Waiting, it => (it.1.at, it.0));

impl Simulation {
    /// Of so many contracts, which arrive between the two times, more of them from year to year.
    ///
    /// # Errors
    /// None for names as they are made here.
    pub fn begin(
        seed: u64,
        contracts: u32,
        from: Instant,
        until: Instant,
    ) -> Result<Self, BenchError> {
        let mut chance = Chance::of_seed(seed);
        let field = Field::draw(&mut chance)?;
        let mut begun = Self {
            platform: Platform::of(&field),
            chance,
            field,
            until,
            agenda: BinaryHeap::new(),
            planned: 0,
            customers: Vec::new(),
            waiting: BinaryHeap::new(),
            rows: Vec::new(),
            over: false,
        };
        begun.found_platform(from)?;
        let span = (until - from).as_seconds_f64();
        let years = span / (365.0 * 86_400.0);
        for whose in 0..contracts {
            let share = arrival(begun.chance.share(), GROWTH_PER_YEAR * years);
            let after = chrono::TimeDelta::milliseconds(milliseconds(share * span));
            begun.plan(
                from + chrono::TimeDelta::days(1) + after,
                whose,
                Act::Arrive,
            );
            begun.customers.push(None);
        }
        Ok(begun)
    }

    /// The next commits; none when it is over.
    ///
    /// # Errors
    /// [`BenchError::Wrong`] where the domain refuses what was planned: a mistake of the plan.
    pub fn next(&mut self) -> Result<Option<Batch>, BenchError> {
        let mut batch = Batch::default();
        while batch.commits.len() < BATCH && !self.over {
            match self.agenda.pop() {
                Some(Reverse(planned)) if planned.at < self.until => {
                    self.release(planned.at, &mut batch);
                    self.perform(planned)?;
                }
                _ => self.close(&mut batch)?,
            }
        }
        batch.rows.append(&mut self.rows);
        let nothing = batch.commits.is_empty() && batch.rows.is_empty();
        Ok((!nothing).then_some(batch))
    }

    /// Plans something.
    pub fn plan(&mut self, at: Instant, whose: u32, act: Act) {
        self.planned += 1;
        self.agenda.push(Reverse(Planned {
            at,
            number: self.planned,
            whose,
            act,
        }));
    }

    /// Commits what there is of these parts.
    pub fn commit<const N: usize>(
        &mut self,
        at: Instant,
        context: CommandContext,
        parts: [Option<Part>; N],
    ) {
        let parts: Vec<Part> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return;
        }
        self.planned += 1;
        let commit = Commit { at, context, parts };
        self.waiting.push(Reverse(Waiting(self.planned, commit)));
    }

    /// Whether nothing happens any more at that time.
    pub fn is_over(&self, at: Instant) -> bool {
        at >= self.until
    }

    /// The row of a stream that has come to its end.
    pub fn finish(&mut self, row: Option<Row>) {
        self.rows.extend(row);
    }

    /// A context of whoever acts by a request.
    pub fn request(&mut self, actor: Actor) -> CommandContext {
        CommandContext {
            request_id: Some(self.chance.id().to_string()),
            ..CommandContext::of(actor)
        }
    }

    /// An id for a grant, as the service makes them.
    ///
    /// # Errors
    /// None.
    pub fn new_grant(&mut self) -> Result<GrantId, BenchError> {
        GrantId::parse(self.chance.id().to_string()).map_err(BenchError::wrong)
    }

    /// Commits from before `now`: whatever is done from now on is later.
    fn release(&mut self, now: Instant, batch: &mut Batch) {
        while let Some(Reverse(Waiting(_, first))) = self.waiting.peek() {
            if first.at >= now {
                return;
            }
            batch
                .commits
                .extend(self.waiting.pop().map(|Reverse(Waiting(_, commit))| commit));
        }
    }

    fn perform(&mut self, planned: Planned) -> Result<(), BenchError> {
        let Planned { at, whose, act, .. } = planned;
        if let Act::Platform(act) = act {
            return self.on_platform(at, act);
        }
        let place = usize::try_from(whose).map_err(BenchError::wrong)?;
        let taken = self.customers.get_mut(place).and_then(Option::take);
        let mut customer = match taken {
            Some(customer) => customer,
            None => Box::new(Customer::draw(whose, &self.field, &mut self.chance, at)?),
        };
        if at < customer.busy_until {
            // Whoever is at it finishes first.
            let later = customer.busy_until;
            self.plan(later, whose, act);
        } else {
            self.act(&mut customer, at, act)?;
        }
        if let Some(slot) = self.customers.get_mut(place) {
            *slot = Some(customer);
        }
        Ok(())
    }

    /// What is there at the end.
    fn close(&mut self, batch: &mut Batch) -> Result<(), BenchError> {
        self.over = true;
        let until = self.until;
        self.release(until, batch);
        for customer in std::mem::take(&mut self.customers).into_iter().flatten() {
            let row = customer.record.row()?;
            self.rows.extend(row);
            for linkage in customer.linkages.into_iter().flatten() {
                self.rows.extend(linkage.consent.row()?);
            }
        }
        self.rows.extend(self.platform.rows()?);
        Ok(())
    }
}

/// Where in the time, as a share of it, a customer arrives, if the number of arrivals grows by `growth`
/// from its beginning to its end.
fn arrival(uniform: f64, growth: f64) -> f64 {
    // The inverse of the distribution (x + growth·x²/2) / (1 + growth/2).
    if growth <= 0.0 {
        return uniform;
    }
    ((1.0 + uniform * growth * (2.0 + growth)).sqrt() - 1.0) / growth
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "some years have far fewer milliseconds"
)]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0) as i64
}
