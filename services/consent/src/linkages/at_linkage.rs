//! How every page of one linkage opens: the bank, who is logged in, and the linkage, which is the contract's
//! own; for a form, its key too.

use actix_web::{HttpRequest, web};

use super::{
    address::Destination,
    form::{FormKey, LinkagesForm, ReceivedForm, leads_to},
    linkage::Linkage,
    message::Message,
    visit::{AtPage, Elsewhere},
};
use crate::{
    app::App,
    journey::{PageError, find_spent},
    lifecycle::{Order, act_key},
    store::Actor,
};

/// Bank and linkage.
pub(super) type Path = web::Path<(String, String)>;

/// A logged-in customer at a page of one linkage.
pub(super) struct AtLinkage {
    pub at: AtPage,
    pub linkage: Linkage,
}

impl AtLinkage {
    /// Opens the page of the linkage that the path names.
    ///
    /// # Errors
    /// The way to the login, which leads back to the linkage; the error page.
    pub(super) async fn opened(
        app: web::Data<App>,
        request: &HttpRequest,
        path: &Path,
    ) -> Result<Self, Elsewhere> {
        let (bank, grant) = path.as_ref();
        let at = AtPage::opened(app, request, bank, Destination::of_grant(grant)).await?;
        Self::of(at, grant).await
    }

    /// The same for who was let in already.
    ///
    /// # Errors
    /// The error page.
    pub(super) async fn of(at: AtPage, grant: &str) -> Result<Self, Elsewhere> {
        let linkage = Linkage::find(&at, grant).await?;
        Ok(Self { at, linkage })
    }
}

/// A form by which a logged-in customer acts on a linkage.
pub(super) struct Submission {
    pub at: AtPage,
    pub linkage: Linkage,
    pub key: FormKey,
}

impl Submission {
    /// Opens the linkage that the path names, and reads the form that acts on it as a whole.
    ///
    /// # Errors
    /// The way to the login, which leads back to the linkage; where to go instead, as [`Self::read`].
    pub(super) async fn opened(
        app: web::Data<App>,
        (request, body): (&HttpRequest, &web::Bytes),
        path: &Path,
        form: LinkagesForm,
    ) -> Result<Self, Elsewhere> {
        let (bank, grant) = path.as_ref();
        let at = AtPage::opened(app, request, bank, Destination::of_grant(grant)).await?;
        Self::read(at, (grant, grant), form, (request, body)).await
    }

    /// Reads it: the linkage is the contract's own, the key is this session's for this act on it.
    ///
    /// # Errors
    /// Where to go instead: for a key of another session the linkage's page, where the act can be begun
    /// anew.
    pub(super) async fn read(
        at: AtPage,
        (grant, about): (&str, &str),
        form: LinkagesForm,
        (request, body): (&HttpRequest, &web::Bytes),
    ) -> Result<Self, Elsewhere> {
        let received = ReceivedForm::read(&at.visit, request, body)?;
        let AtLinkage { at, linkage } = AtLinkage::of(at, grant).await?;
        match received.key(&at.forms(), form, about) {
            Some(key) => Ok(Self { at, linkage, key }),
            None => Err(leads_to(&at, &linkage, Message::SendAgain).into()),
        }
    }

    /// Whether this very form did its act before.
    ///
    /// # Errors
    /// The error page for a database that is down.
    pub(super) async fn is_done(&self) -> Result<bool, PageError> {
        let visit = &self.at.visit;
        find_spent(&visit.app.pool, &visit.bank, &act_key(&self.key.nonce))
            .await
            .map(|spent| spent.is_some())
            .map_err(|error| visit.error(error))
    }

    /// Who wants the act, and how a repeat of it is known.
    pub(super) fn order(&self) -> Order {
        let at = &self.at;
        Order {
            actor: Actor::Customer(Some(at.session.subject.user.to_string())),
            key: Some(self.key.nonce.clone()),
            causation_id: Some(at.session.attempt),
            request: Some(at.visit.context.clone()),
        }
    }
}
