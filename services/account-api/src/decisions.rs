//! The decision port: asked before every read, never cached, never skipped.

mod record;

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use renkei_proto::decision::v1 as port;
use renkei_proto::decision::v1::decisions_client::DecisionsClient;
use telemetry::grpc;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};
use tracing::{Instrument as _, Span};

pub(crate) use self::record::{DataRead, What};
use crate::access_token::AccessToken;
use crate::clock::{from_timestamp, parse_day};
use crate::problem::{Denial, Problem};
use crate::settings::Credential;
use crate::task::{AccountId, Task};
use crate::trace_context::RequestContext;

/// The port's name in spans.
const SERVICE: &str = "renkei.decision.v1.Decisions";
/// A decision that takes longer is no decision, and a record no record.
const DEADLINE: Duration = Duration::from_secs(2);

/// Asks for decisions.
pub(crate) struct Decisions {
    client: DecisionsClient<Channel>,
    credential: Credential,
}

/// Whose act the grant rests on; opaque ids of the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) contract_id: String,
    pub(crate) user_id: String,
}

/// The read may be done.
#[derive(Clone, Debug)]
pub(crate) struct AllowedRead {
    pub(crate) subject: Subject,
    pub(crate) contract_id: String,
    pub(crate) bank_account_id: String,
    pub(crate) history_from: Option<NaiveDate>,
}

/// What a live grant covers.
#[derive(Clone, Debug)]
pub(crate) struct GrantDescription {
    pub(crate) subject: Subject,
    pub(crate) accounts: Vec<GrantedAccount>,
    pub(crate) valid_until: DateTime<Utc>,
    pub(crate) history_from: Option<NaiveDate>,
}

/// One account of a grant.
#[derive(Clone, Debug)]
pub(crate) struct GrantedAccount {
    pub(crate) account_id: String,
    pub(crate) bank_account_id: String,
    pub(crate) tasks: Vec<Task>,
}

impl Decisions {
    /// Asks over `channel`, presenting `credential`.
    pub(crate) fn new(channel: Channel, credential: Credential) -> Self {
        Self {
            client: DecisionsClient::new(channel),
            credential,
        }
    }

    /// Whether one read of one account may be done, now.
    ///
    /// # Errors
    ///
    /// The denial, or `decision_unavailable` where there is none to be had.
    pub(crate) async fn decide(
        &self,
        token: &AccessToken,
        task: Task,
        account_id: &AccountId,
        context: &RequestContext,
    ) -> Result<AllowedRead, Problem> {
        let message = port::DecideRequest {
            bank_code: token.bank_code().to_owned(),
            grant_id: token.grant_id().to_owned(),
            client_id: token.client_id().to_owned(),
            jti: token.token_id().to_owned(),
            task: task.to_decision().into(),
            account_id: account_id.as_str().to_owned(),
            key_id: token.key_id().to_owned(),
        };
        let span = grpc::client_span(SERVICE, "Decide");
        let request = span.in_scope(|| self.request(context, message));
        let mut client = self.client.clone();
        let response = answer(client.decide(request)).instrument(span).await?;
        match response.decision {
            Some(port::decide_response::Decision::Allowed(allowed)) => allowed_read(allowed),
            Some(port::decide_response::Decision::Denied(denied)) => {
                Err(denial(&denied, Some(task)))
            }
            None => Err(not_understood("no decision")),
        }
    }

    /// What the grant covers, now.
    ///
    /// # Errors
    ///
    /// The denial, or `decision_unavailable` where there is none to be had.
    pub(crate) async fn describe_grant(
        &self,
        token: &AccessToken,
        context: &RequestContext,
    ) -> Result<GrantDescription, Problem> {
        let message = port::DescribeGrantRequest {
            bank_code: token.bank_code().to_owned(),
            grant_id: token.grant_id().to_owned(),
            client_id: token.client_id().to_owned(),
            jti: token.token_id().to_owned(),
            key_id: token.key_id().to_owned(),
        };
        let span = grpc::client_span(SERVICE, "DescribeGrant");
        let request = span.in_scope(|| self.request(context, message));
        let mut client = self.client.clone();
        let response = answer(client.describe_grant(request))
            .instrument(span)
            .await?;
        match response.result {
            Some(port::describe_grant_response::Result::Grant(grant)) => description(grant),
            Some(port::describe_grant_response::Result::Denied(denied)) => {
                Err(denial(&denied, None))
            }
            None => Err(not_understood("no result")),
        }
    }

    fn request<T>(&self, context: &RequestContext, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(DEADLINE);
        context.propagate(request.metadata_mut());
        request
            .metadata_mut()
            .insert("authorization", self.credential.metadata_value());
        request
    }
}

async fn answer<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, Problem> {
    let answered = tokio::time::timeout(DEADLINE, call).await;
    let code = match &answered {
        Ok(Ok(_)) => Code::Ok,
        Ok(Err(status)) => status.code(),
        Err(_) => Code::DeadlineExceeded,
    };
    grpc::record_status(&Span::current(), code);
    match answered {
        Ok(Ok(response)) => Ok(response.into_inner()),
        // The token's own ids were minted by the issuer: what can be malformed is the account id of
        // the path, and a malformed one is answered like any other that is not in the grant.
        Ok(Err(status)) if status.code() == Code::InvalidArgument => {
            tracing::warn!("decision port refused the question as malformed");
            Err(Problem::Denied(Denial::AccountNotInScope))
        }
        Ok(Err(status)) => {
            tracing::error!(grpc_code = ?status.code(), "no decision");
            Err(Problem::DecisionUnavailable)
        }
        Err(_) => {
            tracing::error!(grpc_code = "deadline", "no decision");
            Err(Problem::DecisionUnavailable)
        }
    }
}

fn denial(denied: &port::Denied, task: Option<Task>) -> Problem {
    use port::DenialReason as Reason;
    let denial = match (denied.reason(), task) {
        (Reason::UnknownGrant, _) => Denial::UnknownGrant,
        (Reason::Expired, _) => Denial::Expired,
        (Reason::Revoked, _) => Denial::Revoked,
        (Reason::Superseded, _) => Denial::Superseded,
        (Reason::Suspended, _) => Denial::Suspended,
        (Reason::TokenRevoked, _) => Denial::TokenRevoked,
        (Reason::AccountNotInScope, Some(_)) => Denial::AccountNotInScope,
        (Reason::TaskNotInScope, Some(task)) => Denial::TaskNotInScope(task),
        (Reason::AccountNotInScope | Reason::TaskNotInScope | Reason::Unspecified, _) => {
            return not_understood("denial without a reason that fits");
        }
    };
    Problem::Denied(denial)
}

fn allowed_read(allowed: port::Allowed) -> Result<AllowedRead, Problem> {
    let subject = subject(allowed.subject)?;
    if allowed.contract_id.is_empty() || allowed.bank_account_id.is_empty() {
        return Err(not_understood("allowed without ids"));
    }
    Ok(AllowedRead {
        subject,
        contract_id: allowed.contract_id,
        bank_account_id: allowed.bank_account_id,
        history_from: history_from(&allowed.history_from_date)?,
    })
}

fn description(grant: port::GrantDescription) -> Result<GrantDescription, Problem> {
    let valid_until = grant
        .valid_until
        .and_then(from_timestamp)
        .ok_or_else(|| not_understood("grant without its end"))?;
    let accounts = grant
        .accounts
        .into_iter()
        .map(|account| GrantedAccount {
            tasks: account
                .tasks
                .iter()
                .filter_map(|task| Task::from_decision(*task))
                .collect(),
            account_id: account.account_id,
            bank_account_id: account.bank_account_id,
        })
        .collect();
    Ok(GrantDescription {
        subject: subject(grant.subject)?,
        accounts,
        valid_until,
        history_from: history_from(&grant.history_from_date)?,
    })
}

fn subject(subject: Option<port::Subject>) -> Result<Subject, Problem> {
    match subject {
        Some(port::Subject {
            contract_id,
            user_id,
        }) if !contract_id.is_empty() && !user_id.is_empty() => Ok(Subject {
            contract_id,
            user_id,
        }),
        _ => Err(not_understood("no subject")),
    }
}

/// Empty means no limit; a limit that can't be read must not become none.
fn history_from(text: &str) -> Result<Option<NaiveDate>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    parse_day(text)
        .map(Some)
        .ok_or_else(|| not_understood("history_from_date"))
}

fn not_understood(what: &'static str) -> Problem {
    tracing::error!(what, "decision not understood");
    Problem::DecisionUnavailable
}
