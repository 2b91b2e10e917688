//! The searches, page by page: the same as the API's, with days of Japan where that has moments.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{Days, NaiveDate};
use consent_domain::{BankCode, consent::RevocationReason};
use serde_json::json;

use super::{
    names_at_bank::partners,
    refused::Refused,
    visit::{ROWS, Sent, frame_at, next_url, show as show_page},
};
use crate::{
    app::App,
    console::{
        consents_page::{self, ConsentLine, Unsearchable},
        journeys_page::{self, JourneyLine},
        names,
        search_page::{Line, SearchView},
    },
    operator::{Act, AtBank, Console, Reads, Subject},
    operators::{
        consent_filters, journey_filters,
        query::{Parameters, place},
    },
    problem::Problem,
    search::{self, Place, Search, consents::Status, journeys::JourneyStatus},
};

pub(super) const CONSENT_FIELDS: [&str; 9] = [
    "partner",
    "contract",
    "account",
    "status",
    "reason",
    "began_from",
    "began_to",
    "ended_from",
    "ended_to",
];
pub(super) const JOURNEY_FIELDS: [&str; 6] = [
    "partner",
    "status",
    "stage",
    "began_from",
    "began_to",
    "journey",
];

/// The form's query, without what is empty.
pub(super) fn query_of(sent: &Sent, fields: &[&str]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in fields {
        if let Some(value) = sent.find(name) {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// The query as the API takes it: the moments at which days begin, and both days of a span count.
fn as_parameters(sent: &Sent, fields: &[&str]) -> Option<Parameters> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in fields.iter().copied().chain(["cursor"]) {
        let Some(value) = sent.find(name) else {
            continue;
        };
        match name {
            "began_from" | "ended_from" => query.append_pair(name, &start_of(value, 0)?),
            "began_to" | "ended_to" => query.append_pair(name, &start_of(value, 1)?),
            _ => query.append_pair(name, value),
        };
    }
    Parameters::parse(&query.finish()).ok()
}

/// When the day so many days after this one begins in Japan.
fn start_of(day: &str, after: u64) -> Option<String> {
    let day: NaiveDate = day.parse().ok()?;
    let start = names::start_of_day(day.checked_add_days(Days::new(after))?)?;
    Some(start.to_rfc3339())
}

/// A search with the place at which its page begins.
///
/// # Errors
/// Why nothing can be looked for.
pub(super) fn read<S: Search>(
    bank: &BankCode,
    sent: &Sent,
    fields: &[&str],
    take: fn(&BankCode, &mut Parameters) -> Result<S, Problem>,
) -> Result<(S, Option<Place>), Unsearchable> {
    let mut parameters = as_parameters(sent, fields).ok_or(Unsearchable::Unreadable)?;
    let read = take(bank, &mut parameters).and_then(|search| {
        let after = place(&mut parameters, &search)?;
        Ok((search, after))
    });
    read.map_err(|problem| why_not(problem, sent))
}

/// Each part by itself may be right.
fn why_not(problem: Problem, sent: &Sent) -> Unsearchable {
    let status = sent.find("status");
    let is_of_no_end = || status.and_then(Status::find) != Some(Status::Revoked);
    let has_no_step = || {
        !status
            .and_then(JourneyStatus::find)
            .is_some_and(JourneyStatus::has_stage)
    };
    if problem == Problem::FILTERS_NOT_COMBINABLE {
        Unsearchable::BeginningsWithEnds
    } else if sent.find("stage").is_some() && has_no_step() {
        Unsearchable::StepWithoutOutcome
    } else if sent
        .find("reason")
        .and_then(RevocationReason::find)
        .is_some()
        && status.and_then(Status::find).is_some()
        && is_of_no_end()
    {
        Unsearchable::ReasonOfNoRevocation
    } else {
        Unsearchable::Unreadable
    }
}

/// Records the search, then does it; with the next page's address.
async fn find<S: Search>(
    (app, at, request): (&App, &AtBank, &HttpRequest),
    (what, query): (&'static str, &str),
    (search, after): (S, Option<Place>),
) -> Result<(Vec<S::Found>, Option<String>), Refused> {
    let act = Act {
        code: "search",
        subject: Subject::of_kind(what),
        detail: json!({ "query": query }),
    };
    at.record_read(&app.pool, act).await?;
    let mut connection = app.searches.acquire().await?;
    let rows = i64::try_from(ROWS).unwrap_or(i64::MAX);
    let page = search::page(&mut connection, &search, after.as_ref(), rows).await?;
    let next = page.next.map(|next| next.to_cursor(&search.text()));
    Ok((page.found, next.map(|next| next_url(request, &next))))
}

/// The page of a search.
async fn show<L, S>(
    (app, request, at): (&App, &HttpRequest, &Console<Reads>),
    (what, fields): (&'static str, &[&str]),
    (sent, typed): (&Sent, L::Typed),
    take: fn(&BankCode, &mut Parameters) -> Result<S, Problem>,
) -> Result<HttpResponse, Refused>
where
    L: Line + From<S::Found>,
    S: Search,
{
    let mut view = SearchView::<L> {
        typed,
        partners: partners(&app.pool, &at.bank).await?,
        unsearchable: None,
        found: Vec::new(),
        next: None,
        query: query_of(sent, fields),
    };
    match read(&at.bank, sent, fields, take) {
        Ok(wanted) => {
            let what = (what, view.query.as_str());
            let (found, next) = find((app, at, request), what, wanted).await?;
            view.found = found.into_iter().map(Into::into).collect();
            view.next = next;
        }
        Err(unsearchable) => view.unsearchable = Some(unsearchable),
    }
    let frame = frame_at(app, request, at, &at.cookie, L::SECTION).await?;
    show_page(&view.page(frame))
}

pub(super) async fn consents(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let of = |name: &str| sent.find(name).map(str::to_owned);
    let typed = consents_page::Typed {
        partner: of("partner"),
        contract: of("contract"),
        account: of("account"),
        status: of("status"),
        reason: of("reason"),
        began_from: of("began_from"),
        began_to: of("began_to"),
        ended_from: of("ended_from"),
        ended_to: of("ended_to"),
    };
    let what = ("consents", &CONSENT_FIELDS[..]);
    let visit = (app.as_ref(), &request, &at);
    show::<ConsentLine, _>(visit, what, (&sent, typed), consent_filters::take).await
}

pub(super) async fn journeys(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let of = |name: &str| sent.find(name).map(str::to_owned);
    let typed = journeys_page::Typed {
        journey: of("journey"),
        partner: of("partner"),
        status: of("status"),
        stage: of("stage"),
        began_from: of("began_from"),
        began_to: of("began_to"),
    };
    let what = ("journeys", &JOURNEY_FIELDS[..]);
    let visit = (app.as_ref(), &request, &at);
    show::<JourneyLine, _>(visit, what, (&sent, typed), journey_filters::take).await
}
