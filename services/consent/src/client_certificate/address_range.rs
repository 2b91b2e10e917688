//! Addresses of proxies: one, or a range in CIDR notation (RFC 4632).

use std::{net::IpAddr, str::FromStr};

use serde::Deserialize;

/// An address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressRange {
    first: IpAddr,
    prefix_bits: u32,
}

/// Not an address and not a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither an IP address nor a range such as 10.0.0.0/8")]
pub struct NotARange;

impl FromStr for AddressRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(prefix)),
        };
        let first: IpAddr = address.parse().map_err(|_| NotARange)?;
        let most = width(first);
        let prefix_bits = match prefix {
            None => most,
            Some(bits) => bits.parse().map_err(|_| NotARange)?,
        };
        if prefix_bits > most {
            return Err(NotARange);
        }
        Ok(Self { first, prefix_bits })
    }
}

impl TryFrom<String> for AddressRange {
    type Error = NotARange;

    fn try_from(text: String) -> Result<Self, NotARange> {
        text.parse()
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address's bits, highest first, in the highest places.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl AddressRange {
    /// Whether the address is in the range; IPv4 and IPv6 are never in one another's.
    pub fn contains(&self, address: IpAddr) -> bool {
        if self.first.is_ipv4() != address.is_ipv4() {
            return false;
        }
        // A shift by all 128 bits would be none at all.
        let kept = u128::MAX
            .checked_shl(128 - self.prefix_bits)
            .unwrap_or_default();
        bits(self.first) & kept == bits(address) & kept
    }
}

#[cfg(test)]
mod tests {
    use super::AddressRange;

    fn within(range: &str, address: &str) -> bool {
        let range: AddressRange = range.parse().unwrap();
        range.contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_what_begins_with_its_bits() {
        assert!(within("10.0.0.0/8", "10.255.0.1"));
        assert!(!within("10.0.0.0/8", "11.0.0.1"));
        assert!(within("127.0.0.1", "127.0.0.1"));
        assert!(!within("127.0.0.1", "127.0.0.2"));
        assert!(within("0.0.0.0/0", "203.0.113.9"));
        assert!(within("fd00::/8", "fd12::1"));
        assert!(!within("fd00::/8", "fe80::1"));
        assert!(!within("0.0.0.0/0", "::1"));
        assert!(!within("::/0", "127.0.0.1"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "localhost",
            "10.0.0.0/33",
            "10.0.0.0/",
            "::1/129",
            "10.0.0.0/-1",
        ] {
            assert!(text.parse::<AddressRange>().is_err(), "{text}");
        }
    }
}
