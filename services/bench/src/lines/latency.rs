//! How long one thing takes that is done again and again, one after the other.

/// The median of what an asynchronous block takes, in milliseconds, done for about that time and at least
/// three times. (A macro: what it awaits borrows from where it stands.)
macro_rules! median_milliseconds {
    ($period:expr, $once:block) => {{
        let begun = std::time::Instant::now();
        let mut took: Vec<f64> = Vec::new();
        while begun.elapsed() < $period || took.len() < 3 {
            let before = std::time::Instant::now();
            std::hint::black_box($once);
            took.push(before.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(crate::report::median(&took))
    }};
}
pub(super) use median_milliseconds;
