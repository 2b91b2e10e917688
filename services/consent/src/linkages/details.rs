//! One linkage, what happened to it, what was read, and what may be done about it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::{AccountId, UserId};

use super::{
    address::Destination,
    at_linkage::{AtLinkage, Path},
    linkage::Linkage,
    message::Message,
    reads::{Reads, latest},
    renewable::{NotRenewable, renewable},
    sight::Sight,
    view::linkage_view,
    visit::AtPage,
};
use crate::{
    app::App,
    history::{self, words},
    journey::PageError,
    pages::{ErrorKind, FactNames, HistoryLine, LinkageActs, LinkageView, RenewAct},
};

/// Shows it.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    match AtLinkage::opened(app, &request, &path).await {
        Ok(opened) => page(opened, Message::of(&request)).await,
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

async fn page(
    AtLinkage { at, linkage }: AtLinkage,
    message: Option<Message>,
) -> Result<HttpResponse, PageError> {
    let visit = &at.visit;
    let sight = Sight::of(&at).await?;
    let linkages = [linkage];
    let reads = Reads::of(&at, &linkages).await?;
    let [linkage] = linkages;
    let continuations = if linkage.is_live(visit.now) {
        Vec::new()
    } else {
        reads.continuations(&sight, &linkage)
    };
    let view = LinkageView {
        frame: at.frame(message),
        acts: acts(&at, &sight, &linkage)?,
        history: happened(&at, &sight, &linkage).await?,
        reads: latest(&at, &sight, &linkage).await?,
        linkage: linkage_view(&at, (&sight, &reads), &linkage),
        continuations,
        names: sight.names(),
        list_url: super::path(&visit.bank),
    };
    visit.page(StatusCode::OK, view.render(visit.texts()))
}

fn acts(at: &AtPage, sight: &Sight, linkage: &Linkage) -> Result<LinkageActs, PageError> {
    let visit = &at.visit;
    if !linkage.is_live(visit.now) {
        return Ok(LinkageActs::default());
    }
    let url = Destination::Linkage(linkage.grant.clone()).url(&visit.bank, None);
    let may_end = sight.may_end(at, linkage).yes();
    let may_take_over = sight.may_take_over(at, linkage).yes();
    let removable = linkage.terms.scope.accounts().into_iter();
    Ok(LinkageActs {
        end: may_end.then(|| format!("{url}/end")),
        take_over: may_take_over.then(|| format!("{url}/take-over")),
        renew: match renewable(at, sight, linkage)? {
            Ok(_) => RenewAct::Here(format!("{url}/renew")),
            Err(NotRenewable::ByJourney(why)) => RenewAct::AtService(why),
            Err(NotRenewable::NotAllowed | NotRenewable::NotLonger) => RenewAct::None,
        },
        remove: removable
            .filter(|account| sight.may_remove(at, linkage, account).yes())
            .map(|account| (account.to_string(), format!("{url}/remove/{account}")))
            .collect(),
    })
}

/// What happened to it, the latest first.
async fn happened(
    at: &AtPage,
    sight: &Sight,
    linkage: &Linkage,
) -> Result<Vec<HistoryLine>, PageError> {
    let visit = &at.visit;
    let texts = visit.texts();
    let facts = history::of_consent(&visit.app.pool, &visit.bank, &linkage.grant)
        .await
        .map_err(|error| {
            tracing::error!(%error, "a consent's history could not be read");
            visit.error(ErrorKind::ServiceUnavailable)
        })?;
    let own = &at.session.subject.user;
    let account = |account: &AccountId| sight.name(account).text(texts).to_owned();
    let user = |user: &UserId| {
        if user == own {
            at.session.names.login_name.clone()
        } else {
            texts.another_user(user.as_str())
        }
    };
    let names = FactNames {
        partner: &linkage.partner.legal_name,
        account: &account,
        user: &user,
    };
    let lines = facts.iter().rev().map(|told| HistoryLine {
        at: told.holds_since(),
        text: words::sentence(texts, told, &names),
        by: words::actor(texts, told).to_owned(),
    });
    Ok(lines.collect())
}
