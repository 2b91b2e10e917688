//! The frame around every rpc of the bank port: count, switches, closure, act, hold back.

use std::time::Duration;

use tokio::sync::watch;
use tonic::{Response, Status};

use renkei_proto::bank::v1 as port;

use crate::bank::SandboxBank;
use crate::lies::{Answer, tell};
use crate::port_error::PortError;
use crate::seed::{BankCode, Seed};
use crate::state::State;
use crate::switches::{Fault, HELD_BACK_AT_MOST, Rpc};

/// What happens between the act and the answer.
enum Afterwards {
    Answer,
    HoldBack(Duration, watch::Receiver<()>),
    Lose(watch::Receiver<()>),
}

impl SandboxBank {
    /// Answers one request. `act` runs under the bank's lock, before anything is awaited: a caller
    /// that hangs up does not undo it.
    pub(crate) async fn answer<T>(
        &self,
        rpc: Rpc,
        bank_code: &str,
        act: impl FnOnce(&Seed, &mut State, BankCode) -> Result<T, PortError>,
    ) -> Result<Response<T>, Status> {
        let (result, afterwards) = self.act(rpc, bank_code, act);
        let result = match afterwards {
            Afterwards::Answer => result,
            Afterwards::HoldBack(delay, mut release) => {
                let _ = tokio::time::timeout(delay, release.changed()).await;
                result
            }
            Afterwards::Lose(mut release) => {
                let _ = tokio::time::timeout(HELD_BACK_AT_MOST, release.changed()).await;
                Err(PortError::AnswerLost)
            }
        };
        match result {
            Ok(answer) => {
                tracing::debug!(?rpc, "answered");
                Ok(Response::new(answer))
            }
            Err(error) => {
                tracing::debug!(?rpc, %error, "answered with a status");
                Err(error.into())
            }
        }
    }

    /// The answer as it leaves the bank: with what it is the answer to, and as the rpc's lie bends it.
    pub(crate) fn leave<T: Answer>(
        &self,
        rpc: Rpc,
        asked: port::Asked,
        answer: Response<T>,
    ) -> Response<T> {
        let lie = self.state().switches.rpc(rpc).lie;
        answer.map(|mut message| {
            *message.asked() = Some(asked);
            if let Some(lie) = lie {
                tell(lie, &mut message);
            }
            message
        })
    }

    fn act<T>(
        &self,
        rpc: Rpc,
        bank_code: &str,
        act: impl FnOnce(&Seed, &mut State, BankCode) -> Result<T, PortError>,
    ) -> (Result<T, PortError>, Afterwards) {
        let mut state = self.state();
        *state.requests.entry(rpc).or_default() += 1;
        let switch = state.switches.rpc(rpc);
        let (fault, delay) = (switch.fault, switch.delay);
        let release = switch.release.subscribe();
        let afterwards = match fault {
            Some(Fault::Unavailable) => return (Err(PortError::Unavailable), Afterwards::Answer),
            Some(Fault::HangAfterActing) => Afterwards::Lose(release),
            None if delay.is_zero() => Afterwards::Answer,
            None => Afterwards::HoldBack(delay, release),
        };
        let result = match rpc {
            Rpc::ListPlannedMaintenance => self.known_bank(bank_code),
            _ => self.open_bank(&state, bank_code),
        };
        let result = result.and_then(|bank| act(self.seed(), &mut state, bank));
        (result, afterwards)
    }

    fn open_bank(&self, state: &State, bank_code: &str) -> Result<BankCode, PortError> {
        let bank = self.known_bank(bank_code)?;
        match state.switches.closures.get(&bank) {
            Some(closure) => Err(PortError::Closed(*closure)),
            None => Ok(bank),
        }
    }

    fn known_bank(&self, bank_code: &str) -> Result<BankCode, PortError> {
        let bank: BankCode = bank_code
            .parse()
            .map_err(|_| PortError::Invalid("bank_code is not four digits"))?;
        if !self.seed().has_bank(bank) {
            return Err(PortError::UnknownBank);
        }
        Ok(bank)
    }
}
