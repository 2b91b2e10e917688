//! What a grant gives, in the partner's words: its own ids of accounts and of the contract.

use crate::store::sql_span;
use std::collections::BTreeSet;
use tracing::Instrument as _;

use consent_domain::{
    AccountId, BankCode, PartnerId,
    consent::{ConsentStream, GrantTerms},
    scope::Task,
};
use sqlx::Row as _;

use crate::{
    app::App,
    protocol::{
        authorization_details::{GrantedAccess, GrantedAccount, GrantedType},
        oauth_error::OAuthError,
        pairwise::PairwiseId,
        shared_key::KeyPurpose,
    },
    store::state_of_row,
};

/// What was granted, for the token response and the access token.
pub(super) fn granted_access(app: &App, bank: &BankCode, terms: &GrantTerms) -> GrantedAccess {
    let key = app.keys.shared(KeyPurpose::Pairwise);
    GrantedAccess {
        r#type: GrantedType::AccountInformation,
        accounts: terms
            .scope
            .accounts()
            .iter()
            .map(|account| GrantedAccount {
                account_id: PairwiseId::of_account(key, &terms.partner, bank, account),
                tasks: terms.scope.tasks_of(account),
            })
            .collect(),
        history_from: terms.history_from,
        valid_until: terms.valid_until,
    }
}

/// Every task of the grant, on whichever account.
pub(super) fn granted_tasks(terms: &GrantTerms) -> BTreeSet<Task> {
    terms.scope.iter().map(|pair| pair.task).collect()
}

/// Most grants of one partner that are searched for accounts that it names.
const MOST_GRANTS: i64 = 10_000;

/// The bank's ids of accounts by the partner's; found among the partner's live grants at this bank.
///
/// # Errors
/// 503 for a store that failed.
pub(super) async fn accounts_by_pairwise(
    app: &App,
    bank: &BankCode,
    partner: &PartnerId,
    named: &[PairwiseId],
) -> Result<BTreeSet<AccountId>, OAuthError> {
    let rows = sqlx::query(
        "SELECT stream_id, version AS c_version, state_version AS c_state_version, state AS c_state
         FROM consent_current
         WHERE bank = $1 AND partner = $2 AND status = 'live' AND valid_until > now() LIMIT $3",
    )
    .bind(bank.as_str())
    .bind(partner.as_str())
    .bind(MOST_GRANTS)
    .fetch_all(&app.pool)
    .instrument(sql_span("accounts by pairwise"))
    .await?;
    let key = app.keys.shared(KeyPurpose::Pairwise);
    let mut found = BTreeSet::new();
    for row in rows {
        let stream: String = row.try_get("stream_id")?;
        let (consent, _) = state_of_row::<ConsentStream>(&app.pool, &row, "c", &stream).await?;
        let accounts = consent
            .terms()
            .map(|terms| terms.scope.accounts())
            .unwrap_or_default();
        found.extend(
            accounts
                .into_iter()
                .filter(|id| named.contains(&PairwiseId::of_account(key, partner, bank, id))),
        );
    }
    Ok(found)
}
