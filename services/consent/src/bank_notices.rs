//! The inbound bank port: a bank tells of its contracts, and learns that what follows from it holds.

use std::collections::BTreeSet;

use actix_web::web;
use chrono::{DateTime, Utc};
use consent_domain::{
    AccountId, BankCode, ContractId, Instant, InvalidId, PinScopeId, UserId,
    bank_notice::BankNotice, suspension::SuspensionCause,
};
use renkei_proto::bank::v1::{
    NotifyRequest, NotifyResponse,
    bank_notices_server::BankNotices,
    notify_request::{Cause, Notice},
};
use subtle::ConstantTimeEq as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    app::App,
    lifecycle::bank_told::{NotTaken, Told, take},
};

/// Most accounts that one notice names.
const ACCOUNTS_MAX: usize = 1000;

/// The gRPC service.
pub struct BankNoticeService {
    app: web::Data<App>,
    credential: String,
}

impl BankNoticeService {
    /// Listens to callers that present `credential`.
    pub fn new(app: web::Data<App>, credential: String) -> Self {
        Self { app, credential }
    }

    fn admit<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let presented = request
            .metadata()
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .unwrap_or_default();
        if bool::from(presented.as_bytes().ct_eq(self.credential.as_bytes())) {
            Ok(())
        } else {
            Err(Status::unauthenticated(
                "present the credential of bank notices",
            ))
        }
    }
}

#[tonic::async_trait]
impl BankNotices for BankNoticeService {
    async fn notify(
        &self,
        request: Request<NotifyRequest>,
    ) -> Result<Response<NotifyResponse>, Status> {
        self.admit(&request)?;
        let told = parse(request.into_inner()).map_err(Status::invalid_argument)?;
        match take(&self.app.pool, &self.app.bus, &told).await {
            Ok(()) => Ok(Response::new(NotifyResponse {})),
            Err(error @ NotTaken::UnknownBank) => Err(Status::not_found(error.to_string())),
            Err(error @ NotTaken::IdReused) => Err(Status::already_exists(error.to_string())),
            Err(error) => {
                tracing::warn!(notice = %told.id, %error, "a bank's notice is not complete yet");
                Err(Status::unavailable("not complete; send it again"))
            }
        }
    }
}

/// Names the field that breaks the contract.
fn parse(request: NotifyRequest) -> Result<Told, &'static str> {
    let named = |field: &'static str| move |_: InvalidId| field;
    Ok(Told {
        bank: BankCode::parse(request.bank_code).map_err(named("bank_code"))?,
        id: Uuid::parse_str(&request.notice_id).map_err(|_| "notice_id")?,
        contract: ContractId::parse(request.contract_id).map_err(named("contract_id"))?,
        notice: notice_of(request.notice.ok_or("notice")?)?,
        occurred_at: request.occurred_at.and_then(instant).ok_or("occurred_at")?,
    })
}

/// To the microsecond, as the database keeps it.
fn instant(at: prost_types::Timestamp) -> Option<Instant> {
    let nanos = u32::try_from(at.nanos).ok()?;
    DateTime::<Utc>::from_timestamp(at.seconds, nanos - nanos % 1000)
}

fn notice_of(notice: Notice) -> Result<BankNotice, &'static str> {
    let user = |id: String| UserId::parse(id).map_err(|_| "user_id");
    let account = |id: String| AccountId::parse(id).map_err(|_| "account_id");
    Ok(match notice {
        Notice::PasswordChanged(it) => BankNotice::PasswordChanged {
            user: user(it.user_id)?,
        },
        Notice::CertificateChanged(it) => BankNotice::CertificateChanged {
            user: user(it.user_id)?,
        },
        Notice::UserRemoved(it) => BankNotice::UserRemoved {
            user: user(it.user_id)?,
        },
        Notice::RightRemoved(it) => BankNotice::RightRemoved {
            user: user(it.user_id)?,
            account: account(it.account_id)?,
        },
        Notice::AccountClosed(it) => BankNotice::AccountClosed {
            account: account(it.account_id)?,
        },
        Notice::AccountRenumbered(it) => BankNotice::AccountRenumbered {
            account: account(it.account_id)?,
        },
        Notice::BranchMerged(it) => {
            if it.account_ids.is_empty() || it.account_ids.len() > ACCOUNTS_MAX {
                return Err("account_ids");
            }
            let accounts: Result<BTreeSet<_>, _> =
                it.account_ids.into_iter().map(account).collect();
            BankNotice::BranchMerged {
                accounts: accounts?,
            }
        }
        Notice::PinReset(it) => BankNotice::PinReset {
            pin_scope: PinScopeId::parse(it.pin_scope_id).map_err(|_| "pin_scope_id")?,
        },
        Notice::ContractSuspended(it) => BankNotice::ContractSuspended {
            cause: cause(it.cause())?,
        },
        Notice::ContractRestored(it) => BankNotice::ContractRestored {
            cause: cause(it.cause())?,
        },
        Notice::ContractClosed(_) => BankNotice::ContractClosed,
    })
}

fn cause(cause: Cause) -> Result<SuspensionCause, &'static str> {
    match cause {
        Cause::Unspecified => Err("cause"),
        Cause::CustomerRequest => Ok(SuspensionCause::CustomerRequest),
        Cause::SuspectedFraud => Ok(SuspensionCause::SuspectedFraud),
        Cause::SecurityIncident => Ok(SuspensionCause::SecurityIncident),
        Cause::LegalOrder => Ok(SuspensionCause::LegalOrder),
        Cause::Other => Ok(SuspensionCause::Other),
    }
}
