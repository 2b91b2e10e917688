//! The walk with the sample partner's own pages at both ends.

use url::Url;

use super::error::WalkError;
use super::story::{PartnerAppView, Received, Screen, Statement, Step, Story};
use super::{Choices, return_address, walk_bank_pages};
use crate::agent::browser::{Browser, Page};

/// One customer in the sample partner's service.
#[derive(Clone)]
pub struct PartnerAppWalk {
    /// The customer's browser.
    pub browser: Browser,
    /// The sample partner's address as browsers reach it.
    pub partner_app_url: Url,
    /// The bank's code.
    pub bank_code: String,
    /// What the customer decides on the bank's pages.
    pub choices: Choices,
}

/// Picks the bank in the sample partner's service, walks the bank's pages, comes back, takes over
/// all data, and opens each linked account's statement.
///
/// # Errors
/// As [`super::walk`].
pub async fn walk_through_partner_app(walk: &PartnerAppWalk) -> Result<Story, WalkError> {
    let PartnerAppWalk {
        browser,
        partner_app_url,
        bank_code,
        choices,
    } = walk;
    let banks = open(browser, Step::PickBank, partner_app_url, "/banks").await?;
    let login = pick_bank(browser, &banks, bank_code).await?;
    let pages = Box::pin(walk_bank_pages(browser, login, choices)).await?;
    let address = return_address(&pages.end)?;
    let step = Step::Receive;
    let settings = browser
        .open(&pages.end, address)
        .await
        .map_err(WalkError::browser(step))?;
    let settings = browser
        .follow_to_end(settings, partner_app_url)
        .await
        .map_err(WalkError::browser(step))?;
    let view = Box::pin(import(browser, partner_app_url, &settings)).await?;

    let mut screens = vec![Screen::of(Step::PickBank, &banks)];
    screens.extend(pages.screens);
    screens.push(Screen::of(step, &settings));
    Ok(Story {
        screens,
        offered: pages.offered,
        selection: pages.selection,
        confirmation: pages.confirmation,
        received: Received::PartnerApp(view),
    })
}

/// Step 1: the answer is the bank's login page.
async fn pick_bank(browser: &Browser, banks: &Page, code: &str) -> Result<Page, WalkError> {
    let step = Step::PickBank;
    let css = format!(r#"form[data-bank="{code}"], [data-bank="{code}"] form"#);
    let mut form = banks
        .form(&css)
        .map_err(|_missing| WalkError::unexpected(step, css.clone(), banks))?;
    form.press(&format!("link-{code}-submit"))
        .map_err(WalkError::browser(step))?;
    let sent = form
        .submit_and_follow(browser)
        .await
        .map_err(WalkError::browser(step))?;
    let bank = sent
        .location()
        .ok_or_else(|| WalkError::unexpected(step, "a redirect to the bank", &sent))?;
    let login = browser
        .follow(&sent)
        .await
        .map_err(WalkError::browser(step))?;
    browser
        .follow_to_end(login, &bank)
        .await
        .map_err(WalkError::browser(Step::LogIn))
}

/// Step 7: saves the settings as they are offered, then looks at what came in.
async fn import(
    browser: &Browser,
    partner_app_url: &Url,
    settings: &Page,
) -> Result<PartnerAppView, WalkError> {
    let step = Step::Receive;
    let mut form = settings
        .form(step.form())
        .map_err(|_missing| WalkError::unexpected(step, step.form(), settings))?;
    form.press("import-submit")
        .map_err(WalkError::browser(step))?;
    let saved = form
        .submit_and_follow(browser)
        .await
        .map_err(WalkError::browser(step))?;
    without_problem(&saved)?;
    let accounts = open(browser, step, partner_app_url, "/accounts").await?;
    without_problem(&accounts)?;
    let css = "table#linked-accounts";
    if !accounts.has(css) {
        return Err(WalkError::unexpected(step, css, &accounts));
    }
    // Rows of an account name it; the others are the groups' headings.
    let linked = accounts
        .rows(css)
        .into_iter()
        .filter(|row| row.account.is_some());
    let mut rows = Vec::new();
    let mut transactions = Vec::new();
    for row in linked {
        let account = row.account.unwrap_or_default();
        let link = accounts.link(&format!(r#"{css} tr[data-account="{account}"] a[href]"#));
        let label = row.cells.first().cloned().unwrap_or_default();
        rows.push(row.cells);
        // Without the task 入出金明細照会 there is no statement to open.
        let Some(link) = link else { continue };
        let page = browser
            .open(&accounts, link)
            .await
            .map_err(WalkError::browser(step))?;
        without_problem(&page)?;
        transactions.push((label, statement(&page)));
    }
    standing_at_bank(browser, partner_app_url).await?;
    let accounts = Statement {
        head: accounts.table_head(css),
        rows,
    };
    Ok(PartnerAppView {
        accounts,
        transactions,
    })
}

/// What the bank says of the latest linkage when the service asks it: in force, and read.
async fn standing_at_bank(browser: &Browser, partner_app_url: &Url) -> Result<(), WalkError> {
    let step = Step::Receive;
    let home = open(browser, step, partner_app_url, "/").await?;
    let css = r#"a[href^="/linkages/"][href$="/status"]"#;
    let link = home
        .link(css)
        .ok_or_else(|| WalkError::unexpected(step, css, &home))?;
    let page = browser
        .open(&home, link)
        .await
        .map_err(WalkError::browser(step))?;
    let active = r#"#bank-status[data-status="active"]"#;
    for css in [active, "table#reads tbody tr"] {
        if !page.has(css) {
            return Err(WalkError::unexpected(step, css, &page));
        }
    }
    Ok(())
}

/// A page that neither is an error nor reports one.
fn without_problem(page: &Page) -> Result<(), WalkError> {
    if page.status == 200 && page.error_code().is_none() && !page.has("[data-problem]") {
        return Ok(());
    }
    Err(WalkError::unexpected(
        Step::Receive,
        "a page without a problem",
        page,
    ))
}

/// The table of transactions; a period without any has no table.
fn statement(page: &Page) -> Statement {
    let css = "table#transactions";
    Statement {
        head: page.table_head(css),
        rows: page.table(css),
    }
}

async fn open(browser: &Browser, step: Step, base: &Url, path: &str) -> Result<Page, WalkError> {
    let mut url = base.clone();
    url.set_path(path);
    let page = browser.get(&url).await.map_err(WalkError::browser(step))?;
    let page = browser
        .follow_to_end(page, base)
        .await
        .map_err(WalkError::browser(step))?;
    if page.status == 200 {
        return Ok(page);
    }
    Err(WalkError::unexpected(
        step,
        format!("{path} with status 200"),
        &page,
    ))
}
