//! 照会用暗証番号: judged and counted by PIN scope.

use renkei_proto::bank::v1 as port;

use crate::attempts::{Attempt, AttemptId, PinVerdict};
use crate::port_error::PortError;
use crate::secret::is_four_digits;
use crate::seed::{BankCode, Seed};
use crate::state::State;

pub(crate) fn verify(
    seed: &Seed,
    state: &mut State,
    bank: BankCode,
    request: &port::VerifyInquiryPinRequest,
) -> Result<port::Verdict, PortError> {
    let attempt_id = AttemptId::parse(&request.attempt_id)?;
    if !is_four_digits(&request.pin) {
        return Err(PortError::Invalid("pin is not four digits"));
    }
    let (contract, user) = seed
        .subject(bank, request.subject.as_ref())
        .ok_or(PortError::UnknownSubject)?;
    let scope = request.pin_scope_id.as_str();
    let reachable = contract.accounts.iter().any(|account| {
        state.may_see(bank, user, &account.id) && account.pin_scope_for(user) == Some(scope)
    });
    let pin = contract
        .pins
        .get(scope)
        .filter(|_| reachable)
        .ok_or(PortError::UnknownPinScope)?;

    match state.attempts.find(bank, attempt_id) {
        Some(attempt @ Attempt::Pin { scope: bound, .. }) if bound == scope => {
            return Ok(attempt.verdict());
        }
        Some(Attempt::Void) => return Ok(port::Verdict::Void),
        Some(_) => return Err(PortError::Invalid("attempt_id belongs to another attempt")),
        None => {}
    }
    let tally = state.pins.entry((bank, scope.to_owned())).or_default();
    let verdict = if tally.failures_in_a_row >= state.switches.pin_limit {
        PinVerdict::Locked
    } else if pin.matches(&request.pin) {
        tally.succeeded();
        PinVerdict::Match
    } else {
        tally.failed();
        PinVerdict::Mismatch
    };
    let attempt = Attempt::Pin {
        scope: scope.to_owned(),
        verdict,
    };
    let answer = attempt.verdict();
    state.attempts.remember(bank, attempt_id, attempt);
    Ok(answer)
}
