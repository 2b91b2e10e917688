//! What operators of the platform change of a partner's record: the forms.

use super::{
    block::{Cell, Field, Input},
    edit::{EditView, Typed},
    names,
    platform_page::{PATH, RecordView},
    words::{self, Words},
};
use crate::pages::Locale;

/// What an operator of the platform does with a partner's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PlatformAct {
    Register,
    Record,
    RedirectUris,
    AddKey,
    RetireKey,
}

impl PlatformAct {
    /// Those on a partner that is registered.
    pub(super) const ON_ONE: [Self; 4] = [
        Self::Record,
        Self::RedirectUris,
        Self::AddKey,
        Self::RetireKey,
    ];

    /// The last part of its address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Register => "new",
            Self::Record => "record",
            Self::RedirectUris => "redirect-uris",
            Self::AddKey => "add-key",
            Self::RetireKey => "retire-key",
        }
    }

    /// Of those on one partner.
    pub(super) fn find(path: &str) -> Option<Self> {
        Self::ON_ONE.into_iter().find(|act| act.path() == path)
    }

    pub(super) fn title(self, w: &Words) -> &'static str {
        match self {
            Self::Register => w.register_partner,
            Self::Record => w.change_record,
            Self::RedirectUris => w.change_redirects,
            Self::AddKey => w.add_key,
            Self::RetireKey => w.retire_key,
        }
    }

    fn note(self, w: &Words) -> &'static str {
        match self {
            Self::Register => w.register_partner_note,
            Self::Record => w.change_record_note,
            Self::RedirectUris => w.change_redirects_note,
            Self::AddKey => w.add_key_note,
            Self::RetireKey => w.retire_key_note,
        }
    }

    /// The names of its fields.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Register => &[
                "partner_id",
                "client_id",
                "service_name",
                "legal_name",
                "registration_number",
                "complaint_contact",
                "onward_recipients",
                "redirect_uris",
                "jwks",
            ],
            Self::Record => &[
                "service_name",
                "legal_name",
                "registration_number",
                "complaint_contact",
                "onward_recipients",
            ],
            Self::RedirectUris => &["redirect_uris"],
            Self::AddKey => &["jwk"],
            Self::RetireKey => &["kid", "retire_at"],
        }
    }
}

/// What the page shows of a partner, and what it needs for its form.
#[derive(Debug)]
pub(super) struct PlatformActView {
    pub(super) act: PlatformAct,
    /// As it stands; none of one that is to be registered.
    pub(super) record: Option<RecordView>,
    pub(super) seen: String,
    pub(super) form_key: String,
    pub(super) typed: Typed,
}

impl PlatformActView {
    /// What the form has before anybody typed: what stands now.
    pub(super) fn typed_at_first(act: PlatformAct, record: &RecordView) -> Typed {
        let typed = Typed::default();
        match act {
            PlatformAct::Record => typed
                .with("service_name", &record.service_name)
                .with("legal_name", &record.legal_name)
                .with("registration_number", &record.registration_number)
                .with("complaint_contact", &record.complaint_contact)
                .with("onward_recipients", record.onward_recipients.join("\n")),
            PlatformAct::RedirectUris => {
                typed.with("redirect_uris", record.redirect_uris.join("\n"))
            }
            PlatformAct::Register | PlatformAct::AddKey | PlatformAct::RetireKey => typed,
        }
    }

    pub(super) fn edit(self, locale: Locale) -> EditView {
        let w = words::of(locale);
        let back = match &self.record {
            Some(record) => format!("{PATH}/{}", record.id),
            None => PATH.to_owned(),
        };
        EditView {
            title: self.act.title(w),
            lead: self.act.note(w).to_owned(),
            note: Some(w.platform_partners_note.to_owned()),
            now: self
                .record
                .as_ref()
                .map(|record| self.now(locale, record))
                .unwrap_or_default(),
            fields: self.fields(w),
            seen: self.seen,
            typed: self.typed,
            form_key: self.form_key,
            action: format!("{back}/{}", self.act.path()),
            back,
        }
    }

    fn now(&self, locale: Locale, record: &RecordView) -> Vec<(String, Cell)> {
        let mut rows = record.rows(locale);
        if matches!(self.act, PlatformAct::AddKey | PlatformAct::RetireKey) {
            rows.extend(record.rows_of_keys(locale));
        }
        rows
    }

    fn fields(&self, w: &Words) -> Vec<Field> {
        let names = self.act.fields();
        names.iter().map(|name| self.field(w, name)).collect()
    }

    fn field(&self, w: &Words, name: &'static str) -> Field {
        let typed = &self.typed;
        match name {
            "partner_id" => typed.field(name, w.partner_id, Input::Text),
            "client_id" => typed.field(name, w.client_id, Input::Text),
            "service_name" => typed.field(name, w.service_name, Input::Text),
            "legal_name" => typed.field(name, w.legal_name, Input::Text),
            "registration_number" => typed.field(name, w.registration_number, Input::Text),
            "complaint_contact" => typed.field(name, w.complaint_contact, Input::Text),
            "onward_recipients" => typed.field(name, w.onward_lines, Input::Lines),
            "redirect_uris" => typed.field(name, w.redirect_lines, Input::Lines),
            "jwks" => typed.field(name, w.jwks, Input::Lines),
            "jwk" => typed.field(name, w.jwk, Input::Lines),
            "kid" => self.key(w),
            _ => typed.field(name, w.retire_at, Input::DateTime),
        }
    }

    /// The keys, each with when it goes.
    fn key(&self, w: &Words) -> Field {
        let keys = self.record.iter().flat_map(|record| &record.keys);
        let choices = keys.map(|key| {
            let going = key.retire_at.map(names::minute);
            let text = match going {
                Some(at) => format!("{} ({}: {at})", key.kid, w.key_retires),
                None => key.kid.clone(),
            };
            (key.kid.clone(), text)
        });
        let chosen = Some(self.typed.value("kid")).filter(|kid| !kid.is_empty());
        Field::select("kid", w.key, w.wrong_choose_key, choices, chosen)
    }
}
