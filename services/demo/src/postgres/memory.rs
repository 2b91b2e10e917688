//! A directory whose files are in memory. Making and removing a database is some thousand files, and a file
//! system on a disk looks at each that was removed in the last minutes before it makes a new one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Linux's own, which every account may use.
const DIRECTORY: &str = "/dev/shm";
/// KiB that have to be free: several times what the tests take at once (a log of 256 MB, and 12 MB for each
/// of a few databases). A container's 64 MB are too few.
const FREE_MIN: u64 = 2 * 1024 * 1024;

/// The directory, where the machine has one with room in it.
pub(super) fn directory() -> Option<PathBuf> {
    let output = Command::new("df").args(["-Pk", DIRECTORY]).output().ok()?;
    let room = room_of(&String::from_utf8_lossy(&output.stdout))?;
    let memory = available_of(&fs::read_to_string("/proc/meminfo").ok()?)?;
    (room.min(memory) >= FREE_MIN).then(|| PathBuf::from(DIRECTORY))
}

/// KiB that are free, as POSIX's `df -Pk` says: the fourth column, under a heading.
fn room_of(df: &str) -> Option<u64> {
    df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

/// KiB that can be had without swapping: `MemAvailable` of proc(5).
fn available_of(meminfo: &str) -> Option<u64> {
    let mut lines = meminfo.lines();
    let rest = lines.find_map(|line| line.strip_prefix("MemAvailable:"))?;
    rest.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_free_is_read_in_kib() {
        let df = "Filesystem     1024-blocks  Used Available Capacity Mounted on\n\
                  tmpfs                65536     4     65532       1% /dev/shm\n";
        assert_eq!(room_of(df), Some(65_532));
        assert_eq!(room_of("df: /dev/shm: No such file or directory\n"), None);
        let meminfo = "MemTotal:       24000000 kB\nMemAvailable:    1200000 kB\n";
        assert_eq!(available_of(meminfo), Some(1_200_000));
        assert_eq!(available_of("MemTotal: 1 kB\n"), None);
    }
}
