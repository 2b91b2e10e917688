//! The fold path: postgres-es's stock store reads our table and folds to what the projections hold.

use std::convert::Infallible;

use consent::store::{Bus, NoStream, Projected, World, fold, state_of};
use consent_domain::{
    DomainEvent, PinScopeId, Stream,
    bank::BankStream,
    consent::ConsentStream,
    contract::{Contract, ContractStream},
    journey::JourneyStream,
    partner::{PartnerAtBankStream, PartnerStream},
};
use cqrs_es::{
    EventStore as _,
    persist::{EventUpcaster, PersistedEventStore, SerializedEvent},
};
use demo::agent::walk::{Step, allow, cancel, return_address};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgPool;

use crate::{
    bench::{Bench, browser},
    store_facts::{append, assert_whole, fact, keyless, stream},
};

type StockStore<S> = PersistedEventStore<PostgresEventRepository, World<S, NoStream, Infallible>>;

fn stock_store<S: Projected>(pool: &PgPool) -> StockStore<S> {
    StockStore::new_event_store(PostgresEventRepository::new(pool.clone()))
        .with_upcasters(S::upcasters())
}

/// Folds every stream of a type with the stock store; gives how many there are.
async fn assert_folds_to_its_projection<S: Projected>(pool: &PgPool) -> usize {
    let rows: Vec<(String, i64, Value)> = sqlx::query_as(&format!(
        "SELECT stream_id, version, state FROM {}",
        S::TABLE
    ))
    .fetch_all(pool)
    .await
    .unwrap();
    let streams: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT aggregate_id) FROM events WHERE aggregate_type = $1",
    )
    .bind(S::TYPE)
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), streams, "{}", S::TYPE);
    for (id, version, state) in &rows {
        let context = stock_store::<S>(pool).load_aggregate(id).await.unwrap();
        assert_eq!(
            i64::try_from(context.current_sequence).unwrap(),
            *version,
            "{} {id}",
            S::TYPE
        );
        assert_eq!(
            serde_json::to_value(&context.aggregate.first).unwrap(),
            *state,
            "{id}"
        );
    }
    rows.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_store_folds_every_stream_to_what_its_projection_holds() {
    let bench = Bench::new().await;
    // A whole journey, an amendment, and one that is cancelled after it registered an account.
    for _ in 0..2 {
        let browser = browser();
        let (authorize, pushed) = bench.to_authorize(&browser, 0).await;
        let end = allow(&browser, &authorize).await.unwrap();
        bench
            .client(0)
            .complete(&return_address(&end).unwrap(), &pushed)
            .await
            .unwrap();
    }
    let browser = browser();
    let (confirm, _) = bench.to_confirm(&browser, 1).await;
    cancel(&browser, &confirm, Step::CheckRegistration)
        .await
        .unwrap();

    let pool = &bench.pool;
    let folded = [
        assert_folds_to_its_projection::<JourneyStream>(pool).await,
        assert_folds_to_its_projection::<ConsentStream>(pool).await,
        assert_folds_to_its_projection::<ContractStream>(pool).await,
        assert_folds_to_its_projection::<PartnerStream>(pool).await,
        assert_folds_to_its_projection::<PartnerAtBankStream>(pool).await,
        assert_folds_to_its_projection::<BankStream>(pool).await,
    ];
    assert_eq!(folded, [3, 1, 1, 2, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_another_release_wrote_is_folded_anew_when_it_is_loaded() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let id = stream("c-1");
    append(&bus, &id, keyless(), fact("s-1")).await.unwrap();
    // A release with another fold wrote a state that this one can't even read.
    sqlx::query(
        "UPDATE contract_current SET state_version = state_version + 1, state = '{\"old\": true}'
         WHERE stream_id = $1",
    )
    .bind(&id)
    .execute(&bench.pool)
    .await
    .unwrap();

    let locked =
        |contract: &Contract, name: &str| contract.is_pin_locked(&PinScopeId::parse(name).unwrap());
    let read = state_of::<ContractStream>(&bench.pool, &id).await.unwrap();
    assert!(locked(&read, "s-1"));

    append(&bus, &id, keyless(), fact("s-2")).await.unwrap();
    assert_eq!(assert_whole(&bench.pool, &id).await, 2);
    let (state_version, state): (i32, Value) =
        sqlx::query_as("SELECT state_version, state FROM contract_current WHERE stream_id = $1")
            .bind(&id)
            .fetch_one(&bench.pool)
            .await
            .unwrap();
    assert_eq!(state_version, ContractStream::STATE_VERSION);
    let state: Contract = serde_json::from_value(state).unwrap();
    assert!(locked(&state, "s-1") && locked(&state, "s-2"));
}

/// Notes as a first release wrote them, and as a second one does: `text` became `words`.
struct FirstNotes;
struct SecondNotes;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum FirstNote {
    NoteTaken { text: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum SecondNote {
    NoteTaken { words: Vec<String> },
}

impl DomainEvent for FirstNote {
    fn event_type(&self) -> &'static str {
        "NoteTaken"
    }
}

impl DomainEvent for SecondNote {
    fn event_type(&self) -> &'static str {
        "NoteTaken"
    }

    fn event_version(&self) -> &'static str {
        "2"
    }
}

impl Stream for FirstNotes {
    const TYPE: &'static str = "notes";
    const STATE_VERSION: i32 = 1;
    type State = Vec<String>;
    type Event = FirstNote;

    fn evolve(state: &mut Vec<String>, event: &FirstNote) {
        let FirstNote::NoteTaken { text } = event;
        state.push(text.clone());
    }
}

impl Stream for SecondNotes {
    const TYPE: &'static str = "notes";
    const STATE_VERSION: i32 = 2;
    type State = Vec<Vec<String>>;
    type Event = SecondNote;

    fn evolve(state: &mut Vec<Vec<String>>, event: &SecondNote) {
        let SecondNote::NoteTaken { words } = event;
        state.push(words.clone());
    }
}

impl Projected for FirstNotes {
    // Any table of the layout that all projections have.
    const TABLE: &'static str = "contract_current";
}

impl Projected for SecondNotes {
    const TABLE: &'static str = "contract_current";

    fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
        vec![Box::new(TextToWords)]
    }
}

struct TextToWords;

impl EventUpcaster for TextToWords {
    fn can_upcast(&self, event_type: &str, event_version: &str) -> bool {
        event_type == "NoteTaken" && event_version == "1"
    }

    fn upcast(&self, mut event: SerializedEvent) -> SerializedEvent {
        let text = event.payload["NoteTaken"]["text"]
            .as_str()
            .unwrap_or_default();
        let words: Vec<&str> = text.split(' ').collect();
        event.payload = serde_json::json!({ "NoteTaken": { "words": words } });
        event.event_version = "2".to_owned();
        event
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upcaster_brings_stored_events_of_an_earlier_version_to_todays_shape() {
    let bench = Bench::new().await;
    let bus = Bus::new(bench.pool.clone());
    let id = stream("notes");
    for text in ["one two", "three"] {
        bus.execute::<FirstNotes, Infallible>(
            id.clone(),
            keyless(),
            move |_, _| {
                Ok(vec![FirstNote::NoteTaken {
                    text: text.to_owned(),
                }])
            },
            |_, _, _| Vec::new(),
        )
        .await
        .unwrap();
    }

    // The next release loads, decides on the whole, and appends in the new shape.
    bus.execute::<SecondNotes, Infallible>(
        id.clone(),
        keyless(),
        |notes, _| {
            let words = notes
                .iter()
                .flatten()
                .map(|word| word.to_uppercase())
                .collect();
            Ok(vec![SecondNote::NoteTaken { words }])
        },
        |_, _, _| Vec::new(),
    )
    .await
    .unwrap();

    let folded = fold::<SecondNotes>(&bench.pool, &id).await.unwrap();
    assert_eq!(folded.version, 3);
    assert_eq!(
        folded.state,
        [
            vec!["one", "two"],
            vec!["three"],
            vec!["ONE", "TWO", "THREE"]
        ]
    );
    assert_eq!(
        state_of::<SecondNotes>(&bench.pool, &id).await.unwrap(),
        folded.state
    );
    assert_eq!(assert_whole(&bench.pool, &id).await, 3);
    let stored: Vec<String> = sqlx::query_scalar(
        "SELECT event_version FROM events WHERE aggregate_id = $1 ORDER BY sequence",
    )
    .bind(&id)
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert_eq!(stored, ["1", "1", "2"], "what is stored stays as it was");
}
