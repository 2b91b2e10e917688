//! A linkage as the customer reads of it.

use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{
    consent::{RevocationReason, RevokedBy},
    suspension::SuspensionCause,
};

use super::super::{
    authorize::PartnerRecord, clauses::Clause, history_words::cause_words, japan_time,
    linkage_texts::LinkageTexts, phrase::Slot, tasks::Task, texts::Texts,
};

/// A linkage of the contract.
#[derive(Debug, Clone)]
pub struct LinkageInView {
    /// Its id.
    pub reference: String,
    /// Its page.
    pub url: String,
    /// With whom, as registered now.
    pub partner: PartnerRecord,
    /// Its accounts.
    pub accounts: Vec<AccountInLinkage>,
    /// First day of statements that may be read; `None`: as far as the bank goes.
    pub history_from: Option<NaiveDate>,
    /// When access was first allowed.
    pub since: DateTime<Utc>,
    /// The last minute that still holds, or held.
    pub until: DateTime<Utc>,
    /// Whether it may be read.
    pub status: LinkageStatus,
    /// Which user answers for it.
    pub answered_by: AnsweredBy,
    /// When data were last read, and how often; `None`: never.
    pub last_read: Option<LastRead>,
}

/// An account of a linkage.
#[derive(Debug, Clone)]
pub struct AccountInLinkage {
    /// The bank's id of it.
    pub reference: String,
    /// What it is called.
    pub name: AccountName,
    /// 口座メモ, where there is one.
    pub memo: Option<String>,
    /// What may be read of it.
    pub tasks: Vec<Task>,
    /// When it was last read, and how often; `None`: never.
    pub last_read: Option<LastRead>,
}

/// When data were last read, and how often in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastRead {
    /// When.
    pub at: DateTime<Utc>,
    /// How often.
    pub reads: u64,
}

impl LastRead {
    /// In words, for one that was never read too.
    pub(in super::super) fn text(read: Option<Self>, texts: &Texts) -> String {
        let words = &texts.catalogue.linkage;
        match read {
            None => words.never_read.to_string(),
            Some(read) => words.last_read.fill(&[
                (
                    Slot::Time,
                    &japan_time::day_and_clock(read.at, texts.locale()),
                ),
                (Slot::Count, &read.reads.to_string()),
            ]),
        }
    }
}

/// What an account is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountName {
    /// As the bank shows it.
    Shown(String),
    /// This user has no right to see it.
    NotVisible,
    /// The bank does not answer.
    NotKnown,
}

impl AccountName {
    /// The name as a page shows it.
    pub fn text<'a>(&'a self, texts: &'a Texts) -> &'a str {
        match self {
            Self::Shown(label) => label,
            Self::NotVisible => texts.catalogue.account_table.not_visible.as_str(),
            Self::NotKnown => texts.catalogue.linkage.account_not_known.as_str(),
        }
    }
}

/// Whether the bank said how accounts are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountNames {
    /// It did.
    Known,
    /// It does not answer.
    Unknown,
}

/// Whether a linkage may be read.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkageStatus {
    /// It may.
    Live,
    /// It may, and ends soon.
    EndsSoon {
        /// Days left, rounded up.
        days: u32,
    },
    /// Not for the time being.
    Paused(Vec<Pause>),
    /// Its time passed.
    Expired {
        /// The last minute that held.
        at: DateTime<Utc>,
    },
    /// Somebody ended it.
    Revoked {
        /// When.
        at: DateTime<Utc>,
        /// Who.
        by: RevokedBy,
        /// Why.
        reason: RevocationReason,
    },
    /// Another linkage took its place.
    Superseded {
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a linkage may not be read for the time being, and at which level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// Of the linkage itself.
    Linkage(SuspensionCause),
    /// Of every linkage of the contract.
    Contract(SuspensionCause),
    /// Of every linkage with the partner at this bank.
    Partner(SuspensionCause),
    /// The partner no longer links to this bank.
    PartnerDisabled,
    /// Of every linkage of the bank.
    Bank(SuspensionCause),
}

/// Who answers for a linkage: the user who allowed, renewed or took it over last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The user at the screen, by the ログインID.
    You(String),
    /// Another user, by the bank's id.
    Another(String),
    /// A user who has left.
    Left(String),
}

impl LinkageInView {
    /// What may be read of any of its accounts.
    pub(in super::super) fn tasks(&self) -> Vec<Task> {
        let has = |task: &Task| self.accounts.iter().any(|each| each.tasks.contains(task));
        [Task::Balance, Task::Transactions]
            .into_iter()
            .filter(has)
            .collect()
    }

    /// Whether it has not ended.
    pub(in super::super) fn goes_on(&self) -> bool {
        matches!(
            self.status,
            LinkageStatus::Live | LinkageStatus::EndsSoon { .. } | LinkageStatus::Paused(_)
        )
    }

    /// In a few words.
    pub(in super::super) fn status_word<'a>(&self, texts: &'a LinkageTexts) -> &'a str {
        match self.status {
            LinkageStatus::Live => texts.status_live.as_str(),
            LinkageStatus::EndsSoon { .. } => texts.status_ends_soon.as_str(),
            LinkageStatus::Paused(_) => texts.status_paused.as_str(),
            LinkageStatus::Expired { .. }
            | LinkageStatus::Revoked { .. }
            | LinkageStatus::Superseded { .. } => texts.status_ended.as_str(),
        }
    }

    /// The word's colour; the word says the same.
    pub(in super::super) fn status_class(&self) -> &'static str {
        match self.status {
            LinkageStatus::Live => "live",
            LinkageStatus::EndsSoon { .. } | LinkageStatus::Paused(_) => "warned",
            LinkageStatus::Expired { .. }
            | LinkageStatus::Revoked { .. }
            | LinkageStatus::Superseded { .. } => "ended",
        }
    }

    /// What stands behind the word, a sentence each.
    pub(in super::super) fn status_lines(&self, texts: &Texts) -> Vec<String> {
        let words = &texts.catalogue.linkage;
        let time = |at: DateTime<Utc>| japan_time::day_and_clock(at, texts.locale());
        match &self.status {
            LinkageStatus::Live => Vec::new(),
            LinkageStatus::EndsSoon { days } => {
                vec![words.ends_in_days.fill(&[(Slot::Count, &days.to_string())])]
            }
            LinkageStatus::Paused(pauses) => pauses
                .iter()
                .map(|pause| pause.text(texts))
                .chain([words.paused_effect.to_string()])
                .collect(),
            LinkageStatus::Expired { at } => {
                vec![words.ended_by_time.fill(&[(Slot::Time, &time(*at))])]
            }
            LinkageStatus::Revoked { at, by, reason } => vec![words.ended_by_act.fill(&[
                (Slot::Time, &time(*at)),
                (Slot::User, texts.by_words(*by)),
                (Slot::Reason, texts.end_reason_words(*reason)),
            ])],
            LinkageStatus::Superseded { at } => {
                vec![words.ended_by_another.fill(&[(Slot::Time, &time(*at))])]
            }
        }
    }

    fn answered_by(&self, texts: &Texts) -> String {
        let words = &texts.catalogue.linkage;
        match &self.answered_by {
            AnsweredBy::You(login) => words.answered_by_you.fill(&[(Slot::User, login)]),
            AnsweredBy::Another(user) => words.answered_by_another.fill(&[(Slot::User, user)]),
            AnsweredBy::Left(user) => words.answered_by_left.fill(&[(Slot::User, user)]),
        }
    }

    pub(super) fn validity(&self, texts: &Texts) -> String {
        let until = japan_time::day_and_clock(self.until, texts.locale());
        let page = &texts.catalogue.authorize;
        page.valid_until.fill(&[(Slot::Time, &until)])
    }

    fn account_lines(&self, texts: &Texts) -> Vec<String> {
        self.accounts
            .iter()
            .map(|account| account.name.text(texts).to_owned())
            .collect()
    }

    /// The few facts of the list.
    pub(in super::super) fn outline(&self, texts: &Texts) -> Vec<Clause> {
        let words = &texts.catalogue.linkage;
        let page = &texts.catalogue.authorize;
        vec![
            Clause::new(&page.partner_heading, vec![self.partner.legal_name.clone()]),
            Clause::new(
                &page.tasks_heading,
                vec![texts.catalogue.task_names.join(&self.tasks())],
            ),
            Clause::new(&page.accounts_heading, self.account_lines(texts)),
            Clause::new(&words.since_heading, vec![self.since(texts)]),
            Clause::new(&page.valid_heading, vec![self.validity(texts)]),
            Clause::new(&words.answered_by_heading, vec![self.answered_by(texts)]),
            Clause::new(&words.last_read_heading, vec![self.last_read_text(texts)]),
        ]
    }

    /// Everything that is said of the linkage as a whole; its accounts stand in a table of their own.
    pub(in super::super) fn facts(&self, texts: &Texts) -> Vec<Clause> {
        let words = &texts.catalogue.linkage;
        let page = &texts.catalogue.authorize;
        let mut facts = vec![
            Clause::new(&words.since_heading, vec![self.since(texts)]),
            Clause::new(&page.valid_heading, vec![self.validity(texts)]),
            Clause::new(&words.answered_by_heading, vec![self.answered_by(texts)]),
            Clause::new(&words.last_read_heading, vec![self.last_read_text(texts)]),
        ];
        facts.extend(self.what(texts));
        facts.extend(self.whom(texts));
        facts
    }

    /// What a renewal agrees to anew: who may read what.
    pub(super) fn agreed(&self, texts: &Texts) -> Vec<Clause> {
        let page = &texts.catalogue.authorize;
        let accounts = self.accounts.iter().map(|account| {
            page.account_line.fill(&[
                (Slot::Account, account.name.text(texts)),
                (
                    Slot::Tasks,
                    &texts.catalogue.task_names.join(&account.tasks),
                ),
            ])
        });
        let mut clauses = vec![Clause::new(&page.accounts_heading, accounts.collect())];
        clauses.extend(self.what(texts));
        clauses.extend(self.whom(texts));
        clauses
    }

    fn what(&self, texts: &Texts) -> [Clause; 2] {
        let page = &texts.catalogue.authorize;
        let history = match self.history_from {
            Some(date) => page
                .history_from
                .fill(&[(Slot::Date, &japan_time::day(date, texts.locale()))]),
            None => page.history_all.to_string(),
        };
        [
            Clause::new(
                &page.tasks_heading,
                vec![texts.catalogue.task_names.join(&self.tasks())],
            ),
            Clause::new(&page.history_heading, vec![history]),
        ]
    }

    fn whom(&self, texts: &Texts) -> [Clause; 4] {
        let page = &texts.catalogue.authorize;
        let partner = &self.partner;
        let onward = if partner.onward_recipients.is_empty() {
            vec![page.onward_none.to_string()]
        } else {
            partner.onward_recipients.clone()
        };
        [
            Clause::new(&page.partner_heading, vec![partner.legal_name.clone()]),
            Clause::new(
                &page.registration_heading,
                vec![partner.registration_number.clone()],
            ),
            Clause::new(
                &page.complaint_heading,
                vec![partner.complaint_contact.clone()],
            ),
            Clause::new(&page.onward_heading, onward),
        ]
    }

    fn last_read_text(&self, texts: &Texts) -> String {
        LastRead::text(self.last_read, texts)
    }

    fn since(&self, texts: &Texts) -> String {
        let since = japan_time::day_and_clock(self.since, texts.locale());
        texts.catalogue.linkage.since.fill(&[(Slot::Time, &since)])
    }
}

impl Pause {
    fn text(self, texts: &Texts) -> String {
        let words = &texts.catalogue.linkage;
        let (phrase, cause) = match self {
            Self::PartnerDisabled => return words.paused_partner_disabled.to_string(),
            Self::Linkage(cause) => (&words.paused_linkage, cause),
            Self::Contract(cause) => (&words.paused_contract, cause),
            Self::Partner(cause) => (&words.paused_partner, cause),
            Self::Bank(cause) => (&words.paused_bank, cause),
        };
        phrase.fill(&[(Slot::Reason, cause_words(texts, cause))])
    }
}
