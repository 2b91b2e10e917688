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
        json_web_key::{KeyRefused, parse_key_set},
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

/// Notes what is wrong with a set of keys. One that is not public is shown to nobody again.
fn check_keys(typed: &mut Typed, name: &'static str, set: &Value) {
    let Err(refused) = parse_key_set(set) else {
        return;
    };
    typed.add(name, Fault::Key(refused));
    if refused == KeyRefused::NotPublic {
        *typed = std::mem::take(typed).with(name, "");
    }
}

fn key(typed: &mut Typed) -> Option<Value> {
    let Ok(jwk) = serde_json::from_str::<Value>(typed.value("jwk")) else {
        typed.add("jwk", Fault::Json);
        return None;
    };
    check_keys(typed, "jwk", &json!({ "keys": [jwk] }));
    Some(jwk)
}

fn registration(app: &App, typed: &mut Typed) -> Option<PartnerRegistration> {
    let record = record(typed);
    let redirect_uris = redirect_uris(app, typed);
    let partner_id = PartnerId::parse(typed.value("partner_id"));
    if partner_id.is_err() {
        typed.add("partner_id", Fault::Id);
    }
    let client_id = ClientId::parse(typed.value("client_id"));
    if client_id.is_err() {
        typed.add("client_id", Fault::Id);
    }
    let jwks = serde_json::from_str::<Value>(typed.value("jwks"));
    match &jwks {
        Ok(jwks) => check_keys(typed, "jwks", jwks),
        Err(_) => typed.add("jwks", Fault::Json),
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
        jwks: jwks.ok()?,
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
