//! The text catalogue: one typed struct per page, one file per locale.
//!
//! A missing key, an unknown key, an empty text or an unknown `{name}` fails when the catalogue is
//! loaded, which the service does at start.

use serde::Deserialize;

use super::error::ErrorKind;
use super::phrase::{Label, Phrase};
use super::tasks::Task;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locale {
    /// Japanese, the language of the bank's own procedure.
    Ja,
}

impl Locale {
    /// The BCP 47 tag, for `lang` and for the record of what was shown.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
        }
    }

    fn catalogue(self) -> &'static str {
        match self {
            Self::Ja => include_str!("../../texts/ja.toml"),
        }
    }
}

/// Every text of the pages in one locale.
#[derive(Debug)]
pub struct Texts {
    locale: Locale,
    pub(super) catalogue: Catalogue,
}

impl Texts {
    /// Reads the catalogue of `locale`.
    ///
    /// # Errors
    /// [`TextsError`] when the catalogue lacks a text, has one too many, or has a malformed one.
    pub fn load(locale: Locale) -> Result<Self, TextsError> {
        let catalogue = parse(locale.catalogue()).map_err(|source| TextsError {
            locale: locale.tag(),
            source: Box::new(source),
        })?;
        Ok(Self { locale, catalogue })
    }

    /// The locale that these texts are written in.
    pub fn locale(&self) -> Locale {
        self.locale
    }

    /// What stands for an account of the linkage that this user may not see.
    pub fn account_not_visible(&self) -> String {
        self.catalogue.account_table.not_visible.to_string()
    }

    /// The version of the texts; recorded, with the locale and a hash, with each consent.
    pub fn version(&self) -> &str {
        self.catalogue.version.as_str()
    }
}

pub(super) fn parse(catalogue: &str) -> Result<Catalogue, toml::de::Error> {
    toml::from_str(catalogue)
}

/// A catalogue that can't be used; its message names the key.
#[derive(Debug, thiserror::Error)]
#[error("text catalogue `{locale}`: {source}")]
pub struct TextsError {
    locale: &'static str,
    source: Box<toml::de::Error>,
}

/// Declares the structs of the catalogue: each refuses unknown keys.
macro_rules! texts {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $field: $kind,)*
        }
    )*};
}

texts! {
    Catalogue {
        version: Label,
        common: CommonTexts,
        notices: NoticeTexts,
        task_names: TaskNames,
        account_table: AccountTableTexts,
        login: LoginTexts,
        tasks: TasksTexts,
        accounts: AccountsTexts,
        confirm: ConfirmTexts,
        authorize: AuthorizeTexts,
        done: DoneTexts,
        certificate_login: CertificateLoginTexts,
        notice_pages: NoticePagesTexts,
        error_page: ErrorPageTexts,
        errors: ErrorsTexts,
    }
    CommonTexts {
        system_name: Label,
        document_title: Phrase,
        document_title_error: Phrase,
        skip_link: Label,
        progress_label: Label,
        progress_count: Phrase,
        progress_done: Label,
        context_label: Label,
        service: Label,
        provider: Label,
        login_name: Label,
        contract_name: Label,
        deadline_session: Phrase,
        deadline_journey: Phrase,
        extend: Label,
        extend_note: Label,
        problems_heading: Label,
        notice_label: Label,
        cancel: Label,
        cancel_note: Phrase,
        contact_label: Label,
        phone: Label,
        hours: Label,
        inquiry_number: Label,
        inquiry_note: Label,
        steps: StepNames,
    }
    StepNames {
        login: Label,
        tasks: Label,
        accounts: Label,
        confirm: Label,
        authorize: Label,
    }
    NoticeTexts {
        already_sent: Label,
        resumed: Label,
        session_ended: Label,
        selection_changed: Label,
        deadline_near: Phrase,
    }
    TaskNames {
        balance: Label,
        transactions: Label,
    }
    AccountTableTexts {
        not_visible: Label,
        caption_choose: Label,
        caption_confirm: Label,
        status: Label,
        account: Label,
        memo: Label,
        pin: Label,
        unregistered: Label,
        registered: Label,
        in_this_linkage: Label,
        none: Label,
        none_spoken: Label,
        pin_entered: Label,
        pin_entered_spoken: Label,
        legend_heading: Label,
        legend_unregistered: Label,
        legend_registered: Label,
        legend_in_this_linkage: Label,
        remarks_heading: Label,
        hint_linked_elsewhere: Label,
        hint_task_unavailable: Phrase,
        hint_not_eligible: Label,
        hint_pin_locked: Label,
        hint_asked_for: Label,
        changed: Label,
        reason_pin_mismatch: Label,
        reason_pin_locked: Label,
        reason_not_eligible: Label,
        reason_verifier_unavailable: Label,
    }
    LoginTexts {
        title: Label,
        lead: Label,
        login_id: Label,
        password: Label,
        submit: Label,
        certificate_note: Label,
        certificate_link: Label,
        problem_login_id_missing: Label,
        problem_password_missing: Label,
        problem_rejected: Label,
        problem_locked: Phrase,
        problem_locked_at_bank: Label,
        problem_password_change_due: Label,
        problem_stopped: Label,
        problem_another_user: Label,
        problem_certificate_required: Label,
        problem_bank_unavailable: Label,
    }
    TasksTexts {
        title: Label,
        lead: Phrase,
        legend: Label,
        balance_note: Label,
        transactions_note: Label,
        limits: Label,
        submit: Label,
        problem_none_selected: Label,
    }
    AccountsTexts {
        title: Label,
        lead: Label,
        pin_note: Label,
        unticked_note: Label,
        pin_label: Phrase,
        submit: Label,
        back: Label,
        problem_none_selected: Label,
        problem_pin_missing: Label,
        problem_pin_malformed: Label,
        row_problem: Phrase,
    }
    ConfirmTexts {
        title: Label,
        lead: Label,
        failed_summary: Label,
        failed_link: Phrase,
        failed_heading: Label,
        retry_note: Label,
        nothing_linked: Label,
        submit: Label,
        retry: Label,
        back: Label,
    }
    AuthorizeTexts {
        title: Label,
        lead: Label,
        content_heading: Label,
        statement: Phrase,
        partner_heading: Label,
        service_heading: Label,
        registration_heading: Label,
        complaint_heading: Label,
        onward_heading: Label,
        onward_none: Label,
        tasks_heading: Label,
        accounts_heading: Label,
        account_line: Phrase,
        account_line_memo: Phrase,
        history_heading: Label,
        history_from: Phrase,
        history_all: Label,
        valid_heading: Label,
        valid_until: Phrase,
        change_heading: Label,
        change_amends: Label,
        change_added: Phrase,
        change_removed: Phrase,
        change_accounts_same: Label,
        change_removed_effect: Label,
        supersede_heading: Label,
        supersede_line: Phrase,
        end_heading: Label,
        end_line: Phrase,
        end_at_service: Phrase,
        terms_heading: Label,
        terms_line: Phrase,
        agree: Label,
        close_note: Label,
        submit: Label,
        decline: Label,
        decline_note: Phrase,
        back: Label,
        text_version: Phrase,
        problem_not_agreed: Label,
    }
    DoneTexts {
        title: Label,
        authorized: Label,
        declined: Label,
        cancelled: Label,
        timed_out: Label,
        forward: Phrase,
        on_click: Phrase,
        r#continue: Label,
        continue_on_click: Phrase,
    }
    CertificateLoginTexts {
        title: Label,
        body: Label,
        explanation: Label,
        inquiry: Label,
        id_users: Label,
        back: Label,
    }
    NoticePagesTexts {
        already_sent: NoticePageTexts,
        session_ended: NoticePageTexts,
        completed: NoticePageTexts,
    }
    NoticePageTexts {
        title: Label,
        body: Label,
        next: Label,
        link: Label,
    }
    ErrorPageTexts {
        happened: Label,
        next: Label,
        code: Label,
        back: Phrase,
        unnamed_service: Label,
        reopens: Phrase,
    }
    ErrorsTexts {
        invalid_request: ErrorTexts,
        request_expired: ErrorTexts,
        partner_not_available: ErrorTexts,
        journey_not_found: ErrorTexts,
        journey_timed_out: ErrorTexts,
        journey_ended: ErrorTexts,
        form_not_accepted: ErrorTexts,
        cookies_required: ErrorTexts,
        no_account: ErrorTexts,
        too_many_requests: ErrorTexts,
        bank_closed: ErrorTexts,
        bank_maintenance: ErrorTexts,
        bank_unavailable: ErrorTexts,
        service_unavailable: ErrorTexts,
        internal: ErrorTexts,
        not_found: ErrorTexts,
    }
    ErrorTexts {
        title: Label,
        happened: Label,
        next: Label,
    }
}

impl TaskNames {
    pub(super) fn name(&self, task: Task) -> &str {
        match task {
            Task::Balance => self.balance.as_str(),
            Task::Transactions => self.transactions.as_str(),
        }
    }

    /// The names in the order given, joined as in a Japanese enumeration.
    pub(super) fn join(&self, tasks: &[Task]) -> String {
        let names: Vec<&str> = tasks.iter().map(|task| self.name(*task)).collect();
        names.join("、")
    }
}

impl ErrorsTexts {
    pub(super) fn of(&self, kind: &ErrorKind) -> &ErrorTexts {
        match kind {
            ErrorKind::InvalidRequest => &self.invalid_request,
            ErrorKind::RequestExpired => &self.request_expired,
            ErrorKind::PartnerNotAvailable => &self.partner_not_available,
            ErrorKind::JourneyNotFound => &self.journey_not_found,
            ErrorKind::JourneyTimedOut => &self.journey_timed_out,
            ErrorKind::JourneyEnded => &self.journey_ended,
            ErrorKind::FormNotAccepted => &self.form_not_accepted,
            ErrorKind::CookiesRequired => &self.cookies_required,
            ErrorKind::NoAccount => &self.no_account,
            ErrorKind::TooManyRequests => &self.too_many_requests,
            ErrorKind::BankClosed { .. } => &self.bank_closed,
            ErrorKind::BankMaintenance { .. } => &self.bank_maintenance,
            ErrorKind::BankUnavailable => &self.bank_unavailable,
            ErrorKind::ServiceUnavailable => &self.service_unavailable,
            ErrorKind::Internal => &self.internal,
            ErrorKind::NotFound => &self.not_found,
        }
    }
}
