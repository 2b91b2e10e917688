//! Commands given to the bus directly, on the contract stream: one fact each, told apart by its PIN
//! scope.

use std::{convert::Infallible, sync::Arc};

use consent::store::{Act, Actor, Bus, CommandContext, CommandError, CommandKey, Executed};
use consent_domain::{
    PinScopeId, UserId,
    contract::{Contract, ContractEvent, ContractStream},
};
use sqlx::{PgPool, postgres::PgPoolOptions};

use crate::bench::BANK;

pub type Single = Result<Executed<ContractStream>, CommandError<Infallible>>;
pub type Pair = Result<Executed<ContractStream, ContractStream>, CommandError<Infallible>>;

/// The id of a contract's stream.
pub fn stream(name: &str) -> String {
    format!("{BANK}:{name}")
}

/// A fact that only `name` tells apart.
pub fn fact(name: &str) -> ContractEvent {
    ContractEvent::PinLocked {
        pin_scope: PinScopeId::parse(name).unwrap(),
        limit: 1,
    }
}

/// A command without a key.
pub fn keyless() -> CommandContext {
    CommandContext {
        bank: Some(BANK.to_owned()),
        partner: Some("partner-a".to_owned()),
        contract: Some("c-1".to_owned()),
        actor: Actor::Customer(Some(UserId::parse("u-1").unwrap().to_string())),
        causation_id: None,
        request_id: Some("a request".to_owned()),
        traceparent: None,
        key: None,
    }
}

/// A command with a key; its answer leads to `outcome`.
pub fn keyed(key: &str, outcome: &str) -> CommandContext {
    let key = CommandKey {
        key: key.to_owned(),
        content_mac: key.as_bytes().to_vec(),
        outcome: outcome.to_owned(),
        if_unchanged: None,
    };
    CommandContext {
        key: Some(key),
        ..keyless()
    }
}

/// Appends one fact to one stream.
pub async fn append(bus: &Bus, id: &str, context: CommandContext, event: ContractEvent) -> Single {
    bus.execute::<ContractStream, Infallible>(
        id.to_owned(),
        context,
        move |_, _| Ok(vec![event.clone()]),
        |_, _, _| Vec::new(),
    )
    .await
}

/// Appends one fact to each of two streams; `meanwhile` runs between load and append, every time that
/// the command is decided.
pub async fn append_pair(
    bus: &Bus,
    ids: (&str, &str),
    context: CommandContext,
    events: (ContractEvent, ContractEvent),
    meanwhile: impl Fn() + Send + Sync + 'static,
) -> Pair {
    let act = Act::new(move |_: &Contract, _: &Contract, _| {
        meanwhile();
        Ok((vec![events.0.clone()], vec![events.1.clone()]))
    });
    bus.execute_pair::<ContractStream, ContractStream, Infallible>(
        (ids.0.to_owned(), ids.1.to_owned()),
        context,
        act,
        |_, _, _, _| Vec::new(),
    )
    .await
}

/// Runs something asynchronous inside a decision, which is not.
pub fn blocking<F: Future<Output = ()> + Send + 'static>(
    make: impl Fn() -> F + Send + Sync + 'static,
) -> impl Fn() + Send + Sync + 'static {
    let make = Arc::new(make);
    let runtime = tokio::runtime::Handle::current();
    move || {
        let (make, runtime) = (Arc::clone(&make), runtime.clone());
        tokio::task::block_in_place(move || runtime.block_on(make()));
    }
}

/// A pool as the service makes it.
pub async fn pool(url: &str, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false)
        .connect(url)
        .await
        .expect("the service role connects")
}

/// A stream's sequences in the log, in order.
pub async fn sequences(pool: &PgPool, id: &str) -> Vec<i64> {
    sqlx::query_scalar("SELECT sequence FROM events WHERE aggregate_id = $1 ORDER BY sequence")
        .bind(id)
        .fetch_all(pool)
        .await
        .expect("sequences")
}

/// The projection's version of a contract's stream; none where there is no row.
pub async fn version(pool: &PgPool, id: &str) -> Option<i64> {
    sqlx::query_scalar("SELECT version FROM contract_current WHERE stream_id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
        .expect("a version")
}

/// Asserts that a stream is whole: sequences 1, 2, 3 and so on, and a projection that has seen them
/// all. Gives how many there are.
pub async fn assert_whole(pool: &PgPool, id: &str) -> i64 {
    let sequences = sequences(pool, id).await;
    let count = i64::try_from(sequences.len()).unwrap();
    assert_eq!(sequences, (1..=count).collect::<Vec<_>>(), "{id}");
    assert_eq!(version(pool, id).await.unwrap_or(0), count, "{id}");
    count
}
