//! The address of a page, as the language switch carries it: rebuilt from what was read of it, never
//! a string of the request.

use actix_web::HttpRequest;
use consent_domain::BankCode;
use url::form_urlencoded::{Serializer, parse};
use uuid::Uuid;

use super::message::Message;
use crate::{certificate_login, linkages, protocol::authorization_request::AuthorizationRequest};

/// A page on our own origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageAddress(String);

/// The pages of a journey that can be opened by their address.
const PAGES: [&str; 8] = [
    "login",
    "certificate-login",
    "certificate",
    "tasks",
    "accounts",
    "confirm",
    "authorize",
    "done",
];

impl PageAddress {
    /// Reads the address of a page of ours; anything else gives the front door, which has no page.
    pub(super) fn read(path: &str, query: &str) -> Self {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let read = match parts[..] {
            [bank, "journeys", journey, page] => of_journey(bank, journey, page, query),
            [bank, "linkages", ref page @ ..] => linkages::address(bank, page, query),
            [bank, "authorize"] => of_authorization_endpoint(bank, query),
            _ => None,
        };
        Self(read.unwrap_or_else(|| "/".to_owned()))
    }

    /// Of a request. The authorization endpoint is named without what was sent to it.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let (path, query) = (request.path(), request.query_string());
        if path.matches('/').count() > 2 {
            Self::read(path, query)
        } else {
            Self::read(path, "")
        }
    }

    /// The authorization endpoint with a request that was found there.
    pub(super) fn of_request(bank: &BankCode, asked: &AuthorizationRequest) -> Self {
        let query = Serializer::new(String::new())
            .append_pair("client_id", asked.client_id.as_str())
            .append_pair("request_uri", asked.request_uri.expose())
            .finish();
        Self(format!("/{bank}/authorize?{query}"))
    }

    /// A path, with a query where it has one.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn of_journey(bank: &str, journey: &str, page: &str, query: &str) -> Option<String> {
    let bank = BankCode::parse(bank).ok()?;
    let journey = Uuid::parse_str(journey).ok()?;
    // What can only be sent leads back to the step that can be done.
    let page = PAGES
        .into_iter()
        .find(|known| *known == page)
        .unwrap_or("login");
    let url = format!("/{bank}/journeys/{journey}/{page}");
    if page == "certificate" {
        return Some(certificate_login::address(&url, query));
    }
    let Some(message) = Message::in_query(query) else {
        return Some(url);
    };
    let from = parse(query.as_bytes()).find(|(name, _)| name == "from");
    let from = from.and_then(|(_, revision)| revision.parse::<u32>().ok());
    let from = from.map_or_else(String::new, |revision| format!("&from={revision}"));
    Some(format!("{url}?m={}{from}", message.as_str()))
}

fn of_authorization_endpoint(bank: &str, query: &str) -> Option<String> {
    let bank = BankCode::parse(bank).ok()?;
    Some(match AuthorizationRequest::parse(query.as_bytes()) {
        Ok(asked) => PageAddress::of_request(&bank, &asked).0,
        Err(_) => format!("/{bank}/authorize"),
    })
}

#[cfg(test)]
mod tests {
    use super::PageAddress;
    use crate::protocol::request_uri::RequestUri;

    const JOURNEY: &str = "/2963/journeys/0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e40";

    fn read(path: &str, query: &str) -> String {
        PageAddress::read(path, query).as_str().to_owned()
    }

    #[test]
    fn a_page_of_a_journey_keeps_its_message() {
        let login = format!("{JOURNEY}/login");
        assert_eq!(read(&login, ""), login);
        assert_eq!(read(&login, "m=idle"), format!("{login}?m=idle"));
        let confirm = format!("{JOURNEY}/confirm");
        assert_eq!(
            read(&confirm, "from=3&x=y&m=changed"),
            format!("{confirm}?m=changed&from=3")
        );
    }

    #[test]
    fn nothing_that_we_did_not_make_is_carried_along() {
        let login = format!("{JOURNEY}/login");
        assert_eq!(read(&login, "m=%3Cb%3E&from=1"), login);
        assert_eq!(read(&format!("{JOURNEY}/confirm"), "m=changed&from=-1"), {
            format!("{JOURNEY}/confirm?m=changed")
        });
        for elsewhere in [
            "//evil.example",
            "///evil.example/authorize",
            "https://evil.example/2963/authorize",
            "/\\evil.example",
            "/2963/journeys/evil/login",
            "/29630/authorize",
            "/evil/authorize",
            "",
        ] {
            assert_eq!(read(elsewhere, ""), "/", "{elsewhere}");
        }
    }

    #[test]
    fn the_certificate_hosts_page_keeps_a_well_formed_ticket() {
        let page = format!("{JOURNEY}/certificate");
        let kept = format!("{page}?ticket=17.ja.ab-_.cd&m=rejected");
        assert_eq!(read(&page, "x=1&m=rejected&ticket=17.ja.ab-_.cd"), kept);
        assert_eq!(read(&page, "ticket=%26m%3Dx"), page);
        assert_eq!(read(&page, "m=rejected"), page);
    }

    #[test]
    fn a_page_that_can_only_be_sent_leads_to_the_step() {
        assert_eq!(
            read(&format!("{JOURNEY}/cancel"), ""),
            format!("{JOURNEY}/login")
        );
    }

    #[test]
    fn the_authorization_endpoint_keeps_a_well_formed_request_and_nothing_else() {
        let uri = RequestUri::mint();
        let query = format!(
            "client_id=a&request_uri={}",
            uri.expose().replace(':', "%3A")
        );
        let kept = format!("/2963/authorize?{query}");
        assert_eq!(read("/2963/authorize", &format!("{query}&state=s")), kept);
        assert_eq!(
            read("/2963/authorize", "client_id=a&request_uri=x"),
            "/2963/authorize"
        );
    }
}
