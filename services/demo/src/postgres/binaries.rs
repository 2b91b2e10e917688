//! Where PostgreSQL's server binaries are on this machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The store relies on identity columns of partitioned tables as of this major version.
pub(super) const MINIMUM_MAJOR_VERSION: u32 = 15;

/// A directory that holds `postgres` and `initdb`, recent enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    directory: PathBuf,
    version: String,
}

impl Binaries {
    /// Looks into one directory.
    pub(super) fn find_in(directory: &Path) -> Option<Self> {
        if !directory.join("initdb").is_file() {
            return None;
        }
        let output = Command::new(directory.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        // "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"
        let version = String::from_utf8(output.stdout)
            .ok()?
            .split_whitespace()
            .nth(2)?
            .to_owned();
        (major_version(&version)? >= MINIMUM_MAJOR_VERSION).then(|| Self {
            directory: directory.to_owned(),
            version,
        })
    }

    /// Looks at `PG_BINDIR`, then Debian's, Homebrew's and Postgres.app's places (the highest
    /// version of each first), then `PATH`.
    pub(super) fn find_installed() -> Option<Self> {
        let named = env::var_os("PG_BINDIR").map(PathBuf::from);
        let on_path = env::var_os("PATH").unwrap_or_default();
        let candidates = named
            .into_iter()
            .chain(versions_under("/usr/lib/postgresql", "", "bin"))
            .chain(versions_under("/usr", "pgsql-", "bin"))
            .chain(versions_under("/opt/homebrew/opt", "postgresql@", "bin"))
            .chain(versions_under("/usr/local/opt", "postgresql@", "bin"))
            .chain(versions_under(
                "/Applications/Postgres.app/Contents/Versions",
                "",
                "bin",
            ))
            .chain(env::split_paths(&on_path).collect::<Vec<_>>());
        candidates
            .into_iter()
            .find_map(|directory| Self::find_in(&directory))
    }

    /// The path of a program, `initdb` for example.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// For example `15.20`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// `15.20` and `19beta1` have the majors 15 and 19.
fn major_version(version: &str) -> Option<u32> {
    let digits = version.find(|character: char| !character.is_ascii_digit());
    version.get(..digits.unwrap_or(version.len()))?.parse().ok()
}

/// `{root}/{prefix}{version}/{rest}` for every version there is, the highest first.
fn versions_under(root: &str, prefix: &str, rest: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = major_version(name.strip_prefix(prefix)?)?;
            Some((version, entry.path().join(rest)))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_what_stands_before_the_first_other_character() {
        assert_eq!(major_version("15.20"), Some(15));
        assert_eq!(major_version("19beta1"), Some(19));
        assert_eq!(major_version("18"), Some(18));
        assert_eq!(major_version("latest"), None);
    }

    #[test]
    fn a_directory_without_a_server_is_not_taken() {
        assert_eq!(Binaries::find_in(Path::new("/")), None);
    }
}
