//! The decision port: strict answers, each from a read on the primary that starts after it was asked
//! for. Those who ask at the same time share one: `docs/decisions/0022-coalesced-decisions.md`.

mod evidence_read;
mod grant_sight;
mod read_report;

use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{
    BankCode, ClientId, GrantId, access::Denial, consent::GrantTerms, scope::Task,
};
use renkei_proto::decision::v1 as wire;
use subtle::ConstantTimeEq as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

pub use self::grant_sight::GrantSight;
use self::grant_sight::Unusable;
pub(crate) use self::{
    evidence_read::{Question, ends_connection},
    grant_sight::{Seen, Unseen},
};
use crate::{
    app::App,
    metrics,
    protocol::{pairwise::PairwiseId, shared_key::KeyPurpose},
};

/// The gRPC service.
pub struct DecisionService {
    app: actix_web::web::Data<App>,
    credential: String,
}

impl DecisionService {
    /// Answers callers that present `credential`.
    pub fn new(app: actix_web::web::Data<App>, credential: String) -> Self {
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
            Err(Status::unauthenticated("present the decision credential"))
        }
    }

    async fn see(&self, question: Question) -> Result<Seen, Status> {
        let seen = self.app.grants.see(question).await;
        seen.map_err(|unseen| undecided(&unseen))
    }

    fn pairwise(
        &self,
        bank: &BankCode,
        terms: &GrantTerms,
        account: &consent_domain::AccountId,
    ) -> PairwiseId {
        let key = self.app.keys.shared(KeyPurpose::Pairwise);
        PairwiseId::of_account(key, &terms.partner, bank, account)
    }
}

/// As either question says it: bank, grant, client, `jti`, `kid`.
fn asked([bank, grant, client, jti, kid]: [&str; 5]) -> Result<Question, Status> {
    let invalid = |what: &'static str| Status::invalid_argument(what);
    Ok(Question {
        bank: BankCode::parse(bank).map_err(|_| invalid("bank_code"))?,
        grant: GrantId::parse(grant).map_err(|_| invalid("grant_id"))?,
        client: ClientId::parse(client).map_err(|_| invalid("client_id"))?,
        jti: Some(Uuid::parse_str(jti).map_err(|_| invalid("jti"))?),
        kid: (!kid.is_empty()).then(|| kid.to_owned()),
    })
}

fn undecided(unseen: &Unseen) -> Status {
    if let Unseen::Overloaded = unseen {
        metrics::decided("overloaded");
        tracing::error!("no decision: {unseen}");
        return Status::resource_exhausted("too many decisions are asked for at once");
    }
    metrics::decided("undecided");
    tracing::error!(error = %unseen, "no decision could be made");
    Status::unavailable("no decision could be made")
}

fn usable<'a>(seen: &'a Seen, client: &ClientId) -> Result<&'a GrantTerms, wire::DenialReason> {
    seen.usable_terms(client)
        .map_err(|unusable| match unusable {
            Unusable::Grant(denial) => reason(denial),
            Unusable::Token => wire::DenialReason::TokenRevoked,
        })
}

fn reason(denial: Denial) -> wire::DenialReason {
    match denial {
        Denial::UnknownGrant => wire::DenialReason::UnknownGrant,
        Denial::Expired => wire::DenialReason::Expired,
        // Nothing to wait for: a closed contract stays closed.
        Denial::Revoked | Denial::ContractClosed => wire::DenialReason::Revoked,
        Denial::Superseded => wire::DenialReason::Superseded,
        Denial::Suspended(_) => wire::DenialReason::Suspended,
        Denial::AccountNotInScope => wire::DenialReason::AccountNotInScope,
        Denial::TaskNotInScope => wire::DenialReason::TaskNotInScope,
    }
}

/// In metrics.
fn word(reason: wire::DenialReason) -> &'static str {
    match reason {
        wire::DenialReason::UnknownGrant => "unknown_grant",
        wire::DenialReason::Expired => "expired",
        wire::DenialReason::Revoked => "revoked",
        wire::DenialReason::Superseded => "superseded",
        wire::DenialReason::Suspended => "suspended",
        wire::DenialReason::TokenRevoked => "token_revoked",
        wire::DenialReason::AccountNotInScope => "account_not_in_scope",
        wire::DenialReason::TaskNotInScope => "task_not_in_scope",
        wire::DenialReason::Unspecified => "unspecified",
    }
}

fn denied(reason: wire::DenialReason) -> wire::Denied {
    wire::Denied {
        reason: reason.into(),
    }
}

fn date_text(date: Option<NaiveDate>) -> String {
    date.map(|date| date.format("%Y-%m-%d").to_string())
        .unwrap_or_default()
}

fn subject(terms: &GrantTerms) -> wire::Subject {
    wire::Subject {
        contract_id: terms.contract.to_string(),
        user_id: terms.user.to_string(),
    }
}

fn timestamp(instant: DateTime<Utc>) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: instant.timestamp(),
        nanos: 0,
    }
}

fn wire_task(task: Task) -> i32 {
    match task {
        Task::Balance => wire::Task::Balance.into(),
        Task::Transactions => wire::Task::Transactions.into(),
    }
}

#[tonic::async_trait]
impl wire::decisions_server::Decisions for DecisionService {
    async fn decide(
        &self,
        request: Request<wire::DecideRequest>,
    ) -> Result<Response<wire::DecideResponse>, Status> {
        use wire::decide_response::Decision;
        self.admit(&request)?;
        let request = request.into_inner();
        let task = match request.task() {
            wire::Task::Balance => Task::Balance,
            wire::Task::Transactions => Task::Transactions,
            wire::Task::Unspecified => return Err(Status::invalid_argument("task")),
        };
        let asked = asked([
            &request.bank_code,
            &request.grant_id,
            &request.client_id,
            &request.jti,
            &request.key_id,
        ])?;
        let (bank, client) = (asked.bank.clone(), asked.client.clone());
        let seen = self.see(asked).await?;
        let decision = usable(&seen, &client).and_then(|terms| {
            // The partner's id names an account of this grant, or none.
            let account = terms
                .scope
                .accounts()
                .into_iter()
                .find(|id| self.pairwise(&bank, terms, id).as_str() == request.account_id)
                .ok_or(wire::DenialReason::AccountNotInScope)?;
            seen.evidence()
                .decide(&client, &account, task)
                .map_err(reason)?;
            Ok(wire::Allowed {
                contract_id: terms.contract.to_string(),
                bank_account_id: account.to_string(),
                history_from_date: date_text(terms.history_from),
                subject: Some(subject(terms)),
            })
        });
        metrics::decided(
            decision
                .as_ref()
                .map_or_else(|denial| word(*denial), |_| "allowed"),
        );
        Ok(Response::new(wire::DecideResponse {
            decision: Some(match decision {
                Ok(allowed) => Decision::Allowed(allowed),
                Err(reason) => Decision::Denied(denied(reason)),
            }),
        }))
    }

    async fn describe_grant(
        &self,
        request: Request<wire::DescribeGrantRequest>,
    ) -> Result<Response<wire::DescribeGrantResponse>, Status> {
        use wire::describe_grant_response::Result as Described;
        self.admit(&request)?;
        let request = request.into_inner();
        let asked = asked([
            &request.bank_code,
            &request.grant_id,
            &request.client_id,
            &request.jti,
            &request.key_id,
        ])?;
        let (bank, client) = (asked.bank.clone(), asked.client.clone());
        let seen = self.see(asked).await?;
        let result = match usable(&seen, &client) {
            Err(reason) => Described::Denied(denied(reason)),
            Ok(terms) => Described::Grant(wire::GrantDescription {
                subject: Some(subject(terms)),
                accounts: terms
                    .scope
                    .accounts()
                    .into_iter()
                    .map(|id| wire::GrantedAccount {
                        account_id: self.pairwise(&bank, terms, &id).to_string(),
                        tasks: terms
                            .scope
                            .tasks_of(&id)
                            .into_iter()
                            .map(wire_task)
                            .collect(),
                        bank_account_id: id.to_string(),
                    })
                    .collect(),
                valid_from: Some(timestamp(terms.valid_from)),
                valid_until: Some(timestamp(terms.valid_until)),
                history_from_date: date_text(terms.history_from),
            }),
        };
        Ok(Response::new(wire::DescribeGrantResponse {
            result: Some(result),
        }))
    }

    async fn record_read(
        &self,
        request: Request<wire::RecordReadRequest>,
    ) -> Result<Response<wire::RecordReadResponse>, Status> {
        self.admit(&request)?;
        let read = read_report::understood(request.into_inner())?;
        let recorded = self.app.access.record(read).await;
        recorded.map_err(|unrecorded| read_report::refusal(&unrecorded))?;
        Ok(Response::new(wire::RecordReadResponse {}))
    }
}
