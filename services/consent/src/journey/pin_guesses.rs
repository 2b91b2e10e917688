//! The PINs of step 4: each row is judged by itself; equal PINs of one scope in one form are one
//! guess.

use std::{collections::BTreeMap, convert::Infallible};

use consent_domain::{
    AccountId, PinScopeId,
    contract::ContractStream,
    journey::{RejectionReason, RowVerdict},
};
use futures_util::future::try_join_all;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{at_step::AtStep, form_key::FormKey};
use crate::{
    bank_port::{BankFailure, Verdict},
    guess::{Guess, GuessKind, GuessLimit, Lock, Recorded, Reservation, Settled, reserve, settle},
    notices::{Notice, NoticeKind},
    pages::ErrorKind,
    protocol::shared_key::KeyPurpose,
    store::{Actor, CommandContext, Companion},
};

/// One ticked row that needs a verdict.
pub(super) struct TypedPin {
    pub account: AccountId,
    pub pin_scope: PinScopeId,
    pub pin: Zeroizing<String>,
}

/// The limit of a bank's PINs: a lock lasts until the bank or an operator resets it.
pub(crate) fn pin_limit(settings: &consent_domain::bank::BankSettings) -> GuessLimit {
    GuessLimit {
        wrong: settings.pin_limit,
        lock_seconds: None,
    }
}

/// The counter's scope of a PIN.
pub(crate) fn guess_scope(contract: &consent_domain::ContractId, scope: &PinScopeId) -> String {
    format!("{contract}:{scope}")
}

struct Group<'a> {
    ordinal: i32,
    pin: &'a str,
    accounts: Vec<AccountId>,
}

/// Judges the PINs. Scopes are asked side by side, the guesses of one scope one after the other.
pub(super) async fn judge(
    at: &AtStep<'_>,
    key: &FormKey,
    typed: &[TypedPin],
) -> Result<BTreeMap<AccountId, RowVerdict>, ErrorKind> {
    let mut scopes: BTreeMap<&PinScopeId, Vec<Group<'_>>> = BTreeMap::new();
    for (ordinal, row) in (0..).zip(typed) {
        let groups = scopes.entry(&row.pin_scope).or_default();
        match groups
            .iter_mut()
            .find(|group| group.pin == row.pin.as_str())
        {
            Some(group) => group.accounts.push(row.account.clone()),
            None => groups.push(Group {
                ordinal,
                pin: &row.pin,
                accounts: vec![row.account.clone()],
            }),
        }
    }
    let judged = try_join_all(
        scopes
            .into_iter()
            .map(|(scope, groups)| judge_scope(at, key, scope, groups)),
    )
    .await?;
    Ok(judged.into_iter().flatten().collect())
}

async fn judge_scope(
    at: &AtStep<'_>,
    key: &FormKey,
    scope: &PinScopeId,
    groups: Vec<Group<'_>>,
) -> Result<Vec<(AccountId, RowVerdict)>, ErrorKind> {
    let mut verdicts = Vec::new();
    for group in groups {
        let pin = Zeroizing::new(group.pin.to_owned());
        let verdict = judge_guess(at, key, scope, group.ordinal, &pin).await?;
        verdicts.extend(group.accounts.into_iter().map(|account| (account, verdict)));
    }
    Ok(verdicts)
}

async fn judge_guess(
    at: &AtStep<'_>,
    key: &FormKey,
    scope: &PinScopeId,
    ordinal: i32,
    pin: &Zeroizing<String>,
) -> Result<RowVerdict, ErrorKind> {
    let (visit, app) = (at.visit, &at.visit.app);
    let counter = guess_scope(&at.login.contract, scope);
    let secret = app
        .keys
        .shared(KeyPurpose::Content)
        .mac(&["pin", counter.as_str(), pin]);
    let guess = Guess {
        bank: visit.bank.as_str(),
        kind: GuessKind::Pin,
        scope: &counter,
        command_key: &key.nonce,
        ordinal,
        secret_mac: &secret,
    };
    let limit = pin_limit(&visit.record.settings);
    let locked = RowVerdict::Rejected(RejectionReason::PinLocked);
    let unavailable = RowVerdict::Rejected(RejectionReason::VerifierUnavailable);
    let attempt = match reserve(&app.pool, &guess, limit).await? {
        Reservation::Ask(attempt) => attempt,
        Reservation::Known(_, settled) => return Ok(verdict_of(settled)),
        Reservation::Locked => return Ok(locked),
        Reservation::Busy | Reservation::KeyReused => return Ok(unavailable),
    };
    let answer = app
        .bank_port
        .verify_inquiry_pin(&visit.bank, attempt, &at.session.subject, scope, pin)
        .await;
    let settled = match answer {
        Ok(Verdict::Match) => Settled::Match,
        Ok(Verdict::Mismatch) => Settled::Mismatch,
        Ok(Verdict::Locked) => Settled::BankLocked,
        Ok(Verdict::Void) => Settled::Void,
        // Not known: the guess stays reserved until the sweeper learns the verdict.
        Err(BankFailure::Unknown | BankFailure::Malformed(_)) => return Ok(unavailable),
        Err(_) => Settled::Outage,
    };
    match settle(&app.pool, attempt, settled, limit).await? {
        Recorded::Now(Lock::Open) => {}
        Recorded::Now(Lock::Reached) => record_lock(at, scope, limit.wrong, attempt).await,
        Recorded::Before(first) => return Ok(verdict_of(first)),
    }
    Ok(verdict_of(settled))
}

fn verdict_of(settled: Settled) -> RowVerdict {
    match settled {
        Settled::Match => RowVerdict::Match,
        Settled::Mismatch => RowVerdict::Rejected(RejectionReason::PinMismatch),
        Settled::BankLocked => RowVerdict::Rejected(RejectionReason::PinLocked),
        Settled::Outage | Settled::Void => {
            RowVerdict::Rejected(RejectionReason::VerifierUnavailable)
        }
    }
}

/// The counter holds the lock already; the contract learns of it as a fact.
async fn record_lock(at: &AtStep<'_>, scope: &PinScopeId, limit: u32, attempt: Uuid) {
    let visit = at.visit;
    let context = CommandContext {
        actor: Actor::System,
        causation_id: Some(attempt),
        ..visit.command(Some(&at.session.subject), None)
    };
    let notice = Notice::of_lock(
        NoticeKind::PinLocked,
        visit.bank.clone(),
        at.login.contract.clone(),
        Some(at.login.user.clone()),
    );
    let scope = scope.clone();
    let recorded = visit
        .app
        .bus
        .execute::<ContractStream, Infallible>(
            visit.contract_stream(&at.login.contract),
            context,
            move |contract, _| Ok(contract.lock_pin(&scope, limit).into_events()),
            move |events, _, _| match events {
                [] => Vec::new(),
                _ => vec![Companion::Notify(notice.clone())],
            },
        )
        .await;
    if let Err(error) = recorded {
        tracing::error!(%error, "a PIN lock holds, but could not be recorded as a fact");
    }
}
