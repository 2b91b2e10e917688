//! What a handler did not answer with a page becomes one here.

use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web,
};

use super::{address, visit};
use crate::{
    app::App,
    console::{
        entry_pages::{self, Stop},
        page::Frame,
    },
    history::HistoryError,
    operator::{
        console::{ConsoleRefusal, LOGIN},
        session::SessionCookie,
    },
    request_context::RequestContext,
    store::StoreError,
};

/// Why a handler of the console gives no page of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}")]
pub(super) struct Refused(pub(super) Stop);

impl Refused {
    pub(super) const NOT_FOUND: Self = Self(Stop::NotFound);
    pub(super) const FORM: Self = Self(Stop::FormRefused);

    /// A part that failed; the cause goes to the log.
    pub(super) fn unavailable(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "the console failed");
        Self(Stop::Unavailable)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        status(self.0)
    }
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        Self::unavailable(&error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::unavailable(&error)
    }
}

impl From<HistoryError> for Refused {
    fn from(error: HistoryError) -> Self {
        Self::unavailable(&error)
    }
}

fn status(stop: Stop) -> StatusCode {
    match stop {
        Stop::NotFound => StatusCode::NOT_FOUND,
        Stop::Forbidden => StatusCode::FORBIDDEN,
        Stop::FormRefused => StatusCode::BAD_REQUEST,
        Stop::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Wraps the console's handlers.
///
/// # Errors
/// None of its own: what is refused is answered here.
pub(super) async fn as_pages<B: MessageBody>(
    app: web::Data<App>,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let response = match next.call(request).await {
        Ok(response) => response,
        Err(error) => return Err(error),
    };
    let Some(stop) = stop_of(&response) else {
        return Ok(response.map_into_left_body());
    };
    let (request, response) = response.into_parts();
    let answer = match stop {
        Answer::Login => to_login(&app, &request),
        Answer::Stop(stop) => page(&app, &request, stop, response.status()),
    };
    Ok(ServiceResponse::new(request, answer).map_into_right_body())
}

enum Answer {
    Login,
    Stop(Stop),
}

fn stop_of<B>(response: &ServiceResponse<B>) -> Option<Answer> {
    if let Some(error) = response.response().error() {
        if let Some(refused) = error.as_error::<Refused>() {
            return Some(Answer::Stop(refused.0));
        }
        if let Some(refusal) = error.as_error::<ConsoleRefusal>() {
            return Some(match refusal {
                ConsoleRefusal::NotLoggedIn => Answer::Login,
                ConsoleRefusal::NothingHere => Answer::Stop(Stop::NotFound),
                ConsoleRefusal::RoleTooLow => Answer::Stop(Stop::Forbidden),
                ConsoleRefusal::Unavailable => Answer::Stop(Stop::Unavailable),
            });
        }
    }
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED => Some(Answer::Stop(Stop::NotFound)),
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
            if response.response().error().is_some() =>
        {
            Some(Answer::Stop(Stop::FormRefused))
        }
        _ => None,
    }
}

/// Whoever had a session learns that it is over.
fn to_login(app: &App, request: &HttpRequest) -> HttpResponse {
    let had_session = SessionCookie::find(app, request).is_some();
    let location = if had_session {
        format!("{LOGIN}?m=ended")
    } else {
        LOGIN.to_owned()
    };
    let mut response = visit::see_other(&location);
    if had_session {
        // A cookie of printable ASCII: it can't fail.
        let _ = response.add_cookie(&SessionCookie::removal(app));
    }
    response
}

fn page(app: &App, request: &HttpRequest, stop: Stop, status: StatusCode) -> HttpResponse {
    let frame = Frame {
        locale: visit::locale(app, request),
        address: address::of(request),
        signed_in: None,
        bank: None,
        section: None,
        request_number: RequestContext::of(request).inquiry_number(),
    };
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, "30"));
    }
    response
        .content_type("text/html; charset=utf-8")
        .body(entry_pages::stop(frame, stop).render().unwrap_or_default())
}

/// An address of the console that leads nowhere.
pub(super) async fn not_found() -> Result<HttpResponse, Refused> {
    Err(Refused::NOT_FOUND)
}
