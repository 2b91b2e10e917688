//! The page before an act on one consent: what it does, a reason to choose, and a box to tick.

use consent_domain::{
    consent::{RemovalReason, RevocationReason},
    suspension::SuspensionCause,
};

use super::{
    block::{Block, Cell, Facts, Field, Form, FormKind, Input, Link, Problem, Tone, Weight},
    names,
    page::{Frame, Page},
    words::{self, Words},
};
use crate::pages::Locale;

/// What an operator may do with a consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConsentAct {
    Revoke,
    RemoveAccount,
    Suspend,
    Restore,
    HandOver,
}

impl ConsentAct {
    pub(super) const ALL: [Self; 5] = [
        Self::Revoke,
        Self::RemoveAccount,
        Self::Suspend,
        Self::Restore,
        Self::HandOver,
    ];

    /// The last part of its address; also the name of its form.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::RemoveAccount => "remove-account",
            Self::Suspend => "suspend",
            Self::Restore => "restore",
            Self::HandOver => "hand-over",
        }
    }

    pub(super) fn find(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.path() == path)
    }

    fn title(self, w: &Words) -> &'static str {
        match self {
            Self::Revoke => w.revoke,
            Self::RemoveAccount => w.remove_account,
            Self::Suspend => w.suspend,
            Self::Restore => w.restore,
            Self::HandOver => w.hand_over,
        }
    }

    fn note(self, w: &Words) -> &'static str {
        match self {
            Self::Revoke => w.revoke_note,
            Self::RemoveAccount => w.remove_account_note,
            Self::Suspend => w.suspend_note,
            Self::Restore => w.restore_note,
            Self::HandOver => w.hand_over_note,
        }
    }

    fn weight(self) -> Weight {
        match self {
            Self::Revoke | Self::RemoveAccount => Weight::Final,
            Self::Suspend | Self::Restore | Self::HandOver => Weight::Strong,
        }
    }
}

/// Reasons for a revocation that an operator may give: the others are facts that the service finds itself.
pub(super) const REVOCATION_REASONS: [RevocationReason; 7] = [
    RevocationReason::CustomerRequest,
    RevocationReason::LinkedByMistake,
    RevocationReason::Fraud,
    RevocationReason::ServiceEnded,
    RevocationReason::PartnerLeft,
    RevocationReason::LegalOrder,
    RevocationReason::Other,
];

/// Causes of a suspension that an operator may give.
pub(super) const SUSPENSION_CAUSES: [SuspensionCause; 5] = [
    SuspensionCause::CustomerRequest,
    SuspensionCause::SuspectedFraud,
    SuspensionCause::SecurityIncident,
    SuspensionCause::LegalOrder,
    SuspensionCause::Other,
];

/// What was typed, and what is missing of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    pub(super) reason: Option<String>,
    pub(super) account: Option<String>,
    pub(super) user: Option<String>,
    /// Who answered for it when the form was shown.
    pub(super) seen: Option<String>,
    pub(super) missing: Vec<Missing>,
    /// It was typed onto something that has changed since.
    pub(super) is_stale: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Reason,
    Account,
    User,
    /// The one that was typed can't take over.
    UserNotTaking,
    Confirmation,
}

/// The page's data.
#[derive(Debug)]
pub(super) struct ActView {
    pub(super) act: ConsentAct,
    /// The consent's page.
    pub(super) consent_url: String,
    pub(super) grant: String,
    pub(super) service: String,
    pub(super) contract: String,
    /// Who answers for it.
    pub(super) user: String,
    /// Who did when the form was first shown.
    pub(super) seen: String,
    pub(super) accounts: Vec<String>,
    /// The causes that stand.
    pub(super) suspended: Vec<SuspensionCause>,
    pub(super) form_key: String,
    pub(super) typed: Typed,
}

impl ActView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let w = words::of(frame.locale);
        let problems: Vec<Problem> = self
            .typed
            .missing
            .iter()
            .map(|missing| problem(w, *missing))
            .collect();
        let mut blocks = Vec::new();
        if self.typed.is_stale {
            blocks.push(Block::Said {
                text: w.edit_stale.to_owned(),
                tone: Tone::Caution,
            });
        }
        if !problems.is_empty() {
            blocks.push(Block::Problems(problems));
        }
        blocks.push(Block::Text {
            id: "lead",
            text: self.act.note(w).to_owned(),
        });
        blocks.push(Block::Heading {
            id: "now-heading",
            text: w.now_stands.to_owned(),
        });
        blocks.push(Block::Facts(Facts {
            id: "subject",
            rows: vec![
                (w.grant.to_owned(), Cell::code(self.grant.clone())),
                (w.partner.to_owned(), Cell::text(self.service.clone())),
                (w.contract.to_owned(), Cell::code(self.contract.clone())),
                (w.user.to_owned(), Cell::code(self.user.clone())),
            ],
        }));
        blocks.push(Block::Form(self.form(frame.locale)));
        Page {
            title: self.act.title(w).to_owned(),
            error: None,
            blocks,
            frame,
        }
    }

    fn form(&self, locale: Locale) -> Form {
        let w = words::of(locale);
        let mut fields = Vec::new();
        if self.act == ConsentAct::RemoveAccount {
            let accounts = self
                .accounts
                .iter()
                .map(|account| (account.clone(), account.clone()));
            let mut field = Field::select(
                "account",
                w.account,
                w.choose_account,
                accounts,
                self.typed.account.as_deref(),
            );
            field.problem = self.problem(w, Missing::Account);
            fields.push(field);
        }
        fields.push(match self.act {
            ConsentAct::HandOver => self.user(w),
            _ => self.reason(locale),
        });
        let mut confirm = Field::new("confirm", w.confirm_tick, Input::Tick { value: "yes" });
        confirm.problem = self.problem(w, Missing::Confirmation);
        fields.push(confirm);
        Form {
            id: "act-form".to_owned(),
            kind: FormKind::Act,
            action: format!("{}/{}", self.consent_url, self.act.path()),
            form_key: Some(self.form_key.clone()),
            hidden: self.seen(),
            fields,
            submit: w.carry_out.to_owned(),
            weight: self.act.weight(),
            back: Some(Link::new("back", w.back, self.consent_url.clone())),
        }
    }

    /// What the act is made for, where another could have changed it to something else.
    fn seen(&self) -> Vec<(String, String)> {
        match self.act {
            ConsentAct::HandOver => vec![("seen".to_owned(), self.seen.clone())],
            _ => Vec::new(),
        }
    }

    fn reason(&self, locale: Locale) -> Field {
        let w = words::of(locale);
        let mut reason = Field::select(
            "reason",
            w.reason,
            w.choose_reason,
            self.reasons(locale),
            self.typed.reason.as_deref(),
        );
        reason.problem = self.problem(w, Missing::Reason);
        reason
    }

    fn user(&self, w: &Words) -> Field {
        let typed = self.typed.user.clone().unwrap_or_default();
        let mut user = Field::new("to_user", w.to_user, Input::Text(typed));
        user.problem = self
            .problem(w, Missing::User)
            .or_else(|| self.problem(w, Missing::UserNotTaking));
        user
    }

    fn problem(&self, w: &Words, missing: Missing) -> Option<String> {
        self.typed
            .missing
            .contains(&missing)
            .then(|| problem(w, missing).text)
    }

    fn reasons(&self, locale: Locale) -> Vec<(String, String)> {
        let of = |code: &str, name: &str| (code.to_owned(), name.to_owned());
        match self.act {
            ConsentAct::Revoke => REVOCATION_REASONS
                .into_iter()
                .map(|reason| of(reason.as_str(), names::revocation_reason(locale, reason)))
                .collect(),
            ConsentAct::RemoveAccount => RemovalReason::ALL
                .into_iter()
                .map(|reason| of(reason.as_str(), names::removal_reason(locale, reason)))
                .collect(),
            ConsentAct::Suspend => SUSPENSION_CAUSES
                .into_iter()
                .map(|cause| of(cause.as_str(), names::suspension_cause(locale, cause)))
                .collect(),
            ConsentAct::Restore => self
                .suspended
                .iter()
                .map(|cause| of(cause.as_str(), names::suspension_cause(locale, *cause)))
                .collect(),
            ConsentAct::HandOver => Vec::new(),
        }
    }
}

fn problem(w: &Words, missing: Missing) -> Problem {
    let (href, text) = match missing {
        Missing::Reason => ("#act-form-reason", w.choose_reason),
        Missing::Account => ("#act-form-account", w.choose_account),
        Missing::User => ("#act-form-to_user", w.wrong_user),
        Missing::UserNotTaking => ("#act-form-to_user", w.refused_hand_over),
        Missing::Confirmation => ("#act-form-confirm", w.confirm_missing),
    };
    Problem {
        href: href.to_owned(),
        text: text.to_owned(),
    }
}
