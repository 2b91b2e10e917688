//! To end a linkage: what it does and does not do, then the act.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::consent::{ConsentRefusal, RevocationReason, RevokedBy};

use super::{
    address::Destination,
    at_linkage::{AtLinkage, Path, Submission},
    form::{LinkagesForm, leads_to},
    linkage::Linkage,
    message::Message,
    reads::Reads,
    sight::Sight,
    view::linkage_view,
    visit::AtPage,
};
use crate::{
    app::App,
    journey::PageError,
    lifecycle::{ActError, Done, OnConsent},
    pages::{EndLinkageView, ErrorKind, FormTarget},
    store::CommandError,
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
    let sight = Sight::of(&at).await?;
    if !sight.may_end(&at, &linkage).yes() {
        return Err(visit.error(ErrorKind::ActNotAllowed));
    }
    let linkages = [linkage];
    let reads = Reads::of(&at, &linkages).await?;
    let [linkage] = linkages;
    let back_url = Destination::Linkage(linkage.grant.clone()).url(&visit.bank, None);
    let view = EndLinkageView {
        frame: at.frame(None),
        linkage: linkage_view(&at, (&sight, &reads), &linkage),
        form: FormTarget {
            action: format!("{back_url}/end"),
            form_key: at
                .forms()
                .mint(LinkagesForm::End, linkage.grant.as_str(), ""),
        },
        back_url,
    };
    visit.page(StatusCode::OK, view.render(visit.texts()))
}

/// 「連携を解除する」
///
/// # Errors
/// An error page.
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    match Submission::opened(app, (&request, &body), &path, LinkagesForm::End).await {
        Ok(sent) => end(sent).await,
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

async fn end(sent: Submission) -> Result<HttpResponse, PageError> {
    let order = sent.order();
    let Submission { at, linkage, .. } = &sent;
    let visit = &at.visit;
    // Of a linkage that has ended, only the repeat of its own end is told apart below.
    if linkage.is_live(visit.now) {
        let sight = Sight::of(at).await?;
        if !sight.may_end(at, linkage).yes() {
            return Err(visit.error(ErrorKind::ActNotAllowed));
        }
    }
    let on = OnConsent {
        pool: &visit.app.pool,
        bus: &visit.app.bus,
        bank: &visit.bank,
        grant: &linkage.grant,
    };
    let (by, reason) = (RevokedBy::Customer, RevocationReason::CustomerRequest);
    match on.revoke(by, reason, order).await {
        Ok(Done::Changed(_) | Done::Already | Done::Before) => {
            Ok(leads_to(at, linkage, Message::Ended))
        }
        Err(error) => not_done(at, linkage, error),
    }
}

/// The answer to an act that did not happen.
///
/// # Errors
/// The error page, where the store failed.
pub(super) fn not_done(
    at: &AtPage,
    linkage: &Linkage,
    error: ActError<ConsentRefusal>,
) -> Result<HttpResponse, PageError> {
    match error {
        ActError::Command(CommandError::Refused(ConsentRefusal::AlreadyEnded)) => {
            Ok(leads_to(at, linkage, Message::AlreadyEnded))
        }
        ActError::KeyReused => Ok(leads_to(at, linkage, Message::AlreadySent)),
        ActError::Command(CommandError::Refused(refusal)) => {
            tracing::info!(%refusal, "a customer's act was refused");
            Ok(leads_to(at, linkage, Message::SendAgain))
        }
        error => {
            tracing::error!(%error, "a customer's act failed");
            Err(at.visit.error(ErrorKind::ServiceUnavailable))
        }
    }
}
