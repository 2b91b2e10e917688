//! One HTTP answer, read as a page.

use reqwest::header::{HeaderMap, LOCATION};
use scraper::{ElementRef, Html, Selector};
use url::Url;

use super::browser::{BrowserError, without_query};
use super::form::Form;
use super::visible_text;

/// An HTTP answer to a browser: any status, any content.
#[derive(Clone, Debug)]
pub struct Page {
    /// The address asked for.
    pub url: Url,
    /// The HTTP status.
    pub status: u16,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub html: String,
}

/// A row of a table's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Visible text of each cell, white space collapsed; inputs have none.
    pub cells: Vec<String>,
    /// The state of the row's first check box.
    pub tick: Tick,
    /// The `value` of the row's first check box.
    pub value: Option<String>,
    /// The row's `data-account`.
    pub account: Option<String>,
}

/// The state of a check box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// There is no check box.
    Absent,
    /// Ticked.
    Ticked,
    /// Not ticked.
    Unticked,
}

/// An immediate or delayed redirect by the page itself: the `Refresh` header, else the meta element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The delay in seconds.
    pub after_s: u32,
    /// Where it leads.
    pub url: Url,
}

impl Page {
    /// The screen's title, the text of `h1#title`.
    #[must_use]
    pub fn title(&self) -> Option<String> {
        self.text("h1#title")
    }

    /// The code of an error page, from `main[data-error]`.
    #[must_use]
    pub fn error_code(&self) -> Option<String> {
        self.attribute("main[data-error]", "data-error")
    }

    /// The value of a header that is plain text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where a redirect (3xx) points, resolved against the page's address.
    #[must_use]
    pub fn location(&self) -> Option<Url> {
        if !(300..400).contains(&self.status) {
            return None;
        }
        self.url
            .join(self.headers.get(LOCATION)?.to_str().ok()?)
            .ok()
    }

    /// Where the page sends the browser by itself.
    #[must_use]
    pub fn refresh(&self) -> Option<Refresh> {
        let meta = || self.attribute(r#"meta[http-equiv="refresh" i]"#, "content");
        let text = self.header("refresh").map(str::to_owned).or_else(meta)?;
        let (delay, target) = text.split_once([';', ','])?;
        let target = target.trim();
        let address = match target.get(..4) {
            Some(start) if start.eq_ignore_ascii_case("url=") => target.get(4..)?,
            _ => target,
        };
        let url = self.url.join(address.trim_matches(['"', '\'', ' '])).ok()?;
        Some(Refresh {
            after_s: delay.trim().parse().ok()?,
            url,
        })
    }

    /// Visible text of the first element that matches; `None` where nothing does.
    #[must_use]
    pub fn text(&self, css: &str) -> Option<String> {
        self.first(css, visible_text::of)
    }

    /// Visible text of every element that matches.
    #[must_use]
    pub fn texts(&self, css: &str) -> Vec<String> {
        self.each(css, visible_text::of)
    }

    /// An attribute of the first element that matches.
    #[must_use]
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        self.first(css, |element| element.attr(name).map(str::to_owned))?
    }

    /// Whether any element matches.
    #[must_use]
    pub fn has(&self, css: &str) -> bool {
        self.first(css, |_element| ()).is_some()
    }

    /// The `href` of the first element that matches, resolved against the page's address.
    #[must_use]
    pub fn link(&self, css: &str) -> Option<Url> {
        self.url.join(&self.attribute(css, "href")?).ok()
    }

    /// Visible text and address of every link that matches.
    #[must_use]
    pub fn links(&self, css: &str) -> Vec<(String, Url)> {
        let links = self.each(css, |element| {
            let address = element.attr("href")?;
            Some((visible_text::of(element), self.url.join(address).ok()?))
        });
        links.into_iter().flatten().collect()
    }

    /// The cells of a table's body rows as visible text; no rows where no table matches.
    #[must_use]
    pub fn table(&self, css: &str) -> Vec<Vec<String>> {
        self.rows(css).into_iter().map(|row| row.cells).collect()
    }

    /// The rows of a table's body, with their check boxes; none where no table matches.
    #[must_use]
    pub fn rows(&self, css: &str) -> Vec<Row> {
        self.each(&format!("{css} > tbody > tr"), row)
    }

    /// The texts of a table's head.
    #[must_use]
    pub fn table_head(&self, css: &str) -> Vec<String> {
        self.each(&format!("{css} > thead th"), visible_text::of)
    }

    /// The first form that matches, filled with its own values.
    ///
    /// # Errors
    /// [`BrowserError::Missing`] where none does, [`BrowserError::Address`] where its action is no
    /// address.
    pub fn form(&self, css: &str) -> Result<Form, BrowserError> {
        let document = Html::parse_document(&self.html);
        let element = Selector::parse(css)
            .ok()
            .and_then(|selector| document.select(&selector).next())
            .ok_or_else(|| self.missing(css))?;
        Form::read(self, &document, element)
    }

    /// The page's visible text, at most so many characters of it.
    #[must_use]
    pub fn excerpt(&self, characters: usize) -> String {
        let text = self.text("main").or_else(|| self.text("body"));
        text.unwrap_or_else(|| visible_text::collapse(&self.html))
            .chars()
            .take(characters)
            .collect()
    }

    pub(crate) fn missing(&self, selector: &str) -> BrowserError {
        BrowserError::Missing {
            url: without_query(&self.url),
            status: self.status,
            title: self.title(),
            error_code: self.error_code(),
            selector: selector.to_owned(),
        }
    }

    fn first<T>(&self, css: &str, read: impl FnOnce(ElementRef<'_>) -> T) -> Option<T> {
        let selector = Selector::parse(css).ok()?;
        Html::parse_document(&self.html)
            .select(&selector)
            .next()
            .map(read)
    }

    fn each<T>(&self, css: &str, read: impl Fn(ElementRef<'_>) -> T) -> Vec<T> {
        let Ok(selector) = Selector::parse(css) else {
            return Vec::new();
        };
        Html::parse_document(&self.html)
            .select(&selector)
            .map(read)
            .collect()
    }
}

fn row(element: ElementRef<'_>) -> Row {
    let cells = element
        .child_elements()
        .filter(|child| matches!(child.value().name(), "td" | "th"));
    let checkbox = element
        .descendent_elements()
        .find(|child| child.value().name() == "input" && child.attr("type") == Some("checkbox"));
    let tick = match checkbox {
        None => Tick::Absent,
        Some(input) if input.attr("checked").is_some() => Tick::Ticked,
        Some(_) => Tick::Unticked,
    };
    Row {
        cells: cells.map(visible_text::of).collect(),
        tick,
        value: checkbox
            .and_then(|input| input.attr("value"))
            .map(str::to_owned),
        account: element.attr("data-account").map(str::to_owned),
    }
}

#[cfg(test)]
mod tests;
