//! Before a bank is chosen: signing in, the choice, and what stands where nothing else can.

use super::{
    block::{
        Block, Cell, Column, Field, Form, FormKind, Input, Link, Links, Row, Table, Tone, Weight,
        Width,
    },
    names,
    page::{Frame, Page},
    words,
};
use crate::operator::Role;

/// Why the login page is shown again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginNotice {
    Failed,
    Ended,
    SignedOut,
}

impl LoginNotice {
    pub(super) fn find(code: &str) -> Option<Self> {
        match code {
            "ended" => Some(Self::Ended),
            "signed_out" => Some(Self::SignedOut),
            _ => None,
        }
    }
}

pub(super) fn login(frame: Frame, form_key: String, notice: Option<LoginNotice>) -> Page {
    let w = words::of(frame.locale);
    let said = notice.map(|notice| match notice {
        LoginNotice::Failed => Block::Said {
            text: w.sign_in_failed.to_owned(),
            tone: Tone::Bad,
        },
        LoginNotice::Ended => Block::Said {
            text: w.sign_in_again.to_owned(),
            tone: Tone::Caution,
        },
        LoginNotice::SignedOut => Block::Said {
            text: w.signed_out.to_owned(),
            tone: Tone::Good,
        },
    });
    let form = Form {
        id: "login-form".to_owned(),
        kind: FormKind::Act,
        action: crate::operator::console::LOGIN.to_owned(),
        form_key: Some(form_key),
        hidden: Vec::new(),
        fields: vec![
            Field::new("operator", w.operator_id, Input::Username(String::new())),
            Field::new("password", w.password, Input::Password),
        ],
        submit: w.sign_in.to_owned(),
        weight: Weight::Strong,
        back: None,
    };
    let mut blocks: Vec<Block> = said.into_iter().collect();
    blocks.push(Block::Text {
        id: "lead",
        text: w.sign_in_lead.to_owned(),
    });
    blocks.push(Block::Form(form));
    Page {
        title: w.sign_in.to_owned(),
        error: None,
        blocks,
        frame,
    }
}

/// A bank that the operator has a role at: code, name, role.
pub(super) type BankOfOperator = (String, String, Role);

/// `platform`: where partners' records are, for those who may change them.
pub(super) fn banks(frame: Frame, banks: &[BankOfOperator], platform: Option<&str>) -> Page {
    let w = words::of(frame.locale);
    let rows = banks.iter().map(|(code, name, role)| Row {
        key: code.clone(),
        cells: vec![
            Cell::text(name.clone()).leading_to(format!("/console/banks/{code}/consents")),
            Cell::text(code.clone()),
            Cell::badge(
                match role {
                    Role::Operator => Tone::Good,
                    Role::Auditor => Tone::Quiet,
                },
                names::role(frame.locale, *role),
            ),
        ],
    });
    let lead = if banks.is_empty() {
        w.banks_none
    } else {
        w.banks_lead
    };
    let table = Table {
        id: "banks",
        caption: w.banks.to_owned(),
        width: Width::Compact,
        columns: vec![
            Column::text(w.bank),
            Column::text(w.bank_code),
            Column::text(w.role),
        ],
        rows: rows.collect(),
    };
    let mut blocks = vec![
        Block::Text {
            id: "lead",
            text: lead.to_owned(),
        },
        Block::Table(table),
    ];
    if let Some(platform) = platform {
        blocks.push(Block::Links(Links {
            id: "platform",
            label: w.partners.to_owned(),
            links: vec![Link::new("to-partners", w.platform_partners, platform)],
        }));
    }
    Page {
        title: w.banks.to_owned(),
        error: None,
        blocks,
        frame,
    }
}

/// Why there is nothing else to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    NotFound,
    Forbidden,
    FormRefused,
    Unavailable,
}

pub(super) fn stop(frame: Frame, stop: Stop) -> Page {
    let w = words::of(frame.locale);
    let (code, title, lead) = match stop {
        Stop::NotFound => ("not_found", w.not_found, w.not_found_lead),
        Stop::Forbidden => ("forbidden", w.forbidden, w.forbidden_lead),
        Stop::FormRefused => ("form_not_accepted", w.form_refused, w.form_refused_lead),
        Stop::Unavailable => ("unavailable", w.unavailable, w.unavailable_lead),
    };
    let links = Links {
        id: "ways",
        label: w.back.to_owned(),
        links: vec![Link::new("to-banks", w.home, "/console/banks")],
    };
    let blocks = vec![
        Block::Text {
            id: "lead",
            text: lead.to_owned(),
        },
        Block::Links(links),
    ];
    Page {
        title: title.to_owned(),
        error: Some(code),
        blocks,
        frame,
    }
}
