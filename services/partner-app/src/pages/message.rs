//! Pages that only say something.

use actix_web::error::{InternalError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::explanation::{Explanation, Remedy, status_of};
use super::layout::{Place, Site, page};
use super::locale::say;
use crate::application::Services;
use crate::linking::LinkError;

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    site: Site<'a>,
    explanation: Explanation,
}

/// The page for an [`Explanation`].
pub(super) fn explain(
    services: &Services,
    status: StatusCode,
    explanation: Explanation,
) -> HttpResponse {
    let site = Site::new(&services.settings, Place::Elsewhere);
    page(status, &MessagePage { site, explanation })
}

/// The page for a linkage that was not made.
pub(super) fn not_linked(services: &Services, error: LinkError) -> HttpResponse {
    explain(
        services,
        status_of(error),
        Explanation::of_link_error(error),
    )
}

/// The page for a form that does not belong to this session.
pub(super) fn form_expired(services: &Services) -> HttpResponse {
    let explanation = Explanation {
        code: "form_expired".to_owned(),
        title: say("画面の有効期限が切れました", "This screen is out of date"),
        text:
            say("しばらく操作がなかったか、別の画面で手続きが始まっています。内容は保存されていません。\
               最初からやり直してください。", "Nothing was done for a while, or the procedure began on another screen. Nothing was saved. Please start again.")
                .to_owned(),
        remedy: Remedy::Relink,
    };
    explain(services, StatusCode::FORBIDDEN, explanation)
}

/// The page for a form that can't be read.
fn form_invalid(services: &Services) -> HttpResponse {
    let explanation = Explanation {
        code: "form_invalid".to_owned(),
        title: say(
            "送信内容を読み取れませんでした",
            "What was sent could not be read",
        ),
        text: say(
            "内容は保存されていません。前の画面に戻って、もう一度お試しください。",
            "Nothing was saved. Please go back and try again.",
        )
        .to_owned(),
        remedy: Remedy::Wait,
    };
    explain(services, StatusCode::BAD_REQUEST, explanation)
}

/// The page for an address that leads nowhere.
pub(super) fn missing(services: &Services) -> HttpResponse {
    let explanation = Explanation {
        code: "not_found".to_owned(),
        title: say("ページが見つかりません", "Page not found"),
        text: say("アドレスが変わったか、連携の情報が残っていません。ホームからお進みください。", "The address has changed, or nothing is kept of the linkage. Please go on from the home page.")
            .to_owned(),
        remedy: Remedy::Wait,
    };
    explain(services, StatusCode::NOT_FOUND, explanation)
}

pub(super) async fn not_found(services: web::Data<Services>) -> HttpResponse {
    missing(&services)
}

/// Answers a form with missing, unknown or repeated fields, or a form that is too large.
pub(super) fn refuse_form(error: UrlencodedError, request: &HttpRequest) -> actix_web::Error {
    match request.app_data::<web::Data<Services>>() {
        Some(services) => InternalError::from_response(error, form_invalid(services)).into(),
        None => error.into(),
    }
}
