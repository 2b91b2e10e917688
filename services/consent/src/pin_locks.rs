//! Locks of PINs that hold without being facts yet: a verdict that the sweeper learned reached the
//! limit, a bank lowered its limit, or a crash came between a lock and its fact.

use crate::store::sql_span;
use std::convert::Infallible;
use tracing::Instrument as _;

use consent_domain::{BankCode, ContractId, PinScopeId, contract::ContractStream};
use uuid::Uuid;

use crate::{
    app::App,
    journey::stream_id,
    notices::{Notice, NoticeKind},
    partners::bank_record,
    store::{Actor, CommandContext, Companion, StoreError},
};

/// Locked counters of PINs whose contract does not know of the lock, with the guess that led to it.
const MISSING: &str = "
    SELECT c.bank, c.guess_scope,
        (SELECT g.attempt_id FROM guesses g
         WHERE g.bank = c.bank AND g.kind = 'pin' AND g.guess_scope = c.guess_scope
           AND g.verdict = 'mismatch' ORDER BY g.settled_at DESC LIMIT 1) AS attempt
    FROM guess_counters c
    LEFT JOIN contract_current t
        ON t.stream_id = c.bank || ':' || split_part(c.guess_scope, ':', 1)
    WHERE c.kind = 'pin' AND c.locked_until IS NOT NULL AND c.locked_until > now()
      AND NOT coalesce(t.state -> 'locked_pins' ? split_part(c.guess_scope, ':', 2), false)
    ORDER BY c.touched_at LIMIT 100";

/// Records them. Beside a request that is about to record the same lock this finds it done, or the
/// request does.
///
/// # Errors
/// [`StoreError`].
pub(crate) async fn record_missing_locks(app: &App) -> Result<(), StoreError> {
    let missing: Vec<(String, String, Option<Uuid>)> = sqlx::query_as(MISSING)
        .fetch_all(&app.pool)
        .instrument(sql_span("record missing locks"))
        .await?;
    for (bank, guess_scope, attempt) in missing {
        let Some((contract, scope)) = guess_scope.split_once(':') else {
            continue;
        };
        let bank = BankCode::parse(bank)?;
        let (contract, scope) = (ContractId::parse(contract)?, PinScopeId::parse(scope)?);
        let Some(record) = bank_record(&app.pool, &bank).await? else {
            continue;
        };
        let limit = record.settings.pin_limit;
        let notice = Notice::of_lock(NoticeKind::PinLocked, bank.clone(), contract.clone(), None);
        let context = CommandContext {
            bank: Some(bank.to_string()),
            partner: None,
            contract: Some(contract.to_string()),
            actor: Actor::System,
            causation_id: attempt,
            request_id: None,
            traceparent: None,
            key: None,
        };
        let recorded = app
            .bus
            .execute::<ContractStream, Infallible>(
                stream_id(&bank, contract.as_str()),
                context,
                move |state, _| Ok(state.lock_pin(&scope, limit).into_events()),
                move |events, _, _| match events {
                    [] => Vec::new(),
                    _ => vec![Companion::Notify(notice.clone())],
                },
            )
            .await;
        if let Err(error) = recorded {
            tracing::warn!(%error, "a PIN lock holds, but could not be recorded as a fact yet");
        }
    }
    Ok(())
}
