//! What the person at the terminal reads while things are found, installed and started.

use std::fmt::Display;

/// Prints a line to standard error: standard output is the command's own result.
pub fn say(line: impl Display) {
    eprintln!("{line}");
}
