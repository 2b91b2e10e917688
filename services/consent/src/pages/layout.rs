//! What `base.html` needs, derived from the shell and the page.

use super::deadline::{Deadline, DeadlineWords, Extension};
use super::japan_time;
use super::locale::Locale;
use super::phrase::Slot;
use super::shell::{AccessInView, BankContact, Customer, FormTarget, Notice, PartnerName, Shell};
use super::texts::{CommonTexts, StepNames, Texts};

/// A page that could not be written out.
#[derive(Debug, thiserror::Error)]
#[error("page not rendered: {0}")]
pub struct RenderError(#[from] askama::Error);

/// The customer's steps at the bank, in order; steps 2 to 6 of the printed procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Login,
    Tasks,
    Accounts,
    Confirm,
    Authorize,
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Login,
        Self::Tasks,
        Self::Accounts,
        Self::Confirm,
        Self::Authorize,
    ];

    fn name(self, names: &StepNames) -> &str {
        match self {
            Self::Login => names.login.as_str(),
            Self::Tasks => names.tasks.as_str(),
            Self::Accounts => names.accounts.as_str(),
            Self::Confirm => names.confirm.as_str(),
            Self::Authorize => names.authorize.as_str(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Done,
    Current,
    Ahead,
}

pub(super) struct ProgressStep<'a> {
    pub(super) name: &'a str,
    pub(super) progress: Progress,
}

impl ProgressStep<'_> {
    pub(super) fn is_done(&self) -> bool {
        self.progress == Progress::Done
    }

    pub(super) fn is_current(&self) -> bool {
        self.progress == Progress::Current
    }
}

/// What even a page about nothing has.
pub(super) struct Around<'a> {
    pub(super) bank: Option<&'a BankContact>,
    pub(super) inquiry_number: &'a str,
    /// The page's own, for the language switch.
    pub(super) address: &'a str,
}

/// A line of the error summary, with the place that it speaks of.
pub(super) struct Problem {
    pub(super) href: String,
    pub(super) text: String,
}

impl Problem {
    pub(super) fn new(href: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            href: href.into(),
            text: text.into(),
        }
    }
}

pub(super) struct CancelForm<'a> {
    pub(super) target: &'a FormTarget,
    pub(super) note: String,
}

pub(super) struct DeadlineLine<'a> {
    pub(super) words: DeadlineWords,
    pub(super) extension: Option<&'a Extension>,
    pub(super) after_url: &'a str,
}

/// A language of the switch.
pub(super) struct Language {
    pub(super) tag: &'static str,
    pub(super) name: &'static str,
    /// `None` for the page's own.
    pub(super) href: Option<String>,
}

/// What the partner may read, with the words before it.
pub(super) struct AccessLine<'a> {
    pub(super) label: &'a str,
    pub(super) tasks: String,
}

pub(super) struct Layout<'a> {
    pub(super) lang: &'static str,
    pub(super) stylesheet: &'static str,
    pub(super) icon: &'static str,
    pub(super) script: &'static str,
    pub(super) languages: Vec<Language>,
    pub(super) common: &'a CommonTexts,
    pub(super) document_title: String,
    pub(super) title: &'a str,
    pub(super) bank: Option<&'a BankContact>,
    pub(super) partner: Option<&'a PartnerName>,
    pub(super) access: Option<AccessLine<'a>>,
    pub(super) customer: Option<&'a Customer>,
    pub(super) progress_count: String,
    pub(super) progress: Vec<ProgressStep<'a>>,
    pub(super) deadline: Option<DeadlineLine<'a>>,
    pub(super) notices: Vec<String>,
    pub(super) problems: Vec<Problem>,
    pub(super) cancel: Option<CancelForm<'a>>,
    pub(super) logout: Option<&'a FormTarget>,
    pub(super) logout_label: &'a str,
    pub(super) inquiry_number: &'a str,
    pub(super) error_code: Option<&'static str>,
}

impl<'a> Layout<'a> {
    /// A page outside the five steps.
    pub(super) fn outside(texts: &'a Texts, shell: &'a Shell, title: &'a str) -> Self {
        let around = Around {
            bank: Some(&shell.bank),
            inquiry_number: &shell.inquiry_number,
            address: &shell.address,
        };
        let bare = Self::bare(texts, title, around);
        Self {
            partner: Some(&shell.partner),
            access: shell
                .access
                .as_ref()
                .map(|access| access_line(texts, access)),
            customer: shell.customer.as_ref(),
            ..bare
        }
    }

    /// A page of the five steps, with what went wrong in its form.
    pub(super) fn step(
        texts: &'a Texts,
        shell: &'a Shell,
        title: &'a str,
        step: Step,
        problems: Vec<Problem>,
    ) -> Self {
        let common = &texts.catalogue.common;
        let number = Step::ALL.iter().filter(|each| **each <= step).count();
        let document_title = if problems.is_empty() {
            &common.document_title
        } else {
            &common.document_title_error
        };
        Self {
            document_title: document_title
                .fill(&[(Slot::Page, title), (Slot::Bank, &shell.bank.display_name)]),
            progress_count: common.progress_count.fill(&[
                (Slot::Step, &number.to_string()),
                (Slot::Steps, &Step::ALL.len().to_string()),
            ]),
            progress: progress(&common.steps, step),
            deadline: shell
                .deadline
                .as_ref()
                .map(|deadline| deadline_line(texts, deadline)),
            notices: shell
                .notices
                .iter()
                .map(|notice| notice_text(texts, *notice))
                .collect(),
            problems,
            cancel: Self::cancel_of(texts, shell),
            ..Self::outside(texts, shell, title)
        }
    }

    /// The shell's cancel form, if it has one.
    pub(super) fn cancel_of(texts: &Texts, shell: &'a Shell) -> Option<CancelForm<'a>> {
        let note = &texts.catalogue.common.cancel_note;
        shell.cancel.as_ref().map(|target| CancelForm {
            target,
            note: note.fill(&[(Slot::Service, &shell.partner.service_name)]),
        })
    }

    /// A page that may know neither bank nor partner.
    pub(super) fn bare(texts: &'a Texts, title: &'a str, around: Around<'a>) -> Self {
        let Around {
            bank,
            inquiry_number,
            address,
        } = around;
        let common = &texts.catalogue.common;
        let bank_name = bank.map_or(common.system_name.as_str(), |contact| {
            contact.display_name.as_str()
        });
        Self {
            lang: texts.locale().tag(),
            stylesheet: super::STYLESHEET_PATH,
            icon: super::ICON_PATH,
            script: super::SCRIPT_PATH,
            languages: languages(texts.locale(), address),
            common,
            document_title: common
                .document_title
                .fill(&[(Slot::Page, title), (Slot::Bank, bank_name)]),
            title,
            bank,
            partner: None,
            access: None,
            customer: None,
            progress_count: String::new(),
            progress: Vec::new(),
            deadline: None,
            notices: Vec::new(),
            problems: Vec::new(),
            cancel: None,
            logout: None,
            logout_label: texts.catalogue.linkages.logout.as_str(),
            inquiry_number,
            error_code: None,
        }
    }
}

fn progress(names: &StepNames, current: Step) -> Vec<ProgressStep<'_>> {
    Step::ALL
        .into_iter()
        .map(|step| ProgressStep {
            name: step.name(names),
            progress: match step.cmp(&current) {
                std::cmp::Ordering::Less => Progress::Done,
                std::cmp::Ordering::Equal => Progress::Current,
                std::cmp::Ordering::Greater => Progress::Ahead,
            },
        })
        .collect()
}

pub(super) fn deadline_line<'a>(texts: &Texts, deadline: &'a Deadline) -> DeadlineLine<'a> {
    DeadlineLine {
        words: deadline.words(texts),
        extension: deadline.extension.as_ref(),
        after_url: &deadline.after_url,
    }
}

fn access_line<'a>(texts: &'a Texts, access: &AccessInView) -> AccessLine<'a> {
    let common = &texts.catalogue.common;
    let (label, tasks) = match access {
        AccessInView::Asked(tasks) => (&common.access_asked, tasks),
        AccessInView::Chosen(tasks) => (&common.access_chosen, tasks),
    };
    AccessLine {
        label: label.as_str(),
        tasks: texts.catalogue.task_names.join(tasks),
    }
}

fn languages(current: Locale, address: &str) -> Vec<Language> {
    let page = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("page", address)
        .finish();
    Locale::ALL
        .into_iter()
        .map(|locale| Language {
            tag: locale.tag(),
            name: locale.own_name(),
            href: (locale != current)
                .then(|| format!("{}/{}?{page}", super::LANGUAGE_PATH, locale.tag())),
        })
        .collect()
}

fn notice_text(texts: &Texts, notice: Notice) -> String {
    let notices = &texts.catalogue.notices;
    match notice {
        Notice::AlreadySent => notices.already_sent.to_string(),
        Notice::Resumed => notices.resumed.to_string(),
        Notice::SessionEnded => notices.session_ended.to_string(),
        Notice::SelectionChanged => notices.selection_changed.to_string(),
        Notice::DeadlineNear { minutes } => notices
            .deadline_near
            .fill(&[(Slot::Minutes, &minutes.to_string())]),
        Notice::MaintenanceAhead { from, until } => {
            let [from, until] = [Some(from), until].map(|at| {
                at.map(|at| japan_time::day_and_clock(at, texts.locale()))
                    .unwrap_or_default()
            });
            let phrase = if until.is_empty() {
                &notices.maintenance_ahead_open
            } else {
                &notices.maintenance_ahead
            };
            phrase.fill(&[(Slot::From, &from), (Slot::Until, &until)])
        }
    }
}
