//! Step 2: API連携認証（利用登録）.

use askama::Template;

use super::layout::{Layout, Problem, RenderError, Step};
use super::phrase::Slot;
use super::shell::{FormTarget, Shell};
use super::texts::{LoginTexts, Texts};

/// The login form. Nothing that was typed comes back with it.
#[derive(Debug, Clone)]
pub struct LoginView {
    /// The page around it.
    pub shell: Shell,
    /// Where the form posts to.
    pub form: FormTarget,
    /// Where 「電子証明書ログイン」 leads.
    pub certificate_login_url: String,
    /// Why the last try did not succeed; empty at first.
    pub problems: Vec<LoginProblem>,
}

/// Why a login did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginProblem {
    /// No ログインID was typed.
    LoginIdMissing,
    /// No password was typed.
    PasswordMissing,
    /// Unknown login id or wrong password: one message for both.
    Rejected,
    /// Too many failures; the same for known and unknown ids.
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
    /// The contract logs in by certificate only; told only after the password was verified.
    CertificateRequired,
    /// Another user than the one who began the journey.
    AnotherUser,
    /// The bank gave no answer.
    BankUnavailable,
}

impl LoginProblem {
    pub(super) fn summary(self, texts: &LoginTexts) -> Problem {
        match self {
            Self::LoginIdMissing => {
                Problem::new("#login_id", texts.problem_login_id_missing.as_str())
            }
            Self::PasswordMissing => {
                Problem::new("#password", texts.problem_password_missing.as_str())
            }
            Self::Rejected => Problem::new("#login_id", texts.problem_rejected.as_str()),
            Self::Locked { minutes } => Problem::new(
                "#login_id",
                texts
                    .problem_locked
                    .fill(&[(Slot::Minutes, &minutes.to_string())]),
            ),
            Self::LockedAtBank => Problem::new("#login_id", texts.problem_locked_at_bank.as_str()),
            Self::PasswordChangeDue => {
                Problem::new("#login_id", texts.problem_password_change_due.as_str())
            }
            Self::Stopped => Problem::new("#login_id", texts.problem_stopped.as_str()),
            Self::AnotherUser => Problem::new("#login_id", texts.problem_another_user.as_str()),
            Self::CertificateRequired => Problem::new(
                "#certificate-login",
                texts.problem_certificate_required.as_str(),
            ),
            Self::BankUnavailable => {
                Problem::new("#login_id", texts.problem_bank_unavailable.as_str())
            }
        }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    layout: Layout<'a>,
    texts: &'a LoginTexts,
    view: &'a LoginView,
}

impl LoginPage<'_> {
    fn login_id_missing(&self) -> bool {
        self.view.problems.contains(&LoginProblem::LoginIdMissing)
    }

    fn password_missing(&self) -> bool {
        self.view.problems.contains(&LoginProblem::PasswordMissing)
    }

    /// Which of the two was wrong is not told, so both are marked.
    fn rejected(&self) -> bool {
        self.view.problems.contains(&LoginProblem::Rejected)
    }
}

impl LoginView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.login;
        let problems = self
            .problems
            .iter()
            .map(|problem| problem.summary(page))
            .collect();
        let layout = Layout::step(
            texts,
            &self.shell,
            page.title.as_str(),
            Step::Login,
            problems,
        );
        Ok(LoginPage {
            layout,
            texts: page,
            view: self,
        }
        .render()?)
    }
}
