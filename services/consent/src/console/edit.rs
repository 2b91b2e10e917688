//! A change that is typed: what it does, what stands now, the fields with what is wrong in them, and a box to
//! tick. What was typed stays typed.

use super::{
    block::{Block, Cell, Facts, Field, Form, FormKind, Input, Link, Problem, Tone, Weight},
    page::{Frame, Page},
    words::{self, Words},
};
use crate::protocol::json_web_key::KeyRefused;

/// The id of each such form.
const FORM: &str = "act-form";
/// The box that is ticked by whoever has checked it.
pub(super) const CONFIRM: &str = "confirm";

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    Text,
    Recipients,
    Id,
    /// It is the address of a page.
    IdTaken,
    RedirectCount,
    /// This one.
    Redirect(String),
    Json,
    /// And what was typed is not shown again.
    JsonErased,
    Key(KeyRefused),
    KidTaken,
    LastKey,
    ChooseKey,
    Time,
    Day,
    LastDayFirst,
    ContractEnded,
    Target,
    Authorization,
    AuthorizationAgain,
    After,
    Cause,
    Exists,
    NotConfirmed,
}

impl Fault {
    fn said(&self, w: &Words) -> String {
        let text = match self {
            Self::Text => w.wrong_text,
            Self::Recipients => w.wrong_recipients,
            Self::Id => w.wrong_id,
            Self::IdTaken => w.wrong_id_taken,
            Self::RedirectCount => w.wrong_redirect_count,
            Self::Redirect(uri) => return format!("{} ({uri})", w.wrong_redirect),
            Self::Json => w.wrong_json,
            Self::JsonErased => w.wrong_json_erased,
            Self::Key(refused) => of_key(*refused, w),
            Self::KidTaken => w.wrong_kid_taken,
            Self::LastKey => w.wrong_last_key,
            Self::ChooseKey => w.wrong_choose_key,
            Self::Time => w.wrong_time,
            Self::Day => w.wrong_day,
            Self::LastDayFirst => w.wrong_order,
            Self::ContractEnded => w.wrong_ended,
            Self::Target => w.wrong_target,
            Self::Authorization => w.wrong_authorization,
            Self::AuthorizationAgain => w.wrong_authorization_again,
            Self::After => w.wrong_after,
            Self::Cause => w.choose_reason,
            Self::Exists => w.wrong_exists,
            Self::NotConfirmed => w.confirm_missing,
        };
        text.to_owned()
    }
}

fn of_key(refused: KeyRefused, w: &Words) -> &'static str {
    match refused {
        KeyRefused::NotAKeySet => w.wrong_key_set,
        KeyRefused::BadKid => w.wrong_kid,
        KeyRefused::NotPublic => w.wrong_private,
        KeyRefused::UnsupportedType | KeyRefused::BadRsaSize => w.wrong_key_kind,
        KeyRefused::Malformed => w.wrong_key,
        KeyRefused::OtherUse => w.wrong_key_use,
    }
}

/// What stands in the fields, by their names, and what is wrong with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed {
    values: Vec<(&'static str, String)>,
    faults: Vec<(&'static str, Fault)>,
    /// It was typed onto something that has changed since.
    pub(super) is_stale: bool,
}

impl Typed {
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        match self.values.iter_mut().find(|(each, _)| *each == name) {
            Some((_, held)) => *held = value,
            None => self.values.push((name, value)),
        }
        self
    }

    /// What was typed there is in no page.
    pub(super) fn erase(&mut self, name: &'static str) {
        self.values.retain(|(each, _)| *each != name);
    }

    pub(super) fn add(&mut self, name: &'static str, fault: Fault) {
        if !self.faults.iter().any(|(each, _)| *each == name) {
            self.faults.push((name, fault));
        }
    }

    pub(super) fn wrong(mut self, name: &'static str, fault: Fault) -> Self {
        self.add(name, fault);
        self
    }

    pub(super) fn stale(self) -> Self {
        Self {
            is_stale: true,
            ..self
        }
    }

    pub(super) fn is_right(&self) -> bool {
        self.faults.is_empty()
    }

    pub(super) fn value(&self, name: &str) -> &str {
        let found = self.values.iter().find(|(each, _)| *each == name);
        found.map_or("", |(_, value)| value)
    }

    /// The field, with what was typed and what is wrong with it.
    pub(super) fn field(
        &self,
        name: &'static str,
        label: &str,
        input: impl Fn(String) -> Input,
    ) -> Field {
        Field::new(name, label, input(self.value(name).to_owned()))
    }
}

/// The page's data.
#[derive(Debug)]
pub(super) struct EditView {
    pub(super) title: &'static str,
    pub(super) lead: String,
    /// Small print above the form.
    pub(super) note: Option<String>,
    /// What stands now.
    pub(super) now: Vec<(String, Cell)>,
    pub(super) fields: Vec<Field>,
    /// What the change is made for, as it was seen.
    pub(super) seen: String,
    pub(super) typed: Typed,
    pub(super) form_key: String,
    pub(super) action: String,
    /// The page that it came from.
    pub(super) back: String,
}

impl EditView {
    pub(super) fn page(self, frame: Frame) -> Page {
        let w = words::of(frame.locale);
        let mut fields = self.fields;
        fields.push(Field::new(
            CONFIRM,
            w.confirm_tick,
            Input::Tick { value: "yes" },
        ));
        let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
        for field in &mut fields {
            // What is about no field of this form is said at the box, so that it is said.
            let is_its = |name: &str| {
                name == field.name || (field.name == CONFIRM && !names.contains(&name))
            };
            let fault = self.typed.faults.iter().find(|(name, _)| is_its(name));
            field.problem = fault.map(|(_, fault)| fault.said(w));
        }
        let problems: Vec<Problem> = fields.iter().filter_map(problem).collect();
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
            text: self.lead,
        });
        if !self.now.is_empty() {
            blocks.push(Block::Heading {
                id: "now-heading",
                text: w.now_stands.to_owned(),
            });
            blocks.push(Block::Facts(Facts {
                id: "subject",
                rows: self.now,
            }));
        }
        blocks.extend(self.note.map(Block::Small));
        blocks.push(Block::Form(Form {
            id: FORM.to_owned(),
            kind: FormKind::Act,
            action: self.action,
            form_key: Some(self.form_key),
            hidden: vec![("seen".to_owned(), self.seen)],
            fields,
            submit: w.carry_out.to_owned(),
            weight: Weight::Strong,
            back: Some(Link::new("back", w.back, self.back)),
        }));
        Page {
            title: self.title.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }
}

fn problem(field: &Field) -> Option<Problem> {
    Some(Problem {
        href: format!("#{FORM}-{}", field.name),
        text: format!("{}: {}", field.label, field.problem.as_ref()?),
    })
}

#[cfg(test)]
mod tests {
    use super::{Fault, Typed};

    #[test]
    fn a_field_keeps_what_was_typed_last_and_what_was_wrong_first() {
        let typed = Typed::default()
            .with("a", "1")
            .with("a", "2")
            .wrong("a", Fault::Day)
            .wrong("a", Fault::Time);
        assert_eq!(typed.value("a"), "2");
        assert_eq!(typed.faults, [("a", Fault::Day)]);
        assert!(!typed.is_right());
        assert_eq!(typed.value("b"), "");
    }
}
