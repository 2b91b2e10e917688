//! The searches, page by page and as files.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CONTENT_DISPOSITION, ContentType},
    web,
};
use chrono::{Days, NaiveDate};
use consent_domain::{AccountId, ContractId, JourneyId, PartnerId, consent::RevocationReason};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder, postgres::PgRow};
use tracing::Instrument as _;

use super::{
    cursor,
    names_at_bank::partners,
    refused::Refused,
    search_sql::{ConsentFilter, JourneyFilter, Page, Span},
    visit::{ROWS, Sent, frame_at, next_url, show as show_page},
};
use crate::{
    app::App,
    console::{
        consent_page::Standing,
        consents_page::{self, ConsentLine, ConsentsView},
        journeys_page::{self, JourneyLine, JourneysView, Outcome, STAGES},
        names,
        page::Section,
    },
    operator::{Act, AtBank, Console, Reads, Subject},
    store::sql_span,
};

/// Most rows of a file: what is more is asked of the API's exports.
const FILE_ROWS: usize = 10_000;

const CONSENT_FIELDS: [&str; 9] = [
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
const JOURNEY_FIELDS: [&str; 6] = [
    "partner",
    "status",
    "stage",
    "began_from",
    "began_to",
    "journey",
];

/// What was typed, read; `None` where it can't be.
fn typed<T>(sent: &Sent, name: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    match sent.find(name) {
        None => Some(None),
        Some(text) => parse(text).map(Some),
    }
}

/// Two days, both included.
fn days(sent: &Sent, from: &str, to: &str) -> Option<Span> {
    let start = |text: &str, after: u64| {
        let day: NaiveDate = text.parse().ok()?;
        names::start_of_day(day.checked_add_days(Days::new(after))?)
    };
    Some((
        typed(sent, from, |text| start(text, 0))?,
        typed(sent, to, |text| start(text, 1))?,
    ))
}

fn partner(sent: &Sent) -> Option<Option<String>> {
    typed(sent, "partner", |id| {
        PartnerId::parse(id).ok().map(|id| id.to_string())
    })
}

fn consent_filter(sent: &Sent) -> Option<ConsentFilter> {
    Some(ConsentFilter {
        partner: partner(sent)?,
        contract: typed(sent, "contract", |id| {
            ContractId::parse(id).ok().map(|id| id.to_string())
        })?,
        account: typed(sent, "account", |id| AccountId::parse(id).ok())?,
        standing: typed(sent, "status", Standing::find)?,
        reason: typed(sent, "reason", RevocationReason::find)?,
        began: days(sent, "began_from", "began_to")?,
        ends: days(sent, "ended_from", "ended_to")?,
    })
}

fn journey_filter(sent: &Sent) -> Option<JourneyFilter> {
    let stage = |word: &str| {
        STAGES
            .into_iter()
            .map(|step| step.as_str())
            .find(|step| *step == word)
    };
    Some(JourneyFilter {
        journey: typed(sent, "journey", |id| {
            JourneyId::parse(id).ok().map(|id| id.to_string())
        })?,
        partner: partner(sent)?,
        outcome: typed(sent, "status", Outcome::find)?,
        stage: typed(sent, "stage", stage)?,
        began: days(sent, "began_from", "began_to")?,
    })
}

/// The form's query, without what is empty.
fn query_of(sent: &Sent, fields: &[&str]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in fields {
        if let Some(value) = sent.find(name) {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

fn page_of(sent: &Sent, rows: usize) -> Page {
    Page {
        after: cursor::read(sent.find("cursor")),
        limit: i64::try_from(rows + 1).unwrap_or(i64::MAX),
    }
}

async fn found<T>(
    pool: &PgPool,
    mut sql: QueryBuilder<'static, Postgres>,
) -> Result<Vec<T>, sqlx::Error>
where
    T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    sql.build_query_as()
        .fetch_all(pool)
        .instrument(sql_span("search"))
        .await
}

async fn record(
    app: &App,
    at: &AtBank,
    code: &'static str,
    (what, query): (&'static str, &str),
) -> Result<(), sqlx::Error> {
    let act = Act {
        code,
        subject: Subject::of_kind(what),
        detail: json!({ "query": query }),
    };
    at.record_read(&app.pool, act).await.map(drop)
}

pub(super) async fn consents(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let of = |name: &str| sent.find(name).map(str::to_owned);
    let mut view = ConsentsView {
        typed: consents_page::Typed {
            partner: of("partner"),
            contract: of("contract"),
            account: of("account"),
            status: of("status"),
            reason: of("reason"),
            began_from: of("began_from"),
            began_to: of("began_to"),
            ended_from: of("ended_from"),
            ended_to: of("ended_to"),
        },
        partners: partners(&app.pool, &at.bank).await?,
        is_invalid: false,
        found: Vec::new(),
        next: None,
        query: query_of(&sent, &CONSENT_FIELDS),
    };
    match consent_filter(&sent) {
        Some(filter) => {
            record(&app, &at, "search", ("consents", &view.query)).await?;
            view.found = found(&app.pool, filter.select(&at.bank, &page_of(&sent, ROWS))).await?;
            let next = cursor::cut(&mut view.found, ROWS, |last| {
                cursor::write(last.began_at, &last.grant_id)
            });
            view.next = next.map(|next| next_url(&request, &next));
        }
        None => view.is_invalid = true,
    }
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Consents).await?;
    show_page(&view.page(frame))
}

pub(super) async fn journeys(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let of = |name: &str| sent.find(name).map(str::to_owned);
    let mut view = JourneysView {
        typed: journeys_page::Typed {
            journey: of("journey"),
            partner: of("partner"),
            status: of("status"),
            stage: of("stage"),
            began_from: of("began_from"),
            began_to: of("began_to"),
        },
        partners: partners(&app.pool, &at.bank).await?,
        is_invalid: false,
        found: Vec::new(),
        next: None,
        query: query_of(&sent, &JOURNEY_FIELDS),
    };
    match journey_filter(&sent) {
        Some(filter) => {
            record(&app, &at, "search", ("journeys", &view.query)).await?;
            view.found = found(&app.pool, filter.select(&at.bank, &page_of(&sent, ROWS))).await?;
            let next = cursor::cut(&mut view.found, ROWS, |last| {
                cursor::write(last.began_at, &last.journey_id)
            });
            view.next = next.map(|next| next_url(&request, &next));
        }
        None => view.is_invalid = true,
    }
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Journeys).await?;
    show_page(&view.page(frame))
}

/// How rows are written into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

async fn consents_as(
    app: &App,
    request: &HttpRequest,
    at: &AtBank,
    format: Format,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(request);
    let filter = consent_filter(&sent).ok_or(Refused::NOT_FOUND)?;
    let query = query_of(&sent, &CONSENT_FIELDS);
    record(app, at, "export", ("consents", &query)).await?;
    let rows: Vec<ConsentLine> = found(
        &app.pool,
        filter.select(&at.bank, &page_of(&sent, FILE_ROWS)),
    )
    .await?;
    file("consents", rows, format)
}

async fn journeys_as(
    app: &App,
    request: &HttpRequest,
    at: &AtBank,
    format: Format,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(request);
    let filter = journey_filter(&sent).ok_or(Refused::NOT_FOUND)?;
    let query = query_of(&sent, &JOURNEY_FIELDS);
    record(app, at, "export", ("journeys", &query)).await?;
    let rows: Vec<JourneyLine> = found(
        &app.pool,
        filter.select(&at.bank, &page_of(&sent, FILE_ROWS)),
    )
    .await?;
    file("journeys", rows, format)
}

/// The last record says how many rows there are, and whether there would have been more.
fn file<T: Serialize>(
    name: &str,
    mut rows: Vec<T>,
    format: Format,
) -> Result<HttpResponse, Refused> {
    let is_more = cursor::cut(&mut rows, FILE_ROWS, |_| String::new()).is_some();
    let (count, rest) = (rows.len(), if is_more { "more" } else { "all" });
    let values: Result<Vec<Value>, serde_json::Error> =
        rows.into_iter().map(serde_json::to_value).collect();
    let values = values.map_err(|error| Refused::unavailable(&error))?;
    let (text, kind, extension) = match format {
        Format::Csv => (
            format!("{}END,{count},{rest}\r\n", csv(&values)),
            "text/csv; charset=utf-8; header=present",
            "csv",
        ),
        Format::Ndjson => {
            let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
            let end = json!({ "end": true, "rows": count, "rest": rest });
            (format!("{lines}{end}\n"), "application/x-ndjson", "ndjson")
        }
    };
    Ok(HttpResponse::Ok()
        .insert_header(ContentType(
            kind.parse().unwrap_or(ContentType::octet_stream().0),
        ))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}.{extension}\""),
        ))
        .body(text))
}

/// RFC 4180, with a header.
fn csv(rows: &[Value]) -> String {
    let mut text = String::new();
    let members = |row: &Value| row.as_object().cloned().unwrap_or_default();
    if let Some(first) = rows.first() {
        let names: Vec<String> = members(first).into_iter().map(|(name, _)| name).collect();
        text.push_str(&names.join(","));
        text.push_str("\r\n");
    }
    for row in rows {
        let fields: Vec<String> = members(row)
            .into_iter()
            .map(|(_, value)| csv_field(&value))
            .collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

/// What a spreadsheet could take for a formula begins with an apostrophe.
fn csv_field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            items.join(" ")
        }
        other => other.to_string(),
    };
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text
    };
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

pub(super) async fn consents_csv(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    consents_as(&app, &request, &at, Format::Csv).await
}

pub(super) async fn consents_ndjson(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    consents_as(&app, &request, &at, Format::Ndjson).await
}

pub(super) async fn journeys_csv(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    journeys_as(&app, &request, &at, Format::Csv).await
}

pub(super) async fn journeys_ndjson(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    journeys_as(&app, &request, &at, Format::Ndjson).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{csv, csv_field};

    #[test]
    fn fields_are_quoted_and_no_field_is_a_formula() {
        assert_eq!(csv_field(&json!("a,b")), "\"a,b\"");
        assert_eq!(csv_field(&json!("say \"x\"")), "\"say \"\"x\"\"\"");
        assert_eq!(csv_field(&json!("=1+1")), "'=1+1");
        assert_eq!(csv_field(&json!(null)), "");
        assert_eq!(csv_field(&json!(["a", "b"])), "a b");
        assert_eq!(csv(&[json!({ "a": 1, "b": "x" })]), "a,b\r\n1,x\r\n");
    }
}
