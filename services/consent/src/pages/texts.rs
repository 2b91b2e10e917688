//! The text catalogue: one typed struct per page, one file per locale.
//!
//! A missing key, an unknown key, an empty text or an unknown `{name}` fails when the catalogue is
//! loaded, which the service does at start.

use std::collections::BTreeMap;

use super::error::ErrorKind;
use super::japan_time;
use super::linkage_texts::{
    HistoryTexts, LinkageEndTexts, LinkageRemoveTexts, LinkageRenewTexts, LinkageTakeOverTexts,
    LinkageTexts, LinkagesCertificateTexts, LinkagesLoginTexts, LinkagesTexts, MailTexts,
};
use super::locale::Locale;
use super::phrase::{Label, Phrase, Slot, slots};
use super::tasks::Task;
use crate::protocol::digest::sha256_hex;

fn source(locale: Locale) -> &'static str {
    match locale {
        Locale::Ja => include_str!("../../texts/ja.toml"),
        Locale::En => include_str!("../../texts/en.toml"),
    }
}

/// Every text of the pages in one locale, as one bank words it.
#[derive(Debug)]
pub struct Texts {
    locale: Locale,
    version: String,
    pub(super) catalogue: Catalogue,
}

impl Texts {
    /// Reads the catalogue of `locale`.
    ///
    /// # Errors
    /// [`TextsError`] when the catalogue lacks a text, has one too many, or has a malformed one.
    pub fn load(locale: Locale) -> Result<Self, TextsError> {
        Self::of_bank(locale, &BTreeMap::new())
    }

    /// The catalogue of `locale` with a bank's own texts in the places of its, e.g. `login.lead`.
    ///
    /// # Errors
    /// [`TextsError`] where there is no such place, or the text would not do there.
    pub fn of_bank(locale: Locale, own: &BTreeMap<String, String>) -> Result<Self, TextsError> {
        let malformed = |source: toml::de::Error| TextsError::Malformed {
            locale: locale.tag(),
            source: Box::new(source),
        };
        let mut table: toml::Table = source(locale).parse().map_err(malformed)?;
        for (place, text) in own {
            put(&mut table, place, text).ok_or_else(|| TextsError::Place {
                locale: locale.tag(),
                place: place.clone(),
            })?;
        }
        let catalogue: Catalogue = table.try_into().map_err(malformed)?;
        let version = if own.is_empty() {
            catalogue.version.to_string()
        } else {
            let words: String = own
                .iter()
                .map(|(place, text)| format!("{place}={text}\n"))
                .collect();
            let hash: String = sha256_hex(words.as_bytes()).chars().take(8).collect();
            format!("{}+{hash}", catalogue.version)
        };
        Ok(Self {
            locale,
            version,
            catalogue,
        })
    }

    /// The locale that these texts are written in.
    pub fn locale(&self) -> Locale {
        self.locale
    }

    /// What stands for an account of the linkage that this user may not see.
    pub fn account_not_visible(&self) -> String {
        self.catalogue.account_table.not_visible.to_string()
    }

    /// For the end of a mail: the name of the customer's own page, and how to get there without a link.
    pub fn way_to_linkages(&self) -> String {
        let page = self.catalogue.linkages.title.as_str();
        self.catalogue
            .mail
            .way_to_linkages
            .fill(&[(Slot::Page, page)])
    }

    /// A user of the contract who is not the one at the screen, by the bank's id.
    pub fn another_user(&self, user: &str) -> String {
        self.catalogue
            .linkage
            .answered_by_another
            .fill(&[(super::phrase::Slot::User, user)])
    }

    /// A linkage of the customer's, by its service and the day on which it was allowed.
    pub fn linkage(&self, service: &str, allowed_at: chrono::DateTime<chrono::Utc>) -> String {
        self.catalogue.authorize.supersede_linkage.fill(&[
            (Slot::Service, service),
            (Slot::Date, &japan_time::day_of(allowed_at, self.locale)),
        ])
    }

    /// The version of the texts; recorded, with the locale and a hash, with each consent. A bank's
    /// own texts are told by a hash of them behind it: `1+0a1b2c3d`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// Puts a bank's text in its place. `None` where there is no text, or where it would leave a place
/// open that the page does not fill.
fn put(table: &mut toml::Table, place: &str, text: &str) -> Option<()> {
    let (tables, key) = place.rsplit_once('.')?;
    let table = tables
        .split('.')
        .try_fold(table, |table, key| table.get_mut(key)?.as_table_mut())?;
    let toml::Value::String(common) = table.get_mut(key)? else {
        return None;
    };
    if !slots(text).is_subset(&slots(common)) {
        return None;
    }
    text.clone_into(common);
    Some(())
}

#[cfg(test)]
pub(super) fn parse(catalogue: &str) -> Result<Catalogue, toml::de::Error> {
    toml::from_str(catalogue)
}

/// A catalogue that can't be used; its message names the key.
#[derive(Debug, thiserror::Error)]
pub enum TextsError {
    /// A text is missing, unknown or malformed.
    #[error("text catalogue `{locale}`: {source}")]
    Malformed {
        /// Whose.
        locale: &'static str,
        /// Which, and why.
        source: Box<toml::de::Error>,
    },
    /// A bank's own texts are in a language that the pages do not have.
    #[error("no text catalogue `{0}`")]
    Locale(String),
    /// A bank's own text has no place in the catalogue.
    #[error("text catalogue `{locale}`: no text `{place}`, or one with other things to fill in")]
    Place {
        /// Whose.
        locale: &'static str,
        /// Where it was to stand.
        place: String,
    },
}

/// Declares the structs of the catalogue: each refuses unknown keys.
macro_rules! texts {
    ($($name:ident { $($field:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $field: $kind,)*
        }
    )*};
}

pub(super) use texts;

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
        certificate_password: CertificatePasswordTexts,
        linkages_login: LinkagesLoginTexts,
        linkages_certificate: LinkagesCertificateTexts,
        linkages: LinkagesTexts,
        linkage: LinkageTexts,
        linkage_end: LinkageEndTexts,
        linkage_remove: LinkageRemoveTexts,
        linkage_renew: LinkageRenewTexts,
        linkage_take_over: LinkageTakeOverTexts,
        history: HistoryTexts,
        mail: MailTexts,
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
        warning_session: Phrase,
        warning_journey: Phrase,
        language: Label,
        access_asked: Label,
        access_chosen: Label,
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
        maintenance_ahead: Phrase,
        maintenance_ahead_open: Phrase,
    }
    TaskNames {
        balance: Label,
        transactions: Label,
        separator: Label,
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
        hint_keepable: Label,
        hint_kept: Label,
        hint_kept_addable: Phrase,
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
        only_adds_note: Label,
        unticked_note_adding: Label,
        pin_not_asked: Label,
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
        change_adds: Label,
        change_added: Phrase,
        change_removed: Phrase,
        change_accounts_same: Label,
        change_removed_effect: Label,
        continued_heading: Label,
        continued_line: Phrase,
        continued_lost: Phrase,
        supersede_heading: Label,
        supersede_linkage: Phrase,
        supersede_line: Phrase,
        end_heading: Label,
        end_here: Phrase,
        end_here_link: Label,
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
        linkages_note: Label,
        linkages_link: Label,
    }
    CertificateLoginTexts {
        title: Label,
        body: Label,
        explanation: Label,
        inquiry: Label,
        id_users: Label,
        back: Label,
    }
    CertificatePasswordTexts {
        title: Label,
        lead: Label,
        certificate_heading: Label,
        name: Label,
        organization: Label,
        issuer: Label,
        valid_until: Label,
        valid_until_value: Phrase,
        other_note: Label,
        back: Label,
        problem_rejected: Label,
        problem_locked: Phrase,
        problem_locked_at_bank: Label,
        problem_stopped: Label,
        problem_not_allowed: Label,
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
        to_login: Label,
        unnamed_service: Label,
        next_at_linkages: Label,
        cookies_at_linkages: Label,
        certificate_at_linkages: Label,
        expired_at_linkages: Label,
        to_linkages: Label,
        reopens: Phrase,
    }
    ErrorsTexts {
        invalid_request: ErrorTexts,
        request_expired: ErrorTexts,
        partner_not_available: ErrorTexts,
        linkage_not_available: ErrorTexts,
        linking_paused: ErrorTexts,
        login_not_entitled: ErrorTexts,
        journey_not_found: ErrorTexts,
        journey_timed_out: ErrorTexts,
        journey_ended: ErrorTexts,
        form_not_accepted: ErrorTexts,
        cookies_required: ErrorTexts,
        certificate_not_confirmed: ErrorTexts,
        certificate_login_expired: ErrorTexts,
        linkage_not_found: ErrorTexts,
        act_not_allowed: ErrorTexts,
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

    /// The names in the order given, joined as the language enumerates.
    pub(super) fn join(&self, tasks: &[Task]) -> String {
        let names: Vec<&str> = tasks.iter().map(|task| self.name(*task)).collect();
        names.join(self.separator.as_str())
    }
}

impl ErrorsTexts {
    pub(super) fn of(&self, kind: &ErrorKind) -> &ErrorTexts {
        match kind {
            ErrorKind::InvalidRequest => &self.invalid_request,
            ErrorKind::RequestExpired => &self.request_expired,
            ErrorKind::PartnerNotAvailable => &self.partner_not_available,
            ErrorKind::LinkageNotAvailable => &self.linkage_not_available,
            ErrorKind::LinkingPaused => &self.linking_paused,
            ErrorKind::LoginNotEntitled => &self.login_not_entitled,
            ErrorKind::JourneyNotFound => &self.journey_not_found,
            ErrorKind::JourneyTimedOut => &self.journey_timed_out,
            ErrorKind::JourneyEnded => &self.journey_ended,
            ErrorKind::FormNotAccepted => &self.form_not_accepted,
            ErrorKind::CookiesRequired => &self.cookies_required,
            ErrorKind::CertificateNotConfirmed => &self.certificate_not_confirmed,
            ErrorKind::CertificateLoginExpired => &self.certificate_login_expired,
            ErrorKind::LinkageNotFound => &self.linkage_not_found,
            ErrorKind::ActNotAllowed => &self.act_not_allowed,
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
