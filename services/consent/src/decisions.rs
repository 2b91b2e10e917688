//! The decision port: strict answers, each from one read on the primary.

use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{
    BankCode, ClientId, GrantId, Instant,
    access::{Denial, Evidence},
    bank::{Bank, BankStream},
    consent::{Consent, ConsentStream, GrantTerms},
    contract::{Contract, ContractStream},
    partner::{PartnerAtBank, PartnerAtBankStream},
    scope::Task,
};
use renkei_proto::decision::v1 as wire;
use sqlx::{PgPool, Row as _};
use subtle::ConstantTimeEq as _;
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::{
    app::App,
    journey::stream_id,
    metrics,
    protocol::{pairwise::PairwiseId, shared_key::KeyPurpose},
    store::{StoreError, sql_span, state_of_row},
};

/// The gRPC service.
pub struct DecisionService {
    app: actix_web::web::Data<App>,
    credential: String,
}

/// What one read saw.
pub(crate) struct Seen {
    consent: Consent,
    contract: Contract,
    partner_at_bank: PartnerAtBank,
    bank: Bank,
    /// Whether the access token is recorded for this client and grant, and not revoked.
    pub(crate) token_live: bool,
    /// The database's clock.
    pub(crate) now: Instant,
}

/// Everything that a decision rests on, at one moment: consent, contract, partner at the bank, bank,
/// token.
const SQL: &str = "
    SELECT now() AS now,
        c.version AS consent_version, c.state_version AS consent_state_version,
        c.state AS consent_state,
        t.stream_id AS contract_stream, t.version AS contract_version,
        t.state_version AS contract_state_version,
        -- What stands is enough; registrations grow with every journey.
        t.state - '{registrations,locked_pins,login_locks}'::text[] AS contract_state,
        a.stream_id AS at_bank_stream, a.version AS at_bank_version,
        a.state_version AS at_bank_state_version, a.state AS at_bank_state,
        b.version AS bank_version, b.state_version AS bank_state_version, b.state AS bank_state,
        EXISTS (SELECT FROM issued_access_tokens i
            WHERE i.bank = $1 AND i.jti = $3 AND i.client_id = $4 AND i.grant_id = $5
              AND i.revoked_at IS NULL)
            AS token_live
    FROM (SELECT 1) one
    LEFT JOIN consent_current c ON c.stream_id = $2
    LEFT JOIN contract_current t ON t.stream_id = $1 || ':' || c.contract
    LEFT JOIN partner_at_bank_current a ON a.stream_id = $1 || ':' || c.partner
    LEFT JOIN bank_current b ON b.stream_id = $1";

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

    async fn see(&self, asked: &Asked) -> Result<Seen, StoreError> {
        see(
            &self.app.pool,
            &asked.bank,
            &asked.grant,
            &asked.client,
            Some(asked.jti),
        )
        .await
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

/// The one read: a grant with everything that may end it, and whether that access token of it, where one
/// is named, is recorded and not revoked.
///
/// # Errors
/// [`StoreError`]; then nothing is known.
pub(crate) async fn see(
    pool: &PgPool,
    bank: &BankCode,
    grant: &GrantId,
    client: &ClientId,
    jti: Option<Uuid>,
) -> Result<Seen, StoreError> {
    let stream = stream_id(bank, grant.as_str());
    let row = sqlx::query(SQL)
        .bind(bank.as_str())
        .bind(&stream)
        .bind(jti)
        .bind(client.as_str())
        .bind(grant.as_str())
        .fetch_one(pool)
        .instrument(sql_span("decision"))
        .await?;
    let at_bank: Option<String> = row.try_get("at_bank_stream")?;
    let at_bank = at_bank.unwrap_or_default();
    let contract: Option<String> = row.try_get("contract_stream")?;
    let contract = contract.unwrap_or_default();
    Ok(Seen {
        consent: state_of_row::<ConsentStream>(pool, &row, "consent", &stream)
            .await?
            .0,
        contract: state_of_row::<ContractStream>(pool, &row, "contract", &contract)
            .await?
            .0,
        partner_at_bank: state_of_row::<PartnerAtBankStream>(pool, &row, "at_bank", &at_bank)
            .await?
            .0,
        bank: state_of_row::<BankStream>(pool, &row, "bank", bank.as_str())
            .await?
            .0,
        token_live: row.try_get("token_live")?,
        now: row.try_get("now")?,
    })
}

struct Asked {
    bank: BankCode,
    grant: GrantId,
    client: ClientId,
    jti: Uuid,
}

fn asked(bank: &str, grant: &str, client: &str, jti: &str) -> Result<Asked, Status> {
    let invalid = |what: &'static str| Status::invalid_argument(what);
    Ok(Asked {
        bank: BankCode::parse(bank).map_err(|_| invalid("bank_code"))?,
        grant: GrantId::parse(grant).map_err(|_| invalid("grant_id"))?,
        client: ClientId::parse(client).map_err(|_| invalid("client_id"))?,
        jti: Uuid::parse_str(jti).map_err(|_| invalid("jti"))?,
    })
}

fn undecided(error: &StoreError) -> Status {
    metrics::decided("undecided");
    tracing::error!(%error, "no decision could be made");
    Status::unavailable("no decision could be made")
}

impl Seen {
    /// The grant's terms, where it is live for this client by all that may end it; whether a token is
    /// [`Self::token_live`] is asked apart.
    pub(crate) fn live_terms(&self, client: &ClientId) -> Option<&GrantTerms> {
        self.evidence().live_for(client).ok()
    }

    /// The grant's terms, where client and token may use it at all.
    fn live_for(&self, client: &ClientId) -> Result<&GrantTerms, wire::DenialReason> {
        let evidence = self.evidence();
        let terms = evidence.live_for(client).map_err(reason)?;
        if self.token_live {
            Ok(terms)
        } else {
            Err(wire::DenialReason::TokenRevoked)
        }
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            consent: &self.consent,
            contract: &self.contract,
            partner_at_bank: &self.partner_at_bank,
            bank: &self.bank,
            now: self.now,
        }
    }
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
        let asked = asked(
            &request.bank_code,
            &request.grant_id,
            &request.client_id,
            &request.jti,
        )?;
        let seen = self.see(&asked).await.map_err(|error| undecided(&error))?;
        let decision = seen.live_for(&asked.client).and_then(|terms| {
            // The partner's id names an account of this grant, or none.
            let account = terms
                .scope
                .accounts()
                .into_iter()
                .find(|id| self.pairwise(&asked.bank, terms, id).as_str() == request.account_id)
                .ok_or(wire::DenialReason::AccountNotInScope)?;
            seen.evidence()
                .decide(&asked.client, &account, task)
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
        let asked = asked(
            &request.bank_code,
            &request.grant_id,
            &request.client_id,
            &request.jti,
        )?;
        let seen = self.see(&asked).await.map_err(|error| undecided(&error))?;
        let result = match seen.live_for(&asked.client) {
            Err(reason) => Described::Denied(denied(reason)),
            Ok(terms) => Described::Grant(wire::GrantDescription {
                subject: Some(subject(terms)),
                accounts: terms
                    .scope
                    .accounts()
                    .into_iter()
                    .map(|id| wire::GrantedAccount {
                        account_id: self.pairwise(&asked.bank, terms, &id).to_string(),
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
}
