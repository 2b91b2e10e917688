//! One linkage.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};

use super::{
    super::{
        clauses::Clause,
        japan_time,
        layout::{Layout, RenderError},
        linkage_texts::LinkageTexts,
        phrase::Slot,
        tasks::Task,
        texts::{AccountTableTexts, Texts},
    },
    AccountName, AccountNames, Continuation, LastRead, LinkageInView, LinkagesFrame,
};

/// One linkage, what happened to it, what was read, and what may be done about it.
#[derive(Debug, Clone)]
pub struct LinkageView {
    /// The page around it.
    pub frame: LinkagesFrame,
    /// The linkage.
    pub linkage: LinkageInView,
    /// Whether accounts can be named.
    pub names: AccountNames,
    /// What this user may do.
    pub acts: LinkageActs,
    /// Of one that has ended: from where a new one would go on.
    pub continuations: Vec<Continuation>,
    /// What happened to it, the latest first.
    pub history: Vec<HistoryLine>,
    /// The latest reads, the latest first.
    pub reads: Vec<ReadInView>,
    /// Back to the list.
    pub list_url: String,
}

/// Where the acts begin; `None` for one that this user may not do, or that can't be done.
#[derive(Debug, Clone, Default)]
pub struct LinkageActs {
    /// To end it.
    pub end: Option<String>,
    /// To renew it.
    pub renew: RenewAct,
    /// To answer for it in place of a user who has left.
    pub take_over: Option<String>,
    /// To take an account out, by the account's id.
    pub remove: BTreeMap<String, String>,
}

/// Where a renewal begins.
#[derive(Debug, Clone, Default)]
pub enum RenewAct {
    /// Nowhere for this user, or not now.
    #[default]
    None,
    /// Here, at this address.
    Here(String),
    /// At the partner's service.
    AtService(ByJourney),
}

/// Why a renewal takes every step of a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByJourney {
    /// The bank has it so.
    BanksRule,
    /// The terms are not those that were agreed to.
    TermsChanged,
    /// The partner passes information on to others than was agreed to.
    RecipientsChanged,
    /// What was agreed to is not to be had any more.
    Unknown,
}

/// Something that happened to a linkage.
#[derive(Debug, Clone)]
pub struct HistoryLine {
    /// When.
    pub at: DateTime<Utc>,
    /// What, as a sentence.
    pub text: String,
    /// Who recorded it.
    pub by: String,
}

/// A read of data.
#[derive(Debug, Clone)]
pub struct ReadInView {
    /// When.
    pub at: DateTime<Utc>,
    /// What.
    pub what: ReadWhat,
    /// Of which account; `None` of the list of accounts.
    pub account: Option<AccountName>,
    /// Of which days, both ends inclusive.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// How many accounts, balances or transactions.
    pub rows: u32,
}

/// What a read gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadWhat {
    /// The list of accounts.
    Accounts,
    /// 残高照会
    Balance,
    /// 入出金明細照会
    Transactions,
}

struct AccountRow<'a> {
    reference: &'a str,
    name: &'a str,
    memo: &'a str,
    tasks: String,
    last_read: String,
    remove: Option<(&'a str, String)>,
}

struct HistoryRow<'a> {
    at: String,
    text: &'a str,
    by: String,
}

struct ReadRow {
    at: String,
    what: String,
    rows: String,
}

#[derive(Template)]
#[template(path = "linkage.html")]
struct LinkagePage<'a> {
    layout: Layout<'a>,
    words: &'a LinkageTexts,
    table: &'a AccountTableTexts,
    view: &'a LinkageView,
    status: &'a str,
    status_lines: Vec<String>,
    clauses: Vec<Clause>,
    rows: Vec<AccountRow<'a>>,
    continued: Vec<String>,
    renew_elsewhere: Option<(&'a str, String)>,
    history: Vec<HistoryRow<'a>>,
    reads: Vec<ReadRow>,
    names_unknown: Option<&'a str>,
}

impl LinkagePage<'_> {
    fn renew_here(&self) -> Option<&str> {
        match &self.view.acts.renew {
            RenewAct::Here(url) => Some(url),
            RenewAct::None | RenewAct::AtService(_) => None,
        }
    }

    /// Whether there is nothing to do for this user about the linkage as a whole.
    fn is_idle(&self) -> bool {
        let acts = &self.view.acts;
        acts.end.is_none() && acts.take_over.is_none() && matches!(acts.renew, RenewAct::None)
    }
}

impl LinkageView {
    /// Writes the page out.
    ///
    /// # Errors
    /// [`RenderError`] when the template can't be written.
    pub fn render(&self, texts: &Texts) -> Result<String, RenderError> {
        let words = &texts.catalogue.linkage;
        Ok(LinkagePage {
            layout: self.frame.layout(texts, words.title.as_str(), Vec::new()),
            words,
            table: &texts.catalogue.account_table,
            view: self,
            status: self.linkage.status_word(words),
            status_lines: self.linkage.status_lines(texts),
            clauses: self.linkage.facts(texts),
            rows: self.account_rows(texts),
            continued: self
                .continuations
                .iter()
                .flat_map(|each| each.lines(texts))
                .collect(),
            renew_elsewhere: self.renew_elsewhere(texts),
            history: self.history_rows(texts),
            reads: self.reads.iter().map(|read| read.row(texts)).collect(),
            names_unknown: self.names.remark(texts),
        }
        .render()?)
    }

    fn account_rows<'a>(&'a self, texts: &'a Texts) -> Vec<AccountRow<'a>> {
        let words = &texts.catalogue.linkage;
        let table = &texts.catalogue.account_table;
        let accounts = self.linkage.accounts.iter();
        let row = |account: &'a super::AccountInLinkage| {
            let name = account.name.text(texts);
            let remove = self.acts.remove.get(&account.reference);
            AccountRow {
                reference: &account.reference,
                name,
                memo: account
                    .memo
                    .as_deref()
                    .filter(|memo| !memo.trim().is_empty())
                    .unwrap_or(table.none.as_str()),
                tasks: texts.catalogue.task_names.join(&account.tasks),
                last_read: LastRead::text(account.last_read, texts),
                remove: remove.map(|url| {
                    let spoken = words.remove_spoken.fill(&[(Slot::Account, name)]);
                    (url.as_str(), spoken)
                }),
            }
        };
        accounts.map(row).collect()
    }

    fn renew_elsewhere<'a>(&self, texts: &'a Texts) -> Option<(&'a str, String)> {
        let RenewAct::AtService(why) = &self.acts.renew else {
            return None;
        };
        let words = &texts.catalogue.linkage;
        let reason = match why {
            ByJourney::BanksRule => &words.renew_by_bank,
            ByJourney::TermsChanged => &words.renew_terms_changed,
            ByJourney::RecipientsChanged => &words.renew_recipients_changed,
            ByJourney::Unknown => &words.renew_unknown,
        };
        let service = [(Slot::Service, self.linkage.partner.service_name.as_str())];
        Some((reason.as_str(), words.renew_where.fill(&service)))
    }

    fn history_rows(&self, texts: &Texts) -> Vec<HistoryRow<'_>> {
        let words = &texts.catalogue.linkage;
        let rows = self.history.iter().map(|line| HistoryRow {
            at: japan_time::day_and_clock(line.at, texts.locale()),
            text: &line.text,
            by: words.history_by.fill(&[(Slot::User, &line.by)]),
        });
        rows.collect()
    }
}

impl ReadInView {
    fn row(&self, texts: &Texts) -> ReadRow {
        let words = &texts.catalogue.linkage;
        let names = &texts.catalogue.task_names;
        let day = |date: NaiveDate| japan_time::day(date, texts.locale());
        let kind = match self.what {
            ReadWhat::Accounts => words.read_accounts.as_str(),
            ReadWhat::Balance => names.name(Task::Balance),
            ReadWhat::Transactions => names.name(Task::Transactions),
        };
        let account = self.account.as_ref().map(|account| account.text(texts));
        let days = self.days.map(|(from, until)| {
            words
                .read_days
                .fill(&[(Slot::From, &day(from)), (Slot::Until, &day(until))])
        });
        let parts: Vec<&str> = [Some(kind), account, days.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        ReadRow {
            at: japan_time::day_and_clock(self.at, texts.locale()),
            what: parts.join(names.separator.as_str()),
            rows: words.rows.fill(&[(Slot::Count, &self.rows.to_string())]),
        }
    }
}
