//! The live linkages of a contract, read from the authoritative projection.

use crate::store::sql_span;
use chrono::NaiveDate;
use consent_domain::consent::ConsentStream;
use consent_domain::{
    BankCode, ClientId, ContractId, GrantId, Instant, PartnerId,
    consent::{Consent, Place},
    journey::{GrantAction, LinkageBasis},
    scope::Scope,
};
use sqlx::{PgPool, Row as _};
use tracing::Instrument as _;

use crate::store::{StoreError, state_of_row};

/// A linkage that is live by the clock.
#[derive(Debug, Clone)]
pub struct LiveLinkage {
    /// Its grant.
    pub grant: GrantId,
    /// With which service.
    pub client: ClientId,
    /// Which of the pair's it is.
    pub place: Place,
    /// What may be read.
    pub scope: Scope,
    /// First day of statements that may be read, if one is set.
    pub history_from: Option<NaiveDate>,
    /// The first instant at which it no longer holds.
    pub valid_until: Instant,
    /// The partner.
    pub partner: PartnerId,
    /// The consent as its row has it.
    pub consent: Consent,
    /// How many facts that is.
    pub version: i64,
}

/// Most linkages of one contract that a page, or 許可 for a new one, considers.
pub(crate) const LINKAGES_MOST: i64 = 200;

/// The contract's live linkages, with whichever service.
///
/// # Errors
/// [`StoreError`].
pub async fn live_linkages(
    pool: &PgPool,
    bank: &BankCode,
    contract: &ContractId,
) -> Result<Vec<LiveLinkage>, StoreError> {
    let rows = sqlx::query(
        "SELECT stream_id, version AS consent_version, state_version AS consent_state_version,
            state AS consent_state
         FROM consent_current
         WHERE bank = $1 AND contract = $2 AND status = 'live' AND valid_until > now()
         ORDER BY stream_id LIMIT $3",
    )
    .bind(bank.as_str())
    .bind(contract.as_str())
    .bind(LINKAGES_MOST)
    .fetch_all(pool)
    .instrument(sql_span("live linkages"))
    .await?;
    let mut linkages = Vec::new();
    for row in rows {
        let stream: String = row.try_get("stream_id")?;
        let (consent, version) =
            state_of_row::<ConsentStream>(pool, &row, "consent", &stream).await?;
        let Consent::Live { terms, place, .. } = consent.clone() else {
            continue;
        };
        let grant = stream
            .split_once(':')
            .map_or(stream.as_str(), |(_, grant)| grant);
        linkages.push(LiveLinkage {
            grant: GrantId::parse(grant)?,
            client: terms.client,
            place,
            scope: terms.scope,
            history_from: terms.history_from,
            valid_until: terms.valid_until,
            partner: terms.partner,
            consent,
            version,
        });
    }
    Ok(linkages)
}

/// What 許可 would do: `create` makes another; a linkage that the request names is changed; else the
/// pair's one linkage is changed, or made. Where several stand beside each other, the one in the pair's
/// own place is meant; where only ones beside are left and there are several, none can be meant, and the
/// pair's own is made. A named one that is not among them leaves nothing to be changed, and the rule
/// refuses that.
pub(super) fn basis(
    linkages: &[LiveLinkage],
    client: &ClientId,
    action: &GrantAction,
) -> LinkageBasis {
    if *action == GrantAction::Create {
        return LinkageBasis::Beside;
    }
    let of_pair: Vec<&LiveLinkage> = linkages
        .iter()
        .filter(|l| &l.client == client)
        .filter(|l| action.named().is_none_or(|named| *named == l.grant))
        .collect();
    let meant = of_pair
        .iter()
        .find(|l| l.place == Place::Default)
        .copied()
        .or(match of_pair[..] {
            [only] => Some(only),
            _ => None,
        });
    meant.map_or(LinkageBasis::New, |linkage| LinkageBasis::Amends {
        grant: linkage.grant.clone(),
        scope: linkage.scope.clone(),
    })
}
