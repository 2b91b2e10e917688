//! A page of the console: what stands around every one, and the blocks of this one.

use askama::Template;

use super::{
    block::{Block, Input},
    words::{self, Words},
};
use crate::pages::{ICON_PATH, Locale, RenderError, STYLESHEET_PATH};

/// The console's own style sheet, laid over the one of the journey's pages.
pub(crate) const CONSOLE_STYLESHEET_PATH: &str = "/static/console.css";
/// Below this stands one address per language; it takes the address to come back to as `page`.
pub(super) const LANGUAGE_PATH: &str = "/console/language";

/// The parts of the console at a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Consents,
    Journeys,
    Revocations,
    Affected,
    Funnel,
    Partners,
    Acts,
}

impl Section {
    pub(super) const ALL: [Self; 7] = [
        Self::Consents,
        Self::Journeys,
        Self::Revocations,
        Self::Affected,
        Self::Funnel,
        Self::Partners,
        Self::Acts,
    ];

    /// The last part of its address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Consents => "consents",
            Self::Journeys => "journeys",
            Self::Revocations => "revocations",
            Self::Affected => "affected",
            Self::Funnel => "funnel",
            Self::Partners => "partners",
            Self::Acts => "acts",
        }
    }

    fn name(self, words: &Words) -> &'static str {
        match self {
            Self::Consents => words.section_consents,
            Self::Journeys => words.section_journeys,
            Self::Revocations => words.section_revocations,
            Self::Affected => words.section_affected,
            Self::Funnel => words.section_funnel,
            Self::Partners => words.section_partners,
            Self::Acts => words.section_acts,
        }
    }
}

/// The address of a section of a bank.
pub(super) fn section_path(bank: &str, section: Section) -> String {
    format!("/console/banks/{bank}/{}", section.path())
}

/// Who is signed in.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    pub(super) name: String,
    /// For the sign-out button.
    pub(super) form_key: String,
}

/// The bank that the page is about.
#[derive(Debug, Clone)]
pub(super) struct BankInView {
    pub(super) code: String,
    pub(super) name: String,
    /// What the operator may do there.
    pub(super) role: String,
}

/// What stands around a page.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) locale: Locale,
    /// The page's own, for the language switch.
    pub(super) address: String,
    pub(super) signed_in: Option<SignedIn>,
    pub(super) bank: Option<BankInView>,
    pub(super) section: Option<Section>,
    pub(super) request_number: String,
}

impl Frame {
    /// The code of the bank in view; empty where there is none.
    pub(super) fn bank_code(&self) -> String {
        self.bank
            .as_ref()
            .map(|bank| bank.code.clone())
            .unwrap_or_default()
    }
}

#[derive(Debug)]
pub(super) struct Page {
    pub(super) frame: Frame,
    pub(super) title: String,
    /// For programs and tests: why nothing else is shown.
    pub(super) error: Option<&'static str>,
    pub(super) blocks: Vec<Block>,
}

struct Language {
    tag: &'static str,
    name: &'static str,
    /// `None` for the page's own.
    href: Option<String>,
}

struct Tab {
    id: &'static str,
    name: &'static str,
    href: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "console/page.html")]
struct Document<'a> {
    page: &'a Page,
    w: &'static Words,
    lang: &'static str,
    document_title: String,
    stylesheet: &'static str,
    console_stylesheet: &'static str,
    icon: &'static str,
    languages: Vec<Language>,
    tabs: Vec<Tab>,
}

impl Page {
    /// The whole HTML document.
    ///
    /// # Errors
    /// [`RenderError`], which a template of ours does not cause.
    pub(super) fn render(&self) -> Result<String, RenderError> {
        let frame = &self.frame;
        let w = words::of(frame.locale);
        let place = frame
            .bank
            .as_ref()
            .map_or(w.console, |bank| bank.name.as_str());
        let document = Document {
            page: self,
            w,
            lang: frame.locale.tag(),
            document_title: format!("{} | {place}", self.title),
            stylesheet: STYLESHEET_PATH,
            console_stylesheet: CONSOLE_STYLESHEET_PATH,
            icon: ICON_PATH,
            languages: languages(frame.locale, &frame.address),
            tabs: tabs(frame, w),
        };
        Ok(document.render()?)
    }
}

fn tabs(frame: &Frame, words: &Words) -> Vec<Tab> {
    let Some(bank) = &frame.bank else {
        return Vec::new();
    };
    Section::ALL
        .into_iter()
        .map(|section| Tab {
            id: section.path(),
            name: section.name(words),
            href: section_path(&bank.code, section),
            is_current: frame.section == Some(section),
        })
        .collect()
}

fn languages(current: Locale, address: &str) -> Vec<Language> {
    let page = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("page", address)
        .finish();
    Locale::ALL
        .into_iter()
        .map(|locale| Language {
            tag: locale.tag(),
            name: match locale {
                Locale::Ja => "日本語",
                Locale::En => "English",
            },
            href: (locale != current).then(|| format!("{LANGUAGE_PATH}/{}?{page}", locale.tag())),
        })
        .collect()
}
