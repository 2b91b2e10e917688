//! Ending a journey without 許可: by the customer's page or by the sweeper, in one command.

use consent_domain::{
    BankCode, JourneyId,
    contract::{Contract, ContractStream},
    journey::{EndJourney, InProgress, Journey, JourneyRefusal, JourneyStream},
};

use crate::{
    journey::stream_id,
    store::{Act, Bus, CommandContext, CommandError, Companion, Executed, Spent},
};

/// Ends the journey, takes back the registrations that it made, and ends its bank sessions. Gives the
/// recorded outcome where the context's key was spent before.
///
/// # Errors
/// [`CommandError`].
pub async fn end_journey(
    bus: &Bus,
    bank: &BankCode,
    id: &JourneyId,
    journey: &Journey,
    how: EndJourney,
    context: CommandContext,
) -> Result<Option<Spent>, CommandError<JourneyRefusal>> {
    let stream = stream_id(bank, id.as_str());
    let companions = {
        let (bank, journey) = (bank.to_string(), id.clone());
        move || {
            vec![
                Companion::EndSessions {
                    bank: bank.clone(),
                    journey: journey.to_string(),
                    reason: "journey_ended",
                },
                Companion::FinishPushedRequest {
                    bank: bank.clone(),
                    journey: journey.clone(),
                },
            ]
        }
    };
    // Before a login there is no contract, and nothing that could have been registered.
    let contract = match journey {
        Journey::InProgress(journey) => InProgress::login(journey).ok().map(|l| l.contract.clone()),
        Journey::Absent | Journey::Ended(_) => None,
    };
    let Some(contract) = contract else {
        let executed = bus
            .execute::<JourneyStream, JourneyRefusal>(
                stream,
                context,
                move |journey, now| {
                    match journey {
                        // Somebody logged in since: the caller's view is out of date.
                        Journey::InProgress(state) if state.login().is_ok() => {
                            Err(JourneyRefusal::RevisionMoved {
                                current: state.revision,
                            })
                        }
                        _ => journey
                            .end(&Contract::default(), how, now)
                            .map(|(outcome, _)| outcome.into_events()),
                    }
                },
                move |_, _, _| companions(),
            )
            .await?;
        return Ok(spent(executed));
    };
    let executed = bus
        .execute_pair::<JourneyStream, ContractStream, JourneyRefusal>(
            (stream, stream_id(bank, contract.as_str())),
            context,
            Act::new(move |journey: &Journey, contract: &Contract, now| {
                let (outcome, withdrawn) = journey.end(contract, how, now)?;
                Ok((outcome.into_events(), withdrawn))
            }),
            move |_, _, _, _| companions(),
        )
        .await?;
    Ok(spent(executed))
}

fn spent<A: consent_domain::Stream, B: consent_domain::Stream>(
    executed: Executed<A, B>,
) -> Option<Spent> {
    match executed {
        Executed::Committed(_) => None,
        Executed::Repeated(spent) => Some(spent),
    }
}
