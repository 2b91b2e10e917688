//! The login of these pages.

use askama::Template;

use super::{
    super::{
        layout::{Layout, Problem, RenderError},
        linkage_texts::LinkagesLoginTexts,
        login::LoginProblem,
        shell::FormTarget,
        texts::{LoginTexts, Texts},
    },
    LinkagesFrame,
};

/// The login form. Nothing that was typed comes back with it.
#[derive(Debug, Clone)]
pub struct LinkagesLoginView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// Where the form posts to.
    pub form: FormTarget,
    /// Where 「電子証明書ログイン」 leads, where the bank has it here.
    pub certificate_login_url: Option<String>,
    /// Why the last try did not succeed; empty at first.
    pub problems: Vec<LoginProblem>,
}

#[derive(Template)]
#[template(path = "linkages_login.html")]
struct LoginPage<'a> {
    layout: Layout<'a>,
    page: &'a LinkagesLoginTexts,
    /// As step 2 has them: the same fields.
    texts: &'a LoginTexts,
    view: &'a LinkagesLoginView,
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

impl LinkagesLoginView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.linkages_login;
        let login = &texts.catalogue.login;
        let elsewhere = self.certificate_login_url.is_none();
        let problems = self.problems.iter().map(|problem| match problem {
            LoginProblem::CertificateRequired if elsewhere => Problem::new(
                "#certificate-note",
                page.problem_certificate_required.as_str(),
            ),
            problem => problem.summary(login),
        });
        Ok(LoginPage {
            layout: self
                .frame
                .layout(texts, page.title.as_str(), problems.collect()),
            page,
            texts: login,
            view: self,
        }
        .render()?)
    }
}
