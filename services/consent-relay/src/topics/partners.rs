use consent_domain::{BankCode, InvalidId, PartnerId};
use sqlx::PgPool;

use super::TopicsError;

/// A partner at a bank.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartnerAtBankId {
    /// The bank.
    pub bank: BankCode,
    /// The partner.
    pub partner: PartnerId,
}

/// Every partner that was ever enabled at a bank; one that is disabled has to learn that.
pub(super) async fn all(pool: &PgPool) -> Result<Vec<PartnerAtBankId>, TopicsError> {
    let ids: Vec<String> =
        sqlx::query_scalar("SELECT stream_id FROM partner_at_bank_current ORDER BY stream_id")
            .fetch_all(pool)
            .await?;
    Ok(ids
        .iter()
        .map(|id| parse(id))
        .collect::<Result<_, InvalidId>>()?)
}

fn parse(stream_id: &str) -> Result<PartnerAtBankId, InvalidId> {
    let (bank, partner) = stream_id.split_once(':').ok_or(InvalidId {
        kind: "stream id of a bank",
    })?;
    Ok(PartnerAtBankId {
        bank: BankCode::parse(bank)?,
        partner: PartnerId::parse(partner)?,
    })
}
