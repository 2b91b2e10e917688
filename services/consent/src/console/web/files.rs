//! Every row of a search as a file, by the API's export: one snapshot, streamed, with a last record.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::BankCode;

use super::{
    refused::Refused,
    search::{CONSENT_FIELDS, JOURNEY_FIELDS, query_of, read},
    visit::Sent,
};
use crate::{
    app::App,
    console::entry_pages::Stop,
    operator::{AtBank, Console, Reads},
    operators::{
        consent_filters,
        export::{self, Format, Pools},
        journey_filters,
        query::Parameters,
    },
    problem::Problem,
    search::Search,
};

/// The file of that name and kind.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Refused> {
    let (_, what, format) = path.into_inner();
    let format = Format::find(&format).ok_or(Refused::NOT_FOUND)?;
    let of = (app.as_ref(), &*at, &Sent::of_query(&request));
    match what.as_str() {
        "consents" => {
            let take = consent_filters::take;
            begin(of, ("consents", format), &CONSENT_FIELDS, take).await
        }
        "journeys" => {
            let take = journey_filters::take;
            begin(of, ("journeys", format), &JOURNEY_FIELDS, take).await
        }
        _ => Err(Refused::NOT_FOUND),
    }
}

async fn begin<S: Search + 'static>(
    (app, at, sent): (&App, &AtBank, &Sent),
    (what, format): (&'static str, Format),
    fields: &[&str],
    take: fn(&BankCode, &mut Parameters) -> Result<S, Problem>,
) -> Result<HttpResponse, Refused> {
    // The page with the message has no link to a file.
    let (search, _) = read(&at.bank, sent, fields, take).map_err(|_| Refused::NOT_FOUND)?;
    let query = query_of(sent, fields);
    let begun = export::begin(Pools::of(app), at, search, (what, &query, format)).await;
    begun.map_err(|_| Refused(Stop::Unavailable))
}
