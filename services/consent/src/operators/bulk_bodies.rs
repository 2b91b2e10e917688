//! What is sent and answered about bulk revocations.

use consent_domain::Instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::orders::{OnBehalfOf, RevocationCode};
use crate::bulk_revocation::{self as bulk, BulkRevocation, Filter, Item, Sample, Totals};

/// Which consents are to be ended, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkRequest {
    pub(super) filter: Filter,
    #[schema(inline)]
    pub(super) reason: RevocationCode,
    /// `bank` where it is not sent.
    #[serde(default)]
    #[schema(inline)]
    pub(super) on_behalf_of: OnBehalfOf,
}

/// What the second person saw.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approval {
    /// `digest` of the bulk revocation.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub(super) digest: String,
}

/// A bulk revocation as it stands.
#[derive(Serialize, ToSchema)]
pub(crate) struct Bulk {
    /// The facts that it leads to carry it as their `causation_id`.
    bulk_id: Uuid,
    filter: Filter,
    /// Why, as a code.
    reason: &'static str,
    /// For whom the operator acts.
    on_behalf_of: &'static str,
    requested_by: String,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Instant,
    /// `preparing`, `previewed`, `approved`, `running`, `paused`, `completed` or `cancelled`.
    state: &'static str,
    /// As of when the consents were frozen.
    #[schema(value_type = Option<String>, format = DateTime)]
    frozen_at: Option<Instant>,
    /// How many there are.
    items: Option<i64>,
    /// SHA-256 of what was frozen, in hex: what an approval names.
    digest: Option<String>,
    /// Whether a second operator has to approve.
    needs_approval: bool,
    /// Until when it may be approved, or started.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Instant>,
    approved_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    approved_at: Option<Instant>,
    started_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Instant>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Instant>,
    /// Most consents per second, over all replicas.
    per_second: i32,
}

impl From<BulkRevocation> for Bulk {
    fn from(it: BulkRevocation) -> Self {
        Self {
            bulk_id: it.bulk_id,
            reason: it.reason().as_str(),
            on_behalf_of: it.by().as_str(),
            state: it.state.as_str(),
            digest: it.digest(),
            filter: it.filter.0,
            requested_by: it.requested_by,
            requested_at: it.requested_at,
            frozen_at: it.frozen_at,
            items: it.item_count,
            needs_approval: it.needs_approval,
            valid_until: it.valid_until,
            approved_by: it.approved_by,
            approved_at: it.approved_at,
            started_by: it.started_by,
            started_at: it.started_at,
            ended_at: it.ended_at,
            per_second: it.per_second,
        }
    }
}

/// A bulk revocation with what it means and what came of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkDetail {
    #[serde(flatten)]
    pub(super) bulk: Bulk,
    pub(super) totals: Totals,
    /// Some of the consents.
    pub(super) sample: Vec<Sample>,
    /// What was done with it.
    pub(super) acts: Vec<bulk::Act>,
}

/// Bulk revocations, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkPage {
    pub(super) bulk_revocations: Vec<Bulk>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// Consents of a bulk revocation, with what came of each.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemPage {
    pub(super) items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}
