//! The client of the bank port. A bank's answer is one of three: an outcome, a definite "no, nothing
//! was done", or unknown; the three are never mixed up.

mod failure;
mod terms;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use consent_domain::{BankCode, PinScopeId};
use renkei_proto::bank::v1 as wire;
use telemetry::grpc;
use tonic::{
    Code, Request, Status,
    transport::{Channel, ClientTlsConfig, Endpoint},
};
use tracing::Instrument as _;
use uuid::Uuid;
use wire::bank_port_client::BankPortClient;
use zeroize::Zeroizing;

use self::terms::{role, subject, verdict, wire_certificate, wire_subject};
use crate::{
    bank_announcements::Announcements,
    bank_answer::{self, CONTRACT_NAME_LONGEST, LOGIN_NAME_LONGEST, Repeats, shown_text},
    client_certificate::CertificateIdentity,
    metrics,
};

pub(crate) use failure::malformed;
pub use failure::{BankFailure, ClosedCause};
pub use terms::{
    BankAccount, CertificateHolder, LoginOutcome, LoginProof, PlannedMaintenance, Subject, Verdict,
};

/// The bank port of every bank on the platform.
#[derive(Clone)]
pub struct BankPort {
    client: BankPortClient<Channel>,
    deadline: Duration,
    announcements: Arc<Announcements>,
}

/// The port's name in spans.
const SERVICE: &str = "renkei.bank.v1.BankPort";

/// A notice for the bank to send.
#[derive(Debug, Clone)]
pub struct NoticeToSend {
    /// The bank sends it once per id.
    pub id: Uuid,
    /// The bank's code.
    pub bank: String,
    /// What happened.
    pub kind: wire::NoticeKind,
    /// To whose master user.
    pub contract: String,
    /// And to whom else; empty: nobody of the contract acted.
    pub actor: String,
    /// Legal name and service name of the partner; empty for locks.
    pub partner: (String, String),
    /// The bank's ids of the accounts that it is about.
    pub accounts: Vec<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When the linkage ends, of an end that comes nearer.
    pub ends_at: Option<DateTime<Utc>>,
    /// Where linkages are seen and ended: language tags with a text in each; empty for locks.
    pub way_to_linkages: Vec<(&'static str, String)>,
}

impl BankPort {
    /// Connects when first used; `tls` for an https address.
    ///
    /// # Errors
    /// [`tonic::transport::Error`] for an address that can't be one.
    pub fn new(
        url: &str,
        tls: Option<ClientTlsConfig>,
        deadline: Duration,
    ) -> Result<Self, tonic::transport::Error> {
        let mut endpoint = Endpoint::from_shared(url.to_owned())?
            .connect_timeout(deadline)
            .http2_keep_alive_interval(Duration::from_secs(20));
        if let Some(tls) = tls {
            endpoint = endpoint.tls_config(tls)?;
        }
        let channel = endpoint.connect_lazy();
        Ok(Self {
            client: BankPortClient::new(channel),
            deadline,
            announcements: Arc::default(),
        })
    }

    /// Asks the bank for whose login id a certificate stands.
    ///
    /// # Errors
    /// [`BankFailure`].
    pub async fn resolve_certificate(
        &self,
        bank: &BankCode,
        certificate: &CertificateIdentity,
    ) -> Result<CertificateHolder, BankFailure> {
        let request = wire::ResolveCertificateRequest {
            bank_code: bank.to_string(),
            certificate: Some(wire_certificate(certificate)),
        };
        let asked = wire::Asked {
            bank_code: bank.to_string(),
            certificate_sha256: certificate.sha256.to_vec(),
            ..wire::Asked::default()
        };
        let mut client = self.client.clone();
        let answer = self
            .ask("ResolveCertificate", asked, || {
                client.resolve_certificate(self.within_deadline(request))
            })
            .await?;
        use wire::resolve_certificate_response::Outcome;
        match answer.outcome.ok_or(BankFailure::Malformed("no outcome"))? {
            Outcome::Holder(holder) if holder.login_id.is_empty() => {
                Err(BankFailure::Malformed("login_id"))
            }
            Outcome::Holder(holder) => {
                Ok(CertificateHolder::LoginId(Zeroizing::new(holder.login_id)))
            }
            Outcome::Refused(refused) => Ok(CertificateHolder::Refused(refused.reason())),
        }
    }

    /// Asks the bank to authenticate a customer, by login id and password. Counted by the bank once
    /// per `attempt`.
    ///
    /// # Errors
    /// [`BankFailure`].
    pub async fn authenticate(
        &self,
        bank: &BankCode,
        attempt: Uuid,
        (login_id, password): (&str, &Zeroizing<String>),
        proof: &LoginProof,
    ) -> Result<LoginOutcome, BankFailure> {
        let (method, certificate) = match proof {
            LoginProof::LoginId => (wire::LoginMethod::Password, None),
            LoginProof::Certificate(certificate) => (
                wire::LoginMethod::Certificate,
                Some(wire_certificate(certificate)),
            ),
        };
        let request = wire::AuthenticateRequest {
            bank_code: bank.to_string(),
            attempt_id: attempt.to_string(),
            login_id: login_id.to_owned(),
            password: String::clone(password),
            method: method.into(),
            certificate,
        };
        let asked = wire::Asked {
            bank_code: bank.to_string(),
            attempt_id: attempt.to_string(),
            ..wire::Asked::default()
        };
        let mut client = self.client.clone();
        let answer = self
            .ask("Authenticate", asked, || {
                client.authenticate(self.within_deadline(request))
            })
            .await?;
        use wire::authenticate_response::Outcome;
        match answer.outcome.ok_or(BankFailure::Malformed("no outcome"))? {
            Outcome::Authenticated(a) => Ok(LoginOutcome::Authenticated {
                role: role(a.role())?,
                subject: subject(a.subject)?,
                login_name: shown_text(a.login_name, LOGIN_NAME_LONGEST)?,
                contract_name: shown_text(a.contract_name, CONTRACT_NAME_LONGEST)?,
            }),
            Outcome::Rejected(r) => Ok(LoginOutcome::Rejected(
                r.subject.map(|s| subject(Some(s))).transpose()?,
            )),
            Outcome::CertificateRefused(_) => Ok(LoginOutcome::CertificateRefused),
            Outcome::Refused(r) => match r.reason() {
                wire::LoginRefusal::Unspecified => Err(BankFailure::Malformed("no refusal")),
                reason => Ok(LoginOutcome::Refused(reason)),
            },
        }
    }

    /// The accounts that the user may inquire, in the bank's order.
    ///
    /// # Errors
    /// [`BankFailure`].
    pub async fn accounts(
        &self,
        bank: &BankCode,
        subject: &Subject,
    ) -> Result<Vec<BankAccount>, BankFailure> {
        let request = wire::ListAccountsRequest {
            bank_code: bank.to_string(),
            subject: Some(wire_subject(subject)),
        };
        let asked = wire::Asked {
            bank_code: bank.to_string(),
            contract_id: subject.contract.to_string(),
            user_id: subject.user.to_string(),
            ..wire::Asked::default()
        };
        let mut client = self.client.clone();
        let answer = self
            .ask("ListAccounts", asked, || {
                client.list_accounts(self.within_deadline(request))
            })
            .await?;
        bank_answer::accounts(answer.accounts)
    }

    /// Asks whether a PIN is right. Counted by the bank once per `attempt`.
    ///
    /// # Errors
    /// [`BankFailure`].
    pub async fn verify_inquiry_pin(
        &self,
        bank: &BankCode,
        attempt: Uuid,
        subject: &Subject,
        pin_scope: &PinScopeId,
        pin: &Zeroizing<String>,
    ) -> Result<Verdict, BankFailure> {
        let request = wire::VerifyInquiryPinRequest {
            bank_code: bank.to_string(),
            attempt_id: attempt.to_string(),
            subject: Some(wire_subject(subject)),
            pin_scope_id: pin_scope.to_string(),
            pin: String::clone(pin),
        };
        let asked = wire::Asked {
            bank_code: bank.to_string(),
            attempt_id: attempt.to_string(),
            contract_id: subject.contract.to_string(),
            user_id: subject.user.to_string(),
            pin_scope_id: pin_scope.to_string(),
            ..wire::Asked::default()
        };
        let mut client = self.client.clone();
        let answer = self
            .ask("VerifyInquiryPin", asked, || {
                client.verify_inquiry_pin(self.within_deadline(request))
            })
            .await?;
        verdict(answer.verdict())
    }

    /// Asks for the verdict of an earlier attempt; one that the bank never saw is void from then on.
    ///
    /// # Errors
    /// [`BankFailure`].
    pub async fn get_verdict(
        &self,
        bank: &BankCode,
        attempt: Uuid,
    ) -> Result<Verdict, BankFailure> {
        let request = wire::GetVerdictRequest {
            bank_code: bank.to_string(),
            attempt_id: attempt.to_string(),
        };
        let asked = wire::Asked {
            bank_code: bank.to_string(),
            attempt_id: attempt.to_string(),
            ..wire::Asked::default()
        };
        let mut client = self.client.clone();
        let answer = self
            .ask("GetVerdict", asked, || {
                client.get_verdict(self.within_deadline(request))
            })
            .await?;
        verdict(answer.verdict())
    }

    /// Asks the bank to send a notice; sent once per id.
    ///
    /// # Errors
    /// [`BankFailure`].
    pub async fn send_notice(&self, notice: NoticeToSend) -> Result<(), BankFailure> {
        let (partner_legal_name, partner_service_name) = notice.partner;
        let timestamp = |at: DateTime<Utc>| prost_types::Timestamp {
            seconds: at.timestamp(),
            nanos: 0,
        };
        let request = wire::SendNoticeRequest {
            bank_code: notice.bank,
            notice_id: notice.id.to_string(),
            contract_id: notice.contract,
            actor_user_id: notice.actor,
            kind: notice.kind.into(),
            occurred_at: Some(timestamp(notice.occurred_at)),
            ends_at: notice.ends_at.map(timestamp),
            partner_legal_name,
            partner_service_name,
            account_ids: notice.accounts,
            way_to_linkages: notice
                .way_to_linkages
                .into_iter()
                .map(|(language, text)| wire::WayToLinkages {
                    language: language.to_owned(),
                    text,
                })
                .collect(),
        };
        let mut client = self.client.clone();
        self.call("SendNotice", || {
            client.send_notice(self.within_deadline(request))
        })
        .await
        .map(drop)
    }

    /// Maintenance of the bank that begins soon, as last heard; waits for the bank but a moment.
    pub async fn maintenance_ahead(
        &self,
        bank: &BankCode,
        now: DateTime<Utc>,
    ) -> Option<PlannedMaintenance> {
        let ask = self.planned_maintenance(bank);
        self.announcements.next(bank, now, ask).await
    }

    /// The same as last heard, without asking.
    pub fn maintenance_heard_of(
        &self,
        bank: &BankCode,
        now: DateTime<Utc>,
    ) -> Option<PlannedMaintenance> {
        self.announcements.soon(bank, now)
    }

    /// Maintenance that the bank has announced.
    ///
    /// # Errors
    /// [`BankFailure`].
    pub async fn planned_maintenance(
        &self,
        bank: &BankCode,
    ) -> Result<Vec<PlannedMaintenance>, BankFailure> {
        let request = wire::ListPlannedMaintenanceRequest {
            bank_code: bank.to_string(),
        };
        let asked = wire::Asked {
            bank_code: bank.to_string(),
            ..wire::Asked::default()
        };
        let mut client = self.client.clone();
        let answer = self
            .ask("ListPlannedMaintenance", asked, || {
                client.list_planned_maintenance(self.within_deadline(request))
            })
            .await?;
        bank_answer::planned_maintenance(&answer.maintenance)
    }

    fn within_deadline<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.deadline);
        grpc::inject(request.metadata_mut());
        request
    }

    /// Calls, and takes only an answer to what was asked.
    async fn ask<T: Repeats, F>(
        &self,
        rpc: &'static str,
        asked: wire::Asked,
        call: impl FnOnce() -> F,
    ) -> Result<T, BankFailure>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let answer = self.call(rpc, call).await?;
        if answer.asked() == Some(&asked) {
            return Ok(answer);
        }
        tracing::error!(rpc, "the bank's answer is not to what it was asked");
        Err(BankFailure::Malformed("not the answer to what was asked"))
    }

    async fn call<T, F>(
        &self,
        rpc: &'static str,
        call: impl FnOnce() -> F,
    ) -> Result<T, BankFailure>
    where
        F: Future<Output = Result<tonic::Response<T>, Status>>,
    {
        let span = grpc::client_span(SERVICE, rpc);
        let started = Instant::now();
        // The server is told the deadline; a server that does not keep it is cut off a moment later.
        let limit = self.deadline + Duration::from_millis(250);
        let call = span.in_scope(call).instrument(span.clone());
        let (code, answer) = match tokio::time::timeout(limit, call).await {
            Err(_) => (Code::DeadlineExceeded, Err(BankFailure::Unknown)),
            Ok(Err(status)) => (status.code(), Err(failure::failure(&status))),
            Ok(Ok(answer)) => (Code::Ok, Ok(answer.into_inner())),
        };
        grpc::record_status(&span, code);
        let outcome = answer.as_ref().map_or_else(BankFailure::word, |_| "ok");
        metrics::bank_called(rpc, outcome, started.elapsed());
        answer
    }
}
