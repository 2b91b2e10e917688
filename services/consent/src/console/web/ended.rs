//! What ended.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use serde_json::json;

use super::{
    cursor,
    names_at_bank::partners,
    refused::Refused,
    visit::{ROWS, Sent, frame_at, next_url, show as show_page},
};
use crate::{
    app::App,
    console::{
        ended_page::{EndedView, OUTSTANDING},
        names,
        page::Section,
        span::Span,
    },
    ended_consents::{EndsBetween, Notices, between},
    operator::{Act, Console, Reads, Subject},
};

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let today = names::day_in_japan(Utc::now());
    let span = Span::of_days(sent.find("from"), sent.find("to"), today);
    let is_outstanding_only = sent.find("notices") == Some(OUTSTANDING);
    let partner = sent.find("partner").map(str::to_owned);
    let act = Act {
        code: "read_ended",
        subject: Subject::of_kind("consents"),
        detail: json!({ "from": span.from, "to": span.to, "partner": partner }),
    };
    at.record_read(&app.pool, act).await?;
    let mut ended = Vec::new();
    if let Some((from, to)) = span.read {
        let asked = EndsBetween {
            bank: at.bank.clone(),
            from,
            to,
            partner: partner.clone(),
            causation_id: None,
            notices: if is_outstanding_only {
                Notices::Outstanding
            } else {
                Notices::Any
            },
            after: cursor::read(sent.find("cursor")),
            limit: i64::try_from(ROWS + 1).unwrap_or(i64::MAX),
        };
        ended = between(&app.pool, &asked).await?;
    }
    let next = cursor::cut(&mut ended, ROWS, |last| {
        cursor::write(last.ended_at, &last.grant_id)
    });
    let view = EndedView {
        span,
        partner,
        is_outstanding_only,
        partners: partners(&app.pool, &at.bank).await?,
        ended,
        next: next.map(|next| next_url(&request, &next)),
        role: at.role,
    };
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Revocations).await?;
    show_page(&view.page(frame))
}
