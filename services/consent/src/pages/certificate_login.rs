//! 電子証明書ログイン, where the bank does not offer it here.

use askama::Template;

use super::layout::{Layout, RenderError};
use super::shell::Shell;
use super::texts::{CertificateLoginTexts, Texts};

/// Tells that the certificate login can't be used here, and how to go back.
#[derive(Debug, Clone)]
pub struct CertificateLoginView {
    /// The page around it.
    pub shell: Shell,
    /// Back to step 2.
    pub login_url: String,
}

#[derive(Template)]
#[template(path = "certificate_login.html")]
struct CertificateLoginPage<'a> {
    layout: Layout<'a>,
    texts: &'a CertificateLoginTexts,
    view: &'a CertificateLoginView,
}

impl CertificateLoginView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.certificate_login;
        let around = Layout::outside(texts, &self.shell, page.title.as_str());
        let layout = Layout {
            cancel: Layout::cancel_of(texts, &self.shell),
            ..around
        };
        Ok(CertificateLoginPage {
            layout,
            texts: page,
            view: self,
        }
        .render()?)
    }
}
