//! The journey pages of the bank, as pure views.
//!
//! A view is a struct of plain owned fields; `render` turns it, with the catalogue of one locale,
//! into a whole HTML document. Nothing here reads a clock, a request or a database, and no view has
//! a field for a password or a 照会用暗証番号: a page never carries one back.
//!
//! Texts live in `texts/`, markup in `templates/`, the style sheet in `static/renkei.css` (served
//! as [`STYLESHEET_PATH`]). The pages hold no inline script and no inline style, and work without
//! any script: the one that there is (`static/deadline.js`, served as [`SCRIPT_PATH`]) warns before
//! the session ends, and extends it without losing what was typed.

mod account_table;
mod accounts;
mod authorize;
mod certificate_login;
mod certificate_password;
mod clauses;
mod confirm;
mod deadline;
mod done;
mod error;
mod history_words;
mod japan_time;
mod layout;
mod linkage_texts;
mod linkages;
mod locale;
mod login;
mod notice;
mod phrase;
mod shell;
mod tasks;
mod texts;

pub use account_table::{AccountHint, RegistrationStatus, RejectionReason};
pub use accounts::{
    AccountChoice, AccountsProblem, AccountsView, Availability, ChoiceLimit, PinField, PinProblem,
};
pub use authorize::{
    AuthorizeProblem, AuthorizeView, AuthorizedAccount, ContinuedAccount, LinkageChange,
    PartnerRecord,
};
pub use certificate_login::CertificateLoginView;
pub use certificate_password::{
    AroundPassword, CertificatePasswordProblem, CertificatePasswordView,
};
pub use clauses::consent_text;
pub use confirm::{ConfirmView, ConfirmedAccount, PinShown, RowChange};
pub use deadline::{Deadline, DeadlineKind, DeadlineWords, Extension, WARN_SECONDS};
pub use done::{DoneView, Forwarding, Outcome};
pub use error::{ErrorKind, ErrorPlace, ErrorView};
pub use history_words::FactNames;
pub use layout::RenderError;
pub use linkages::{
    AccountInLinkage, AccountName, AccountNames, AnsweredBy, ByJourney, Continuation,
    EndLinkageView, HistoryLine, LastRead, LinkageActs, LinkageInView, LinkageStatus, LinkageView,
    LinkagesFrame, LinkagesLoginView, LinkagesNotice, LinkagesView, Lost, Pause, ReadInView,
    ReadWhat, RemoveAccountView, RenewAct, RenewLinkageView, TakeOverView, renewal_text,
};
pub use locale::Locale;
pub use login::{LoginProblem, LoginView};
pub use notice::{NoticeKind, NoticeView};
pub use shell::{
    AccessInView, BankContact, Customer, FormTarget, Notice, PartnerName, Shell, Tick,
};
pub use tasks::{Task, TaskChoice, TasksProblem, TasksView};
pub use texts::{Texts, TextsError};

/// Where the pages expect the style sheet, as a path on their own origin.
pub const STYLESHEET_PATH: &str = "/static/renkei.css";

/// Where the pages expect their script.
pub const SCRIPT_PATH: &str = "/static/deadline.js";

/// Below this stands one address per language; it takes the address to come back to as `page`.
pub const LANGUAGE_PATH: &str = "/language";

/// Where the pages expect their icon: without one, browsers ask for `/favicon.ico` on their own.
pub const ICON_PATH: &str = "/static/icon.svg";

#[cfg(test)]
mod tests;
