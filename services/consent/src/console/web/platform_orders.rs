//! What the forms about partners' records order, and what is wrong with what was typed.

use std::collections::BTreeSet;

use consent_domain::{ClientId, Instant, PartnerId};
use serde_json::{Value, json};

use crate::{
    app::App,
    console::{
        edit::{CONFIRM, Fault, Typed},
        names,
        platform_forms::PlatformAct,
    },
    partner_administration::{LegalRecord, RecordChange, RecordField},
    partners::PartnerRegistration,
    problem::Problem,
    protocol::{
        client::{REDIRECT_URIS_MAX, is_allowed_redirect_uri},
        json_web_key::{KeyRefused, may_hold_secret, parse_key_set},
    },
    redirect_policy,
};

/// What a form orders.
pub(super) enum Order {
    Register(Box<PartnerRegistration>),
    Change(RecordChange),
    RetireKey { kid: String, at: Instant },
}

/// The order of a form; what is wrong with it comes back with what was typed.
///
/// # Errors
/// What was typed, with its faults.
pub(super) fn read(app: &App, act: PlatformAct, mut typed: Typed) -> Result<(Typed, Order), Typed> {
    let order = match act {
        PlatformAct::Register => registration(app, &mut typed)
            .map(Box::new)
            .map(Order::Register),
        PlatformAct::Record => {
            let record = record(&mut typed);
            Some(Order::Change(RecordChange::Legal(record)))
        }
        PlatformAct::RedirectUris => {
            let uris = redirect_uris(app, &mut typed);
            Some(Order::Change(RecordChange::RedirectUris(uris)))
        }
        PlatformAct::AddKey => {
            let jwk = key(&mut typed);
            jwk.map(|jwk| Order::Change(RecordChange::AddKey(jwk)))
        }
        PlatformAct::RetireKey => retirement(&mut typed),
    };
    match order {
        Some(order) if typed.is_right() => Ok((typed, order)),
        _ => Err(typed),
    }
}

/// Lines that say something, without space around it.
fn lines(typed: &Typed, name: &str) -> Vec<String> {
    let lines = typed.value(name).lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

fn record(typed: &mut Typed) -> LegalRecord {
    let text = |name: &str| typed.value(name).to_owned();
    let record = LegalRecord {
        legal_name: text("legal_name"),
        service_name: text("service_name"),
        registration_number: text("registration_number"),
        complaint_contact: text("complaint_contact"),
        onward_recipients: lines(typed, "onward_recipients"),
    };
    for field in record.faults() {
        let (name, fault) = match field {
            RecordField::LegalName => ("legal_name", Fault::Text),
            RecordField::ServiceName => ("service_name", Fault::Text),
            RecordField::RegistrationNumber => ("registration_number", Fault::Text),
            RecordField::ComplaintContact => ("complaint_contact", Fault::Text),
            RecordField::OnwardRecipients => ("onward_recipients", Fault::Recipients),
        };
        typed.add(name, fault);
    }
    record
}

fn redirect_uris(app: &App, typed: &mut Typed) -> Vec<String> {
    let uris = lines(typed, "redirect_uris");
    let policy = redirect_policy(app.cookies);
    let wrong = uris
        .iter()
        .find(|uri| !is_allowed_redirect_uri(uri, policy));
    if let Some(wrong) = wrong {
        typed.add("redirect_uris", Fault::Redirect(wrong.clone()));
    }
    if !(1..=REDIRECT_URIS_MAX).contains(&uris.len()) {
        typed.add("redirect_uris", Fault::RedirectCount);
    }
    uris
}

/// The JSON of a field for keys. What may be a secret is shown to nobody again, whatever is wrong with it: so is
/// what can't be read.
fn json_of_keys(typed: &mut Typed, name: &'static str) -> Option<Value> {
    let text = typed.value(name).trim();
    let fault = match serde_json::from_str::<Value>(text) {
        Ok(given) if !may_hold_secret(&given) => return Some(given),
        Ok(_) => Fault::Key(KeyRefused::NotPublic),
        Err(_) if text.is_empty() => Fault::Json,
        Err(_) => Fault::JsonErased,
    };
    typed.erase(name);
    typed.add(name, fault);
    None
}

/// Notes what is wrong with a set of keys.
fn check_keys(typed: &mut Typed, name: &'static str, set: &Value) {
    if let Err(refused) = parse_key_set(set) {
        typed.add(name, Fault::Key(refused));
    }
}

fn key(typed: &mut Typed) -> Option<Value> {
    let jwk = json_of_keys(typed, "jwk")?;
    check_keys(typed, "jwk", &json!({ "keys": [jwk] }));
    Some(jwk)
}

fn registration(app: &App, typed: &mut Typed) -> Option<PartnerRegistration> {
    let record = record(typed);
    let redirect_uris = redirect_uris(app, typed);
    let partner_id = PartnerId::parse(typed.value("partner_id"));
    match &partner_id {
        // Its page would be this form's.
        Ok(id) if id.as_str() == PlatformAct::Register.path() => {
            typed.add("partner_id", Fault::IdTaken);
        }
        Ok(_) => {}
        Err(_) => typed.add("partner_id", Fault::Id),
    }
    let client_id = ClientId::parse(typed.value("client_id"));
    if client_id.is_err() {
        typed.add("client_id", Fault::Id);
    }
    let jwks = json_of_keys(typed, "jwks");
    if let Some(jwks) = &jwks {
        check_keys(typed, "jwks", jwks);
    }
    Some(PartnerRegistration {
        partner_id: partner_id.ok()?,
        client_id: client_id.ok()?,
        legal_name: record.legal_name,
        service_name: record.service_name,
        registration_number: record.registration_number,
        complaint_contact: record.complaint_contact,
        onward_recipients: record.onward_recipients,
        redirect_uris,
        jwks: jwks?,
        banks: BTreeSet::new(),
    })
}

fn retirement(typed: &mut Typed) -> Option<Order> {
    let kid = typed.value("kid").to_owned();
    if kid.is_empty() {
        typed.add("kid", Fault::ChooseKey);
    }
    let at = names::of_input(typed.value("retire_at"));
    if at.is_none() {
        typed.add("retire_at", Fault::Time);
    }
    Some(Order::RetireKey { kid, at: at? })
}

/// The field that a refusal is about.
pub(super) fn fault(act: PlatformAct, problem: Problem) -> Option<(&'static str, Fault)> {
    let at = |fault| {
        let fields = act.fields();
        (fields.first().copied().unwrap_or(CONFIRM), fault)
    };
    match problem {
        Problem::LAST_KEY => Some(("kid", Fault::LastKey)),
        Problem::PARTNER_EXISTS => Some(("partner_id", Fault::Exists)),
        // What a key is by itself was looked at before; so was what customers are shown.
        Problem::INVALID_KEY => Some(match act {
            PlatformAct::AddKey => ("jwk", Fault::KidTaken),
            _ => ("jwks", Fault::Key(KeyRefused::BadKid)),
        }),
        Problem::INVALID_RECORD => Some(at(Fault::Text)),
        _ => None,
    }
}
