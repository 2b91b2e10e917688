//! Names of the topics. A partner at a bank has one of its own, so that access rights keep them apart.

use std::fmt::Write as _;

use consent_domain::{BankCode, PartnerId};

use crate::Audience;

/// What stands before every topic's name, so that a cluster can be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicNames {
    prefix: String,
}

/// The text can't begin a topic's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a topic prefix has 1 to 32 characters of a-z, 0-9 and -")]
pub struct InvalidPrefix;

const LONGEST_PREFIX: usize = 32;

impl Default for TopicNames {
    fn default() -> Self {
        Self {
            prefix: "renkei".to_owned(),
        }
    }
}

impl TopicNames {
    /// Takes a prefix: 1 to 32 characters of `a-z`, `0-9` and `-`.
    ///
    /// # Errors
    /// [`InvalidPrefix`].
    pub fn try_new(prefix: &str) -> Result<Self, InvalidPrefix> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=LONGEST_PREFIX).contains(&prefix.len()) && prefix.bytes().all(fits) {
            Ok(Self {
                prefix: prefix.to_owned(),
            })
        } else {
            Err(InvalidPrefix)
        }
    }

    /// The topic of an audience.
    pub fn of(&self, audience: &Audience) -> String {
        match audience {
            Audience::Partner { bank, partner } => self.partner(bank, partner),
            Audience::Platform => self.platform(),
            Audience::Registrations => self.registrations(),
        }
    }

    /// What one partner learns at one bank, e.g. `renkei.partner.2963.minato`.
    pub fn partner(&self, bank: &BankCode, partner: &PartnerId) -> String {
        format!("{}.partner.{bank}.{}", self.prefix, escaped(partner))
    }

    /// One record for every fact.
    pub fn platform(&self) -> String {
        format!("{}.platform", self.prefix)
    }

    /// Today's registrations, compacted.
    pub fn registrations(&self) -> String {
        format!("{}.registrations", self.prefix)
    }

    /// What every name begins with, for access rights by prefix.
    pub fn common_prefix(&self) -> String {
        format!("{}.", self.prefix)
    }

    /// What a partner's consumer groups begin with; no partner's is the beginning of another's.
    pub fn partner_group_prefix(&self, partner: &PartnerId) -> String {
        format!("{}.partner.{}.", self.prefix, escaped(partner))
    }

    /// How far the relay has come, compacted.
    pub fn offsets(&self) -> String {
        format!("{}.relay-offsets", self.prefix)
    }
}

/// Kafka's metrics take `.` and `_` for one character, and it refuses a topic that would then be
/// named like another. Hence no `.` in a partner's part, and `_` only begins an escape: `a.b` is
/// `a_2eb`.
fn escaped(partner: &PartnerId) -> String {
    let mut name = String::new();
    for byte in partner.as_str().bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(name, "_{byte:02x}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(partner: &str) -> String {
        let bank = BankCode::parse("2963").unwrap();
        TopicNames::default().partner(&bank, &PartnerId::parse(partner).unwrap())
    }

    #[test]
    fn a_partner_at_a_bank_has_a_topic_of_its_own() {
        assert_eq!(topic("minato"), "renkei.partner.2963.minato");
        assert_eq!(topic("minato-2.eu"), "renkei.partner.2963.minato-2_2eeu");
    }

    #[test]
    fn no_two_partners_have_topics_that_kafka_takes_for_one() {
        let partners = ["a.b", "a_b", "a-b", "ab", "a_2eb", "a.2eb", "a__b", "A.b"];
        let as_metrics = partners.map(|partner| topic(partner).replace('.', "_"));
        let distinct: std::collections::BTreeSet<_> = as_metrics.iter().collect();
        assert_eq!(distinct.len(), partners.len(), "{as_metrics:?}");
    }

    #[test]
    fn the_longest_names_fit_into_kafkas_249_characters() {
        let names = TopicNames::try_new(&"p".repeat(LONGEST_PREFIX)).unwrap();
        let bank = BankCode::parse("2963").unwrap();
        let dots = PartnerId::parse(".".repeat(64)).unwrap();
        assert!(names.partner(&bank, &dots).len() <= 249);
    }

    #[test]
    fn a_prefix_brings_no_separator() {
        for text in ["", "a.b", "a_b", "A", "a b", &"a".repeat(33)] {
            assert_eq!(TopicNames::try_new(text), Err(InvalidPrefix));
        }
    }
}
