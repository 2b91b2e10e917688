//! The operating system's account that the server runs under: PostgreSQL refuses root.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::error::{PostgresError, While};

/// Who runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// The user who started this process, with this id.
    Own(u32),
    /// Another one, because root started this process.
    Ordinary { uid: u32, gid: u32 },
}

impl Account {
    /// `postgres`, else `nobody`, for root; otherwise the user itself.
    pub(super) fn find() -> Result<Self, PostgresError> {
        match own_user_id()? {
            0 => {
                let passwd = fs::read_to_string("/etc/passwd")
                    .while_(|| "reading /etc/passwd".to_owned())?;
                ordinary_user(&passwd).ok_or(PostgresError::NoOrdinaryUser)
            }
            uid => Ok(Account::Own(uid)),
        }
    }

    /// The id of the user who started this process.
    pub(super) fn starter(self) -> u32 {
        match self {
            Account::Own(uid) => uid,
            Account::Ordinary { .. } => 0,
        }
    }

    /// A command that will run under the account, in `directory`, which it must be able to enter.
    pub(super) fn command(self, program: &Path, directory: &Path) -> Command {
        let mut command = Command::new(program);
        // The messages are looked at; the inherited locale may not even be installed.
        command.current_dir(directory).env("LC_ALL", "C");
        if let Account::Ordinary { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Makes a directory that the account owns and nobody else can enter.
    pub(super) fn create_directory(self, path: &Path) -> Result<(), PostgresError> {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(path)
            .while_(|| format!("creating {}", path.display()))?;
        self.give(path)
    }

    /// Makes the account the owner of a file or directory.
    pub(super) fn give(self, path: &Path) -> Result<(), PostgresError> {
        match self {
            Account::Own(_) => Ok(()),
            Account::Ordinary { uid, gid } => chown(path, Some(uid), Some(gid))
                .while_(|| format!("changing the owner of {}", path.display())),
        }
    }
}

/// Makes a directory in a place that others can write to, or checks that the one found there was
/// not planted: it must belong to `owner` and be writable by nobody else.
pub(super) fn create_owned_directory(path: &Path, owner: u32) -> Result<(), PostgresError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).while_(|| format!("creating {}", parent.display()))?;
    }
    match fs::DirBuilder::new().mode(0o755).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).while_(|| format!("creating {}", path.display())),
    }
    let found = fs::symlink_metadata(path).while_(|| format!("looking at {}", path.display()))?;
    let writable_by_others = found.permissions().mode() & 0o022 != 0;
    if found.is_dir() && found.uid() == owner && !writable_by_others {
        Ok(())
    } else {
        Err(PostgresError::ForeignDirectory(path.to_owned()))
    }
}

/// The effective user id, asked of `id`: the standard library has no call for it.
fn own_user_id() -> Result<u32, PostgresError> {
    let output = Command::new("id")
        .arg("-u")
        .output()
        .while_(|| "running `id -u`".to_owned())?;
    let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    printed.parse().map_err(|_| PostgresError::Command {
        command: "id -u".to_owned(),
        output: printed,
    })
}

/// The ids of `postgres`, else of `nobody`, from the text of `/etc/passwd`.
fn ordinary_user(passwd: &str) -> Option<Account> {
    let entry = |wanted: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (name == wanted && uid != 0).then_some(Account::Ordinary { uid, gid })
        })
    };
    entry("postgres").or_else(|| entry("nobody"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &str = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533::/:/bin/false\n";

    #[test]
    fn postgres_is_preferred_to_nobody() {
        let passwd = format!("{NOBODY}postgres:x:101:104:admin:/var/lib/postgresql:/bin/bash\n");
        assert_eq!(
            ordinary_user(&passwd),
            Some(Account::Ordinary { uid: 101, gid: 104 })
        );
        assert_eq!(
            ordinary_user(NOBODY),
            Some(Account::Ordinary {
                uid: 65534,
                gid: 65533
            })
        );
    }

    #[test]
    fn a_name_with_roots_id_is_no_ordinary_user() {
        assert_eq!(ordinary_user("postgres:x:0:0::/:/bin/sh\n"), None);
    }
}
