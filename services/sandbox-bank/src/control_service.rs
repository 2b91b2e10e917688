//! The control service over gRPC: the handle's methods for tests in other processes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tonic::{Request, Response, Status};

use crate::bank::{SandboxBank, UnknownTarget};
use crate::control as wire;
use crate::control::sandbox_control_server::SandboxControl;
use crate::switches::{
    Clock, Closure, ClosureReason, CustomerFlag, Fault, Lie, PlannedMaintenance, Rpc,
};

/// The controls of one [`SandboxBank`].
#[derive(Debug)]
pub(crate) struct ControlService {
    bank: SandboxBank,
}

impl ControlService {
    pub(crate) fn new(bank: SandboxBank) -> Self {
        Self { bank }
    }
}

#[tonic::async_trait]
impl SandboxControl for ControlService {
    async fn reset(
        &self,
        _: Request<wire::ResetRequest>,
    ) -> Result<Response<wire::ResetResponse>, Status> {
        self.bank.reset();
        Ok(Response::new(wire::ResetResponse {}))
    }

    async fn set_rpc_behaviour(
        &self,
        request: Request<wire::SetRpcBehaviourRequest>,
    ) -> Result<Response<wire::SetRpcBehaviourResponse>, Status> {
        let request = request.into_inner();
        let rpc = rpc_from(request.rpc)?;
        let fault = match wire::Fault::try_from(request.fault).map_err(|_| unknown_value())? {
            wire::Fault::Unspecified => None,
            wire::Fault::Unavailable => Some(Fault::Unavailable),
            wire::Fault::HangAfterActing => Some(Fault::HangAfterActing),
        };
        let delay = request.delay.map_or(Ok(Duration::ZERO), |delay| {
            Duration::try_from(delay).map_err(|_| Status::invalid_argument("delay is negative"))
        })?;
        let lie = lie_from(request.lie)?;
        self.bank.set_delay(rpc, delay);
        self.bank.set_fault(rpc, fault);
        self.bank.set_lie(rpc, lie);
        Ok(Response::new(wire::SetRpcBehaviourResponse {}))
    }

    async fn set_bank_closure(
        &self,
        request: Request<wire::SetBankClosureRequest>,
    ) -> Result<Response<wire::SetBankClosureResponse>, Status> {
        let request = request.into_inner();
        let closure = request.closure.map(closure_from).transpose()?;
        self.bank.set_closure(&request.bank_code, closure)?;
        Ok(Response::new(wire::SetBankClosureResponse {}))
    }

    async fn set_planned_maintenance(
        &self,
        request: Request<wire::SetPlannedMaintenanceRequest>,
    ) -> Result<Response<wire::SetPlannedMaintenanceResponse>, Status> {
        let request = request.into_inner();
        let planned = request.maintenance.into_iter().map(planned_from);
        let planned = planned.collect::<Result<_, _>>()?;
        self.bank
            .set_planned_maintenance(&request.bank_code, planned)?;
        Ok(Response::new(wire::SetPlannedMaintenanceResponse {}))
    }

    async fn set_attempt_limits(
        &self,
        request: Request<wire::SetAttemptLimitsRequest>,
    ) -> Result<Response<wire::SetAttemptLimitsResponse>, Status> {
        let request = request.into_inner();
        if let Some(failures) = request.login_failures {
            self.bank.set_login_limit(failures);
        }
        if let Some(mismatches) = request.pin_mismatches {
            self.bank.set_pin_limit(mismatches);
        }
        Ok(Response::new(wire::SetAttemptLimitsResponse {}))
    }

    async fn clear_failures(
        &self,
        request: Request<wire::ClearFailuresRequest>,
    ) -> Result<Response<wire::ClearFailuresResponse>, Status> {
        use wire::clear_failures_request::Whose;
        let request = request.into_inner();
        match request.whose {
            Some(Whose::LoginId(login_id)) => {
                self.bank.reset_login(&request.bank_code, &login_id)?;
            }
            Some(Whose::PinScopeId(scope)) => {
                self.bank.reset_pin_scope(&request.bank_code, &scope)?;
            }
            None => return Err(unknown_value()),
        }
        Ok(Response::new(wire::ClearFailuresResponse {}))
    }

    async fn set_customer(
        &self,
        request: Request<wire::SetCustomerRequest>,
    ) -> Result<Response<wire::SetCustomerResponse>, Status> {
        let wire::SetCustomerRequest {
            bank_code,
            login_id,
            flags,
            withdrawn_account_ids,
        } = request.into_inner();
        let flags: Vec<CustomerFlag> =
            flags.into_iter().map(flag_from).collect::<Result<_, _>>()?;
        let (contract, _) = self.bank.customer(&bank_code, &login_id)?;
        if withdrawn_account_ids
            .iter()
            .any(|id| contract.account(id).is_none())
        {
            return Err(UnknownTarget::Account.into());
        }
        self.bank
            .set_customer_flags(&bank_code, &login_id, &flags)?;
        for account in &contract.accounts {
            if withdrawn_account_ids.contains(&account.id) {
                self.bank
                    .withdraw_account_right(&bank_code, &login_id, &account.id)?;
            } else {
                self.bank
                    .restore_account_right(&bank_code, &login_id, &account.id)?;
            }
        }
        Ok(Response::new(wire::SetCustomerResponse {}))
    }

    async fn set_clock(
        &self,
        request: Request<wire::SetClockRequest>,
    ) -> Result<Response<wire::SetClockResponse>, Status> {
        let clock = match request.into_inner().stopped_at {
            Some(at) => Clock::StoppedAt(instant(at)?),
            None => Clock::System,
        };
        self.bank.set_clock(clock);
        Ok(Response::new(wire::SetClockResponse {}))
    }

    async fn get_counters(
        &self,
        _: Request<wire::GetCountersRequest>,
    ) -> Result<Response<wire::GetCountersResponse>, Status> {
        let counters = self.bank.counters();
        let rpc = |(rpc, requests)| wire::RpcCount {
            rpc: rpc_on_wire(rpc).into(),
            requests,
        };
        let login = |count: crate::LoginCount| wire::LoginCount {
            bank_code: count.bank_code,
            login_id: count.login_id,
            attempts: count.attempts,
            failures_in_a_row: count.failures_in_a_row,
        };
        let pin = |count: crate::PinCount| wire::PinCount {
            bank_code: count.bank_code,
            pin_scope_id: count.pin_scope_id,
            guesses: count.guesses,
            mismatches_in_a_row: count.mismatches_in_a_row,
        };
        let pin_request = |request: crate::PinRequest| wire::PinRequest {
            bank_code: request.bank_code,
            attempt_id: request.attempt_id,
            contract_id: request.contract_id,
            user_id: request.user_id,
            pin_scope_id: request.pin_scope_id,
        };
        Ok(Response::new(wire::GetCountersResponse {
            rpcs: counters.requests.into_iter().map(rpc).collect(),
            logins: counters.logins.into_iter().map(login).collect(),
            pins: counters.pins.into_iter().map(pin).collect(),
            pin_requests: counters.pin_requests.into_iter().map(pin_request).collect(),
        }))
    }
}

impl From<UnknownTarget> for Status {
    fn from(error: UnknownTarget) -> Self {
        Self::not_found(error.to_string())
    }
}

fn unknown_value() -> Status {
    Status::invalid_argument("an enum value is unspecified or unknown")
}

fn instant(at: prost_types::Timestamp) -> Result<DateTime<Utc>, Status> {
    u32::try_from(at.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(at.seconds, nanos))
        .ok_or_else(|| Status::invalid_argument("not an instant"))
}

fn closure_from(closure: wire::Closure) -> Result<Closure, Status> {
    let reason = match closure.reason() {
        wire::ClosureReason::Unspecified => return Err(unknown_value()),
        wire::ClosureReason::Hours => ClosureReason::Hours,
        wire::ClosureReason::Maintenance => ClosureReason::Maintenance,
    };
    Ok(Closure {
        reason,
        reopens_at: closure.reopens_at.map(instant).transpose()?,
    })
}

fn planned_from(planned: wire::PlannedMaintenance) -> Result<PlannedMaintenance, Status> {
    let from = planned
        .from
        .ok_or_else(|| Status::invalid_argument("from is absent"))?;
    Ok(PlannedMaintenance {
        from: instant(from)?,
        until: planned.until.map(instant).transpose()?,
    })
}

/// The lies are numbered from 1 in the order of [`Lie::ALL`].
fn lie_from(lie: i32) -> Result<Option<Lie>, Status> {
    if lie == i32::from(wire::Lie::Unspecified) {
        return Ok(None);
    }
    let place = usize::try_from(lie).ok().and_then(|n| n.checked_sub(1));
    place
        .and_then(|place| Lie::ALL.get(place).copied())
        .map(Some)
        .ok_or_else(unknown_value)
}

fn flag_from(flag: i32) -> Result<CustomerFlag, Status> {
    match wire::CustomerFlag::try_from(flag) {
        Ok(wire::CustomerFlag::Locked) => Ok(CustomerFlag::Locked),
        Ok(wire::CustomerFlag::Stopped) => Ok(CustomerFlag::Stopped),
        Ok(wire::CustomerFlag::PasswordChangeDue) => Ok(CustomerFlag::PasswordChangeDue),
        Ok(wire::CustomerFlag::CertificateRequired) => Ok(CustomerFlag::CertificateRequired),
        Ok(wire::CustomerFlag::Unspecified) | Err(_) => Err(unknown_value()),
    }
}

fn rpc_from(rpc: i32) -> Result<Rpc, Status> {
    Rpc::ALL
        .into_iter()
        .find(|candidate| i32::from(rpc_on_wire(*candidate)) == rpc)
        .ok_or_else(unknown_value)
}

fn rpc_on_wire(rpc: Rpc) -> wire::Rpc {
    match rpc {
        Rpc::ResolveCertificate => wire::Rpc::ResolveCertificate,
        Rpc::Authenticate => wire::Rpc::Authenticate,
        Rpc::ListAccounts => wire::Rpc::ListAccounts,
        Rpc::VerifyInquiryPin => wire::Rpc::VerifyInquiryPin,
        Rpc::GetVerdict => wire::Rpc::GetVerdict,
        Rpc::GetBalance => wire::Rpc::GetBalance,
        Rpc::ListTransactions => wire::Rpc::ListTransactions,
        Rpc::SendNotice => wire::Rpc::SendNotice,
        Rpc::ListPlannedMaintenance => wire::Rpc::ListPlannedMaintenance,
    }
}
