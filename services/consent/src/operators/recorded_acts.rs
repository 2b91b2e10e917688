//! The record of what operators did at a bank: `GET /v1/banks/{bank}/acts`.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use consent_domain::BankCode;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, PgPool};
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    app::App,
    operator::{Act, Api, OperatorId, Reads, Subject},
    operators::{
        answer::answer,
        query::{Parameters, page_limit},
    },
    problem::Problem,
    store::sql_span,
};

/// A recorded act.
#[derive(Serialize, FromRow, ToSchema)]
pub(crate) struct Recorded {
    /// Facts that follow from the act name this as their cause.
    pub(crate) act_id: Uuid,
    /// When, by the database's clock.
    pub(crate) acted_at: DateTime<Utc>,
    /// Who: an operator's id, or what the command line was told.
    pub(crate) operator: String,
    /// `api`, `console` or `command_line`.
    pub(crate) via: String,
    /// The token or the session.
    pub(crate) credential: Option<Uuid>,
    /// What, as a code.
    #[schema(example = "read_consent")]
    pub(crate) act: String,
    /// On what kind of thing.
    #[schema(example = "consent")]
    pub(crate) subject_kind: String,
    /// On which one.
    pub(crate) subject_id: Option<String>,
    /// The request.
    pub(crate) request_id: Option<String>,
    /// `done`, `already`, `refused` or `failed`; `begun` where the outcome was not recorded: the facts tell.
    pub(crate) outcome: String,
    /// What else is known.
    pub(crate) detail: Value,
    /// What is known of the outcome.
    pub(crate) outcome_detail: Option<Value>,
}

/// A page of the record, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordedPage {
    /// The acts.
    pub(crate) acts: Vec<Recorded>,
    /// Where the next page begins; none on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// Which acts.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct Described {
    /// Only this operator's.
    #[param(example = "suzuki")]
    operator: Option<String>,
    /// Only on this kind of thing; goes with `subject_id`.
    #[param(example = "consent")]
    subject_kind: Option<String>,
    /// Only on this one; goes with `subject_kind`.
    subject_id: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The record of acts.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/acts",
    tag = "operators",
    operation_id = "list_acts",
    summary = "What operators did at the bank, reads included, the newest first",
    params(crate::openapi::BankPath, Described),
    responses((status = 200, description = "A page of the record", body = RecordedPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn list(
    app: web::Data<App>,
    at: Api<Reads>,
    request: actix_web::HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let wanted = Wanted::take(&mut parameters)?;
    parameters.finish()?;
    at.record_read(&app.pool, wanted.act()).await?;
    let page = wanted.page(&app.pool, &at.bank).await?;
    Ok(answer(&page))
}

/// Which acts are asked for.
pub(crate) struct Wanted {
    operator: Option<OperatorId>,
    subject: Option<(String, String)>,
    before: Option<Uuid>,
    limit: usize,
}

impl Wanted {
    /// Takes the conditions out of a query.
    ///
    /// # Errors
    /// `invalid_parameter`.
    pub(crate) fn take(parameters: &mut Parameters) -> Result<Self, Problem> {
        let invalid = Problem::invalid_parameter;
        let operator = parameters
            .take("operator")
            .map(OperatorId::parse)
            .transpose()
            .map_err(|_| invalid("operator is no operator's id."))?;
        let kind = parameters.take("subject_kind");
        let subject = match (kind, parameters.take("subject_id")) {
            (None, None) => None,
            (Some(kind), Some(id)) => Some((kind, id)),
            _ => return Err(invalid("subject_kind and subject_id go together.")),
        };
        let before = parameters
            .take("cursor")
            .map(|text| Uuid::parse_str(&text))
            .transpose()
            .map_err(|_| invalid("cursor is not one of ours."))?;
        Ok(Self {
            operator,
            subject,
            before,
            limit: page_limit(parameters)?,
        })
    }

    /// Reading the record, as the record has it.
    pub(crate) fn act(&self) -> Act {
        Act {
            code: "read_acts",
            subject: Subject::of_kind("acts"),
            detail: json!({ "operator": self.operator.as_ref().map(OperatorId::as_str) }),
        }
    }

    /// A page of the record.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn page(
        &self,
        pool: &PgPool,
        bank: &BankCode,
    ) -> Result<RecordedPage, sqlx::Error> {
        let mut acts = self.read(pool, bank.as_str()).await?;
        let is_more = acts.len() > self.limit;
        acts.truncate(self.limit);
        let next_cursor = acts
            .last()
            .filter(|_| is_more)
            .map(|last| last.act_id.to_string());
        Ok(RecordedPage { acts, next_cursor })
    }

    /// One more than the limit, which tells whether there is a next page.
    async fn read(&self, pool: &PgPool, bank: &str) -> Result<Vec<Recorded>, sqlx::Error> {
        let mut sql = sqlx::QueryBuilder::new(
            "SELECT a.act_id, a.acted_at, a.operator, a.via, a.credential, a.act, a.subject_kind,
                a.subject_id, a.request_id, coalesce(o.outcome, a.outcome) AS outcome, a.detail,
                o.detail AS outcome_detail
             FROM operator_acts a LEFT JOIN operator_act_outcomes o USING (act_id) WHERE a.bank = ",
        );
        sql.push_bind(bank);
        if let Some(operator) = &self.operator {
            sql.push(" AND a.operator = ").push_bind(operator.as_str());
        }
        if let Some((kind, id)) = &self.subject {
            sql.push(" AND a.subject_kind = ").push_bind(kind);
            sql.push(" AND a.subject_id = ").push_bind(id);
        }
        if let Some(before) = self.before {
            sql.push(" AND a.act_id < ").push_bind(before);
        }
        sql.push(" ORDER BY a.act_id DESC LIMIT ")
            .push_bind(i64::try_from(self.limit).unwrap_or(i64::MAX) + 1);
        sql.build_query_as()
            .fetch_all(pool)
            .instrument(sql_span("recorded acts"))
            .await
    }
}
