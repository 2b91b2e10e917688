//! How long to wait after failures in a row.

use std::time::Duration;

use crate::entropy::random_bytes;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// Doubles with each failure up to a quarter of an hour; drawn from its upper half, so that targets that
/// failed together don't come back together.
pub(super) fn after(failures: u32) -> Duration {
    let longest = bound(failures);
    let drawn = f64::from(u32::from_le_bytes(*random_bytes::<4>())) / f64::from(u32::MAX);
    longest.mul_f64(0.5 + drawn / 2.0)
}

fn bound(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let bounds: Vec<u64> = (1..=12).map(|failures| bound(failures).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(bound(u32::MAX), LONGEST);
        for failures in 1..40 {
            let drawn = after(failures);
            assert!(drawn >= bound(failures) / 2 && drawn <= bound(failures));
        }
    }
}
