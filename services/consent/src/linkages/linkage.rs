//! A linkage of the customer's own contract, with its partner, as the projections have it.

use consent_domain::{
    BankCode, ContractId, GrantId, Instant,
    consent::{Consent, ConsentStream, GrantTerms},
    partner::{Partner, PartnerAtBank, PartnerAtBankStream, PartnerRecord, PartnerStream},
};
use sqlx::{PgPool, Row as _, postgres::PgRow};
use tracing::Instrument as _;

use super::{address::grant_of, visit::AtPage};
use crate::{
    journey::PageError,
    pages::ErrorKind,
    store::{StoreError, sql_span, state_of_row},
};

/// For how many months an ended linkage stays in the list.
pub(super) const ENDED_MONTHS: i32 = 12;

/// Most linkages of one contract that the list shows.
const MOST: i64 = 200;

/// A linkage.
pub(super) struct Linkage {
    pub grant: GrantId,
    pub consent: Consent,
    /// What it says, or said last.
    pub terms: GrantTerms,
    /// When access was first allowed.
    pub began_at: Instant,
    /// When its last fact was recorded; an end is its last.
    pub changed_at: Instant,
    /// The partner as it is registered now.
    pub partner: PartnerRecord,
    /// Which version of its record that is.
    pub partner_version: u32,
    /// Since which version the company, and those to whom it passes data on, are as they are.
    pub recipients_since: u32,
    pub at_bank: PartnerAtBank,
}

const SQL: &str = "
    SELECT c.stream_id, c.version AS consent_version, c.state_version AS consent_state_version,
        c.state AS consent_state, c.began_at, c.changed_at,
        p.version AS partner_version, p.state_version AS partner_state_version,
        p.state AS partner_state,
        a.version AS at_bank_version, a.state_version AS at_bank_state_version,
        a.state AS at_bank_state
    FROM consent_current c
    LEFT JOIN partner_current p ON p.stream_id = c.partner
    LEFT JOIN partner_at_bank_current a ON a.stream_id = c.bank || ':' || c.partner
    WHERE c.bank = $1 AND c.contract = $2";

impl Linkage {
    /// One linkage; another contract's is none.
    ///
    /// # Errors
    /// The error page.
    pub(super) async fn find(at: &AtPage, grant: &str) -> Result<Self, PageError> {
        let visit = &at.visit;
        let not_found = || visit.error(ErrorKind::LinkageNotFound);
        let grant = grant_of(grant).ok_or_else(not_found)?;
        let sql = format!("{SQL} AND c.stream_id = $1 || ':' || $3");
        let row = sqlx::query(&sql)
            .bind(visit.bank.as_str())
            .bind(at.session.subject.contract.as_str())
            .bind(grant.as_str())
            .fetch_optional(&visit.app.pool)
            .instrument(sql_span("load linkage"))
            .await
            .map_err(|error| visit.error(error))?;
        let row = row.ok_or_else(not_found)?;
        let read = read(&visit.app.pool, &visit.bank, &row).await;
        read.map_err(|error| visit.error(error))?
            .ok_or_else(not_found)
    }

    /// The contract's linkages, the latest first: those that go on, and those that ended of late.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn all(
        pool: &PgPool,
        bank: &BankCode,
        contract: &ContractId,
    ) -> Result<Vec<Self>, StoreError> {
        let sql = format!(
            "{SQL} AND (c.status = 'live' OR c.changed_at > now() - make_interval(months => $3))
             ORDER BY c.began_at DESC, c.stream_id LIMIT $4"
        );
        let rows = sqlx::query(&sql)
            .bind(bank.as_str())
            .bind(contract.as_str())
            .bind(ENDED_MONTHS)
            .bind(MOST)
            .fetch_all(pool)
            .instrument(sql_span("load linkages"))
            .await?;
        let mut linkages = Vec::new();
        for row in rows {
            linkages.extend(read(pool, bank, &row).await?);
        }
        Ok(linkages)
    }

    /// Whether it goes on, suspended or not, by the clock.
    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.consent.live_terms(now).is_some()
    }
}

/// A linkage from its row; none where its partner is not registered, which can't be.
async fn read(pool: &PgPool, bank: &BankCode, row: &PgRow) -> Result<Option<Linkage>, StoreError> {
    let stream: String = row.try_get("stream_id")?;
    let (consent, _) = state_of_row::<ConsentStream>(pool, row, "consent", &stream).await?;
    let Some(terms) = consent.terms().cloned() else {
        return Ok(None);
    };
    let partner = terms.partner.as_str();
    let (partner, _) = state_of_row::<PartnerStream>(pool, row, "partner", partner).await?;
    let at_bank_stream = format!("{bank}:{}", terms.partner);
    let (at_bank, _) =
        state_of_row::<PartnerAtBankStream>(pool, row, "at_bank", &at_bank_stream).await?;
    let Partner::Registered {
        record,
        record_version,
        recipients_since,
        ..
    } = partner
    else {
        return Ok(None);
    };
    let grant = stream.split_once(':').map_or("", |(_, grant)| grant);
    Ok(Some(Linkage {
        grant: GrantId::parse(grant)?,
        consent,
        terms,
        began_at: row.try_get("began_at")?,
        changed_at: row.try_get("changed_at")?,
        partner: record,
        partner_version: record_version,
        recipients_since,
        at_bank,
    }))
}
