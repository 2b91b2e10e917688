//! Step 6: API連携認証（情報アクセス認可）.

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

use super::clauses::{Clause, clauses, statement};
use super::layout::{Layout, Problem, RenderError, Step};
use super::phrase::Slot;
use super::shell::{FormTarget, Shell};
use super::tasks::Task;
use super::texts::{AuthorizeTexts, Texts};

/// What is allowed to whom.
#[derive(Debug, Clone)]
pub struct AuthorizeView {
    /// Where linkages are checked and ended, in full.
    pub linkages_url: String,
    /// The page around it; its cancel form is not used here.
    pub shell: Shell,
    /// Where 「許可」 posts to.
    pub form: FormTarget,
    /// Where 「許可しない」 posts to.
    pub decline: FormTarget,
    /// The revision of the choice that the page shows (the hidden field `revision`).
    pub revision: u64,
    /// The partner as registered.
    pub partner: PartnerRecord,
    /// The chosen tasks.
    pub tasks: Vec<Task>,
    /// The accounts of the linkage, in the bank's order.
    pub accounts: Vec<AuthorizedAccount>,
    /// The first 取引日 that the partner may read, in Japan; `None`: no limit of the consent's own.
    pub history_from: Option<NaiveDate>,
    /// The last moment of the consent.
    pub valid_until: DateTime<Utc>,
    /// What the consent does to the linkage that there is.
    pub change: LinkageChange,
    /// Where the partner would go on with the statements of accounts that it has read.
    pub continued: Vec<ContinuedAccount>,
    /// Other linkages that the bank's policy ends with this consent, in the customer's words.
    pub superseded: Vec<String>,
    /// The version of the bank's terms.
    pub terms_version: String,
    /// Back to step 4.
    pub accounts_url: String,
    /// Why the last try did not succeed.
    pub problem: Option<AuthorizeProblem>,
}

/// The partner's public record.
#[derive(Debug, Clone)]
pub struct PartnerRecord {
    /// The company's registered name.
    pub legal_name: String,
    /// The product.
    pub service_name: String,
    /// The registration as an electronic payment service provider (電子決済等代行業者).
    pub registration_number: String,
    /// Whom to complain to.
    pub complaint_contact: String,
    /// To whom the partner passes the data on; empty: nobody.
    pub onward_recipients: Vec<String>,
}

/// One account with the tasks that it can be used for: tasks differ per account.
#[derive(Debug, Clone)]
pub struct AuthorizedAccount {
    /// E.g. インターネット支店(000) 普通 5000000.
    pub account: String,
    /// 口座メモ, if there is one.
    pub memo: Option<String>,
    /// Of the chosen tasks those that the account can be used for.
    pub tasks: Vec<Task>,
}

/// Where the partner would go on with the statements of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContinuedAccount {
    /// As displayed.
    pub account: String,
    /// The first 取引日 that it has not been served yet and can be had, in Japan.
    pub from: NaiveDate,
    /// The first and the last of the days that it was not served and that can't be had any more.
    pub lost: Option<(NaiveDate, NaiveDate)>,
}

/// What 許可 does to the pair's linkage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkageChange {
    /// It makes a linkage.
    Makes,
    /// It adds to the linkage that there is.
    Adds {
        /// Accounts that come in, as displayed; none where tasks of the others come in only.
        added: Vec<String>,
    },
    /// It changes the linkage that there is.
    Amends {
        /// Accounts that come in, as displayed.
        added: Vec<String>,
        /// Accounts that are taken out, as displayed.
        removed: Vec<String>,
    },
}

/// Why 許可 can't be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorizeProblem {
    /// 「API連携を許可する。」 was not ticked.
    NotAgreed,
}

#[derive(Template)]
#[template(path = "authorize.html")]
struct AuthorizePage<'a> {
    layout: Layout<'a>,
    texts: &'a AuthorizeTexts,
    view: &'a AuthorizeView,
    statement: String,
    clauses: Vec<Clause>,
    decline_note: String,
    text_version: String,
}

impl AuthorizeView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let page = &texts.catalogue.authorize;
        let problems = self.problem.iter().map(|problem| match problem {
            AuthorizeProblem::NotAgreed => Problem::new("#agree", page.problem_not_agreed.as_str()),
        });
        let layout = Layout {
            cancel: None,
            ..Layout::step(
                texts,
                &self.shell,
                page.title.as_str(),
                Step::Authorize,
                problems.collect(),
            )
        };
        let page = AuthorizePage {
            layout,
            texts: page,
            view: self,
            statement: statement(self, texts),
            clauses: clauses(self, texts),
            decline_note: page
                .decline_note
                .fill(&[(Slot::Service, &self.partner.service_name)]),
            text_version: page.text_version.fill(&[
                (Slot::Version, texts.version()),
                (Slot::Locale, texts.locale().tag()),
            ]),
        };
        Ok(page.render()?)
    }
}
