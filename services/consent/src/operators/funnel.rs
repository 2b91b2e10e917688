//! The funnel: `GET /v1/banks/{bank}/funnel`.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::PartnerId;
use serde::Serialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::App,
    funnel::{Funnel, FunnelStep, Period, PeriodError, read},
    japan,
    operator::{Act, Api, Reads, Subject},
    operators::{answer::answer, query::Parameters},
    problem::Problem,
};

/// How far journeys came, and why they ended. Days and weeks are of the partner's request, in Japan.
#[derive(Serialize, ToSchema)]
pub(crate) struct FunnelAnswer {
    /// The first day.
    from: NaiveDate,
    /// The last day.
    to: NaiveDate,
    /// Only of this partner; not of `partners`.
    partner: Option<String>,
    /// When the log was last counted; none before the first time.
    counted_at: Option<DateTime<Utc>>,
    /// Records of the log that are not counted yet.
    uncounted: i64,
    /// The seven steps, in order.
    steps: Vec<StepAnswer>,
    /// Journeys that could not go on, by step and code.
    failures: Vec<FailureAnswer>,
    /// Accounts that step 4 refused, by reason: rows, not journeys.
    refused_accounts: Vec<CountAnswer>,
    /// By week.
    weeks: Vec<WeekAnswer>,
    /// By partner.
    partners: Vec<PartnerAnswer>,
}

/// A step of the procedure.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepAnswer {
    /// 1 to 7.
    number: u8,
    /// `request`, `login`, `tasks`, `accounts`, `confirm`, `authorize` or `connect`.
    #[schema(example = "accounts")]
    step: &'static str,
    /// Journeys that came to it.
    came: i64,
    /// Those that went on; at the last step, those whose partner fetched a token.
    went_on: i64,
    /// Those that did not, by reason: `cancelled`, `declined`, `idle`, `out_of_time`, `failed`, `not_connected`, or
    /// `open`: not ended.
    left: Vec<CountAnswer>,
}

/// A count.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountAnswer {
    /// Of what, as a code.
    #[schema(example = "cancelled")]
    reason: String,
    /// How many.
    count: i64,
}

/// Journeys that could not go on.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailureAnswer {
    /// At which step.
    step: &'static str,
    /// Why, as a code.
    #[schema(example = "bank_closed")]
    code: String,
    /// How many.
    count: i64,
}

/// A week.
#[derive(Serialize, ToSchema)]
pub(crate) struct WeekAnswer {
    /// Its Monday.
    monday: NaiveDate,
    /// Journeys that ended; of a week that the period cuts, those of the days within it.
    ended: i64,
    /// With 許可.
    authorized: i64,
}

/// A partner.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartnerAnswer {
    /// Whose.
    partner: String,
    /// Journeys that ended.
    ended: i64,
    /// With 許可.
    authorized: i64,
    /// Of these, those whose partner fetched a token.
    connected: i64,
}

/// Which journeys.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct Described {
    /// The first day of requests, in Japan; else the Monday eleven weeks before the last day's.
    #[param(example = "2026-09-01")]
    from: Option<NaiveDate>,
    /// The last day; else today. At most two years from the first.
    #[param(example = "2026-11-22")]
    to: Option<NaiveDate>,
    /// Of this partner.
    partner: Option<String>,
}

/// The funnel.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/funnel",
    tag = "funnel",
    operation_id = "show_funnel",
    summary = "How far journeys come through the seven steps, and where and why they end",
    description = "Ends are counted from the log within seconds; `uncounted` tells how far behind that is. Counts \
        stay when the journeys themselves are gone.",
    params(crate::openapi::BankPath, Described),
    responses((status = 200, description = "The figures", body = FunnelAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn show(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let period = period(&mut parameters)?;
    let partner = parameters
        .take("partner")
        .map(PartnerId::parse)
        .transpose()
        .map_err(|_| Problem::invalid_parameter("partner is no partner's id."))?;
    parameters.finish()?;
    let act = Act {
        code: "read_funnel",
        subject: Subject::of_kind("funnel"),
        detail: json!({ "from": period.from(), "to": period.to(), "partner": partner.as_ref().map(PartnerId::as_str) }),
    };
    at.record_read(&app.pool, act).await?;
    let funnel = read(&app.pool, &at.bank, period, partner.as_ref()).await?;
    Ok(answer(&told(period, partner, funnel)))
}

fn period(parameters: &mut Parameters) -> Result<Period, Problem> {
    let mut day = |name: &str| -> Result<Option<NaiveDate>, Problem> {
        let typed = parameters.take(name).map(|text| text.parse());
        typed
            .transpose()
            .map_err(|_| Problem::invalid_parameter("from and to are days, YYYY-MM-DD."))
    };
    let (from, to) = (day("from")?, day("to")?);
    let to = to.unwrap_or_else(|| japan::day_of(Utc::now()));
    let Some(from) = from else {
        return Ok(Period::twelve_weeks_to(to));
    };
    Period::try_new(from, to).map_err(|error| {
        Problem::invalid_parameter(match error {
            PeriodError::Backwards => "to comes before from.",
            PeriodError::TooLong => "from and to are more than two years apart.",
        })
    })
}

fn told(period: Period, partner: Option<PartnerId>, funnel: Funnel) -> FunnelAnswer {
    let steps = FunnelStep::ALL.into_iter().map(|step| StepAnswer {
        number: step.number(),
        step: step.as_str(),
        came: funnel.came_to(step),
        went_on: funnel.went_on(step),
        left: funnel
            .reasons_at(step)
            .map(|(reason, count)| CountAnswer {
                reason: reason.as_str().to_owned(),
                count,
            })
            .collect(),
    });
    FunnelAnswer {
        from: period.from(),
        to: period.to(),
        partner: partner.map(|partner| partner.to_string()),
        counted_at: funnel.counted_at,
        uncounted: funnel.uncounted,
        steps: steps.collect(),
        failures: funnel
            .failures
            .into_iter()
            .map(|((step, code), count)| FailureAnswer {
                step: step.as_str(),
                code,
                count,
            })
            .collect(),
        refused_accounts: funnel
            .rejected_rows
            .into_iter()
            .map(|(reason, count)| CountAnswer { reason, count })
            .collect(),
        weeks: funnel
            .weeks
            .into_iter()
            .map(|week| WeekAnswer {
                monday: week.monday,
                ended: week.ended,
                authorized: week.authorized,
            })
            .collect(),
        partners: funnel
            .partners
            .into_iter()
            .map(|of| PartnerAnswer {
                partner: of.partner,
                ended: of.ended,
                authorized: of.authorized,
                connected: of.connected,
            })
            .collect(),
    }
}
