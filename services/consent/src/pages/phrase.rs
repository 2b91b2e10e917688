//! Texts of the catalogue: plain labels, and phrases with named places to fill.

use std::{collections::BTreeSet, fmt};

use serde::Deserialize;

/// A text without places to fill; never empty.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Label(String);

impl Label {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Label {
    type Error = PhraseError;

    fn try_from(text: String) -> Result<Self, PhraseError> {
        if text.trim().is_empty() {
            return Err(PhraseError::Empty);
        }
        if text.contains(['{', '}']) {
            return Err(PhraseError::PlaceInLabel);
        }
        Ok(Self(text))
    }
}

/// What a phrase may leave open. A name that is not listed here is refused when the catalogue loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Account,
    Address,
    Bank,
    Count,
    Date,
    From,
    Hours,
    LegalName,
    Linkage,
    Locale,
    Memo,
    Minutes,
    Page,
    Phone,
    Reason,
    Service,
    Step,
    Steps,
    Tasks,
    Time,
    Until,
    User,
    Version,
}

impl Slot {
    const ALL: [Self; 23] = [
        Self::Account,
        Self::Address,
        Self::Bank,
        Self::Count,
        Self::Date,
        Self::From,
        Self::Hours,
        Self::LegalName,
        Self::Linkage,
        Self::Locale,
        Self::Memo,
        Self::Minutes,
        Self::Page,
        Self::Phone,
        Self::Reason,
        Self::Service,
        Self::Step,
        Self::Steps,
        Self::Tasks,
        Self::Time,
        Self::Until,
        Self::User,
        Self::Version,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::Bank => "bank",
            Self::Count => "count",
            Self::Date => "date",
            Self::From => "from",
            Self::Hours => "hours",
            Self::LegalName => "legal_name",
            Self::Linkage => "linkage",
            Self::Locale => "locale",
            Self::Memo => "memo",
            Self::Minutes => "minutes",
            Self::Page => "page",
            Self::Phone => "phone",
            Self::Reason => "reason",
            Self::Service => "service",
            Self::Step => "step",
            Self::Steps => "steps",
            Self::Tasks => "tasks",
            Self::Time => "time",
            Self::Until => "until",
            Self::User => "user",
            Self::Version => "version",
        }
    }
}

#[derive(Debug)]
enum Part {
    Words(String),
    Slot(Slot),
}

/// A text with places to fill, written `{name}`.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Phrase(Vec<Part>);

impl Phrase {
    /// Puts the values in their places. A value is never looked at for places of its own, and is
    /// escaped like any other text when the page is rendered. A place without a value stays
    /// visible as `{name}`.
    pub(super) fn fill(&self, values: &[(Slot, &str)]) -> String {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Words(words) => filled.push_str(words),
                Part::Slot(slot) => match values.iter().find(|(given, _)| given == slot) {
                    Some((_, value)) => filled.push_str(value),
                    None => {
                        filled.push('{');
                        filled.push_str(slot.name());
                        filled.push('}');
                    }
                },
            }
        }
        filled
    }
}

impl TryFrom<String> for Phrase {
    type Error = PhraseError;

    fn try_from(text: String) -> Result<Self, PhraseError> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((words, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(PhraseError::Unclosed)?;
            let slot = Slot::ALL
                .into_iter()
                .find(|slot| slot.name() == name)
                .ok_or_else(|| PhraseError::UnknownSlot(name.to_owned()))?;
            if !words.is_empty() {
                parts.push(Part::Words(words.to_owned()));
            }
            parts.push(Part::Slot(slot));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Words(rest.to_owned()));
        }
        if !parts.iter().any(|part| matches!(part, Part::Slot(_))) {
            return Err(PhraseError::NoSlot);
        }
        Ok(Self(parts))
    }
}

/// The names in braces of a text, well-formed or not.
pub(super) fn slots(text: &str) -> BTreeSet<&str> {
    let behind_braces = text.split('{').skip(1);
    behind_braces
        .map(|rest| rest.split('}').next().unwrap_or(rest))
        .collect()
}

/// Why a text of the catalogue is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum PhraseError {
    #[error("the text is empty")]
    Empty,
    #[error("this text has nothing to fill, so it may hold no braces")]
    PlaceInLabel,
    #[error("this text must hold at least one `{{name}}`")]
    NoSlot,
    #[error("a `{{` without its `}}`")]
    Unclosed,
    #[error("unknown name `{{{0}}}`")]
    UnknownSlot(String),
}

#[cfg(test)]
mod tests {
    use super::{Phrase, PhraseError, Slot};

    fn phrase(text: &str) -> Phrase {
        Phrase::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_value_that_looks_like_a_place_is_not_filled_again() {
        let filled =
            phrase("{service}へ{bank}から").fill(&[(Slot::Service, "{bank}"), (Slot::Bank, "<b>")]);
        assert_eq!(filled, "{bank}へ<b>から");
    }

    #[test]
    fn an_unknown_name_is_refused() {
        let refused = Phrase::try_from("{servise}へ".to_owned());
        assert!(matches!(refused, Err(PhraseError::UnknownSlot(name)) if name == "servise"));
    }
}
