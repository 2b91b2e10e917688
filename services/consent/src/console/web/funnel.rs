//! 手続きの推移.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{NaiveDate, Utc};
use consent_domain::PartnerId;
use serde_json::json;

use super::{
    names_at_bank::partners,
    refused::Refused,
    visit::{Sent, frame_at, show as show_page},
};
use crate::{
    app::App,
    console::{
        funnel_page::{Asked, FunnelView},
        names,
        page::Section,
    },
    funnel::{Period, read},
    operator::{Act, Console, Reads, Subject},
};

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let usual = Period::twelve_weeks_to(names::day_in_japan(Utc::now()));
    let from = sent
        .find("from")
        .map_or_else(|| usual.from().to_string(), str::to_owned);
    let to = sent
        .find("to")
        .map_or_else(|| usual.to().to_string(), str::to_owned);
    let partner = sent
        .find("partner")
        .and_then(|id| PartnerId::parse(id).ok());
    let act = Act {
        code: "read_funnel",
        subject: Subject::of_kind("funnel"),
        detail: json!({ "from": from, "to": to, "partner": partner.as_ref().map(PartnerId::as_str) }),
    };
    at.record_read(&app.pool, act).await?;
    let funnel = match period(&from, &to) {
        Some(period) => Some(read(&app.pool, &at.bank, period, partner.as_ref()).await?),
        None => None,
    };
    let view = FunnelView {
        asked: Asked {
            from,
            to,
            partner: partner.map(|partner| partner.to_string()),
        },
        partners: partners(&app.pool, &at.bank).await?,
        funnel,
    };
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Funnel).await?;
    show_page(&view.page(frame))
}

fn period(from: &str, to: &str) -> Option<Period> {
    let (from, to): (NaiveDate, NaiveDate) = (from.parse().ok()?, to.parse().ok()?);
    Period::try_new(from, to).ok()
}
