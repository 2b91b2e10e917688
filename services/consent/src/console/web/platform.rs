//! Partners' records, for operators of the platform: the same orders as the API's, by forms.

use actix_web::{HttpRequest, HttpResponse, web};
use consent_domain::PartnerId;
use serde_json::Value;

use super::{
    edit::{again, given, said, typed as typed_of, with_outcome},
    platform_orders::{Order, fault, read},
    refused::Refused,
    visit::{ROWS, Sent, frame, locale, next_url, see_other, show as show_page},
};
use crate::{
    app::App,
    console::{
        edit::{Fault, Typed},
        platform_forms::{PlatformAct, PlatformActView},
        platform_page::{KeyLine, PATH, RecordView, RecordsView},
    },
    operator::{Act, Subject, form_key, platform::PlatformConsole},
    operator_orders::Performed,
    operators::partners::{PartnerDetail, detail},
    partner_administration::{Sight, retirements, sight_of_keys},
    partners::partner_ids,
    problem::Problem,
    protocol::json_web_key::KeyRefused,
};

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::NOTHING_HERE => Self::NOT_FOUND,
            problem => Self::unavailable(&problem),
        }
    }
}

impl From<PartnerDetail> for RecordView {
    fn from(detail: PartnerDetail) -> Self {
        let keys = detail.keys.into_iter().map(|key| KeyLine {
            kid: key.kid,
            jwk: key.jwk,
            retire_at: key.retire_at,
        });
        Self {
            id: detail.partner_id,
            client_id: detail.client_id,
            record_version: detail.record_version,
            legal_name: detail.legal_name,
            service_name: detail.service_name,
            registration_number: detail.registration_number,
            complaint_contact: detail.complaint_contact,
            onward_recipients: detail.onward_recipients,
            redirect_uris: detail.redirect_uris,
            keys: keys.collect(),
            banks: detail.banks,
        }
    }
}

pub(super) async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    who: PlatformConsole,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_query(&request);
    let act = Act::on("list_partners", Subject::of_kind("partners"));
    who.record(&app.pool, act).await?;
    let after = sent.find("cursor").unwrap_or_default();
    let limit = i64::try_from(ROWS + 1).unwrap_or(i64::MAX);
    let mut ids = partner_ids(&app.pool, after, limit).await?;
    let next = super::cursor::cut(&mut ids, ROWS, ToString::to_string);
    let mut partners = Vec::new();
    for id in &ids {
        partners.push(detail(&app, id).await?.into());
    }
    let view = RecordsView {
        partners,
        next: next.map(|next| next_url(&request, &next)),
    };
    show_page(&view.page(frame(&app, &request, Some(who.signed_in()))))
}

fn partner_of(id: &str) -> Result<PartnerId, Refused> {
    PartnerId::parse(id).map_err(|_| Refused::NOT_FOUND)
}

/// Reads a record, on record.
async fn read_record(
    app: &App,
    who: &PlatformConsole,
    partner: &PartnerId,
) -> Result<RecordView, Refused> {
    let subject = Subject::new("partner", partner.as_str());
    who.record(&app.pool, Act::on("read_partner", subject))
        .await?;
    Ok(detail(app, partner).await?.into())
}

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    who: PlatformConsole,
    path: web::Path<String>,
) -> Result<HttpResponse, Refused> {
    let record = read_record(&app, &who, &partner_of(&path)?).await?;
    let said = said(locale(&app, &request), &Sent::of_query(&request));
    show_page(&record.page(frame(&app, &request, Some(who.signed_in())), said))
}

/// Which act on which partner an address means; none: it is to be registered.
struct Wanted {
    partner: Option<PartnerId>,
    act: PlatformAct,
}

impl Wanted {
    const REGISTER: Self = Self {
        partner: None,
        act: PlatformAct::Register,
    };

    fn of(path: &(String, String)) -> Result<Self, Refused> {
        Ok(Self {
            partner: Some(partner_of(&path.0)?),
            act: PlatformAct::find(&path.1).ok_or(Refused::NOT_FOUND)?,
        })
    }

    /// The name of its form: a key of one act on one partner opens no other.
    fn form(&self) -> String {
        let partner = self.partner.as_ref().map(PartnerId::as_str);
        let partner = partner.unwrap_or_default();
        format!("platform {} {partner}", self.act.path())
    }
}

pub(super) async fn show_new(
    app: web::Data<App>,
    request: HttpRequest,
    who: PlatformConsole,
) -> Result<HttpResponse, Refused> {
    page(&app, &request, &who, &Wanted::REGISTER, None).await
}

pub(super) async fn show_act(
    app: web::Data<App>,
    request: HttpRequest,
    who: PlatformConsole,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Refused> {
    page(&app, &request, &who, &Wanted::of(&path)?, None).await
}

/// The form; `typed` with what it was made for.
async fn page(
    app: &App,
    request: &HttpRequest,
    who: &PlatformConsole,
    wanted: &Wanted,
    typed: Option<(Typed, String)>,
) -> Result<HttpResponse, Refused> {
    // What was seen is read before what is shown: in between it can only be refused.
    let now = sight(app, wanted).await?;
    let record = match &wanted.partner {
        Some(partner) => Some(read_record(app, who, partner).await?),
        None => None,
    };
    let now = match (wanted.act, &record) {
        (PlatformAct::RetireKey, _) | (_, None) => now,
        (_, Some(record)) => record.record_version.to_string(),
    };
    let (typed, seen) = match (typed, &record) {
        (None, Some(record)) => (PlatformActView::typed_at_first(wanted.act, record), now),
        (None, None) => (Typed::default(), now),
        // From here on it is decided on what is shown now.
        (Some((typed, _)), _) if typed.is_stale => (typed, now),
        (Some((typed, seen)), _) => (typed, seen),
    };
    let view = PlatformActView {
        act: wanted.act,
        record,
        seen,
        form_key: form_key::mint(app, &who.cookie, &wanted.form()),
        typed,
    };
    let frame = frame(app, request, Some(who.signed_in()));
    let edit = view.edit(frame.locale);
    show_page(&edit.page(frame))
}

/// What is seen of the keys' last days, where they are what is changed.
async fn sight(app: &App, wanted: &Wanted) -> Result<String, Refused> {
    match (&wanted.partner, wanted.act) {
        (Some(partner), PlatformAct::RetireKey) => {
            let going = retirements(&app.pool, partner).await?;
            Ok(sight_of_keys(&going).as_str().to_owned())
        }
        _ => Ok(String::new()),
    }
}

pub(super) async fn submit_new(
    app: web::Data<App>,
    request: HttpRequest,
    who: PlatformConsole,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_pairs(form.into_inner());
    submit_to(&app, &request, &who, &Wanted::REGISTER, &sent).await
}

pub(super) async fn submit_act(
    app: web::Data<App>,
    request: HttpRequest,
    who: PlatformConsole,
    path: web::Path<(String, String)>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let sent = Sent::of_pairs(form.into_inner());
    submit_to(&app, &request, &who, &Wanted::of(&path)?, &sent).await
}

async fn submit_to(
    app: &App,
    request: &HttpRequest,
    who: &PlatformConsole,
    wanted: &Wanted,
    sent: &Sent,
) -> Result<HttpResponse, Refused> {
    let nonce = sent.key(app, &who.cookie, &wanted.form())?;
    let seen = sent.find("seen").unwrap_or_default().to_owned();
    let typed = typed_of(sent, wanted.act.fields());
    let typed = match read(app, wanted.act, typed) {
        Err(typed) => typed,
        Ok((typed, order)) => {
            let done = carry_out(app, who, wanted, order, (&nonce, &seen)).await?;
            match done {
                Ok((partner, performed)) => {
                    let there = format!("{PATH}/{partner}");
                    return Ok(see_other(&with_outcome(&there, performed)));
                }
                Err(Problem::INVALID_KEY) if wanted.act == PlatformAct::AddKey => {
                    let refused = key_fault(app, wanted, &typed).await?;
                    typed.wrong("jwk", refused)
                }
                Err(problem) => again(problem, typed, |problem| fault(wanted.act, problem))?,
            }
        }
    };
    page(app, request, who, wanted, Some((typed, seen))).await
}

/// Gives the order, as the API does; with the partner that it was about.
async fn carry_out(
    app: &App,
    who: &PlatformConsole,
    wanted: &Wanted,
    order: Order,
    (nonce, seen): (&str, &str),
) -> Result<Result<(PartnerId, Performed), Problem>, Refused> {
    let partner = match (&order, &wanted.partner) {
        (Order::Register(registration), _) => registration.partner_id.clone(),
        (_, Some(partner)) => partner.clone(),
        (_, None) => return Err(Refused::NOT_FOUND),
    };
    let done = match order {
        Order::Register(registration) => {
            let given = given(nonce, ())?;
            let registered = who.register_partner(app, *registration, given).await;
            registered.map(|()| Performed::Done)
        }
        Order::Change(change) => {
            // What is none was never shown: refused as any other that is not the present one.
            let version = seen.parse().unwrap_or_default();
            let given = given(nonce, version)?;
            who.change_partner(app, &partner, change, given).await
        }
        Order::RetireKey { kid, at } => {
            let given = given(nonce, Sight::sent(seen))?;
            let retired = who.retire_partner_key(app, &partner, (&kid, at), given);
            retired.await.map(|()| Performed::Done)
        }
    };
    Ok(done.map(|performed| (partner, performed)))
}

/// Why a key that is good by itself can't be added: its kid is taken, or there are too many.
async fn key_fault(app: &App, wanted: &Wanted, typed: &Typed) -> Result<Fault, Refused> {
    let Some(partner) = &wanted.partner else {
        return Err(Refused::NOT_FOUND);
    };
    let jwk: Value = serde_json::from_str(typed.value("jwk")).unwrap_or_default();
    let kid = jwk.get("kid").and_then(Value::as_str);
    let keys = detail(app, partner).await?.keys;
    Ok(match keys.iter().any(|key| Some(key.kid.as_str()) == kid) {
        true => Fault::KidTaken,
        false => Fault::Key(KeyRefused::NotAKeySet),
    })
}
