//! After the seven steps: the customer ends the linkage at the bank, the service hears of it and says why, and the
//! operators' console tells the whole story.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use tokio::time::sleep;
use url::Url;

use crate::addresses::Addresses;
use crate::agent::browser::{Browser, BrowserError, Page};
use crate::agent::seed_example::{BANK_CODE, LOGIN_ID, PASSWORD};
use crate::operators::OPERATORS;

/// The sample service's name at the bank.
const SERVICE: &str = "かんたん会計";
/// How long the service may take to hear of the end.
const HEARD_WITHIN: Duration = Duration::from_secs(20);
/// Between two looks at its notices.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Why it did not go on.
#[derive(Debug, thiserror::Error)]
pub enum AfterwardsError {
    /// A page could not be had, or lacks what is needed next.
    #[error("{doing}: {source}")]
    Page {
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        source: BrowserError,
    },
    /// A page does not say what it should.
    #[error("{doing}: expected {expected}; saw {seen:?}")]
    Unexpected {
        /// What was being done.
        doing: &'static str,
        /// What should be there.
        expected: String,
        /// The page's text, shortened.
        seen: String,
    },
    /// An address that is no URL.
    #[error("an address: {0}")]
    Address(#[from] url::ParseError),
}

/// What was seen.
pub(crate) struct Afterwards {
    /// The title and the state of the linkage once it was ended at the bank.
    ended: (String, String),
    /// The service's notice: what happened and what it means.
    notice: (String, String),
    /// How long the service took to show it.
    heard_after: Duration,
    /// Every event on the console's page of the consent, the time and the words.
    told: Vec<String>,
}

/// Ends the linkage as the customer, waits for the service's notice, and reads the console.
///
/// # Errors
/// [`AfterwardsError`] where a page is not what the next step needs.
pub(crate) async fn walk(
    addresses: Addresses,
    browser: &Browser,
    staff: &Browser,
) -> Result<Afterwards, AfterwardsError> {
    let ended = Box::pin(end_linkage(addresses, browser)).await?;
    let since = Instant::now();
    let notice = Box::pin(notice_of_end(addresses, browser)).await?;
    let heard_after = since.elapsed();
    let told = Box::pin(story(addresses, staff)).await?;
    Ok(Afterwards {
        ended,
        notice,
        heard_after,
        told,
    })
}

/// At the bank's own page, behind its login.
async fn end_linkage(
    addresses: Addresses,
    browser: &Browser,
) -> Result<(String, String), AfterwardsError> {
    let at = During("the customer's page of linkages");
    let base = Url::parse(&addresses.consent())?;
    let page = browser
        .get(base.join(&format!("/{BANK_CODE}/linkages"))?)
        .await;
    let page = at.follow(browser, page, &base).await?;
    let mut form = page.form("form#login-form").map_err(at.failed())?;
    form.set("login_id", LOGIN_ID)
        .set("password", PASSWORD)
        .press("login-submit")
        .map_err(at.failed())?;
    let list = form.submit_and_follow(browser).await;
    let list = at.follow(browser, list, &base).await?;
    let services = list.texts("#live article h3");
    let links = list.links("#live article a.open");
    let ours = services.iter().position(|service| service == SERVICE);
    let (_, link) = ours
        .and_then(|index| links.get(index))
        .ok_or_else(|| at.unexpected(format!("the linkage with {SERVICE}"), &list))?;
    let linkage = browser
        .open(&list, link.clone())
        .await
        .map_err(at.failed())?;
    let confirm = browser
        .click(&linkage, "a#end")
        .await
        .map_err(at.failed())?;
    let mut form = confirm.form("form#end-form").map_err(at.failed())?;
    form.press("end-submit").map_err(at.failed())?;
    let done = form.submit_and_follow(browser).await;
    let done = at.follow(browser, done, &base).await?;
    let state = done
        .text("#status strong")
        .filter(|_| !done.has("a#end"))
        .ok_or_else(|| at.unexpected("the linkage as ended".to_owned(), &done))?;
    Ok((done.title().unwrap_or_default(), state))
}

/// At the service: its notice says what happened and what it means.
async fn notice_of_end(
    addresses: Addresses,
    browser: &Browser,
) -> Result<(String, String), AfterwardsError> {
    let at = During("the service's notices");
    let address = Url::parse(&addresses.partner_app())?.join("/notifications")?;
    let until = Instant::now() + HEARD_WITHIN;
    loop {
        let page = browser.get(address.clone()).await.map_err(at.failed())?;
        let css = r#"li[data-notification="revoked"]"#;
        let (head, text) = (
            page.text(&format!("{css} h2")),
            page.text(&format!("{css} p")),
        );
        match (head, text) {
            (Some(head), Some(text)) => return Ok((head, text)),
            _ if Instant::now() < until => sleep(LOOK_EVERY).await,
            _ => return Err(at.unexpected("a notice of the end".to_owned(), &page)),
        }
    }
}

/// At the bank's desk: the latest consent that was revoked, event by event.
async fn story(addresses: Addresses, staff: &Browser) -> Result<Vec<String>, AfterwardsError> {
    let at = During("the operators' console");
    let base = Url::parse(&addresses.operators())?;
    let page = staff.get(base.join("/console")?).await;
    let login = at.follow(staff, page, &base).await?;
    let [operator, ..] = OPERATORS;
    let mut form = login.form("form#login-form").map_err(at.failed())?;
    form.set("operator", operator.id)
        .set("password", operator.password)
        .press("login-form-submit")
        .map_err(at.failed())?;
    let banks = form.submit_and_follow(staff).await;
    at.follow(staff, banks, &base).await?;
    let address = base.join(&format!(
        "/console/banks/{BANK_CODE}/consents?status=revoked"
    ))?;
    let found = staff.get(address).await.map_err(at.failed())?;
    let consent = staff.click(&found, "#consents tbody tr a").await;
    let consent = consent.map_err(at.failed())?;
    let told = consent.texts("#story > li");
    let says = |words: &str| told.iter().any(|line| line.contains(words));
    if says("参照を許可しました") && says("お客さまが解除しました") {
        Ok(told)
    } else {
        Err(at.unexpected(
            "the story from the permission to the end".to_owned(),
            &consent,
        ))
    }
}

/// Prints what was seen.
///
/// # Errors
/// As `out`.
pub(crate) fn print(out: &mut impl Write, seen: &Afterwards) -> io::Result<()> {
    let Afterwards {
        ended: (title, state),
        notice: (head, text),
        heard_after,
        told,
    } = seen;
    writeln!(
        out,
        "その後    お客さまが金融機関の画面で解除: {title}: {state}"
    )?;
    writeln!(
        out,
        "          {SERVICE}のお知らせ（{:.1}秒後）: {head}。{text}",
        heard_after.as_secs_f64()
    )?;
    writeln!(out, "          金融機関の担当者の画面:")?;
    told.iter().try_for_each(|line| writeln!(out, "    {line}"))
}

/// What is being done, for errors.
#[derive(Clone, Copy)]
struct During(&'static str);

impl During {
    fn failed(self) -> impl Fn(BrowserError) -> AfterwardsError {
        move |source| AfterwardsError::Page {
            doing: self.0,
            source,
        }
    }

    fn unexpected(self, expected: String, page: &Page) -> AfterwardsError {
        AfterwardsError::Unexpected {
            doing: self.0,
            expected,
            seen: page.excerpt(400),
        }
    }

    /// The page at the end of redirects.
    async fn follow(
        self,
        browser: &Browser,
        page: Result<Page, BrowserError>,
        within: &Url,
    ) -> Result<Page, AfterwardsError> {
        let page = page.map_err(self.failed())?;
        let page = browser.follow_to_end(page, within).await;
        page.map_err(self.failed())
    }
}
