//! 電子証明書ログイン on its own host: whom the certificate names, and its password.

use askama::Template;

use super::japan_time;
use super::layout::{Layout, Problem, RenderError, Step};
use super::linkages::LinkagesFrame;
use super::phrase::Slot;
use super::shell::{FormTarget, Shell};
use super::texts::{CertificatePasswordTexts, LoginTexts, Texts};
use crate::client_certificate::Holder;

/// What stands around the form, by what the login is for.
#[derive(Debug, Clone)]
pub enum AroundPassword {
    /// Step 2 of a journey.
    Journey(Shell),
    /// The customer's own page.
    Linkages(LinkagesFrame),
}

/// The password form. Nothing that was typed comes back with it.
#[derive(Debug, Clone)]
pub struct CertificatePasswordView {
    /// The page around it.
    pub around: AroundPassword,
    /// Whom the certificate names.
    pub holder: Holder,
    /// Where the form posts to.
    pub form: FormTarget,
    /// Back to where the login began, on the host of that.
    pub login_url: String,
    /// Why the last try did not succeed.
    pub problem: Option<CertificatePasswordProblem>,
}

/// Why a certificate login did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificatePasswordProblem {
    /// No password was typed.
    PasswordMissing,
    /// The password is wrong.
    Rejected,
    /// Too many failures, here or with the ログインID.
    Locked {
        /// How long a lock lasts, in minutes.
        minutes: u32,
    },
    /// The bank itself has locked the login.
    LockedAtBank,
    /// The password has to be changed in 団体IB first.
    PasswordChangeDue,
    /// The use of 団体IB is stopped for this user or contract.
    Stopped,
    /// The contract logs in by ログインID; told only after the password was verified.
    CertificateNotAllowed,
    /// The bank gave no answer.
    BankUnavailable,
    /// The form was sent before with another password.
    AlreadySent,
}

impl CertificatePasswordProblem {
    fn summary(self, texts: &Texts, not_allowed: &str) -> Problem {
        let own = &texts.catalogue.certificate_password;
        let login = &texts.catalogue.login;
        let text = match self {
            Self::PasswordMissing => login.problem_password_missing.as_str(),
            Self::Rejected => own.problem_rejected.as_str(),
            Self::Locked { minutes } => {
                let minutes = minutes.to_string();
                let text = own.problem_locked.fill(&[(Slot::Minutes, &minutes)]);
                return Problem::new("#password", text);
            }
            Self::LockedAtBank => own.problem_locked_at_bank.as_str(),
            Self::PasswordChangeDue => login.problem_password_change_due.as_str(),
            Self::Stopped => own.problem_stopped.as_str(),
            Self::CertificateNotAllowed => {
                return Problem::new("#back", not_allowed);
            }
            Self::BankUnavailable => login.problem_bank_unavailable.as_str(),
            Self::AlreadySent => texts.catalogue.notices.already_sent.as_str(),
        };
        Problem::new("#password", text)
    }
}

/// What is worded by what the login is for.
struct Words<'a> {
    lead: &'a str,
    submit: &'a str,
    other_note: &'a str,
    back: &'a str,
    not_allowed: &'a str,
}

impl AroundPassword {
    fn words<'a>(&self, texts: &'a Texts) -> Words<'a> {
        let catalogue = &texts.catalogue;
        match self {
            Self::Journey(_) => {
                let own = &catalogue.certificate_password;
                Words {
                    lead: own.lead.as_str(),
                    submit: catalogue.login.submit.as_str(),
                    other_note: own.other_note.as_str(),
                    back: own.back.as_str(),
                    not_allowed: own.problem_not_allowed.as_str(),
                }
            }
            Self::Linkages(_) => {
                let own = &catalogue.linkages_certificate;
                Words {
                    lead: own.lead.as_str(),
                    submit: catalogue.linkages_login.submit.as_str(),
                    other_note: own.other_note.as_str(),
                    back: own.back.as_str(),
                    not_allowed: own.problem_not_allowed.as_str(),
                }
            }
        }
    }
}

#[derive(Template)]
#[template(path = "certificate_password.html")]
struct CertificatePasswordPage<'a> {
    layout: Layout<'a>,
    words: Words<'a>,
    texts: &'a CertificatePasswordTexts,
    login: &'a LoginTexts,
    view: &'a CertificatePasswordView,
    valid_until: String,
}

impl CertificatePasswordPage<'_> {
    fn password_missing(&self) -> bool {
        self.view.problem == Some(CertificatePasswordProblem::PasswordMissing)
    }

    fn rejected(&self) -> bool {
        self.view.problem == Some(CertificatePasswordProblem::Rejected)
    }
}

impl CertificatePasswordView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let own = &texts.catalogue.certificate_password;
        let words = self.around.words(texts);
        let problems = self
            .problem
            .iter()
            .map(|problem| problem.summary(texts, words.not_allowed))
            .collect();
        let title = own.title.as_str();
        let layout = match &self.around {
            AroundPassword::Journey(shell) => {
                Layout::step(texts, shell, title, Step::Login, problems)
            }
            AroundPassword::Linkages(frame) => frame.layout(texts, title, problems),
        };
        let valid_until = japan_time::day_and_clock(self.holder.valid_until, texts.locale());
        Ok(CertificatePasswordPage {
            layout,
            words,
            texts: own,
            login: &texts.catalogue.login,
            view: self,
            valid_until: own.valid_until_value.fill(&[(Slot::Time, &valid_until)]),
        }
        .render()?)
    }
}
