//! As much of a browser as the tests need: a cookie, forms, and redirects that it shows.

use reqwest::header::{ACCEPT_LANGUAGE, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;

use super::fake_bank::FakeBank;

#[derive(Clone)]
pub(crate) struct Browser {
    client: reqwest::Client,
    origin: String,
    cookie: Option<String>,
    /// What it asks for by `Accept-Language`.
    language: &'static str,
    /// The choice of language, once made.
    chosen: Option<String>,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) body: String,
    headers: HeaderMap,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn location(&self) -> String {
        assert!(
            self.headers.contains_key(LOCATION),
            "{}: {}",
            self.status,
            self.body
        );
        self.header("location").to_owned()
    }
}

impl Browser {
    pub(crate) fn new(origin: impl Into<String>) -> Self {
        let nobody = partner_app::tls::client(None).unwrap();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(nobody)
            .redirect(Policy::none())
            .no_proxy()
            .build();
        Self {
            client: client.unwrap(),
            origin: origin.into(),
            cookie: None,
            language: "",
            chosen: None,
        }
    }

    /// Asks for pages in this language.
    pub(crate) fn reading(mut self, language: &'static str) -> Self {
        self.language = language;
        self
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(self.client.get(format!("{}{path}", self.origin)))
            .await
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        self.send(
            self.client
                .post(format!("{}{path}", self.origin))
                .form(form),
        )
        .await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Page {
        let cookies: Vec<&str> = [&self.cookie, &self.chosen]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        let request = request
            .header(COOKIE, cookies.join("; "))
            .header(ACCEPT_LANGUAGE, self.language);
        let response = request.send().await.unwrap();
        if let Some(cookie) = response.headers().get(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            if pair.starts_with("kaikei_language") {
                self.chosen = Some(pair.to_owned());
            } else {
                self.cookie = Some(pair.to_owned());
            }
        }
        Page {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    async fn form_key(&mut self) -> String {
        let page = self.get("/banks").await;
        let (_, rest) = page.body.split_once(r#"name="form_key" value=""#).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// Presses the button of a bank.
    pub(crate) async fn link(&mut self, bank: &str, action: &str) -> Page {
        let key = self.form_key().await;
        self.post(
            "/link",
            &[("form_key", &key), ("bank", bank), ("action", action)],
        )
        .await
    }

    /// Goes to the bank, which allows everything, and comes back.
    pub(crate) async fn finish_link(&mut self, bank: &FakeBank) {
        let sent = self.link("2963", "default").await;
        assert_eq!(self.get(&bank.allow(&sent.location())).await.status, 303);
    }

    /// The address of step 7 for the only linkage.
    pub(crate) async fn import_page(&mut self) -> String {
        let home = self.get("/").await;
        let (_, rest) = home.body.split_once("href=\"/linkages/").unwrap();
        format!("/linkages/{}", rest.split('"').next().unwrap())
    }

    /// The address of the page on how the only linkage stands at the bank.
    pub(crate) async fn status_page(&mut self) -> String {
        self.import_page().await.replace("/import", "/status")
    }

    /// Sends the form that ends a linkage.
    pub(crate) async fn end(&mut self, status_page: &str, agree: &str) -> Page {
        let key = self.form_key().await;
        let address = status_page.replace("/status", "/end");
        self.post(&address, &[("form_key", &key), ("agree", agree)])
            .await
    }

    /// Sends the form of step 7.
    pub(crate) async fn save_range(&mut self, page: &str, range: &str, start: &str) -> Page {
        let key = self.form_key().await;
        self.post(
            page,
            &[("form_key", &key), ("range", range), ("start_date", start)],
        )
        .await
    }
}
