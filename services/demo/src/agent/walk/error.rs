//! Where a walk ended before its end, and what was seen there.

use std::fmt;

use super::story::Step;
use crate::agent::account_api::ReadError;
use crate::agent::browser::{BrowserError, Page};
use crate::agent::partner::PartnerError;

/// How much of a page's text an error quotes, in characters.
const EXCERPT_CHARACTERS: usize = 400;

/// Why a walk did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// A page is not what the step needs.
    #[error("{step}: expected {expected}; saw {seen}")]
    Unexpected {
        /// The step that was being taken.
        step: Step,
        /// What it needed.
        expected: String,
        /// What the page was.
        seen: Box<Seen>,
    },
    /// A page could not be had.
    #[error("{step}: {source}")]
    Browser {
        /// The step that was being taken.
        step: Step,
        /// What went wrong.
        source: BrowserError,
    },
    /// The partner's own request came to nothing.
    #[error("{step}: {source}")]
    Partner {
        /// The step that was being taken.
        step: Step,
        /// What went wrong.
        source: PartnerError,
    },
    /// The partner could not read.
    #[error("{step}: {what}: {source}")]
    Read {
        /// The step that was being taken.
        step: Step,
        /// What was to be read.
        what: String,
        /// What went wrong.
        source: ReadError,
    },
}

impl WalkError {
    pub(crate) fn unexpected(step: Step, expected: impl Into<String>, page: &Page) -> Self {
        Self::Unexpected {
            step,
            expected: expected.into(),
            seen: Box::new(Seen::of(page)),
        }
    }

    pub(crate) fn browser(step: Step) -> impl FnOnce(BrowserError) -> Self {
        move |source| Self::Browser { step, source }
    }

    pub(crate) fn partner(step: Step) -> impl FnOnce(PartnerError) -> Self {
        move |source| Self::Partner { step, source }
    }

    /// What was seen instead of the expected page.
    #[must_use]
    pub fn seen(&self) -> Option<&Seen> {
        match self {
            Self::Unexpected { seen, .. } => Some(seen),
            _ => None,
        }
    }
}

/// A page in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its address, without the query (which may hold a code).
    pub address: String,
    /// Its HTTP status.
    pub status: u16,
    /// Its title.
    pub title: Option<String>,
    /// Its error code.
    pub error_code: Option<String>,
    /// The beginning of its text.
    pub text: String,
}

impl Seen {
    fn of(page: &Page) -> Self {
        let mut url = page.url.clone();
        url.set_query(None);
        Self {
            address: url.into(),
            status: page.status,
            title: page.title(),
            error_code: page.error_code(),
            text: page.excerpt(EXCERPT_CHARACTERS),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} from {}", self.status, self.address)?;
        if let Some(title) = &self.title {
            write!(formatter, " 「{title}」")?;
        }
        if let Some(code) = &self.error_code {
            write!(formatter, " (error {code})")?;
        }
        write!(formatter, ": {}", self.text)
    }
}
