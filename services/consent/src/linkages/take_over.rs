//! To answer for a linkage whose user has left.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::{
    address::Destination,
    at_linkage::{AtLinkage, Path, Submission},
    end::not_done,
    form::{LinkagesForm, leads_to},
    message::Message,
    reads::Reads,
    sight::Sight,
    view::linkage_view,
};
use crate::{
    app::App,
    journey::PageError,
    lifecycle::{Done, OnConsent},
    pages::{ErrorKind, FormTarget, TakeOverView},
};

/// Says what it does.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    match AtLinkage::opened(app, &request, &path).await {
        Ok(opened) => page(opened).await,
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

async fn page(AtLinkage { at, linkage }: AtLinkage) -> Result<HttpResponse, PageError> {
    let visit = &at.visit;
    if !linkage.is_live(visit.now) {
        return Ok(leads_to(&at, &linkage, Message::AlreadyEnded));
    }
    if linkage.terms.user == at.session.subject.user {
        return Ok(leads_to(&at, &linkage, None));
    }
    let sight = Sight::of(&at).await?;
    if !sight.may_take_over(&at, &linkage).yes() {
        return Err(visit.error(ErrorKind::ActNotAllowed));
    }
    let linkages = [linkage];
    let reads = Reads::of(&at, &linkages).await?;
    let [linkage] = linkages;
    let back_url = Destination::Linkage(linkage.grant.clone()).url(&visit.bank, None);
    let view = TakeOverView {
        frame: at.frame(None),
        linkage: linkage_view(&at, (&sight, &reads), &linkage),
        form: FormTarget {
            action: format!("{back_url}/take-over"),
            form_key: at
                .forms()
                .mint(LinkagesForm::TakeOver, linkage.grant.as_str(), ""),
        },
        back_url,
    };
    visit.page(StatusCode::OK, view.render(visit.texts()))
}

/// 「許可を引き継ぐ」
///
/// # Errors
/// An error page.
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    match Submission::opened(app, (&request, &body), &path, LinkagesForm::TakeOver).await {
        Ok(sent) => take_over(sent).await,
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

async fn take_over(sent: Submission) -> Result<HttpResponse, PageError> {
    let order = sent.order();
    let Submission { at, linkage, .. } = &sent;
    let visit = &at.visit;
    let user = &at.session.subject.user;
    // A repeat finds it done, and gets the answer below.
    if linkage.is_live(visit.now) && &linkage.terms.user != user {
        let sight = Sight::of(at).await?;
        if !sight.may_take_over(at, linkage).yes() {
            return Err(visit.error(ErrorKind::ActNotAllowed));
        }
    }
    let on = OnConsent {
        pool: &visit.app.pool,
        bus: &visit.app.bus,
        bank: &visit.bank,
        grant: &linkage.grant,
    };
    match on.hand_over(user, order).await {
        Ok(Done::Changed(_) | Done::Already | Done::Before) => {
            Ok(leads_to(at, linkage, Message::TakenOver))
        }
        Err(error) => not_done(at, linkage, error),
    }
}
