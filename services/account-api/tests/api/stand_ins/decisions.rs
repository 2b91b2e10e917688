//! The decision port of the tests: one grant, described by a test.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use prost_types::Timestamp;
use renkei_proto::decision::v1::decisions_server::{Decisions, DecisionsServer};
use renkei_proto::decision::v1::{
    Allowed, DecideRequest, DecideResponse, DenialReason, Denied, DescribeGrantRequest,
    DescribeGrantResponse, GrantDescription, GrantedAccount, RecordReadRequest, RecordReadResponse,
    Subject, Task, decide_response, describe_grant_response,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use super::{Conduct, text};

pub(crate) const CREDENTIAL: &str = "credential-of-the-tests";

/// The grant as the decision port sees it.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) denial: Option<DenialReason>,
    pub(crate) accounts: Vec<GrantedAccount>,
    pub(crate) history_from: String,
    pub(crate) conduct: Conduct,
}

/// One question as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) bank_code: String,
    pub(crate) grant_id: String,
    pub(crate) client_id: String,
    pub(crate) jti: String,
    pub(crate) request_id: Option<String>,
    pub(crate) traceparent: Option<String>,
}

#[derive(Clone)]
pub(crate) struct DecisionStandIn {
    pub(crate) grant: Arc<Mutex<Grant>>,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    /// Every report that came, recorded or not.
    reports: Arc<Mutex<Vec<RecordReadRequest>>>,
    /// How the next reports fare, in their order; those after them are recorded.
    fates: Arc<Mutex<VecDeque<Conduct>>>,
}

impl DecisionStandIn {
    pub(crate) async fn start() -> (Self, SocketAddr) {
        let all = vec![Task::Balance.into(), Task::Transactions.into()];
        let account = |account_id: &str, bank_account_id: &str| GrantedAccount {
            account_id: account_id.to_owned(),
            bank_account_id: bank_account_id.to_owned(),
            tasks: all.clone(),
        };
        let grant = Grant {
            denial: None,
            accounts: vec![account("acc-2", "bank-2"), account("acc-1", "bank-1")],
            history_from: String::new(),
            conduct: Conduct::Answers,
        };
        let stand_in = Self {
            grant: Arc::new(Mutex::new(grant)),
            asked: Arc::default(),
            reports: Arc::default(),
            fates: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(DecisionsServer::new(stand_in.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (stand_in, address)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Grant)) {
        change(&mut self.grant.lock().unwrap());
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The reports since the last call.
    pub(crate) fn take_reports(&self) -> Vec<RecordReadRequest> {
        std::mem::take(&mut *self.reports.lock().unwrap())
    }

    /// How the next reports fare, in their order.
    pub(crate) fn next_reports(&self, fates: impl IntoIterator<Item = Conduct>) {
        self.fates.lock().unwrap().extend(fates);
    }

    async fn take<T>(
        &self,
        request: Request<T>,
        asked: impl FnOnce(&T) -> Asked,
    ) -> Result<(T, Grant), Status> {
        let credential = text(request.metadata(), "authorization");
        let seen = Asked {
            request_id: text(request.metadata(), "x-request-id"),
            traceparent: text(request.metadata(), "traceparent"),
            ..asked(request.get_ref())
        };
        self.asked.lock().unwrap().push(seen);
        if credential != Some(format!("Bearer {CREDENTIAL}")) {
            return Err(Status::unauthenticated("credential"));
        }
        let grant = self.grant.lock().unwrap().clone();
        grant.conduct.clone().apply().await?;
        Ok((request.into_inner(), grant))
    }
}

fn subject() -> Subject {
    Subject {
        contract_id: "contract-1".to_owned(),
        user_id: "user-1".to_owned(),
    }
}

fn denied(reason: DenialReason) -> Denied {
    Denied {
        reason: reason.into(),
    }
}

#[tonic::async_trait]
impl Decisions for DecisionStandIn {
    async fn decide(
        &self,
        request: Request<DecideRequest>,
    ) -> Result<Response<DecideResponse>, Status> {
        let (question, grant) = self
            .take(request, |message| Asked {
                bank_code: message.bank_code.clone(),
                grant_id: message.grant_id.clone(),
                client_id: message.client_id.clone(),
                jti: message.jti.clone(),
                request_id: None,
                traceparent: None,
            })
            .await?;
        let account = grant
            .accounts
            .iter()
            .find(|account| account.account_id == question.account_id);
        let decision = match (grant.denial, account) {
            (Some(reason), _) => decide_response::Decision::Denied(denied(reason)),
            (None, None) => {
                decide_response::Decision::Denied(denied(DenialReason::AccountNotInScope))
            }
            (None, Some(account)) if !account.tasks.contains(&question.task) => {
                decide_response::Decision::Denied(denied(DenialReason::TaskNotInScope))
            }
            (None, Some(account)) => decide_response::Decision::Allowed(Allowed {
                contract_id: "contract-1".to_owned(),
                bank_account_id: account.bank_account_id.clone(),
                history_from_date: grant.history_from,
                subject: Some(subject()),
            }),
        };
        Ok(Response::new(DecideResponse {
            decision: Some(decision),
        }))
    }

    async fn describe_grant(
        &self,
        request: Request<DescribeGrantRequest>,
    ) -> Result<Response<DescribeGrantResponse>, Status> {
        let (_, grant) = self
            .take(request, |message| Asked {
                bank_code: message.bank_code.clone(),
                grant_id: message.grant_id.clone(),
                client_id: message.client_id.clone(),
                jti: message.jti.clone(),
                request_id: None,
                traceparent: None,
            })
            .await?;
        let result = match grant.denial {
            Some(reason) => describe_grant_response::Result::Denied(denied(reason)),
            None => describe_grant_response::Result::Grant(GrantDescription {
                subject: Some(subject()),
                accounts: grant.accounts,
                valid_from: None,
                // 2027-03-31T14:59:59Z
                valid_until: Some(Timestamp {
                    seconds: 1_806_505_199,
                    nanos: 0,
                }),
                history_from_date: grant.history_from,
            }),
        };
        Ok(Response::new(DescribeGrantResponse {
            result: Some(result),
        }))
    }

    async fn record_read(
        &self,
        request: Request<RecordReadRequest>,
    ) -> Result<Response<RecordReadResponse>, Status> {
        let credential = text(request.metadata(), "authorization");
        assert_eq!(credential, Some(format!("Bearer {CREDENTIAL}")));
        self.reports.lock().unwrap().push(request.into_inner());
        let fate = self.fates.lock().unwrap().pop_front();
        fate.unwrap_or_default().apply().await?;
        Ok(Response::new(RecordReadResponse {}))
    }
}
