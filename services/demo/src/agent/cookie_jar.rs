//! The cookies of one browser, kept and sent as RFC 6265 and its successor draft say, narrowed to
//! exact hosts: the pages here set no `Domain`, and a cookie that does is refused.

use chrono::{DateTime, Utc};
use url::Url;

/// A jar holds no more than this many cookies; the oldest goes first.
const LIMIT: usize = 200;

/// Whether a request crosses sites, which decides about `SameSite`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crossing {
    /// The request comes from the same host, or from nobody (an address typed by the user).
    SameSite,
    /// A link, redirect or refresh from another host.
    NavigationFromElsewhere,
    /// A form posted from another host.
    PostFromElsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SameSite {
    Strict,
    /// Also where the attribute is missing, as browsers do.
    Lax,
    None,
}

#[derive(Clone, Debug)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    path: String,
    secure: Transport,
    same_site: SameSite,
    /// `None` for a cookie that lives as long as the browser.
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Any,
    SecureOnly,
}

/// The jar.
#[derive(Clone, Debug, Default)]
pub(crate) struct CookieJar {
    cookies: Vec<Cookie>,
}

impl CookieJar {
    /// Keeps what one `Set-Cookie` value says, or drops a cookie that it ends. What a browser would
    /// refuse is ignored.
    pub(crate) fn store(&mut self, set_cookie: &str, url: &Url, now: DateTime<Utc>) {
        let Some(cookie) = parse(set_cookie, url, now) else {
            return;
        };
        self.cookies.retain(|kept| {
            (&kept.name, &kept.host, &kept.path) != (&cookie.name, &cookie.host, &cookie.path)
        });
        if cookie.expires_at.is_none_or(|end| end > now) {
            if self.cookies.len() >= LIMIT {
                self.cookies.remove(0);
            }
            self.cookies.push(cookie);
        }
    }

    /// The value of the `Cookie` header for a request, if any cookie belongs to it.
    pub(crate) fn header(
        &self,
        url: &Url,
        crossing: Crossing,
        now: DateTime<Utc>,
    ) -> Option<String> {
        let mut sent: Vec<&Cookie> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.belongs_to(url, crossing, now))
            .collect();
        // RFC 6265 5.4: longer paths first, then the older one; the sort is stable.
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = sent
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The names and values of all cookies kept for a host, whatever their path.
    pub(crate) fn of_host(&self, host: &str, now: DateTime<Utc>) -> Vec<(String, String)> {
        self.cookies
            .iter()
            .filter(|cookie| cookie.host == host && cookie.expires_at.is_none_or(|end| end > now))
            .map(|cookie| (cookie.name.clone(), cookie.value.clone()))
            .collect()
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.cookies.clear();
    }
}

impl Cookie {
    fn belongs_to(&self, url: &Url, crossing: Crossing, now: DateTime<Utc>) -> bool {
        let site = match crossing {
            Crossing::SameSite => true,
            Crossing::NavigationFromElsewhere => self.same_site != SameSite::Strict,
            Crossing::PostFromElsewhere => self.same_site == SameSite::None,
        };
        site && url.host_str() == Some(self.host.as_str())
            && path_matches(url.path(), &self.path)
            && (self.secure == Transport::Any || is_trustworthy(url))
            && self.expires_at.is_none_or(|end| end > now)
    }
}

fn parse(set_cookie: &str, url: &Url, now: DateTime<Utc>) -> Option<Cookie> {
    let mut parts = set_cookie.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let mut cookie = Cookie {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
        host: url.host_str()?.to_owned(),
        path: default_path(url.path()),
        secure: Transport::Any,
        same_site: SameSite::Lax,
        expires_at: None,
    };
    let mut max_age = None;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "domain" if !value.is_empty() => return None,
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = Transport::SecureOnly,
            "samesite" => cookie.same_site = same_site(value),
            "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
            "expires" => {
                let parsed = DateTime::parse_from_rfc2822(value);
                cookie.expires_at = parsed.ok().map(|time| time.to_utc()).or(cookie.expires_at);
            }
            _ => {}
        }
    }
    // RFC 6265 5.3: Max-Age wins over Expires, and anything not positive ends the cookie at once.
    if let Some(seconds) = max_age {
        let life = chrono::TimeDelta::try_seconds(seconds.clamp(0, 400 * 86_400))?;
        cookie.expires_at = Some(now + life);
    }
    is_acceptable(&cookie, url).then_some(cookie)
}

/// The rules for `Secure` and for the `__Host-` and `__Secure-` prefixes.
fn is_acceptable(cookie: &Cookie, url: &Url) -> bool {
    let secure = cookie.secure == Transport::SecureOnly;
    if cookie.name.is_empty() || (secure && !is_trustworthy(url)) {
        return false;
    }
    if cookie.same_site == SameSite::None && !secure {
        return false;
    }
    if cookie.name.starts_with("__Host-") {
        return secure && cookie.path == "/";
    }
    !cookie.name.starts_with("__Secure-") || secure
}

/// Browsers count plain HTTP to the loopback as a secure transport.
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

fn same_site(value: &str) -> SameSite {
    match value.to_ascii_lowercase().as_str() {
        "strict" => SameSite::Strict,
        "none" => SameSite::None,
        _ => SameSite::Lax,
    }
}

/// RFC 6265 5.1.4.
fn default_path(path: &str) -> String {
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(end) => path.get(..end).unwrap_or("/").to_owned(),
    }
}

/// RFC 6265 5.1.4.
fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn jar(lines: &[&str], from: &str) -> CookieJar {
        let mut jar = CookieJar::default();
        for line in lines {
            jar.store(line, &url(from), Utc::now());
        }
        jar
    }

    fn sent(jar: &CookieJar, to: &str) -> Option<String> {
        jar.header(&url(to), Crossing::SameSite, Utc::now())
    }

    #[test]
    fn a_cookie_goes_to_its_own_host_on_every_port_and_to_no_other_host() {
        let jar = jar(
            &["s=1; HttpOnly; Path=/"],
            "http://127.0.0.1:8080/2963/login",
        );
        assert_eq!(
            sent(&jar, "http://127.0.0.1:9000/x").as_deref(),
            Some("s=1")
        );
        assert_eq!(sent(&jar, "http://localhost:8080/2963/login"), None);
    }

    #[test]
    fn a_cookie_goes_to_its_path_and_below() {
        let jar = jar(
            &["a=1; Path=/2963", "b=2; Path=/2963/journeys", "c=3"],
            "http://h/x/y",
        );
        assert_eq!(
            sent(&jar, "http://h/2963/journeys/1").as_deref(),
            Some("b=2; a=1")
        );
        assert_eq!(sent(&jar, "http://h/29630"), None);
        assert_eq!(sent(&jar, "http://h/x/z").as_deref(), Some("c=3"));
    }

    #[test]
    fn max_age_zero_and_a_past_expiry_end_a_cookie() {
        let mut jar = jar(&["a=1; Path=/", "b=2; Path=/"], "http://h/");
        jar.store("a=; Path=/; Max-Age=0", &url("http://h/"), Utc::now());
        let past = "b=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        jar.store(past, &url("http://h/"), Utc::now());
        assert_eq!(sent(&jar, "http://h/"), None);
    }

    #[test]
    fn max_age_wins_over_expires_and_runs_out() {
        let line = "a=1; Path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        let jar = jar(&[line], "http://h/");
        assert_eq!(sent(&jar, "http://h/").as_deref(), Some("a=1"));
        let later = Utc::now() + chrono::TimeDelta::seconds(61);
        assert_eq!(
            jar.header(&url("http://h/"), Crossing::SameSite, later),
            None
        );
    }

    #[test]
    fn same_site_decides_what_crosses() {
        let lines = [
            "s=1; Path=/; SameSite=Strict",
            "l=2; Path=/; SameSite=Lax",
            "d=3; Path=/",
        ];
        let jar = jar(&lines, "http://localhost/");
        let header = |crossing| jar.header(&url("http://localhost/"), crossing, Utc::now());
        assert_eq!(
            header(Crossing::NavigationFromElsewhere).as_deref(),
            Some("l=2; d=3")
        );
        assert_eq!(header(Crossing::PostFromElsewhere), None);
    }

    #[test]
    fn secure_and_prefixed_cookies_follow_their_rules() {
        let lines = [
            "__Host-s=1; Path=/; Secure",
            "__Host-t=1; Path=/x; Secure",
            "__Host-u=1",
        ];
        assert_eq!(
            sent(&jar(&lines, "http://127.0.0.1:1/"), "http://127.0.0.1:2/").as_deref(),
            Some("__Host-s=1")
        );
        assert_eq!(
            sent(&jar(&lines, "http://bank.example/"), "http://bank.example/"),
            None
        );
        assert_eq!(
            sent(&jar(&["a=1; Domain=h"], "http://h/"), "http://h/"),
            None
        );
    }
}
