//! Partners' pages with invented data.

use consent_domain::{
    ClientId, PartnerId, Stream as _,
    partner::PartnerAtBankEvent as Event,
    partner::{PartnerAtBank, PartnerAtBankStream, PartnerContract, PartnerRecord},
    suspension::SuspensionCause,
};
use serde_json::json;

use super::examples::{at, frame};
use crate::{
    console::{
        block::Tone,
        edit::{CONFIRM, Fault, Typed},
        page::{Frame, Page, Section},
        partner_forms::{BankAct, BankActView, PushNow},
        partners_page::{self, AtBank, Lookup, PartnerLine, PartnerView, PushLine},
        platform_forms::{PlatformAct, PlatformActView},
        platform_page::{KeyLine, RecordView, RecordsView},
    },
    operator::Role,
    pages::Locale,
    protocol::json_web_key::KeyRefused,
};

const URL: &str = "https://kantan.example/events";

fn record() -> PartnerRecord {
    PartnerRecord {
        legal_name: "かんたんソフト株式会社".to_owned(),
        service_name: "かんたん会計".to_owned(),
        registration_number: "関東財務局長（電代）第999号".to_owned(),
        complaint_contact: "お客様窓口 0120-111-111".to_owned(),
        onward_recipients: vec!["税理士法人みらい".to_owned(), "給与計算株式会社".to_owned()],
        client_id: ClientId::parse("kantan-client").unwrap(),
        redirect_uris: vec!["https://kantan.example/callback".to_owned()],
        keys: [(
            "2026-01".to_owned(),
            r#"{"kty":"EC","crv":"P-256"}"#.to_owned(),
        )]
        .into(),
    }
}

fn keys() -> Vec<KeyLine> {
    let line = |kid: &str, retire_at: Option<&str>| KeyLine {
        kid: kid.to_owned(),
        jwk: json!({ "kty": "EC", "crv": "P-256" }),
        retire_at: retire_at.map(at),
    };
    vec![
        line("2025-01", Some("2026-12-31T15:00:00Z")),
        line("2026-01", None),
    ]
}

/// Enabled under a contract with a planned end, and suspended.
fn at_bank() -> PartnerAtBank {
    let partner = PartnerId::parse("kantan").unwrap();
    let client = ClientId::parse("kantan-client").unwrap();
    let contract = PartnerContract {
        starts_at: at("2025-03-31T15:00:00Z"),
        ends_at: Some(at("2027-03-31T15:00:00Z")),
    };
    let cause = SuspensionCause::SecurityIncident;
    let facts = [
        Event::PartnerEnabled {
            partner: partner.clone(),
            client,
        },
        Event::PartnerContractSet {
            partner: partner.clone(),
            contract,
        },
        Event::PartnerSuspended { partner, cause },
    ];
    let mut state = PartnerAtBank::default();
    for fact in &facts {
        PartnerAtBankStream::evolve(&mut state, fact);
    }
    state
}

fn partner(locale: Locale, role: Role) -> Page {
    let view = PartnerView {
        id: "kantan".to_owned(),
        record: record(),
        record_version: 3,
        at_bank: at_bank(),
        keys: keys(),
        push: vec![PushLine {
            url: URL.to_owned(),
            set_at: at("2026-04-01T01:02:03Z"),
            delivered_at: Some(at("2026-11-22T03:00:04Z")),
            last_failure: None,
        }],
        role,
        is_of_the_platform: role == Role::Operator,
        said: (role == Role::Operator).then(|| ("操作を記録しました。".to_owned(), Tone::Good)),
    };
    view.page(frame(locale, Some(Section::Partners)))
}

fn list(locale: Locale) -> Page {
    let line = |id: &str, service: &str, standing, live_consents| PartnerLine {
        id: id.to_owned(),
        service: service.to_owned(),
        legal_name: format!("{service}株式会社"),
        standing,
        live_consents,
    };
    let lines = [
        line("kantan", "かんたん会計", AtBank::Enabled, 12_045),
        line("aozora", "あおぞら会計", AtBank::Suspended, 310),
        line("mukashi", "むかし会計", AtBank::Disabled, 0),
    ];
    let lookup = Lookup {
        unknown: Some("kantam".to_owned()),
    };
    let frame = frame(locale, Some(Section::Partners));
    partners_page::list(frame, &lines, Some(&lookup))
}

fn act(locale: Locale, act: BankAct, typed: Typed) -> Page {
    let view = BankActView {
        act,
        partner: "kantan".to_owned(),
        service: "かんたん会計".to_owned(),
        legal_name: "かんたんソフト株式会社".to_owned(),
        at_bank: at_bank(),
        push: Some(PushNow {
            url: URL.to_owned(),
            set_at: at("2026-11-20T01:00:00Z"),
        }),
        notice_days: 30,
        seen: "seen".to_owned(),
        form_key: "key-of-act".to_owned(),
        typed,
    };
    view.edit(locale, "2963")
        .page(frame(locale, Some(Section::Partners)))
}

fn view() -> RecordView {
    let record = record();
    RecordView {
        id: "kantan".to_owned(),
        client_id: "kantan-client".to_owned(),
        record_version: 3,
        legal_name: record.legal_name,
        service_name: record.service_name,
        registration_number: record.registration_number,
        complaint_contact: record.complaint_contact,
        onward_recipients: record.onward_recipients,
        redirect_uris: record.redirect_uris,
        keys: keys(),
        banks: vec!["2951".to_owned(), "2963".to_owned()],
    }
}

fn outside(locale: Locale) -> Frame {
    Frame {
        bank: None,
        section: None,
        ..frame(locale, None)
    }
}

fn platform_act(locale: Locale, act: PlatformAct, typed: Typed) -> Page {
    let view = PlatformActView {
        act,
        record: (act != PlatformAct::Register).then(view),
        seen: "3".to_owned(),
        form_key: "key-of-act".to_owned(),
        typed,
    };
    view.edit(locale).page(outside(locale))
}

/// By their names.
pub(super) fn pages(locale: Locale) -> Vec<(&'static str, Page)> {
    let records = RecordsView {
        partners: vec![view()],
        next: Some("/console/platform/partners?cursor=kantan".to_owned()),
    };
    let contract = BankActView::typed_at_first(BankAct::Contract, &at_bank(), None)
        .with("ends_on", "2025-01-31")
        .wrong("ends_on", Fault::LastDayFirst);
    let target = Typed::default()
        .with("url", "http://10.0.0.1/")
        .wrong("url", Fault::Target)
        .wrong("authorization", Fault::AuthorizationAgain);
    let changed = PlatformActView::typed_at_first(PlatformAct::Record, &view())
        .with("service_name", "かんたん会計プラス")
        .stale();
    let redirects = Typed::default()
        .with("redirect_uris", "http://kantan.example/callback")
        .wrong(
            "redirect_uris",
            Fault::Redirect("http://kantan.example/callback".to_owned()),
        )
        .wrong(CONFIRM, Fault::NotConfirmed);
    let key = Typed::default().wrong("jwk", Fault::Key(KeyRefused::NotPublic));
    let last = Typed::default()
        .with("kid", "2026-01")
        .with("retire_at", "2026-12-31T09:00")
        .wrong("kid", Fault::LastKey);
    let none = Typed::default;
    vec![
        ("partners", list(locale)),
        ("partner", partner(locale, Role::Operator)),
        ("partner-auditor", partner(locale, Role::Auditor)),
        ("partner-disable", act(locale, BankAct::Disable, none())),
        ("partner-contract", act(locale, BankAct::Contract, contract)),
        ("partner-suspend", act(locale, BankAct::Suspend, none())),
        ("partner-restore", act(locale, BankAct::Restore, none())),
        ("partner-push", act(locale, BankAct::SetPush, target)),
        (
            "partner-push-remove",
            act(locale, BankAct::RemovePush, none()),
        ),
        ("platform", records.page(outside(locale))),
        ("platform-partner", view().page(outside(locale), None)),
        (
            "platform-new",
            platform_act(locale, PlatformAct::Register, none()),
        ),
        (
            "platform-record",
            platform_act(locale, PlatformAct::Record, changed),
        ),
        (
            "platform-redirects",
            platform_act(locale, PlatformAct::RedirectUris, redirects),
        ),
        (
            "platform-add-key",
            platform_act(locale, PlatformAct::AddKey, key),
        ),
        (
            "platform-retire-key",
            platform_act(locale, PlatformAct::RetireKey, last),
        ),
    ]
}
