//! One linkage, and what may be done about it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::{
    address::{Destination, grant_of},
    linkage::Linkage,
    message::Message,
    sight::Sight,
    view::linkage_view,
    visit::Visit,
};
use crate::{
    app::App,
    journey::PageError,
    pages::{LinkageActs, LinkageView},
};

pub(super) type Path = web::Path<(String, String)>;

/// Where a login leads that one of a linkage's pages asked for.
pub(super) fn destination(grant: &str) -> Destination {
    grant_of(grant).map_or(Destination::List, Destination::Linkage)
}

/// Shows it.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let (bank, grant) = path.into_inner();
    let visit = Visit::begin(app, &request, &bank).await?;
    let at = match visit.customer(destination(&grant)).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let linkage = Linkage::find(&at, &grant).await?;
    let sight = Sight::of(&at).await?;
    let url = Destination::Linkage(linkage.grant.clone()).url(&visit.bank, None);
    let view = LinkageView {
        frame: at.frame(Message::of(&request)),
        linkage: linkage_view(&at, &sight, &linkage),
        names: sight.names(),
        acts: LinkageActs {
            end: sight
                .may_end(&at, &linkage)
                .yes()
                .then(|| format!("{url}/end")),
        },
        list_url: super::path(&visit.bank),
    };
    visit.page(StatusCode::OK, view.render(visit.texts()))
}
