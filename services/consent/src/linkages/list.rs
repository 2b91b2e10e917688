//! Every linkage of the contract.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};

use super::{
    address::Destination,
    linkage::{ENDED_MONTHS, Linkage},
    message::Message,
    reads::Reads,
    sight::Sight,
    view::linkage_view,
    visit::AtPage,
};
use crate::{app::App, journey::PageError, pages::LinkagesView};

/// Shows them.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    bank: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let at = match AtPage::opened(app, &request, &bank, Destination::List).await {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let visit = &at.visit;
    let sight = Sight::of(&at).await?;
    let contract = &at.session.subject.contract;
    let linkages = Linkage::all(&visit.app.pool, &visit.bank, contract)
        .await
        .map_err(|error| visit.error(error))?;
    let reads = Reads::of(&at, &linkages).await?;
    let (live, ended): (Vec<_>, Vec<_>) = linkages
        .iter()
        .partition(|linkage| linkage.is_live(visit.now));
    let views = |linkages: Vec<&Linkage>| {
        linkages
            .into_iter()
            .map(|linkage| linkage_view(&at, (&sight, &reads), linkage))
            .collect()
    };
    let view = LinkagesView {
        frame: at.frame(Message::of(&request)),
        live: views(live),
        ended: views(ended),
        ended_months: ENDED_MONTHS.unsigned_abs(),
        names: sight.names(),
    };
    visit.page(StatusCode::OK, view.render(visit.texts()))
}
