//! Who was affected.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::Utc;
use consent_domain::PartnerId;
use serde_json::json;

use super::{
    cursor,
    names_at_bank::partners,
    refused::Refused,
    visit::{ROWS, Sent, frame_at, next_url, show as show_page},
};
use crate::{
    affected::{Affected, between},
    app::App,
    console::{affected_page::AffectedView, page::Section, span::Span},
    operator::{Act, Console, Reads, Subject},
};

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let span = Span::of_minutes(sent.find("from"), sent.find("to"), Utc::now());
    let partner = sent
        .find("partner")
        .and_then(|id| PartnerId::parse(id).ok());
    let mut view = AffectedView {
        partner: partner.as_ref().map(ToString::to_string),
        partners: partners(&app.pool, &at.bank).await?,
        found: None,
        next: None,
        span,
    };
    if let (Some(partner), Some((from, to))) = (partner, view.span.read) {
        let act = Act {
            code: "read_affected",
            subject: Subject::new("partner", partner.as_str()),
            detail: json!({ "from": from, "to": to }),
        };
        at.record_read(&app.pool, act).await?;
        let asked = Affected {
            bank: at.bank.clone(),
            partner,
            from,
            to,
            after: cursor::read(sent.find("cursor")),
            limit: i64::try_from(ROWS + 1).unwrap_or(i64::MAX),
        };
        let mut found = between(&app.pool, &asked).await?;
        let next = cursor::cut(&mut found, ROWS, |last| {
            cursor::write(last.began_at, &last.grant_id)
        });
        view.next = next.map(|next| next_url(&request, &next));
        view.found = Some(found);
    }
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Affected).await?;
    show_page(&view.page(frame))
}
