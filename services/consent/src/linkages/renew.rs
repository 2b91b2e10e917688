//! To renew a linkage before it ends, on one screen that keeps every choice.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use chrono::TimeDelta;
use consent_domain::{AccountId, Instant, JourneyId, consent::RenewalShown, journey::ShownText};

use super::{
    address::Destination,
    at_linkage::{AtLinkage, Path, Submission},
    end::not_done,
    form::{LinkagesForm, leads_to},
    linkage::Linkage,
    message::Message,
    reads::Reads,
    renewable::{NotRenewable, renewable},
    sight::Sight,
    view::linkage_view,
    visit::{AtPage, Elsewhere, Visit},
};
use crate::{
    app::App,
    entropy,
    evidence::Evidence,
    journey::PageError,
    lifecycle::{Done, OnConsent, RenewalSeen, RenewalWish},
    pages::{ErrorKind, FormTarget, RenewLinkageView, renewal_text},
    protocol::digest::sha256_hex,
};

/// What the page shows, and what the act rests on.
struct Offer {
    view: RenewLinkageView,
    linkage: Linkage,
    valid_until: Instant,
    continue_from: Vec<(AccountId, chrono::NaiveDate)>,
}

impl Offer {
    /// What is offered to this user now.
    async fn of(at: &AtPage, linkage: Linkage) -> Result<Self, Elsewhere> {
        let visit = &at.visit;
        if !linkage.is_live(visit.now) {
            return Err(leads_to(at, &linkage, Message::AlreadyEnded).into());
        }
        let sight = Sight::of(at).await?;
        let valid_until = match renewable(at, &sight, &linkage)? {
            Ok(valid_until) => valid_until,
            Err(NotRenewable::NotLonger) => {
                return Err(leads_to(at, &linkage, Message::NotLonger).into());
            }
            Err(NotRenewable::NotAllowed) => {
                return Err(visit.error(ErrorKind::ActNotAllowed).into());
            }
            Err(NotRenewable::ByJourney(_)) => {
                return Err(leads_to(at, &linkage, Message::RenewAtService).into());
            }
        };
        let linkages = [linkage];
        let reads = Reads::of(at, &linkages).await?;
        let [linkage] = linkages;
        let accounts = linkage.terms.scope.accounts().into_iter();
        let continue_from = accounts
            .filter_map(|account| {
                let day = reads.continue_from(&linkage.grant, &account)?;
                Some((account, day))
            })
            .collect();
        let back_url = Destination::Linkage(linkage.grant.clone()).url(&visit.bank, None);
        let mut view = RenewLinkageView {
            frame: at.frame(None),
            linkage: linkage_view(at, (&sight, &reads), &linkage),
            // The last minute that still holds: the end itself no longer does.
            new_until: valid_until - TimeDelta::minutes(1),
            continuations: reads.continuations(&sight, &linkage),
            terms_version: visit.record.settings.terms_version.clone(),
            form: FormTarget {
                action: format!("{back_url}/renew"),
                form_key: String::new(),
            },
            back_url,
        };
        // The key is bound to the very words: what is renewed is what was read.
        let grant = linkage.grant.as_str();
        let statement = digest(&view, visit);
        view.form.form_key = at.forms().mint(LinkagesForm::Renew, grant, &statement);
        Ok(Self {
            view,
            linkage,
            valid_until,
            continue_from,
        })
    }
}

/// Digest of what the page states.
fn digest(view: &RenewLinkageView, visit: &Visit) -> String {
    sha256_hex(renewal_text(view, visit.texts()).as_bytes())
}

/// Shows what would stay, and what would change.
///
/// # Errors
/// An error page.
pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
) -> Result<HttpResponse, PageError> {
    let offered = match AtLinkage::opened(app, &request, &path).await {
        Ok(opened) => offered(opened).await,
        Err(elsewhere) => Err(elsewhere),
    };
    offered.or_else(Elsewhere::into_answer)
}

async fn offered(AtLinkage { at, linkage }: AtLinkage) -> Result<HttpResponse, Elsewhere> {
    let offer = Offer::of(&at, linkage).await?;
    let visit = &at.visit;
    Ok(visit.page(StatusCode::OK, offer.view.render(visit.texts()))?)
}

/// 「更新する」
///
/// # Errors
/// An error page.
pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    path: Path,
    body: web::Bytes,
) -> Result<HttpResponse, PageError> {
    let form = LinkagesForm::Renew;
    let renewed = match Submission::opened(app, (&request, &body), &path, form).await {
        Ok(sent) => renew(sent).await,
        Err(elsewhere) => Err(elsewhere),
    };
    renewed.or_else(Elsewhere::into_answer)
}

async fn renew(sent: Submission) -> Result<HttpResponse, Elsewhere> {
    let order = sent.order();
    // A repeat finds the period renewed, so that there is nothing to offer; it gets the first answer.
    if sent.is_done().await? {
        return Ok(leads_to(&sent.at, &sent.linkage, Message::Renewed));
    }
    let Submission { at, linkage, key } = sent;
    let visit = &at.visit;
    let offer = Offer::of(&at, linkage).await?;
    if digest(&offer.view, visit) != key.statement {
        let page = format!("{}/renew", offer.view.back_url);
        return Err(crate::journey::see_other(&page).into());
    }
    let seen = seen(&at, &offer).map_err(|kind| visit.error(kind))?;
    let on = OnConsent {
        pool: &visit.app.pool,
        bus: &visit.app.bus,
        bank: &visit.bank,
        grant: &offer.linkage.grant,
    };
    match on.renew_as_shown(seen, order).await {
        Ok(Done::Changed(_) | Done::Already | Done::Before) => {
            Ok(leads_to(&at, &offer.linkage, Message::Renewed))
        }
        Err(error) => Ok(not_done(&at, &offer.linkage, error)?),
    }
}

/// What was shown, for the fact, and the words themselves for the evidence.
fn seen(at: &AtPage, offer: &Offer) -> Result<RenewalSeen, ErrorKind> {
    let visit = &at.visit;
    let texts = visit.texts();
    let record =
        JourneyId::parse(entropy::opaque_id().to_string()).map_err(|_| ErrorKind::Internal)?;
    let (locale, version) = (texts.locale().tag(), texts.version());
    let evidence = Evidence::new(locale, version, renewal_text(&offer.view, texts))
        .seal(&visit.app.keys, &visit.bank, &record)
        .map_err(|error| {
            tracing::error!(%error, "what was shown could not be recorded");
            ErrorKind::Internal
        })?;
    let settings = &visit.record.settings;
    Ok(RenewalSeen {
        wish: RenewalWish {
            user: at.session.subject.user.clone(),
            journey: None,
            continue_from: offer.continue_from.iter().cloned().collect(),
        },
        valid_until: offer.valid_until,
        shown: RenewalShown {
            record,
            text: ShownText {
                version: version.to_owned(),
                locale: locale.to_owned(),
                sha256: evidence.sha256.clone(),
            },
            terms_version: settings.terms_version.clone(),
            partner_record_version: offer.linkage.partner_version,
            role: at.session.role,
            login_at: at.session.login_at,
        },
        evidence,
        evidence_years: i32::try_from(settings.evidence_years).unwrap_or(i32::MAX),
    })
}
