//! Seeded randomness: one seed makes one field, whatever the machine.

use chrono::TimeDelta;
use consent_domain::Instant;
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use uuid::{Builder, Uuid};

use crate::error::BenchError;

/// The loader's only source of randomness.
pub struct Chance(StdRng);

impl Chance {
    /// Of that seed.
    pub fn of_seed(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Whether something of that probability (0 to 1) happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    /// One of `least..=most`; `least` where there is none between.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        self.0.random_range(least..=most.max(least))
    }

    /// A position in a list of that length; 0 of an empty one.
    pub fn below(&mut self, length: usize) -> usize {
        self.0.random_range(0..length.max(1))
    }

    /// 0 up to, but not, 1.
    pub fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// One of a list.
    ///
    /// # Errors
    /// Where it is empty.
    pub fn one_of<'a, T>(&mut self, of: &'a [T]) -> Result<&'a T, BenchError> {
        of.get(self.below(of.len()))
            .ok_or_else(|| BenchError::wrong("nothing to choose from"))
    }

    /// One of a list, each as often as its weight says.
    ///
    /// # Errors
    /// Where no weight is more than zero.
    pub fn weighted<T: Copy>(&mut self, of: &[(u32, T)]) -> Result<T, BenchError> {
        let all: u32 = of.iter().map(|(weight, _)| weight).sum();
        let mut left = self.0.random_range(0..all.max(1));
        for (weight, one) in of {
            match left.checked_sub(*weight) {
                None => return Ok(*one),
                Some(rest) => left = rest,
            }
        }
        Err(BenchError::wrong("nothing to choose from"))
    }

    /// A number of seconds, with a fraction down to a microsecond: PostgreSQL keeps no more.
    pub fn seconds(&mut self, least: i64, most: i64) -> TimeDelta {
        let microseconds = 1_000_000;
        TimeDelta::microseconds(self.between(least * microseconds, most * microseconds))
    }

    /// A number of days, at whatever time of the day.
    pub fn days(&mut self, least: i64, most: i64) -> TimeDelta {
        self.seconds(least * 86_400, most * 86_400)
    }

    /// An id that tells nothing (UUIDv4).
    pub fn id(&mut self) -> Uuid {
        Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    /// An id of that time (UUIDv7).
    pub fn id_of(&mut self, at: Instant) -> Uuid {
        let milliseconds = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        let [random @ .., _, _, _, _, _, _] = self.bytes::<16>();
        Builder::from_unix_timestamp_millis(milliseconds, &random).into_uuid()
    }

    /// A digest of something that nobody has: 32 bytes in lower-case hex.
    pub fn digest(&mut self) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.bytes::<32>() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }
}
