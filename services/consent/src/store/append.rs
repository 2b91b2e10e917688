use consent_domain::{DomainEvent, Instant};
use serde::Serialize;

use super::{Projected, command_store::CommandContext, statement::Statement};
use crate::entropy;

/// A stream as a command loaded it.
pub(super) struct LoadedStream {
    pub id: String,
    /// Number of events; 0 where the stream does not exist yet.
    pub version: i64,
    /// Whether its projection has a row.
    pub row: Row,
}

/// Whether a stream's projection has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// It has.
    There,
    /// There are no events yet, or the row has left before them.
    Missing,
}

/// Why the append statement could not be built.
#[derive(Debug, thiserror::Error)]
#[error("an event or a state could not be written as JSON: {0}")]
pub(super) struct NotJson(#[from] serde_json::Error);

/// Adds one stream's share: its projection's row, and its events joined to that row, so that a row
/// that moved on takes no events. Gives the SQL that counts the events written.
pub(super) fn add_stream<S: Projected>(
    statement: &mut Statement,
    name: &str,
    stream: &LoadedStream,
    state: &S::State,
    events: &[S::Event],
    context: &CommandContext,
    now: Instant,
) -> Result<String, NotJson> {
    let projection = format!("{name}_projection");
    add_projection::<S>(statement, &projection, stream, state, events.len())?;
    // Whoever writes a fact of a grant: it is its partner's, and the feed finds it by that.
    let of_partner = S::partner_of(&stream.id, state).map(|partner| CommandContext {
        partner: Some(partner),
        ..context.clone()
    });
    let context = of_partner.as_ref().unwrap_or(context);
    add_events::<S>(statement, name, &projection, stream, events, context, now)?;
    Ok(format!("(SELECT count(*) FROM {name}_events)"))
}

/// Creation and update are different statements: an upsert with a version check would insert a hole
/// where the row is missing. The times are those of the events: `now()` is one time in a statement.
fn add_projection<S: Projected>(
    statement: &mut Statement,
    name: &str,
    stream: &LoadedStream,
    state: &S::State,
    events: usize,
) -> Result<(), NotJson> {
    let id = statement.bind(stream.id.clone());
    let version = statement.bind(stream.version + i64::try_from(events).unwrap_or(i64::MAX));
    let state_version = statement.bind(S::STATE_VERSION);
    let state = statement.bind(sqlx::types::Json(serde_json::to_value(state)?));
    let table = S::TABLE;
    let body = match stream.row {
        Row::Missing => {
            let began_at = began_at::<S>(stream, &id);
            format!(
                "INSERT INTO {table} (stream_id, version, state_version, state, began_at, changed_at)
                 VALUES ({id}, {version}, {state_version}, {state}, {began_at}, now()) RETURNING 1"
            )
        }
        Row::There => {
            let before = statement.bind(stream.version);
            format!(
                "UPDATE {table} SET version = {version}, state_version = {state_version},
                    state = {state}, changed_at = now()
                 WHERE stream_id = {id} AND version = {before} RETURNING 1"
            )
        }
    };
    statement.with(name, &body);
    Ok(())
}

/// When the stream's first fact was recorded: now, unless its row has left since.
fn began_at<S: Projected>(stream: &LoadedStream, id: &str) -> String {
    if stream.version == 0 {
        return "now()".to_owned();
    }
    format!(
        "(SELECT recorded_at FROM events
          WHERE aggregate_type = '{}' AND aggregate_id = {id} AND sequence = 1)",
        S::TYPE
    )
}

fn add_events<S: Projected>(
    statement: &mut Statement,
    name: &str,
    projection: &str,
    stream: &LoadedStream,
    events: &[S::Event],
    context: &CommandContext,
    now: Instant,
) -> Result<(), NotJson> {
    let mut rows = EventRows::default();
    for (sequence, event) in (stream.version + 1..).zip(events) {
        rows.push(sequence, event, now)?;
    }
    let EventRows {
        sequences,
        types,
        versions,
        payloads,
        ids,
        effective,
    } = rows;
    let [sequences, types, versions, payloads, ids, effective] = [
        statement.bind(sequences),
        statement.bind(types),
        statement.bind(versions),
        statement.bind(payloads),
        statement.bind(ids),
        statement.bind(effective),
    ];
    let aggregate_type = statement.bind(S::TYPE);
    let aggregate_id = statement.bind(stream.id.clone());
    let metadata = statement.bind(serde_json::to_string(&context.metadata())?);
    let bank = statement.bind(context.bank.clone());
    let partner = statement.bind(context.partner.clone());
    let contract = statement.bind(context.contract.clone());
    let actor_kind = statement.bind(context.actor.kind());
    let actor_id = statement.bind(context.actor.id().map(str::to_owned));
    let causation = statement.bind(context.causation_id);
    let request_id = statement.bind(context.request_id.clone());
    let traceparent = statement.bind(context.traceparent.clone());
    let key = statement.bind(context.key.as_ref().map(|key| key.key.clone()));
    let release = statement.bind(env!("CARGO_PKG_VERSION"));
    statement.with(
        &format!("{name}_events"),
        &format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                payload, metadata, event_id, recorded_at, effective_at, bank, partner, contract,
                actor_kind, actor_id, causation_id, request_id, traceparent, command_key, release)
             SELECT {aggregate_type}, {aggregate_id}, e.sequence, e.event_type, e.event_version,
                e.payload::json, {metadata}::json, e.event_id, now(), e.effective_at, {bank}, {partner},
                {contract}, {actor_kind}, {actor_id}, {causation}::uuid, {request_id},
                {traceparent}, {key}, {release}
             FROM {projection},
                UNNEST({sequences}::bigint[], {types}::text[], {versions}::text[],
                    {payloads}::text[], {ids}::uuid[], {effective}::timestamptz[])
                AS e (sequence, event_type, event_version, payload, event_id, effective_at)
             ORDER BY e.sequence
             RETURNING 1"
        ),
    );
    Ok(())
}

#[derive(Default)]
struct EventRows {
    sequences: Vec<i64>,
    types: Vec<String>,
    versions: Vec<String>,
    payloads: Vec<String>,
    ids: Vec<uuid::Uuid>,
    effective: Vec<Option<Instant>>,
}

impl EventRows {
    fn push<E: DomainEvent + Serialize>(
        &mut self,
        sequence: i64,
        event: &E,
        now: Instant,
    ) -> Result<(), NotJson> {
        self.sequences.push(sequence);
        self.types.push(event.event_type().to_owned());
        self.versions.push(event.event_version().to_owned());
        self.payloads.push(serde_json::to_string(event)?);
        self.ids.push(entropy::time_ordered_id(now));
        self.effective.push(event.effective_at());
        Ok(())
    }
}
