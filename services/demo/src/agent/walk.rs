//! The seven steps as one customer walks them, over HTTP.
//!
//! The steps of the bank stand here one by one, so that a test can stop between any two of them;
//! [`walk`] and [`walk_through_partner_app`] take them all.

mod error;
mod partner_app;
mod read;
mod steps;
mod story;

use url::Url;

use super::browser::{Browser, Page};
use super::partner::{ParRequest, PartnerClient};
use steps::{expect, send};

pub use error::{Seen, WalkError};
pub use partner_app::{PartnerAppWalk, walk_through_partner_app};
pub use read::read_all;
pub use steps::{
    account_rows, allow, cancel, check_registration, choose_accounts, choose_tasks, decline,
    fill_accounts, log_in, return_address,
};
pub use story::{
    AccountReading, AccountRow, PartnerAppView, Reading, Received, Screen, Statement, Step, Story,
};

/// A login.
#[derive(Clone)]
pub struct Credentials {
    /// ログインID.
    pub login_id: String,
    /// パスワード.
    pub password: String,
}

/// A task that a partner may be allowed (認可対象業務).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// 残高照会.
    Balance,
    /// 入出金明細照会.
    Transactions,
}

impl Task {
    /// Both, in the order of the screen.
    pub const ALL: [Self; 2] = [Self::Balance, Self::Transactions];

    /// The form value, scope and `authorization_details` name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Balance => "balance",
            Self::Transactions => "transactions",
        }
    }
}

/// What the customer does to one row of step 4.
#[derive(Clone)]
pub struct RowChoice {
    /// The text of the row's 照会口座 cell, e.g. 「インターネット支店(000) 普通 5000000」.
    pub account: String,
    /// What becomes of its tick.
    pub mark: Mark,
    /// What is typed as its 照会用暗証番号, ticked or not.
    pub pin: Option<String>,
}

/// What becomes of a row's tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is set.
    Tick,
    /// It is cleared.
    Untick,
    /// It stays as the page shows it.
    Leave,
}

/// Everything that the customer decides on the bank's pages. Rows that are not named stay as they
/// are shown.
#[derive(Clone)]
pub struct Choices {
    /// Step 2.
    pub credentials: Credentials,
    /// Step 3: exactly these are ticked.
    pub tasks: Vec<Task>,
    /// Step 4.
    pub rows: Vec<RowChoice>,
}

/// One customer, one partner.
#[derive(Clone)]
pub struct Walk {
    /// The customer's browser.
    pub browser: Browser,
    /// The partner's client.
    pub partner: PartnerClient,
    /// What the partner asks for.
    pub request: ParRequest,
    /// What the customer decides.
    pub choices: Choices,
    /// Where to read with the new access token; `None` reads nothing.
    pub account_api: Option<Url>,
}

/// What the bank's pages showed, up to its own end page.
#[derive(Clone, Debug)]
pub struct BankPages {
    /// Every screen, in order.
    pub screens: Vec<Screen>,
    /// The table of step 4 before the customer touches it.
    pub offered: Vec<AccountRow>,
    /// The table of step 4 as the customer sends it.
    pub selection: Vec<AccountRow>,
    /// The table of step 5.
    pub confirmation: Vec<AccountRow>,
    /// The bank's end page.
    pub end: Page,
}

/// Walks from the pushed request to the tokens, and reads with them where `account_api` is given.
///
/// # Errors
/// [`WalkError`] names the step, what it expected and what it saw.
pub async fn walk(walk: &Walk) -> Result<Story, WalkError> {
    let Walk {
        browser,
        partner,
        request,
        choices,
        account_api,
    } = walk;
    let pushed = partner
        .push(request)
        .await
        .map_err(WalkError::partner(Step::PickBank))?;
    let login = browser
        .get(partner.authorization_url(&pushed))
        .await
        .map_err(WalkError::browser(Step::LogIn))?;
    let login = browser
        .follow_to_end(login, &pushed.authorization_endpoint)
        .await
        .map_err(WalkError::browser(Step::LogIn))?;
    let pages = Box::pin(walk_bank_pages(browser, login, choices)).await?;
    let address = return_address(&pages.end)?;
    let tokens = partner
        .complete(&address, &pushed)
        .await
        .map_err(WalkError::partner(Step::Receive))?;
    let reading = match account_api {
        Some(base) => Some(Box::pin(read_all(base, &tokens)).await?),
        None => None,
    };
    Ok(Story {
        screens: pages.screens,
        offered: pages.offered,
        selection: pages.selection,
        confirmation: pages.confirmation,
        received: Received::Tokens {
            tokens: Box::new(tokens),
            reading,
        },
    })
}

/// Walks steps 2 to 6 from the login page to the bank's end page.
///
/// # Errors
/// As [`walk`].
pub async fn walk_bank_pages(
    browser: &Browser,
    login: Page,
    choices: &Choices,
) -> Result<BankPages, WalkError> {
    let tasks = log_in(browser, &login, &choices.credentials).await?;
    let accounts = choose_tasks(browser, &tasks, &choices.tasks).await?;
    let offered = account_rows(&accounts);
    let (form, selection) = fill_accounts(&accounts, &choices.rows)?;
    let confirm = send(Step::ChooseAccounts, form, browser).await?;
    let confirm = expect(confirm, Step::ChooseAccounts, Step::CheckRegistration)?;
    let confirmation = account_rows(&confirm);
    let authorize = check_registration(browser, &confirm).await?;
    let end = allow(browser, &authorize).await?;
    let screens = [
        (Step::LogIn, &login),
        (Step::ChooseTasks, &tasks),
        (Step::ChooseAccounts, &accounts),
        (Step::CheckRegistration, &confirm),
        (Step::Authorize, &authorize),
        (Step::End, &end),
    ];
    let screens = screens.map(|(step, page)| Screen::of(step, page)).into();
    Ok(BankPages {
        screens,
        offered,
        selection,
        confirmation,
        end,
    })
}

#[cfg(test)]
mod tests;
