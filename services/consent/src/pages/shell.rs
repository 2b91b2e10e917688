//! What every page shows around its own subject.

use chrono::{DateTime, Utc};

use super::deadline::Deadline;
use super::tasks::Task;

/// The data around a page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Whose page it is.
    pub bank: BankContact,
    /// To whom the journey links.
    pub partner: PartnerName,
    /// What it may read, as far as the journey has come; `None` before the login.
    pub access: Option<AccessInView>,
    /// Who is logged in; `None` before login and after the end of the bank session.
    pub customer: Option<Customer>,
    /// Until when the customer may take their time; `None` where nothing runs out.
    pub deadline: Option<Deadline>,
    /// Where the cancel button posts to. Not shown at step 6, which has its decline button.
    pub cancel: Option<FormTarget>,
    /// What the customer should know before reading on.
    pub notices: Vec<Notice>,
    /// The number to quote to the bank.
    pub inquiry_number: String,
    /// The page's own address on its origin, where the language switch leads back to.
    pub address: String,
}

/// What the partner may read, from step 3 on in sight on every page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessInView {
    /// What the partner asks for; nothing is chosen yet.
    Asked(Vec<Task>),
    /// What the customer has chosen.
    Chosen(Vec<Task>),
}

/// The bank as the customer knows it, and how to reach it.
#[derive(Debug, Clone)]
pub struct BankContact {
    /// E.g. 中央労働金庫（法人）.
    pub display_name: String,
    /// As the bank prints it.
    pub phone: String,
    /// As the bank prints it, e.g. 平日 9:00〜17:00.
    pub hours: String,
}

/// The partner (API連携事業者) in short.
#[derive(Debug, Clone)]
pub struct PartnerName {
    /// The product that the customer came from.
    pub service_name: String,
    /// The company behind it, as registered.
    pub legal_name: String,
}

/// The person at the screen, so that a wrong login is noticed in time.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The ログインID.
    pub login_name: String,
    /// The 団体.
    pub contract_name: String,
}

/// Where a form posts to, and its one-time key (the hidden field `form_key`).
#[derive(Debug, Clone)]
pub struct FormTarget {
    /// The URL of the form's `action`.
    pub action: String,
    /// Minted with the page, spent by its first recorded outcome.
    pub form_key: String,
}

/// A message at the top of a step's page (`role="status"`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The form was sent before with other content; nothing was changed this time.
    AlreadySent,
    /// After a new login the journey goes on at its step, with its choices and without PINs.
    Resumed,
    /// The bank session ended by idleness; a login resumes the journey.
    SessionEnded,
    /// The page that was confirmed is not what stands now.
    SelectionChanged,
    /// The end of the journey's time is near; it can't be put off.
    DeadlineNear {
        /// Minutes left, rounded up.
        minutes: u32,
    },
    /// The bank has announced maintenance that begins soon.
    MaintenanceAhead {
        /// When it begins.
        from: DateTime<Utc>,
        /// When it ends, where known.
        until: Option<DateTime<Utc>>,
    },
}

/// The state of a tick box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Ticked.
    Ticked,
    /// Not ticked.
    Unticked,
}

impl Tick {
    pub(super) fn is_ticked(self) -> bool {
        self == Self::Ticked
    }
}
