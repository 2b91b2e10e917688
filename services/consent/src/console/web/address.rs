//! Addresses of the console, as the language switch carries them: never a string that leads elsewhere.

use actix_web::{HttpRequest, http::Method};
use url::form_urlencoded::{Serializer, parse};

const LENGTH_MAX: usize = 2_000;

/// A page of the console; anything else gives its front door. The query is written anew.
pub(super) fn read(text: &str) -> String {
    let front = || "/console".to_owned();
    if text.len() > LENGTH_MAX {
        return front();
    }
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let is_plain = path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/._-~:".contains(&b));
    let is_ours = path == "/console" || path.starts_with("/console/");
    if !is_plain || !is_ours || path.starts_with("/console/language") {
        return front();
    }
    let mut written = Serializer::new(String::new());
    for (name, value) in parse(query.as_bytes()) {
        written.append_pair(&name, &value);
    }
    let written = written.finish();
    if written.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{written}")
    }
}

/// Of a request: where a form was posted to, a GET finds the page again.
pub(super) fn of(request: &HttpRequest) -> String {
    let query = request.query_string();
    if request.method() == Method::GET && !query.is_empty() {
        read(&format!("{}?{query}", request.path()))
    } else {
        read(request.path())
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_page_of_the_console_keeps_its_query() {
        let page = "/console/banks/2963/funnel?from=2026-09-01&partner=a%26b";
        assert_eq!(read(page), page);
    }

    #[test]
    fn nothing_leads_elsewhere() {
        for elsewhere in [
            "//evil.example",
            "https://evil.example/console",
            "/consoles",
            "/console/..\\x",
            "/console/\r\nSet-Cookie: a=b",
            "/console/language/en?page=/console",
            "",
        ] {
            assert_eq!(read(elsewhere), "/console", "{elsewhere}");
        }
        assert_eq!(read("/console?a=\r\nb"), "/console?a=%0D%0Ab");
    }
}
