//! What the handlers share: the frame of a page, forms as they were sent, the answers.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, http::header::LOCATION};

use super::{address, refused::Refused};
use crate::{
    app::App,
    console::{
        names,
        page::{BankInView, Frame, Page, Section, SignedIn},
    },
    journey::language_of,
    operator::{Admitted, AtBank, form_key, session::SessionCookie},
    pages::Locale,
    partners::bank_record,
    request_context::RequestContext,
};

/// Rows of a page of a list.
pub(super) const ROWS: usize = 50;
/// The name of the sign-out form, whose key every page carries.
pub(super) const LOG_OUT: &str = "log_out";

pub(super) fn locale(app: &App, request: &HttpRequest) -> Locale {
    language_of(app, request, None)
}

/// The frame of a page of no bank.
pub(super) fn frame(
    app: &App,
    request: &HttpRequest,
    who: Option<(&Admitted, &SessionCookie)>,
) -> Frame {
    Frame {
        locale: locale(app, request),
        address: address::of(request),
        signed_in: who.map(|(who, cookie)| SignedIn {
            name: who.operator.name.clone(),
            form_key: form_key::mint(app, cookie, LOG_OUT),
        }),
        bank: None,
        section: None,
        request_number: RequestContext::of(request).inquiry_number(),
    }
}

/// The frame of a page at a bank.
///
/// # Errors
/// The database's.
pub(super) async fn frame_at(
    app: &App,
    request: &HttpRequest,
    at: &AtBank,
    cookie: &SessionCookie,
    section: Section,
) -> Result<Frame, Refused> {
    let frame = frame(app, request, Some((&at.who, cookie)));
    let record = bank_record(&app.pool, &at.bank).await?;
    Ok(Frame {
        bank: Some(BankInView {
            code: at.bank.to_string(),
            name: record.map_or_else(|| at.bank.to_string(), |record| record.display_name),
            role: names::role(frame.locale, at.role).to_owned(),
        }),
        section: Some(section),
        ..frame
    })
}

/// A page as an answer.
pub(super) fn show(page: &Page) -> Result<HttpResponse, Refused> {
    let html = page
        .render()
        .map_err(|error| Refused::unavailable(&error))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(html))
}

/// 303: a form's answer is a page of its own.
pub(super) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((LOCATION, location.to_owned()))
        .finish()
}

/// The address of the next page of a list: this one with another cursor.
pub(super) fn next_url(request: &HttpRequest, cursor: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        if name != "cursor" && !value.is_empty() {
            query.append_pair(&name, &value);
        }
    }
    let query = query.append_pair("cursor", cursor).finish();
    format!("{}?{query}", request.path())
}

/// What a form or an address says; of a name that comes twice the first counts.
#[derive(Debug, Default)]
pub(super) struct Sent(HashMap<String, String>);

impl Sent {
    pub(super) fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        let mut sent = HashMap::new();
        for (name, value) in pairs {
            sent.entry(name).or_insert(value);
        }
        Self(sent)
    }

    pub(super) fn of_query(request: &HttpRequest) -> Self {
        let pairs = url::form_urlencoded::parse(request.query_string().as_bytes());
        Self::of_pairs(pairs.into_owned().collect())
    }

    /// What was typed, without space around it; `None` where nothing was.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty() && !value.contains('\0'))
    }

    /// Exactly what was sent, taken out.
    pub(super) fn take(&mut self, name: &str) -> String {
        self.0.remove(name).unwrap_or_default()
    }

    /// The nonce of the form's key.
    ///
    /// # Errors
    /// [`Refused::FORM`] where it is not ours, or of another form or session.
    pub(super) fn key(
        &self,
        app: &App,
        cookie: &SessionCookie,
        form: &str,
    ) -> Result<String, Refused> {
        self.find("form_key")
            .and_then(|key| form_key::find(app, cookie, form, key))
            .ok_or(Refused::FORM)
    }
}
