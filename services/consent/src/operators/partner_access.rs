//! What a partner could read at a moment, over its consents.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use consent_domain::{GrantId, Instant};
use serde::Serialize;
use serde_json::json;
use tracing::Instrument as _;
use utoipa::{IntoParams, ToSchema};

use super::{
    answer::answer,
    consent_answers::Standing,
    consent_life::{Moment, not_to_come},
    paging::Paging,
    paths,
    query::{Parameters, instant, page_limit, place},
};
use crate::{
    app::App,
    history::{as_of::as_of, life, life::Depth},
    operator::{Act, Api, Reads, Subject},
    problem::Problem,
    search::{
        self, Search as _, Span,
        consents::{Among, ConsentSearch},
    },
    store::sql_span,
};

/// Most consents of one page: each is folded by itself.
const CONSENTS_MAX: usize = 50;

/// Whose access.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "it describes the path; the handler parses it itself"
)]
pub(crate) struct PartnerPath {
    /// The bank's code: four digits.
    #[param(example = "2963", pattern = "^[0-9]{4}$")]
    bank: String,
    /// The partner's id.
    partner: String,
}

/// A page of what a partner could read.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccessPage {
    /// The moment.
    as_of: DateTime<Utc>,
    /// Its consents that had begun, the newest first.
    consents: Vec<Standing>,
    /// To be sent as `cursor`, with the same `as_of`, for the next page; none on the last.
    next_cursor: Option<String>,
}

/// A partner's access at a moment.
#[utoipa::path(
    get,
    path = "/v1/banks/{bank}/partners/{partner}/access",
    tag = "consents",
    operation_id = "read_partner_access",
    summary = "What a partner could read at a moment, and on whose act",
    description = "Every consent of the partner that had begun, ended ones included, as it stood then. At most \
        50 a page.",
    params(PartnerPath, Moment, Paging),
    responses((status = 200, description = "A page", body = AccessPage)),
    security(("operator_token" = []))
)]
pub(crate) async fn show(
    app: web::Data<App>,
    at: Api<Reads>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let partner = paths::partner(&path.1)?;
    let mut parameters = Parameters::parse(request.query_string())?;
    let asked = instant(&mut parameters, "as_of")?;
    let moment = not_to_come(asked, database_now(&app).await?)?;
    let search = ConsentSearch {
        bank: at.bank.clone(),
        partner: Some(partner),
        among: Among::Begun {
            began: Span {
                from: None,
                // The page after is asked for later: the same consents are meant.
                to: asked.map(|asked| asked + TimeDelta::microseconds(1)),
            },
        },
    };
    let after = place(&mut parameters, &search)?;
    let limit = page_limit(&mut parameters)?.min(CONSENTS_MAX);
    parameters.finish()?;
    let act = Act {
        code: "read_partner_access",
        subject: Subject::new("partner", path.1.as_str()),
        detail: json!({ "as_of": moment }),
    };
    at.record_read(&app.pool, act).await?;
    let mut connection = app.searches.acquire().await?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let page = search::page(&mut connection, &search, after.as_ref(), limit).await?;
    drop(connection);
    let mut consents = Vec::new();
    for found in page.found {
        let Ok(grant) = GrantId::parse(found.grant_id) else {
            continue;
        };
        let life = life::of_grant(&app.pool, &at.bank, &grant, Depth::Life).await?;
        consents.push(Standing::of(&grant, &as_of(&life, moment)));
    }
    Ok(answer(&AccessPage {
        as_of: moment,
        consents,
        next_cursor: page.next.map(|place| place.to_cursor(&search.text())),
    }))
}

async fn database_now(app: &App) -> Result<Instant, sqlx::Error> {
    sqlx::query_scalar("SELECT now()")
        .fetch_one(&app.pool)
        .instrument(sql_span("database time"))
        .await
}
