//! To take one account out of a linkage: what it does, then the act. With the last one the linkage ends.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use consent_domain::{
    AccountId,
    consent::{ConsentEvent, RemovalReason, RevokedBy},
};

use super::{
    address::Destination,
    at_linkage::{AtLinkage, Submission},
    end::not_done,
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
    lifecycle::{Done, OnConsent},
    pages::{ErrorKind, FormTarget, RemoveAccountView},
};

/// Bank, linkage and account.
type Path = web::Path<(String, String, String)>;

/// Says what it does.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let (bank, grant, account) = path.into_inner();
    match AtLinkage::opened(app, &request, &(bank, grant).into()).await {
        Ok(opened) => page(opened, &account).await,
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

async fn page(
    AtLinkage { at, linkage }: AtLinkage,
    account: &str,
) -> Result<HttpResponse, PageError> {
    let visit = &at.visit;
    let Some(account) = account_in(&linkage, account) else {
        return Ok(leads_to(&at, &linkage, None));
    };
    if !linkage.is_live(visit.now) {
        return Ok(leads_to(&at, &linkage, Message::AlreadyEnded));
    }
    let sight = Sight::of(&at).await?;
    if !sight.may_remove(&at, &linkage, &account).yes() {
        return Err(visit.error(ErrorKind::ActNotAllowed));
    }
    let linkages = [linkage];
    let reads = Reads::of(&at, &linkages).await?;
    let [linkage] = linkages;
    let back_url = Destination::Linkage(linkage.grant.clone()).url(&visit.bank, None);
    let about = format!("{} {account}", linkage.grant);
    let view = RemoveAccountView {
        frame: at.frame(None),
        account: sight.name(&account),
        linkage: linkage_view(&at, (&sight, &reads), &linkage),
        form: FormTarget {
            action: format!("{back_url}/remove/{account}"),
            form_key: at.forms().mint(LinkagesForm::Remove, &about, ""),
        },
        back_url,
    };
    visit.page(StatusCode::OK, view.render(visit.texts()))
}

/// The account, where the linkage has it.
fn account_in(linkage: &Linkage, account: &str) -> Option<AccountId> {
    let account = AccountId::parse(account).ok()?;
    linkage.terms.scope.has_account(&account).then_some(account)
}

/// 「この口座を連携から外す」
///
/// # Errors
/// An error page.
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let (bank, grant, account) = path.into_inner();
    let opened = AtPage::opened(app, &request, &bank, Destination::of_grant(&grant)).await;
    let at = match opened {
        Ok(at) => at,
        Err(elsewhere) => return elsewhere.into_answer(),
    };
    let Ok(account) = AccountId::parse(account) else {
        return Err(at.visit.error(ErrorKind::NotFound));
    };
    let about = format!("{grant} {account}");
    let named = (grant.as_str(), about.as_str());
    match Submission::read(at, named, LinkagesForm::Remove, (&request, &body)).await {
        Ok(sent) => remove(sent, &account).await,
        Err(elsewhere) => elsewhere.into_answer(),
    }
}

async fn remove(sent: Submission, account: &AccountId) -> Result<HttpResponse, PageError> {
    let order = sent.order();
    let Submission { at, linkage, .. } = &sent;
    let visit = &at.visit;
    // A repeat finds the account gone, and gets the answer below.
    if linkage.is_live(visit.now) && linkage.terms.scope.has_account(account) {
        let sight = Sight::of(at).await?;
        if !sight.may_remove(at, linkage, account).yes() {
            return Err(visit.error(ErrorKind::ActNotAllowed));
        }
    }
    let on = OnConsent {
        pool: &visit.app.pool,
        bus: &visit.app.bus,
        bank: &visit.bank,
        grant: &linkage.grant,
    };
    let (by, reason) = (RevokedBy::Customer, RemovalReason::NoLongerNeeded);
    match on.remove_account(account, by, reason, order).await {
        Ok(Done::Changed(facts)) if ends(&facts) => Ok(leads_to(at, linkage, Message::Ended)),
        // The first sending of this form took the last account out.
        Ok(Done::Before) if !linkage.is_live(visit.now) => {
            Ok(leads_to(at, linkage, Message::Ended))
        }
        Ok(Done::Changed(_) | Done::Already | Done::Before) => {
            Ok(leads_to(at, linkage, Message::Removed))
        }
        Err(error) => not_done(at, linkage, error),
    }
}

fn ends(facts: &[ConsentEvent]) -> bool {
    facts
        .iter()
        .any(|fact| matches!(fact, ConsentEvent::AccessRevoked { .. }))
}
