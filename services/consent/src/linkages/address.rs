//! The addresses of these pages, as a redirect or the language switch carries them: rebuilt from what was
//! read of them, never a string of the request.

use consent_domain::{AccountId, BankCode, GrantId};
use url::form_urlencoded::parse;
use uuid::Uuid;

use super::message::Message;
use crate::certificate_login;

/// Where a login leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// The list.
    List,
    /// One linkage.
    Linkage(GrantId),
}

impl Destination {
    /// Of the query of a login page: `to`, the id of a linkage.
    pub(super) fn of_query(query: &str) -> Self {
        parse(query.as_bytes())
            .find(|(name, _)| name == "to")
            .map_or(Self::List, |(_, grant)| Self::of_grant(&grant))
    }

    /// Where a login leads that one of a linkage's pages asked for.
    pub(super) fn of_grant(grant: &str) -> Self {
        grant_of(grant).map_or(Self::List, Self::Linkage)
    }

    /// Its address.
    pub(super) fn url(&self, bank: &BankCode, message: Option<Message>) -> String {
        let page = match self {
            Self::List => super::path(bank),
            Self::Linkage(grant) => format!("{}/{grant}", super::path(bank)),
        };
        match message {
            None => page,
            Some(message) => format!("{page}?m={}", message.as_str()),
        }
    }

    /// The login that leads there.
    pub(super) fn login_url(&self, bank: &BankCode, message: Option<Message>) -> String {
        let login = self.url_before_login(bank, "login");
        let separator = if login.contains('?') { '&' } else { '?' };
        match message {
            None => login,
            Some(message) => format!("{login}{separator}m={}", message.as_str()),
        }
    }

    /// A page on the way to being logged in there.
    pub(super) fn url_before_login(&self, bank: &BankCode, page: &str) -> String {
        let to = match self {
            Self::List => String::new(),
            Self::Linkage(grant) => format!("?to={grant}"),
        };
        format!("{}/{page}{to}", super::path(bank))
    }
}

/// A linkage's id, where the text can be one: ids of grants are UUIDs.
pub(super) fn grant_of(text: &str) -> Option<GrantId> {
    let id = Uuid::parse_str(text).ok()?;
    GrantId::parse(id.to_string()).ok()
}

/// The pages of one linkage that can be opened by their address.
const PAGES: [&str; 3] = ["end", "renew", "take-over"];

/// The address of a page, from the parts of its path behind `linkages`; what can only be sent leads to the
/// page around it. None for what is no page of ours.
pub(crate) fn address(bank: &str, page: &[&str], query: &str) -> Option<String> {
    let bank = BankCode::parse(bank).ok()?;
    let message = Message::in_query(query);
    let url = match page {
        [] | ["logout" | "extend"] => Destination::List.url(&bank, message),
        ["login" | "certificate-login" | "certificate-handover"] => {
            Destination::of_query(query).login_url(&bank, message)
        }
        ["certificate"] => {
            let page = Destination::of_query(query).url_before_login(&bank, "certificate");
            certificate_login::address(&page, query)
        }
        [grant] => Destination::Linkage(grant_of(grant)?).url(&bank, message),
        [grant, act, rest @ ..] => {
            let linkage = Destination::Linkage(grant_of(grant)?).url(&bank, None);
            match (PAGES.contains(act), rest) {
                (true, []) => format!("{linkage}/{act}"),
                (false, [account]) if *act == "remove" => match AccountId::parse(*account) {
                    Ok(account) => format!("{linkage}/remove/{account}"),
                    Err(_) => linkage,
                },
                _ => linkage,
            }
        }
    };
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::address;

    const GRANT: &str = "0192f0c1-6f4b-7c1e-9d2a-5b7f3a1c8e40";

    #[test]
    fn a_page_keeps_its_message_and_where_its_login_leads() {
        let read = |page: &[&str], query: &str| address("2963", page, query).unwrap_or_default();
        assert_eq!(read(&[], "m=logged_out"), "/2963/linkages?m=logged_out");
        assert_eq!(
            read(&["login"], &format!("m=idle&to={GRANT}")),
            format!("/2963/linkages/login?to={GRANT}&m=idle")
        );
        assert_eq!(
            read(&[GRANT, "end"], "m=%3Cb%3E"),
            format!("/2963/linkages/{GRANT}/end")
        );
    }

    #[test]
    fn the_certificate_hosts_page_keeps_ticket_and_destination() {
        let read = |query: &str| address("2963", &["certificate"], query).unwrap_or_default();
        assert_eq!(
            read(&format!("m=rejected&ticket=17.ja.ab-_.cd&x=1&to={GRANT}")),
            format!("/2963/linkages/certificate?to={GRANT}&ticket=17.ja.ab-_.cd&m=rejected")
        );
        assert_eq!(read("ticket=%26m%3Dx&to=x"), "/2963/linkages/certificate");
    }

    #[test]
    fn nothing_that_we_did_not_make_is_carried_along() {
        assert_eq!(address("2963", &["//evil.example"], ""), None);
        assert_eq!(address("evil", &[], ""), None);
        assert_eq!(
            address("2963", &["login"], "to=//evil.example&m=x"),
            Some("/2963/linkages/login".to_owned())
        );
        assert_eq!(
            address("2963", &[GRANT, "evil"], ""),
            Some(format!("/2963/linkages/{GRANT}"))
        );
    }
}
