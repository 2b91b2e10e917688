//! What a bank's operators change of a partner there: the page before, and the order, given as the API gives it.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{
    PartnerId,
    partner::{
        Partner, PartnerAtBank, PartnerAtBankStream, PartnerContract, PartnerRecord, PartnerStream,
    },
    suspension::SuspensionCause,
};
use zeroize::Zeroizing;

use super::{
    edit::{again, given, order_key, typed as typed_of, with_outcome},
    refused::Refused,
    visit::{Sent, frame_at, see_other, show as show_page},
};
use crate::{
    app::App,
    console::{
        act_page::SUSPENSION_CAUSES,
        edit::{CONFIRM, Fault, Typed},
        page::{Section, section_path},
        partner_forms::{BankAct, BankActView, PushNow},
    },
    journey::stream_id,
    lifecycle::Level,
    operator::{Act, Acts, Console, Subject, form_key},
    operator_orders::{Performed, Wish},
    operators::partners_here::ContractDays,
    partner_administration::{AtBankChange, Sight, ordered::target_policy},
    partners::bank_record,
    problem::Problem,
    security_events::push::{Authorization, check_target, sight_of_target},
    store::state_of,
};

/// Which act on which partner an address means.
struct Wanted {
    partner: PartnerId,
    act: BankAct,
}

impl Wanted {
    fn of(path: &(String, String, String)) -> Result<Self, Refused> {
        Ok(Self {
            partner: PartnerId::parse(path.1.as_str()).map_err(|_| Refused::NOT_FOUND)?,
            act: BankAct::find(&path.2).ok_or(Refused::NOT_FOUND)?,
        })
    }

    /// The name of its form: a key of one act on one partner at one bank opens no other.
    fn form(&self, at: &Console<Acts>) -> String {
        format!("partner {} {} {}", self.act.path(), at.bank, self.partner)
    }

    fn page_of_partner(&self, at: &Console<Acts>) -> String {
        let partners = section_path(at.bank.as_str(), Section::Partners);
        format!("{partners}/{}", self.partner)
    }
}

/// The partner as it stands at the bank.
struct Stands {
    record: PartnerRecord,
    at_bank: PartnerAtBank,
    push: Option<PushNow>,
    /// What the act changes, as it is now.
    sight: Sight,
}

async fn stands(app: &App, at: &Console<Acts>, wanted: &Wanted) -> Result<Stands, Refused> {
    let partner = &wanted.partner;
    let Partner::Registered { record, .. } =
        state_of::<PartnerStream>(&app.pool, partner.as_str()).await?
    else {
        return Err(Refused::NOT_FOUND);
    };
    let stream = stream_id(&at.bank, partner.as_str());
    let at_bank = state_of::<PartnerAtBankStream>(&app.pool, &stream).await?;
    // In one order with the URL: what is shown is what was seen, or older, and then it is refused.
    let of_target = sight_of_target(&app.pool, &at.bank, partner).await?;
    let push: Option<(String, DateTime<Utc>)> =
        sqlx::query_as("SELECT url, set_at FROM push_targets WHERE bank = $1 AND partner = $2")
            .bind(at.bank.as_str())
            .bind(partner.as_str())
            .fetch_optional(&app.pool)
            .await?;
    let sight = match wanted.act {
        BankAct::SetPush | BankAct::RemovePush => of_target,
        _ => Sight::of(&at_bank),
    };
    Ok(Stands {
        record,
        at_bank,
        push: push.map(|(url, set_at)| PushNow { url, set_at }),
        sight,
    })
}

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Acts>,
    path: web::Path<(String, String, String)>,
) -> Result<HttpResponse, Refused> {
    let wanted = Wanted::of(&path)?;
    page(&app, &request, &at, &wanted, None).await
}

/// The form; `typed` with what it was made for.
async fn page(
    app: &App,
    request: &HttpRequest,
    at: &Console<Acts>,
    wanted: &Wanted,
    typed: Option<(Typed, String)>,
) -> Result<HttpResponse, Refused> {
    let subject = Subject::new("partner", wanted.partner.as_str());
    at.record_read(&app.pool, Act::on("read_partner", subject))
        .await?;
    let stands = stands(app, at, wanted).await?;
    let push = stands.push.as_ref().map(|push| push.url.as_str());
    // Of what somebody else has done meanwhile nothing is left to decide.
    let is_of_now = typed.as_ref().is_none_or(|(typed, _)| typed.is_stale);
    if is_of_now && !wanted.act.is_possible(&stands.at_bank, push) {
        let there = wanted.page_of_partner(at);
        return Ok(see_other(&with_outcome(&there, Performed::AlreadySo)));
    }
    let now = stands.sight.as_str().to_owned();
    let (typed, seen) = match typed {
        None => {
            let typed = BankActView::typed_at_first(wanted.act, &stands.at_bank, push);
            (typed, now)
        }
        // From here on it is decided on what is shown now.
        Some((typed, _)) if typed.is_stale => (typed, now),
        Some((typed, seen)) => (typed, seen),
    };
    let bank = bank_record(&app.pool, &at.bank).await?;
    let rules = bank.map(|bank| bank.settings.operator_rules);
    let view = BankActView {
        act: wanted.act,
        partner: wanted.partner.to_string(),
        service: stands.record.service_name,
        legal_name: stands.record.legal_name,
        at_bank: stands.at_bank,
        push: stands.push,
        notice_days: rules.unwrap_or_default().partner_end_notice_days,
        seen,
        form_key: form_key::mint(app, &at.cookie, &wanted.form(at)),
        typed,
    };
    let frame = frame_at(app, request, at, &at.cookie, Section::Partners).await?;
    let edit = view.edit(frame.locale, at.bank.as_str());
    show_page(&edit.page(frame))
}

pub(super) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Acts>,
    path: web::Path<(String, String, String)>,
    form: web::Form<Vec<(String, String)>>,
) -> Result<HttpResponse, Refused> {
    let wanted = Wanted::of(&path)?;
    let mut sent = Sent::of_pairs(form.into_inner());
    let nonce = sent.key(&app, &at.cookie, &wanted.form(&at))?;
    let seen = sent.find("seen").unwrap_or_default().to_owned();
    let secret = Zeroizing::new(sent.take("authorization"));
    let had_secret = !secret.trim().is_empty();
    let typed = match read(&app, &wanted, &sent, secret) {
        Err(typed) => typed,
        Ok((typed, order)) => match carry_out(&app, &at, &wanted, order, (&nonce, &seen)).await? {
            Ok(performed) => {
                let there = wanted.page_of_partner(&at);
                return Ok(see_other(&with_outcome(&there, performed)));
            }
            Err(problem) => again(problem, typed, fault)?,
        },
    };
    // It is put back into no page.
    let typed = match had_secret {
        true => typed.wrong("authorization", Fault::AuthorizationAgain),
        false => typed,
    };
    page(&app, &request, &at, &wanted, Some((typed, seen))).await
}

/// What a form orders.
enum Order {
    Change(AtBankChange),
    Level(Wish),
    SetPush {
        url: String,
        authorization: Option<Authorization>,
        after: Option<i64>,
    },
    RemovePush,
}

/// The order of a form; what is wrong with it comes back with what was typed.
fn read(
    app: &App,
    wanted: &Wanted,
    sent: &Sent,
    secret: Zeroizing<String>,
) -> Result<(Typed, Order), Typed> {
    let names: &[&'static str] = match wanted.act {
        BankAct::Enable | BankAct::Disable | BankAct::RemovePush => &[],
        BankAct::Contract => &["starts_on", "ends_on"],
        BankAct::Suspend | BankAct::Restore => &["cause"],
        BankAct::SetPush => &["url", "after"],
    };
    let mut typed = typed_of(sent, names);
    let order = match wanted.act {
        BankAct::Enable => Some(Order::Change(AtBankChange::Enable)),
        BankAct::Disable => Some(Order::Change(AtBankChange::Disable)),
        BankAct::RemovePush => Some(Order::RemovePush),
        BankAct::Contract => {
            contract(&mut typed).map(|it| Order::Change(AtBankChange::SetContract(it)))
        }
        BankAct::Suspend | BankAct::Restore => level(wanted, &mut typed),
        BankAct::SetPush => target(app, &mut typed, secret),
    };
    match order {
        Some(order) if typed.is_right() => Ok((typed, order)),
        _ => Err(typed),
    }
}

fn contract(typed: &mut Typed) -> Option<PartnerContract> {
    let starts_on = typed.value("starts_on").parse::<NaiveDate>();
    let ends_on = match typed.value("ends_on") {
        "" => Ok(None),
        text => text.parse::<NaiveDate>().map(Some),
    };
    if starts_on.is_err() {
        typed.add("starts_on", Fault::Day);
    }
    if ends_on.is_err() {
        typed.add("ends_on", Fault::Day);
    }
    let (starts_on, ends_on) = (starts_on.ok()?, ends_on.ok()?);
    if ends_on.is_some_and(|last| last < starts_on) {
        typed.add("ends_on", Fault::LastDayFirst);
    }
    let days = ContractDays { starts_on, ends_on };
    let contract = days.contract();
    if contract.is_none() {
        typed.add("ends_on", Fault::Day);
    }
    contract
}

fn level(wanted: &Wanted, typed: &mut Typed) -> Option<Order> {
    let level = Level::Partner(wanted.partner.clone());
    let cause = SuspensionCause::find(typed.value("cause"));
    let order = match (wanted.act, cause) {
        (BankAct::Restore, Some(cause)) => Some(Wish::Restore { level, cause }),
        (_, Some(cause)) if SUSPENSION_CAUSES.contains(&cause) => {
            Some(Wish::Suspend { level, cause })
        }
        _ => None,
    };
    if order.is_none() {
        typed.add("cause", Fault::Cause);
    }
    order.map(Order::Level)
}

fn target(app: &App, typed: &mut Typed, secret: Zeroizing<String>) -> Option<Order> {
    let url = typed.value("url").to_owned();
    if check_target(&url, target_policy(app)).is_err() {
        typed.add("url", Fault::Target);
    }
    let authorization = match secret.trim() {
        "" => Ok(None),
        _ => Authorization::parse(&secret).map(Some),
    };
    if authorization.is_err() {
        typed.add("authorization", Fault::Authorization);
    }
    let after = match typed.value("after") {
        "" => Some(None),
        text => text.parse().ok().filter(|after| *after >= 0).map(Some),
    };
    if after.is_none() {
        typed.add("after", Fault::After);
    }
    Some(Order::SetPush {
        url,
        authorization: authorization.ok()?,
        after: after?,
    })
}

/// Gives the order, as the API does.
async fn carry_out(
    app: &App,
    at: &Console<Acts>,
    wanted: &Wanted,
    order: Order,
    (nonce, seen): (&str, &str),
) -> Result<Result<Performed, Problem>, Refused> {
    let partner = &wanted.partner;
    let given = given(nonce, Sight::sent(seen))?;
    let client = match &order {
        Order::SetPush { .. } | Order::RemovePush => {
            let state = state_of::<PartnerStream>(&app.pool, partner.as_str()).await?;
            match state {
                Partner::Registered { record, .. } => Some(record.client_id),
                Partner::Absent => None,
            }
        }
        Order::Change(_) | Order::Level(_) => None,
    };
    Ok(match (order, client) {
        (Order::Change(change), _) => at.change_partner_here(app, partner, change, given).await,
        (Order::Level(wish), _) => at.perform(app, &order_key(nonce)?, wish).await,
        (
            Order::SetPush {
                url,
                authorization,
                after,
            },
            Some(client),
        ) => {
            let whose = (partner, &client);
            let how = (authorization, after);
            let set = at.set_push_target(app, whose, &url, how, given).await;
            set.map(|()| Performed::Done)
        }
        (Order::RemovePush, Some(client)) => {
            let removed = at.remove_push_target(app, (partner, &client), given).await;
            removed.map(|()| Performed::Done)
        }
        (Order::SetPush { .. } | Order::RemovePush, None) => Err(Problem::NOTHING_HERE),
    })
}

/// The field that a refusal is about.
fn fault(problem: Problem) -> Option<(&'static str, Fault)> {
    match problem {
        Problem::CONTRACT_ENDED => Some((CONFIRM, Fault::ContractEnded)),
        Problem::INVALID_CONTRACT => Some(("ends_on", Fault::LastDayFirst)),
        // Its address was looked at before.
        Problem::INVALID_TARGET => Some(("after", Fault::After)),
        _ => None,
    }
}
