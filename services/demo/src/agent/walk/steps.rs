//! The bank's steps one by one: each takes the step's page, sends its form, and hands on the page
//! that follows.

use url::Url;

use super::error::WalkError;
use super::story::{AccountRow, Step};
use super::{Credentials, Mark, RowChoice, Task};
use crate::agent::browser::{Browser, Form, Page, Tick};

/// Step 2: logs in; the answer is step 3.
///
/// # Errors
/// As [`super::walk`].
pub async fn log_in(
    browser: &Browser,
    page: &Page,
    credentials: &Credentials,
) -> Result<Page, WalkError> {
    let mut form = form(page, Step::LogIn)?;
    form.set("login_id", &credentials.login_id)
        .set("password", &credentials.password);
    let answer = send(Step::LogIn, form, browser).await?;
    expect(answer, Step::LogIn, Step::ChooseTasks)
}

/// Step 3: ticks exactly these tasks; the answer is step 4.
///
/// # Errors
/// As [`super::walk`]; a task that is not offered is one.
pub async fn choose_tasks(
    browser: &Browser,
    page: &Page,
    tasks: &[Task],
) -> Result<Page, WalkError> {
    let mut form = form(page, Step::ChooseTasks)?;
    let offered = form.choices("task");
    for task in Task::ALL {
        let name = task.name();
        let wanted = tasks.contains(&task);
        if wanted && !offered.iter().any(|choice| choice.value == name) {
            return Err(WalkError::unexpected(
                Step::ChooseTasks,
                format!("task {name}"),
                page,
            ));
        }
        if wanted {
            form.check("task", name);
        } else {
            form.uncheck("task", name);
        }
    }
    let answer = send(Step::ChooseTasks, form, browser).await?;
    expect(answer, Step::ChooseTasks, Step::ChooseAccounts)
}

/// Step 4: fills the table and sends it; the answer is step 5, also where no row succeeded and the
/// page leads only back.
///
/// # Errors
/// As [`super::walk`]; a row that is not in the table is one.
pub async fn choose_accounts(
    browser: &Browser,
    page: &Page,
    rows: &[RowChoice],
) -> Result<Page, WalkError> {
    let (form, _selection) = fill_accounts(page, rows)?;
    let answer = send(Step::ChooseAccounts, form, browser).await?;
    expect(answer, Step::ChooseAccounts, Step::CheckRegistration)
}

/// Step 4 without sending: the filled form, with its button pressed, and the table as it stands.
///
/// # Errors
/// As [`choose_accounts`].
pub fn fill_accounts(
    page: &Page,
    choices: &[RowChoice],
) -> Result<(Form, Vec<AccountRow>), WalkError> {
    let step = Step::ChooseAccounts;
    let mut form = form(page, step)?;
    let mut table = account_rows(page);
    let references: Vec<Option<String>> = page
        .rows("table#accounts")
        .into_iter()
        .map(|row| row.account)
        .collect();
    for choice in choices {
        let found = table
            .iter_mut()
            .zip(&references)
            .find(|(row, _reference)| row.account == choice.account);
        let missing =
            || WalkError::unexpected(step, format!("the row 「{}」", choice.account), page);
        let (row, reference) = found.ok_or_else(missing)?;
        let reference = reference.as_deref().ok_or_else(missing)?;
        match choice.mark {
            Mark::Tick => {
                // A row that cannot be chosen has no box, or one that is disabled.
                if !form
                    .choices("account")
                    .iter()
                    .any(|offer| offer.value == reference)
                {
                    let expected = format!("a box to tick for 「{}」", choice.account);
                    return Err(WalkError::unexpected(step, expected, page));
                }
                form.check("account", reference);
                row.tick = Tick::Ticked;
            }
            Mark::Untick => {
                form.uncheck("account", reference);
                row.tick = Tick::Unticked;
            }
            Mark::Leave => {}
        }
        if let Some(pin) = &choice.pin {
            let name = format!("pin-{reference}");
            if !form.has(&name) {
                let expected = format!("an input {name} for 「{}」", choice.account);
                return Err(WalkError::unexpected(step, expected, page));
            }
            form.set(&name, pin);
            row.pin = "●".repeat(pin.chars().count());
        }
    }
    Ok((form, table))
}

/// Step 5: goes on as the table stands; the answer is step 6.
///
/// # Errors
/// As [`super::walk`].
pub async fn check_registration(browser: &Browser, page: &Page) -> Result<Page, WalkError> {
    let form = form(page, Step::CheckRegistration)?;
    let answer = send(Step::CheckRegistration, form, browser).await?;
    expect(answer, Step::CheckRegistration, Step::Authorize)
}

/// Step 6: agrees and allows; the answer is the bank's end page.
///
/// # Errors
/// As [`super::walk`].
pub async fn allow(browser: &Browser, page: &Page) -> Result<Page, WalkError> {
    let mut form = form(page, Step::Authorize)?;
    if form.choices("agree").is_empty() {
        return Err(WalkError::unexpected(
            Step::Authorize,
            "the box agree",
            page,
        ));
    }
    form.check("agree", "yes");
    let answer = send(Step::Authorize, form, browser).await?;
    let end = expect(answer, Step::Authorize, Step::End)?;
    if end.refresh().is_none_or(|refresh| refresh.after_s > 0) {
        return Err(WalkError::unexpected(
            Step::End,
            "an immediate refresh",
            &end,
        ));
    }
    Ok(end)
}

/// Step 6 refused: presses 「許可しない」; the answer is whatever page follows on the bank's origin.
///
/// # Errors
/// As [`super::walk`].
pub async fn decline(browser: &Browser, page: &Page) -> Result<Page, WalkError> {
    press(
        browser,
        page,
        Step::Authorize,
        "form#decline-form",
        "decline",
    )
    .await
}

/// Cancels on any page before step 6; the answer is whatever page follows on the bank's origin.
///
/// # Errors
/// As [`super::walk`].
pub async fn cancel(browser: &Browser, page: &Page, step: Step) -> Result<Page, WalkError> {
    press(browser, page, step, "form#cancel-form", "cancel").await
}

/// Where the bank's end page sends the browser: its link, which its refresh, if it has one, equals.
///
/// # Errors
/// [`WalkError::Unexpected`] where there is no link, or where the two differ.
pub fn return_address(end: &Page) -> Result<Url, WalkError> {
    let link = end
        .link("a#continue")
        .ok_or_else(|| WalkError::unexpected(Step::End, "a#continue", end))?;
    if end.refresh().is_some_and(|refresh| refresh.url != link) {
        let expected = "a refresh to the same address as the link";
        return Err(WalkError::unexpected(Step::End, expected, end));
    }
    Ok(link)
}

/// The rows of `table#accounts`: 登録状況, 照会口座, 口座メモ, 照会用暗証番号.
#[must_use]
pub fn account_rows(page: &Page) -> Vec<AccountRow> {
    let rows = page.rows("table#accounts");
    rows.into_iter()
        .filter_map(|row| AccountRow::from_cells(row.cells, row.tick))
        .collect()
}

fn form(page: &Page, step: Step) -> Result<Form, WalkError> {
    let missing = |expected: String| WalkError::unexpected(step, expected, page);
    let mut form = page
        .form(step.form())
        .map_err(|_missing| missing(step.form().to_owned()))?;
    if let Some(button) = step.button() {
        form.press(button)
            .map_err(|_missing| missing(format!("button#{button}")))?;
    }
    Ok(form)
}

async fn press(
    browser: &Browser,
    page: &Page,
    step: Step,
    css: &str,
    button: &str,
) -> Result<Page, WalkError> {
    let mut form = page
        .form(css)
        .map_err(|_missing| WalkError::unexpected(step, css.to_owned(), page))?;
    form.press(button).map_err(WalkError::browser(step))?;
    send(step, form, browser).await
}

pub(super) async fn send(step: Step, form: Form, browser: &Browser) -> Result<Page, WalkError> {
    form.submit_and_follow(browser)
        .await
        .map_err(WalkError::browser(step))
}

/// Hands the page on if it is the next step's.
pub(super) fn expect(page: Page, step: Step, next: Step) -> Result<Page, WalkError> {
    if page.status == 200 && page.error_code().is_none() && page.has(next.landmark()) {
        return Ok(page);
    }
    let expected = format!("{next} ({}) as the answer", next.landmark());
    Err(WalkError::unexpected(step, expected, &page))
}
