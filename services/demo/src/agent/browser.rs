//! A user agent without a screen: cookies, pages, forms, and redirects one hop at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::Utc;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, HeaderValue, ORIGIN, SET_COOKIE};
use url::Url;

use super::cookie_jar::{CookieJar, Crossing};
pub use super::form::{Choice, Form};
pub use super::page::{Page, Refresh, Row, Tick};
use super::trust::Trust;

/// The longest page read, in bytes.
const PAGE_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// The longest chain of redirects followed, in hops.
const REDIRECT_LIMIT: usize = 10;

const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// Why a page could not be had or used. Addresses stand here without their queries.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// The address does not parse, alone or against the page that names it.
    #[error("{address:?} is not an address")]
    Address {
        /// The address as it was given.
        address: String,
    },
    /// No HTTP answer came, or not to its end.
    #[error("no answer from {url}")]
    Transport {
        /// What was asked for.
        url: Box<Url>,
        /// What went wrong.
        source: reqwest::Error,
    },
    /// The client itself could not be made.
    #[error("the HTTP client could not be made")]
    Client(#[source] reqwest::Error),
    /// The page is longer than 4 MiB.
    #[error("{url} answers more than {PAGE_LIMIT_BYTES} bytes")]
    TooLong {
        /// What was asked for.
        url: Box<Url>,
    },
    /// The page has no element of the kind that matches the selector.
    #[error("{url} ({status}, {title:?}, error {error_code:?}) has no {selector}")]
    Missing {
        /// The page's address.
        url: Box<Url>,
        /// Its HTTP status.
        status: u16,
        /// The text of its `h1#title`.
        title: Option<String>,
        /// The code in its `main[data-error]`.
        error_code: Option<String>,
        /// What was looked for.
        selector: String,
    },
    /// The page is not a redirect.
    #[error("{url} answered {status}, which is no redirect")]
    NoRedirect {
        /// The page's address.
        url: Box<Url>,
        /// Its HTTP status.
        status: u16,
    },
    /// Ten redirects led to another one.
    #[error("more than {REDIRECT_LIMIT} redirects, the last to {url}")]
    RedirectLoop {
        /// Where the last one pointed.
        url: Box<Url>,
    },
}

/// A browser. Clones share one cookie jar; [`Browser::fork`] copies it.
#[derive(Clone, Debug)]
pub struct Browser {
    http: reqwest::Client,
    jar: Arc<Mutex<CookieJar>>,
    language: HeaderValue,
}

impl Browser {
    /// A browser with an empty jar that asks for Japanese pages.
    ///
    /// # Errors
    /// [`BrowserError::Client`] where the HTTP client cannot be made.
    pub fn try_new() -> Result<Self, BrowserError> {
        Self::try_trusting(&Trust::default())
    }

    /// The same, for pages over TLS.
    ///
    /// # Errors
    /// As [`Browser::try_new`].
    pub fn try_trusting(trust: &Trust) -> Result<Self, BrowserError> {
        let http = trust.client(REQUEST_LIMIT).map_err(BrowserError::Client)?;
        Ok(Self {
            http,
            jar: Arc::default(),
            language: HeaderValue::from_static("ja"),
        })
    }

    /// The same browser (and jar) showing another certificate, or trusting others.
    ///
    /// # Errors
    /// As [`Browser::try_new`].
    pub fn trusting(self, trust: &Trust) -> Result<Self, BrowserError> {
        let http = trust.client(REQUEST_LIMIT).map_err(BrowserError::Client)?;
        Ok(Self { http, ..self })
    }

    /// The same browser (and jar) asking for pages in English.
    #[must_use]
    pub fn in_english(mut self) -> Self {
        self.language = HeaderValue::from_static("en");
        self
    }

    /// A browser of its own that starts with a copy of this one's cookies.
    #[must_use]
    pub fn fork(&self) -> Self {
        let jar = self.jar().clone();
        Self {
            jar: Arc::new(Mutex::new(jar)),
            ..self.clone()
        }
    }

    /// The names and values of the cookies kept for a host, e.g. `127.0.0.1`.
    #[must_use]
    pub fn cookies(&self, host: &str) -> Vec<(String, String)> {
        self.jar().of_host(host, Utc::now())
    }

    /// Keeps a cookie as if the address had answered with this `Set-Cookie` value.
    pub fn plant_cookie(&self, url: &Url, set_cookie: &str) {
        self.jar().store(set_cookie, url, Utc::now());
    }

    /// Closes the browser: every cookie is forgotten.
    pub fn forget_cookies(&self) {
        self.jar().clear();
    }

    /// Opens an address as if it had been typed. Redirects are not followed.
    ///
    /// # Errors
    /// [`BrowserError`] where the address does not parse or nothing answers; any HTTP status is a
    /// page.
    pub async fn get(&self, url: impl AsRef<str>) -> Result<Page, BrowserError> {
        let address = url.as_ref();
        let url = Url::parse(address).map_err(|_unparsed| BrowserError::Address {
            address: address.to_owned(),
        })?;
        self.send(Visit {
            url,
            method: Method::Get,
            body: None,
            from: None,
        })
        .await
    }

    /// Opens an address as a link, refresh or redirect of a page does.
    ///
    /// # Errors
    /// As [`Browser::get`].
    pub async fn open(&self, from: &Page, url: Url) -> Result<Page, BrowserError> {
        self.send(Visit {
            url,
            method: Method::Get,
            body: None,
            from: Some(from),
        })
        .await
    }

    /// Follows the first link that matches a selector.
    ///
    /// # Errors
    /// [`BrowserError::Missing`] without such a link; else as [`Browser::get`].
    pub async fn click(&self, from: &Page, css: &str) -> Result<Page, BrowserError> {
        let url = from.link(css).ok_or_else(|| from.missing(css))?;
        self.open(from, url).await
    }

    /// Follows a redirect by one hop, with GET as 303 says.
    ///
    /// # Errors
    /// [`BrowserError::NoRedirect`] where the page is none; else as [`Browser::get`].
    pub async fn follow(&self, page: &Page) -> Result<Page, BrowserError> {
        let target = page.location().ok_or_else(|| BrowserError::NoRedirect {
            url: without_query(&page.url),
            status: page.status,
        })?;
        self.open(page, target).await
    }

    /// Follows redirects as long as they stay on the origin of `within`; a redirect that leaves it
    /// is returned unfollowed.
    ///
    /// # Errors
    /// [`BrowserError::RedirectLoop`] after ten hops; else as [`Browser::get`].
    pub async fn follow_to_end(&self, page: Page, within: &Url) -> Result<Page, BrowserError> {
        let mut page = page;
        for _hop in 0..REDIRECT_LIMIT {
            match page.location() {
                Some(target) if target.origin() == within.origin() => {
                    page = self.open(&page, target).await?;
                }
                _ => return Ok(page),
            }
        }
        match page.location() {
            Some(target) if target.origin() == within.origin() => Err(BrowserError::RedirectLoop {
                url: without_query(&target),
            }),
            _ => Ok(page),
        }
    }

    /// Posts name and value pairs, urlencoded, as a form of `from` would, or as a tool of nobody's
    /// page does.
    ///
    /// # Errors
    /// As [`Browser::get`].
    pub async fn post(
        &self,
        from: Option<&Page>,
        url: Url,
        pairs: &[(String, String)],
    ) -> Result<Page, BrowserError> {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs);
        let body = Some(body.finish());
        self.send(Visit {
            url,
            method: Method::Post,
            body,
            from,
        })
        .await
    }

    async fn send(&self, visit: Visit<'_>) -> Result<Page, BrowserError> {
        let Visit {
            url,
            method,
            ref body,
            from,
        } = visit;
        let failed = |source: reqwest::Error| BrowserError::Transport {
            url: without_query(&url),
            source,
        };
        let mut request = match method {
            Method::Get => self.http.get(url.clone()),
            Method::Post => self.http.post(url.clone()),
        };
        request = request
            .header(ACCEPT, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
            .header(ACCEPT_LANGUAGE, self.language.clone())
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-site", fetch_site(from, &url));
        if let Some(cookies) = self
            .jar()
            .header(&url, crossing(from, &url, method), Utc::now())
        {
            request = request.header(COOKIE, cookies);
        }
        if let Some(body) = body {
            request = request
                .header(
                    reqwest::header::CONTENT_TYPE,
                    "application/x-www-form-urlencoded",
                )
                .body(body.clone());
            if let Some(page) = from {
                request = request.header(ORIGIN, posted_origin(page));
            }
        }
        let mut response = request.send().await.map_err(failed)?;
        let now = Utc::now();
        for line in response.headers().get_all(SET_COOKIE) {
            if let Ok(line) = line.to_str() {
                self.jar().store(line, &url, now);
            }
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > PAGE_LIMIT_BYTES {
                return Err(BrowserError::TooLong {
                    url: without_query(&url),
                });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Page {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            html: String::from_utf8_lossy(&bytes).into_owned(),
            url,
        })
    }

    fn jar(&self) -> MutexGuard<'_, CookieJar> {
        // A jar is whole between any two calls, so a panic elsewhere does not spoil it.
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request about to be made, with the page that it comes from.
struct Visit<'a> {
    url: Url,
    method: Method,
    body: Option<String>,
    from: Option<&'a Page>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// For errors: a query may hold a code.
pub(crate) fn without_query(url: &Url) -> Box<Url> {
    let mut url = url.clone();
    url.set_query(None);
    Box::new(url)
}

fn crossing(from: Option<&Page>, url: &Url, method: Method) -> Crossing {
    match (from, method) {
        (Some(page), Method::Get) if page.url.host() != url.host() => {
            Crossing::NavigationFromElsewhere
        }
        (Some(page), Method::Post) if page.url.host() != url.host() => Crossing::PostFromElsewhere,
        _ => Crossing::SameSite,
    }
}

/// W3C Fetch Metadata; hosts stand for sites, as the jar has it.
fn fetch_site(from: Option<&Page>, url: &Url) -> &'static str {
    match from {
        None => "none",
        Some(page) if page.url.origin() == url.origin() => "same-origin",
        Some(page) if page.url.host() == url.host() => "same-site",
        Some(_) => "cross-site",
    }
}

/// Fetch, "append a request Origin header": a page under `no-referrer` posts with the origin null.
fn posted_origin(page: &Page) -> String {
    match page.header("referrer-policy") {
        Some(policy) if policy.rsplit(',').next().map(str::trim) == Some("no-referrer") => {
            "null".to_owned()
        }
        _ => page.url.origin().ascii_serialization(),
    }
}

#[cfg(test)]
mod tests;
