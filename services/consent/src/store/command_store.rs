use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use consent_domain::{Instant, Stream, consent::ConsentStream};
use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore};
use sqlx::{PgConnection, PgPool, Postgres, Row as _, pool::PoolConnection, postgres::PgRow};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    Companion, Projected, Rows, World,
    append::{self, LoadedStream, add_stream},
    counts::Counts,
    fold::{must_be_folded, state_of_row},
    spans::sql_span,
    statement::Statement,
    world::Fact,
};

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A customer, by the bank's id of the user, once known.
    Customer(Option<String>),
    /// A partner's client.
    Partner(String),
    /// An operator.
    Operator(String),
    /// This service, by a rule or a clock.
    System,
}

impl Actor {
    /// By the columns of an event; whatever is not known there was this service.
    pub fn of_columns(kind: &str, id: Option<String>) -> Self {
        match (kind, id) {
            ("customer", id) => Self::Customer(id),
            ("partner", Some(id)) => Self::Partner(id),
            ("operator", Some(id)) => Self::Operator(id),
            _ => Self::System,
        }
    }

    /// `customer`, `partner`, `operator` or `system`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Customer(_) => "customer",
            Self::Partner(_) => "partner",
            Self::Operator(_) => "operator",
            Self::System => "system",
        }
    }

    /// Who, where that is known.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Customer(id) => id.as_deref(),
            Self::Partner(id) | Self::Operator(id) => Some(id),
            Self::System => None,
        }
    }
}

/// What is known of a command beside what it asks for; stored with each of its events.
#[derive(Debug, Clone)]
pub struct CommandContext {
    /// The bank; none for a partner's own record.
    pub bank: Option<String>,
    /// The partner.
    pub partner: Option<String>,
    /// The contract, once known.
    pub contract: Option<String>,
    /// Who acts.
    pub actor: Actor,
    /// The event or attempt that led to this command.
    pub causation_id: Option<Uuid>,
    /// The request's id.
    pub request_id: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
    /// The key under which the outcome is recorded.
    pub key: Option<CommandKey>,
}

impl CommandContext {
    /// Of whoever acts, with nothing else known.
    pub fn of(actor: Actor) -> Self {
        Self {
            bank: None,
            partner: None,
            contract: None,
            actor,
            causation_id: None,
            request_id: None,
            traceparent: None,
            key: None,
        }
    }

    /// What stands in each event's `metadata`.
    pub fn metadata(&self) -> HashMap<String, String> {
        let optional = [
            ("bank", self.bank.as_deref()),
            ("actor_id", self.actor.id()),
            ("request_id", self.request_id.as_deref()),
            ("traceparent", self.traceparent.as_deref()),
        ];
        optional
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value.to_owned())))
            .chain([("actor_kind".to_owned(), self.actor.kind().to_owned())])
            .collect()
    }
}

/// A form's key or an idempotency key, with what it was sent with.
#[derive(Debug, Clone)]
pub struct CommandKey {
    /// The key.
    pub key: String,
    /// Keyed digest of the content.
    pub content_mac: Vec<u8>,
    /// Where the answer leads; recorded with the events.
    pub outcome: String,
    /// What is recorded where the command finds everything done already; none: then its key is not spent, and
    /// a repeat is decided anew.
    pub if_unchanged: Option<String>,
}

/// The streams that a command loads and appends to.
#[derive(Debug, Clone)]
pub struct Target {
    /// Id of the first.
    pub first: String,
    /// Id of the second, where there is one.
    pub second: Option<String>,
}

/// Rows that commit with the events, computed from the events and the states after them.
pub(super) type Companions<A, B> = Arc<
    dyn Fn(
            &[<A as Stream>::Event],
            &[<B as Stream>::Event],
            &<A as Stream>::State,
            Instant,
        ) -> Vec<Companion>
        + Send
        + Sync,
>;

/// What the store knows after a command.
pub(super) struct Report<A: Stream, B: Stream> {
    pub first_events: Vec<A::Event>,
    pub second_events: Vec<B::Event>,
    pub first: A::State,
    pub second: B::State,
    pub now: Instant,
    /// The recorded outcome, where the key was spent before.
    pub spent: Option<Spent>,
}

/// A spent key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    /// What it was sent with.
    pub content_mac: Vec<u8>,
    /// Where the answer led.
    pub outcome: String,
}

/// The store of one attempt of one command: built by the bus, owned by the framework.
pub(super) struct CommandStore<A: Stream, B: Stream> {
    pub pool: PgPool,
    pub target: Target,
    pub context: CommandContext,
    pub companions: Companions<A, B>,
    pub report: Arc<Mutex<Option<Report<A, B>>>>,
}

/// The states of a command between load and commit.
pub struct WorldContext<A: Stream, B: Stream, R> {
    world: World<A, B, R>,
    first: LoadedStream,
    second: Option<LoadedStream>,
    now: Instant,
    spent: Option<Spent>,
    /// The read's, for the append: between them is nothing that waits, and the pool looks after a
    /// connection each time that it comes back.
    connection: Option<PoolConnection<Postgres>>,
}

impl<A, B, R> AggregateContext<World<A, B, R>> for WorldContext<A, B, R>
where
    A: Stream,
    B: Stream,
    R: std::error::Error + Send + Sync + 'static,
{
    fn aggregate(&mut self) -> &mut World<A, B, R> {
        &mut self.world
    }
}

fn database<E: std::error::Error>(
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> AggregateError<E> {
    AggregateError::DatabaseConnectionError(error.into())
}

impl<A: Projected, B: Projected> CommandStore<A, B> {
    /// One read on no transaction: states, key, and the database's time. The append takes its
    /// transaction id after this, so that a stream's own events never leave order.
    async fn read(&self, connection: &mut PgConnection) -> Result<PgRow, sqlx::Error> {
        let second = match self.target.second {
            None => String::new(),
            Some(_) => format!(
                ", s.version AS second_version, s.state_version AS second_state_version,
                   s.state AS second_state, {} AS second_left",
                Rows::have_left::<B>("s", "$4")
            ),
        };
        let join = match self.target.second {
            None => String::new(),
            Some(_) => format!("LEFT JOIN {} s ON s.stream_id = $4", B::TABLE),
        };
        let sql = format!(
            "SELECT now() AS now, f.version AS first_version,
                f.state_version AS first_state_version, f.state AS first_state,
                {} AS first_left, k.content_mac, k.outcome {second}
             FROM (SELECT 1) one
             LEFT JOIN {} f ON f.stream_id = $1
             LEFT JOIN command_keys k ON k.bank = $2 AND k.command_key = $3 {join}",
            Rows::have_left::<A>("f", "$1"),
            A::TABLE
        );
        let key = self.context.key.as_ref().map(|key| key.key.clone());
        let query = sqlx::query(&sql)
            .bind(&self.target.first)
            .bind(self.context.bank.clone().unwrap_or_default())
            .bind(key);
        match &self.target.second {
            None => query.fetch_one(connection).await,
            Some(id) => query.bind(id).fetch_one(connection).await,
        }
    }
}

/// Whether the projection had a row when it was read.
fn row_of(row: &PgRow, prefix: &str) -> Result<append::Row, sqlx::Error> {
    let version: Option<i64> = row.try_get(format!("{prefix}_version").as_str())?;
    Ok(match version {
        Some(_) => append::Row::There,
        None => append::Row::Missing,
    })
}

impl<A, B, R> EventStore<World<A, B, R>> for CommandStore<A, B>
where
    A: Projected,
    B: Projected,
    R: std::error::Error + Send + Sync + 'static,
{
    type AC = WorldContext<A, B, R>;

    async fn load_events(
        &self,
        aggregate_id: &str,
    ) -> Result<Vec<EventEnvelope<World<A, B, R>>>, AggregateError<R>> {
        use cqrs_es::persist::PersistedEventStore;
        let repository = postgres_es::PostgresEventRepository::new(self.pool.clone());
        PersistedEventStore::<_, World<A, B, R>>::new_event_store(repository)
            .with_upcasters(A::upcasters())
            .load_events(aggregate_id)
            .await
    }

    async fn load_aggregate(&self, _id: &str) -> Result<Self::AC, AggregateError<R>> {
        let read = async {
            let mut connection = self.pool.acquire().await?;
            let row = self.read(&mut connection).await?;
            Ok::<_, sqlx::Error>((row, connection))
        };
        let (row, connection) = read.instrument(sql_span("load")).await.map_err(database)?;
        // A fold takes a connection of its own: whoever held one while waiting for another could wait
        // for those who do the same.
        let folds = must_be_folded::<A>(&row, "first").map_err(database)?
            || (self.target.second.is_some()
                && must_be_folded::<B>(&row, "second").map_err(database)?);
        let connection = (!folds).then_some(connection);
        let now: Instant = row.try_get("now").map_err(database)?;
        let spent = match row
            .try_get::<Option<String>, _>("outcome")
            .map_err(database)?
        {
            None => None,
            Some(outcome) => Some(Spent {
                content_mac: row.try_get("content_mac").map_err(database)?,
                outcome,
            }),
        };
        let (first, first_version) =
            state_of_row::<A>(&self.pool, &row, "first", &self.target.first)
                .await
                .map_err(database)?;
        let (second, second_stream) = match &self.target.second {
            None => (B::State::default(), None),
            Some(id) => {
                let (state, version) = state_of_row::<B>(&self.pool, &row, "second", id)
                    .await
                    .map_err(database)?;
                (
                    state,
                    Some(LoadedStream {
                        id: id.clone(),
                        version,
                        row: row_of(&row, "second").map_err(database)?,
                    }),
                )
            }
        };
        let mut world = World::default();
        world.first = first;
        world.second = second;
        world.now = Some(now);
        world.spent = spent.is_some();
        Ok(WorldContext {
            world,
            first: LoadedStream {
                id: self.target.first.clone(),
                version: first_version,
                row: row_of(&row, "first").map_err(database)?,
            },
            second: second_stream,
            now,
            spent,
            connection,
        })
    }

    async fn commit(
        &self,
        events: Vec<Fact<A, B>>,
        context: Self::AC,
        _metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<World<A, B, R>>>, AggregateError<R>> {
        let WorldContext {
            world,
            first,
            second,
            now,
            spent,
            connection,
        } = context;
        let (mut first_events, mut second_events) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                Fact::First(event) => first_events.push(event),
                Fact::Second(event) => second_events.push(event),
            }
        }
        if spent.is_none() {
            let companions = (self.companions)(&first_events, &second_events, &world.first, now);
            let streams = Streams {
                first: &first,
                second: second.as_ref(),
                connection,
            };
            self.append(
                streams,
                &world,
                &first_events,
                &second_events,
                companions,
                now,
            )
            .await?;
        }
        let report = Report {
            first_events,
            second_events,
            first: world.first,
            second: world.second,
            now,
            spent,
        };
        *self.report.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
        // The bus takes the report; no query is dispatched after the commit.
        Ok(Vec::new())
    }
}

struct Streams<'a> {
    first: &'a LoadedStream,
    second: Option<&'a LoadedStream>,
    /// That they were loaded by.
    connection: Option<PoolConnection<Postgres>>,
}

impl<A: Projected, B: Projected> CommandStore<A, B> {
    /// The consent among its streams, where there is one.
    fn grant(&self) -> Option<&str> {
        let stream = if A::TYPE == ConsentStream::TYPE {
            Some(&self.target.first)
        } else if B::TYPE == ConsentStream::TYPE {
            self.target.second.as_ref()
        } else {
            None
        };
        let (_, grant) = stream?.split_once(':')?;
        Some(grant)
    }

    /// What is recorded under the key of a command that changes neither stream, where its key says so.
    fn if_unchanged(&self, counts: &Counts) -> Option<&str> {
        let key = self.context.key.as_ref()?;
        let unchanged = counts.is_unchanged() && self.context.bank.is_some();
        key.if_unchanged.as_deref().filter(|_| unchanged)
    }

    fn spend_key(&self, statement: &mut Statement, if_unchanged: Option<&str>) {
        if let Some(key) = &self.context.key {
            // Of no bank in particular: as it is looked up.
            let bank = statement.bind(self.context.bank.clone().unwrap_or_default());
            let name = statement.bind(key.key.clone());
            let mac = statement.bind(key.content_mac.clone());
            let outcome = statement.bind(if_unchanged.unwrap_or(&key.outcome).to_owned());
            statement.with(
                "spent_key",
                &format!(
                    "INSERT INTO command_keys (bank, command_key, content_mac, outcome)
                     VALUES ({bank}, {name}, {mac}, {outcome})"
                ),
            );
        }
    }

    /// Everything that the command writes, in one statement and so in one transaction.
    async fn append<R: std::error::Error>(
        &self,
        streams: Streams<'_>,
        world: &World<A, B, R>,
        first_events: &[A::Event],
        second_events: &[B::Event],
        companions: Vec<Companion>,
        now: Instant,
    ) -> Result<(), AggregateError<R>> {
        let mut statement = Statement::default();
        let mut counts = Counts::default();
        if !first_events.is_empty() {
            let count = add_stream::<A>(
                &mut statement,
                "first",
                streams.first,
                &world.first,
                first_events,
                &self.context,
                now,
            )
            .map_err(database)?;
            counts.stream::<A>(count, first_events.len());
        }
        if let (Some(second), false) = (streams.second, second_events.is_empty()) {
            let count = add_stream::<B>(
                &mut statement,
                "second",
                second,
                &world.second,
                second_events,
                &self.context,
                now,
            )
            .map_err(database)?;
            counts.stream::<B>(count, second_events.len());
        }
        let if_unchanged = self.if_unchanged(&counts);
        if counts.is_unchanged() && companions.is_empty() && if_unchanged.is_none() {
            return Ok(());
        }
        for (index, companion) in companions.iter().enumerate() {
            let condition = companion
                .add_to(&mut statement, &format!("companion{index}"), self.grant())
                .map_err(database)?;
            match condition {
                Some(count) if companion.is_guard() => counts.guard(count),
                Some(count) => counts.insist(count),
                None => {}
            }
        }
        self.spend_key(&mut statement, if_unchanged);
        let (found, expected) = counts.sum();
        let expected = statement.bind(i64::try_from(expected).map_err(database)?);
        let select = format!(
            "SELECT CASE WHEN {found} = {expected} THEN {expected} ELSE append_conflict() END"
        );
        let (sql, arguments) = statement.finish(&select).map_err(database)?;
        let written = async {
            let mut connection = match streams.connection {
                Some(connection) => connection,
                None => self.pool.acquire().await?,
            };
            sqlx::query_with(&sql, arguments)
                .execute(&mut *connection)
                .await
        };
        let written = written.instrument(sql_span("append")).await;
        written.map(drop).map_err(database)
    }
}
