//! Where events may be pushed to: https at public addresses. The address is checked when a connection is
//! made, on what the name resolves to then, so that a name can't point inwards later.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetPolicy {
    /// https, public addresses.
    PublicHttps,
    /// Also http and https on loopback: for demonstrations on one machine.
    AlsoLoopback,
}

/// Why a target's address is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetRefused {
    /// No URL, too long, not https, with user, password or fragment.
    #[error(
        "a push target must be an https URL without user, password or fragment, at most 2000 bytes"
    )]
    Url,
    /// An address of the platform's own networks.
    #[error("a push target must be at a public address")]
    NotPublic,
}

const URL_BYTES_MAX: usize = 2000;

impl TargetPolicy {
    pub(super) fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::AlsoLoopback && address.to_canonical().is_loopback())
    }
}

/// Reads a target's URL. A name is resolved when a connection is made, not here.
///
/// # Errors
/// [`TargetRefused`].
pub fn check_target(url: &str, policy: TargetPolicy) -> Result<Url, TargetRefused> {
    let parsed = Url::parse(url).map_err(|_| TargetRefused::Url)?;
    let bare = parsed.username().is_empty() && parsed.password().is_none();
    let (loopback, allowed) = match parsed.host() {
        Some(Host::Ipv4(address)) => (address.is_loopback(), policy.allows(address.into())),
        Some(Host::Ipv6(address)) => (address.is_loopback(), policy.allows(address.into())),
        Some(Host::Domain(name)) => (name == "localhost", true),
        None => return Err(TargetRefused::Url),
    };
    let scheme = match parsed.scheme() {
        "https" => true,
        "http" => loopback && policy == TargetPolicy::AlsoLoopback,
        _ => false,
    };
    if !scheme || !bare || parsed.fragment().is_some() || url.len() > URL_BYTES_MAX {
        return Err(TargetRefused::Url);
    }
    if allowed {
        Ok(parsed)
    } else {
        Err(TargetRefused::NotPublic)
    }
}

/// Global unicast, without what leads back to other networks (IANA's special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || matches!(
            (a, b, c),
            (0 | 224..=255, ..) // this network; multicast, reserved, broadcast
                | (100, 64..=127, _) // shared by carriers (RFC 6598)
                | (192, 0, 0) // protocol assignments
                | (192, 88, 99) // 6to4 relays
                | (198, 18..=19, _) // benchmarks
        );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let global_unicast = a & 0xE000 == 0x2000;
    // 2001::/23: protocol assignments, Teredo; 2001:db8::/32: documentation.
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0DB8))
        || a == 0x2002 // 6to4: an IPv4 address inside
        || (a == 0x3FFF && b < 0x1000); // documentation
    global_unicast && !special
}

/// Resolves names to allowed addresses; the connection is made to one of those and to no other. A name
/// that also has another address is refused as a whole.
#[derive(Debug, Clone)]
pub(super) struct AllowedAddresses(pub TargetPolicy);

impl Resolve for AllowedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().all(|address| policy.allows(address.ip())) {
                let addresses: Addrs = Box::new(found.into_iter());
                Ok(addresses)
            } else {
                Err(TargetRefused::NotPublic.into())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for public in [
            "8.8.8.8",
            "198.20.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2001:4860::8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for special in [
            "127.0.0.1",
            "127.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
    }

    #[test]
    fn a_target_is_https_at_a_public_address() {
        let check = |url| check_target(url, TargetPolicy::PublicHttps);
        check("https://partner.example/events?a=1").unwrap();
        check("https://8.8.8.8:8443/").unwrap();
        for (url, why) in [
            ("http://partner.example/", TargetRefused::Url),
            ("https://user:pw@partner.example/", TargetRefused::Url),
            ("https://partner.example/#x", TargetRefused::Url),
            ("ftp://partner.example/", TargetRefused::Url),
            ("partner.example", TargetRefused::Url),
            ("https://10.0.0.1/", TargetRefused::NotPublic),
            ("https://[::1]/", TargetRefused::NotPublic),
            // Ways to write 127.0.0.1 and the metadata address of clouds.
            ("https://2130706433/", TargetRefused::NotPublic),
            ("https://0x7f.1/", TargetRefused::NotPublic),
            ("https://169.254.169.254/latest", TargetRefused::NotPublic),
        ] {
            assert_eq!(check(url).unwrap_err(), why, "{url}");
        }
        let demo = |url| check_target(url, TargetPolicy::AlsoLoopback);
        demo("http://127.0.0.1:8000/events").unwrap();
        demo("http://localhost:8000/events").unwrap();
        demo("http://10.0.0.1/").unwrap_err();
        demo("https://10.0.0.1/").unwrap_err();
    }

    #[tokio::test]
    async fn a_name_that_leads_inwards_is_refused_when_it_is_resolved() {
        let name = || Name::from_str("localhost").unwrap();
        let refused = AllowedAddresses(TargetPolicy::PublicHttps)
            .resolve(name())
            .await;
        assert!(refused.is_err_and(|error| error.is::<TargetRefused>()));
        let allowed = AllowedAddresses(TargetPolicy::AlsoLoopback)
            .resolve(name())
            .await;
        assert!(allowed.is_ok_and(|mut found| found.all(|address| address.ip().is_loopback())));
    }
}
