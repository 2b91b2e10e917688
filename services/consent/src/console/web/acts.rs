//! The log of acts.

use actix_web::{HttpRequest, HttpResponse, web};

use super::{
    refused::Refused,
    visit::{Sent, frame_at, next_url, show as show_page},
};
use crate::{
    app::App,
    console::{
        acts_page::{ActLine, ActsView},
        page::Section,
    },
    operator::{Console, Reads},
    operators::{
        query::Parameters,
        recorded_acts::{Recorded, Wanted},
    },
};

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let mut view = ActsView {
        operator: sent.find("operator").map(str::to_owned),
        consent: sent.find("consent").map(str::to_owned),
        ..ActsView::default()
    };
    match wanted(&sent) {
        Some(wanted) => {
            at.record_read(&app.pool, wanted.act()).await?;
            let page = wanted.page(&app.pool, &at.bank).await?;
            view.next = page.next_cursor.map(|cursor| next_url(&request, &cursor));
            view.lines = page.acts.into_iter().map(line).collect();
        }
        None => view.is_invalid = true,
    }
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Acts).await?;
    show_page(&view.page(frame))
}

/// The same conditions as the API's, by the names of this form.
fn wanted(sent: &Sent) -> Option<Wanted> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(operator) = sent.find("operator") {
        query.append_pair("operator", operator);
    }
    if let Some(consent) = sent.find("consent") {
        query
            .append_pair("subject_kind", "consent")
            .append_pair("subject_id", consent);
    }
    if let Some(cursor) = sent.find("cursor") {
        query.append_pair("cursor", cursor);
    }
    let mut parameters = Parameters::parse(&query.finish()).ok()?;
    Wanted::take(&mut parameters).ok()
}

fn line(recorded: Recorded) -> ActLine {
    let detail = match recorded.detail.as_object() {
        Some(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name}={text}"),
                None => format!("{name}={value}"),
            })
            .collect::<Vec<_>>()
            .join(" "),
        None => String::new(),
    };
    ActLine {
        id: recorded.act_id.to_string(),
        at: recorded.acted_at,
        operator: recorded.operator,
        via: recorded.via,
        act: recorded.act,
        subject_kind: recorded.subject_kind,
        subject_id: recorded.subject_id,
        outcome: recorded.outcome,
        detail,
    }
}
