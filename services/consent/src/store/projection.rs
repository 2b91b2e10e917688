use cqrs_es::persist::EventUpcaster;
use serde::{Deserialize, Serialize};

use consent_domain::{
    DomainEvent, Stream,
    bank::BankStream,
    consent::{Consent, ConsentStream},
    contract::ContractStream,
    journey::JourneyStream,
    partner::{PartnerAtBankStream, PartnerStream},
};

/// How long the rows of a projection are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// As long as their events: a stream without a row has no events.
    Stay,
    /// A row may leave before its events (`retention`), where this condition in SQL holds of it: without a
    /// row the events are asked.
    Leave(&'static str),
}

impl Rows {
    /// SQL: whether the row of the alias has left, with its events still there. `id` is the stream's id in
    /// the statement, e.g. `$1`.
    pub fn have_left<S: Projected>(alias: &str, id: &str) -> String {
        match S::ROWS {
            Self::Stay => "false".to_owned(),
            Self::Leave(_) => format!(
                "({alias}.stream_id IS NULL AND EXISTS (SELECT FROM events
                    WHERE aggregate_type = '{}' AND aggregate_id = {id} AND sequence = 1))",
                S::TYPE
            ),
        }
    }
}

/// A stream with an authoritative projection: a row per stream that commits with its events.
pub trait Projected: Stream {
    /// The projection's table.
    const TABLE: &'static str;

    /// Whether rows may leave while their events stay.
    const ROWS: Rows = Rows::Stay;

    /// Brings events of earlier versions to today's shape. None has changed its shape yet.
    fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
        Vec::new()
    }

    /// The partner whom the stream concerns, where it tells: its facts name that one, whoever wrote
    /// them, so that a partner's feed finds them.
    fn partner_of(_stream_id: &str, _state: &Self::State) -> Option<String> {
        None
    }
}

impl Projected for JourneyStream {
    const TABLE: &'static str = "journey_current";
    /// As `remove_unfinished_journeys` says at the least.
    const ROWS: Rows =
        Rows::Leave("is_unfinished_journey(state) AND ends_at < now() - interval '1 day'");
}
impl Projected for ConsentStream {
    const TABLE: &'static str = "consent_current";

    fn partner_of(_stream_id: &str, state: &Consent) -> Option<String> {
        state.terms().map(|terms| terms.partner.to_string())
    }
}
impl Projected for ContractStream {
    const TABLE: &'static str = "contract_current";
}
impl Projected for PartnerStream {
    const TABLE: &'static str = "partner_current";
}
impl Projected for PartnerAtBankStream {
    const TABLE: &'static str = "partner_at_bank_current";

    fn partner_of(stream_id: &str, _state: &Self::State) -> Option<String> {
        stream_id
            .split_once(':')
            .map(|(_, partner)| partner.to_owned())
    }
}
impl Projected for BankStream {
    const TABLE: &'static str = "bank_current";
}

/// In the second place of a command that touches one stream only.
pub struct NoStream;

/// There are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum NoEvent {}

impl DomainEvent for NoEvent {
    fn event_type(&self) -> &'static str {
        match *self {}
    }
}

impl Stream for NoStream {
    const TYPE: &'static str = "";
    const STATE_VERSION: i32 = 1;
    type State = ();
    type Event = NoEvent;
    fn evolve(_state: &mut (), event: &NoEvent) {
        match *event {}
    }
}

impl Projected for NoStream {
    const TABLE: &'static str = "";
}
