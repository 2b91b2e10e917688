//! What the customer consents to, in words: one source for the page of step 6 and for the text
//! whose hash is kept with the consent.

use super::authorize::{AuthorizeView, AuthorizedAccount, LinkageChange};
use super::japan_time;
use super::phrase::Slot;
use super::texts::{AuthorizeTexts, Texts};

/// One point of the consent.
pub(super) struct Clause {
    pub(super) heading: String,
    pub(super) lines: Vec<String>,
    pub(super) emphasis: Emphasis,
}

/// How much a clause stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emphasis {
    Plain,
    /// Something that there is changes or ends.
    Strong,
}

impl Clause {
    pub(super) fn new(heading: impl ToString, lines: Vec<String>) -> Self {
        Self {
            heading: heading.to_string(),
            lines,
            emphasis: Emphasis::Plain,
        }
    }

    pub(super) fn is_strong(&self) -> bool {
        self.emphasis == Emphasis::Strong
    }
}

/// The exact text of a consent: what step 6 shows, without its markup, one statement a line, lines
/// ended by `\n`. UTF-8. It begins with version and locale, so that a hash of it covers them.
///
/// The tests hold every line of it against the rendered page.
pub fn consent_text(view: &AuthorizeView, texts: &Texts) -> String {
    let page = &texts.catalogue.authorize;
    let mut lines = vec![
        page.text_version.fill(&[
            (Slot::Version, texts.version()),
            (Slot::Locale, texts.locale().tag()),
        ]),
        view.shell.bank.display_name.clone(),
        page.title.to_string(),
        statement(view, texts),
    ];
    for clause in clauses(view, texts) {
        lines.push(clause.heading);
        lines.extend(clause.lines);
    }
    lines.push(page.agree.to_string());
    // A line break inside a value would make two different consents read the same.
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.replace(['\r', '\n'], " "));
        text.push('\n');
    }
    text
}

pub(super) fn statement(view: &AuthorizeView, texts: &Texts) -> String {
    texts.catalogue.authorize.statement.fill(&[
        (Slot::LegalName, &view.partner.legal_name),
        (Slot::Service, &view.partner.service_name),
    ])
}

pub(super) fn clauses(view: &AuthorizeView, texts: &Texts) -> Vec<Clause> {
    let page = &texts.catalogue.authorize;
    let mut clauses = Vec::new();
    clauses.extend(change(view, page));
    clauses.extend(superseded(view, page));
    clauses.extend(scope(view, texts));
    clauses.extend(continued(view, texts));
    clauses.extend(partner(view, page));
    clauses.extend(end(view, page));
    clauses
}

fn change(view: &AuthorizeView, page: &AuthorizeTexts) -> Option<Clause> {
    let (how, added, removed): (_, _, &[String]) = match &view.change {
        LinkageChange::Makes => return None,
        LinkageChange::Adds { added } => (&page.change_adds, added, &[]),
        LinkageChange::Amends { added, removed } => (&page.change_amends, added, removed),
    };
    let mut lines = vec![how.to_string()];
    lines.extend(
        added
            .iter()
            .map(|account| page.change_added.fill(&[(Slot::Account, account)])),
    );
    lines.extend(
        removed
            .iter()
            .map(|account| page.change_removed.fill(&[(Slot::Account, account)])),
    );
    if added.is_empty() && removed.is_empty() {
        lines.push(page.change_accounts_same.to_string());
    }
    if !removed.is_empty() {
        lines.push(page.change_removed_effect.to_string());
    }
    Some(Clause {
        emphasis: Emphasis::Strong,
        ..Clause::new(&page.change_heading, lines)
    })
}

fn superseded(view: &AuthorizeView, page: &AuthorizeTexts) -> Option<Clause> {
    if view.superseded.is_empty() {
        return None;
    }
    let lines = view
        .superseded
        .iter()
        .map(|linkage| page.supersede_line.fill(&[(Slot::Linkage, linkage)]))
        .collect();
    Some(Clause {
        emphasis: Emphasis::Strong,
        ..Clause::new(&page.supersede_heading, lines)
    })
}

fn scope(view: &AuthorizeView, texts: &Texts) -> [Clause; 4] {
    let page = &texts.catalogue.authorize;
    let names = &texts.catalogue.task_names;
    let tasks = view
        .tasks
        .iter()
        .map(|task| names.name(*task).to_owned())
        .collect();
    let accounts = view
        .accounts
        .iter()
        .map(|account| account_line(account, texts))
        .collect();
    let history = match view.history_from {
        Some(date) => page
            .history_from
            .fill(&[(Slot::Date, &japan_time::day(date, texts.locale()))]),
        None => page.history_all.to_string(),
    };
    let valid = page.valid_until.fill(&[(
        Slot::Time,
        &japan_time::day_and_clock(view.valid_until, texts.locale()),
    )]);
    [
        Clause::new(&page.tasks_heading, tasks),
        Clause::new(&page.accounts_heading, accounts),
        Clause::new(&page.history_heading, vec![history]),
        Clause::new(&page.valid_heading, vec![valid]),
    ]
}

/// From where statements go on, and what can't be had any more.
fn continued(view: &AuthorizeView, texts: &Texts) -> Option<Clause> {
    if view.continued.is_empty() {
        return None;
    }
    let page = &texts.catalogue.authorize;
    let day = |date| japan_time::day(date, texts.locale());
    let lines = view.continued.iter().flat_map(|account| {
        let goes_on = page.continued_line.fill(&[
            (Slot::Account, &account.account),
            (Slot::Date, &day(account.from)),
        ]);
        let lost = account.lost.map(|(from, until)| {
            page.continued_lost.fill(&[
                (Slot::Account, &account.account),
                (Slot::From, &day(from)),
                (Slot::Until, &day(until)),
            ])
        });
        std::iter::once(goes_on).chain(lost)
    });
    Some(Clause::new(&page.continued_heading, lines.collect()))
}

fn account_line(account: &AuthorizedAccount, texts: &Texts) -> String {
    let page = &texts.catalogue.authorize;
    let tasks = texts.catalogue.task_names.join(&account.tasks);
    match account
        .memo
        .as_deref()
        .filter(|memo| !memo.trim().is_empty())
    {
        Some(memo) => page.account_line_memo.fill(&[
            (Slot::Account, &account.account),
            (Slot::Memo, memo),
            (Slot::Tasks, &tasks),
        ]),
        None => page
            .account_line
            .fill(&[(Slot::Account, &account.account), (Slot::Tasks, &tasks)]),
    }
}

fn partner(view: &AuthorizeView, page: &AuthorizeTexts) -> [Clause; 5] {
    let partner = &view.partner;
    let onward = if partner.onward_recipients.is_empty() {
        vec![page.onward_none.to_string()]
    } else {
        partner.onward_recipients.clone()
    };
    [
        Clause::new(&page.partner_heading, vec![partner.legal_name.clone()]),
        Clause::new(&page.service_heading, vec![partner.service_name.clone()]),
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

fn end(view: &AuthorizeView, page: &AuthorizeTexts) -> [Clause; 2] {
    let bank = &view.shell.bank;
    let here = page.end_here.fill(&[(Slot::Address, &view.linkages_url)]);
    let at_bank = page.end_line.fill(&[
        (Slot::Bank, &bank.display_name),
        (Slot::Phone, &bank.phone),
        (Slot::Hours, &bank.hours),
    ]);
    let at_service = page
        .end_at_service
        .fill(&[(Slot::Service, &view.partner.service_name)]);
    let terms = page
        .terms_line
        .fill(&[(Slot::Version, &view.terms_version)]);
    [
        Clause::new(&page.end_heading, vec![here, at_bank, at_service]),
        Clause::new(&page.terms_heading, vec![terms]),
    ]
}
