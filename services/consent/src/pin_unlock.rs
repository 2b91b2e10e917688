//! An operator's reset of a locked PIN scope.

use consent_domain::{
    BankCode, ContractId, PinScopeId,
    contract::{ContractStream, ResetBy},
};

use crate::{
    journey::{guess_scope, stream_id},
    store::{Actor, Bus, CommandContext, CommandError, Companion},
};

/// Unlocks a PIN scope: the fact, and a counter that starts anew, at once.
///
/// # Errors
/// [`CommandError::Store`], [`CommandError::Busy`].
pub async fn unlock_pin(
    bus: &Bus,
    bank: &BankCode,
    contract: &ContractId,
    scope: &PinScopeId,
    operator: &str,
) -> Result<(), CommandError<std::convert::Infallible>> {
    let counter = guess_scope(contract, scope);
    let (code, scope) = (bank.to_string(), scope.clone());
    bus.execute::<ContractStream, std::convert::Infallible>(
        stream_id(bank, contract.as_str()),
        CommandContext {
            bank: Some(bank.to_string()),
            contract: Some(contract.to_string()),
            ..CommandContext::of(Actor::Operator(operator.to_owned()))
        },
        move |state, _| Ok(state.unlock_pin(&scope, ResetBy::Operator).into_events()),
        move |_, _, _| {
            vec![Companion::ClearGuesses {
                bank: code.clone(),
                guess_scope: counter.clone(),
            }]
        },
    )
    .await?;
    Ok(())
}
