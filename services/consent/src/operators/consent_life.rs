//! One consent: how it stands now or stood at any moment, its story, and why it stopped.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::{GrantId, Instant};
use serde_json::json;
use utoipa::IntoParams;

use super::{
    answer::answer,
    consent_answers::{Standing, Story, WhyAnswer},
    paths,
    query::{Parameters, instant},
};
use crate::{
    app::App,
    history::{HistoryError, Life, as_of::as_of, life, life::Depth, why::why},
    operator::{Act, Api, AtBank, Reads, Subject},
    problem::Problem,
};

impl From<HistoryError> for Problem {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Database(error) => error.into(),
            HistoryError::Event { .. } => {
                tracing::error!(%error, "a stored event can't be read");
                Self::INTERNAL
            }
        }
    }
}

/// Which consent.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; the handler parses it itself"
)]
pub(crate) struct GrantPath {
    /// The bank's code: four digits.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The grant's id.
    grant: String,
}

/// When.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes the query; it is parsed by name")]
pub(crate) struct Moment {
    /// The moment (RFC 3339), not in the future; without it, now. A fact holds from its effective time where it
    /// has one (an expiry, what a bank told), else from when it was recorded.
    #[param(example = "2026-11-22T00:00:00Z")]
    as_of: Option<String>,
}

/// Records the read of a consent, then reads everything that bears on it.
async fn read(
    app: &App,
    at: &AtBank,
    grant: &str,
    (code, depth): (&'static str, Depth),
    detail: serde_json::Value,
) -> Result<(GrantId, Life), Problem> {
    let grant = paths::grant(grant)?;
    let act = Act {
        code,
        subject: Subject::new("consent", grant.as_str()),
        detail,
    };
    at.record_read(&app.pool, act).await?;
    let life = life::of_grant(&app.pool, &at.bank, &grant, depth).await?;
    if life.consent.is_empty() {
        return Err(Problem::NOTHING_HERE);
    }
    Ok((grant, life))
}

/// A moment of the query; none: now.
///
/// # Errors
/// `invalid_parameter`.
pub(super) fn moment(request: &HttpRequest) -> Result<Option<Instant>, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let moment = instant(&mut parameters, "as_of")?;
    parameters.finish()?;
    Ok(moment)
}

/// A moment that is not yet can't be told of.
pub(super) fn not_to_come(moment: Option<Instant>, now: Instant) -> Result<Instant, Problem> {
    match moment {
        Some(moment) if moment > now => Err(Problem::invalid_parameter("as_of is in the future.")),
        moment => Ok(moment.unwrap_or(now)),
    }
}

/// One consent.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/consents/{grant}",
    tag = "consents",
    operation_id = "read_consent",
    summary = "How a consent stands, or stood at any moment",
    description = "Who could read what, until when, on whose act, and what stood against it. Folded from the \
        facts that held at the moment: its own, its contract's, its partner's at the bank, and its bank's.",
    params(GrantPath, Moment),
    responses((status = 200, description = "The consent", body = Standing)),
    security(("operator_token" = []))
)]
pub(crate) async fn show(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let moment = moment(&request)?;
    let detail = json!({ "as_of": moment });
    let how = ("read_consent", Depth::Life);
    let (grant, life) = read(&app, &at, &path.1, how, detail).await?;
    let moment = not_to_come(moment, life.now)?;
    Ok(answer(&Standing::of(&grant, &as_of(&life, moment))))
}

/// A consent's story.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/consents/{grant}/story",
    tag = "consents",
    operation_id = "read_story",
    summary = "Everything that happened to a consent, in order, with who did it",
    description = "Its own facts, those of the journeys that led to it, the suspensions of its contract, its \
        partner at the bank and its bank that touched it, and the notices and acts that caused any of them.",
    params(GrantPath),
    responses((status = 200, description = "The story", body = Story)),
    security(("operator_token" = []))
)]
pub(crate) async fn story(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let how = ("read_story", Depth::Origin);
    let (grant, life) = read(&app, &at, &path.1, how, json!({})).await?;
    Ok(answer(&Story::of(&grant, &life)))
}

/// Why a consent stopped.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/consents/{grant}/why",
    tag = "consents",
    operation_id = "read_why",
    summary = "Why a consent stopped, or is stopped now: chains of causes, the nearest first",
    params(GrantPath),
    responses((status = 200, description = "The causes", body = WhyAnswer)),
    security(("operator_token" = []))
)]
pub(crate) async fn reasons(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let how = ("read_why", Depth::Life);
    let (grant, life) = read(&app, &at, &path.1, how, json!({})).await?;
    Ok(answer(&WhyAnswer::of(&grant, why(&life))))
}
