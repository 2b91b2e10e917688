//! The directory that the demonstration writes to.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::RunError;
use crate::addresses::Addresses;

/// `target/demo`, held by one demonstration at a time.
#[derive(Debug)]
pub(super) struct DemoDirectory {
    path: PathBuf,
    /// The lock goes with this value, and with the process.
    _lock: File,
}

impl DemoDirectory {
    pub(super) fn lock(path: PathBuf) -> Result<Self, RunError> {
        let opening = RunError::io("opening the demonstration's directory");
        let lock = fs::create_dir_all(&path)
            .and_then(|()| File::create(path.join("lock")))
            .map_err(&opening)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(RunError::Running(path)),
            Err(TryLockError::Error(error)) => Err(opening(error)),
        }
    }

    /// Removes what the last demonstration wrote; what it kept stays.
    pub(super) fn clear(&self) -> io::Result<()> {
        self.clear_announcement()?;
        for directory in [self.settings(), self.logs(), self.process_ids()] {
            match fs::remove_dir_all(&directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => fs::create_dir_all(&directory)?,
            }
        }
        Ok(())
    }

    /// Removes `demo.json`: while it is there, everything in it is up.
    pub(super) fn clear_announcement(&self) -> io::Result<()> {
        match fs::remove_file(self.demo_json()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn demo_json(&self) -> PathBuf {
        self.path.join("demo.json")
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.path.join("settings")
    }

    pub(super) fn logs(&self) -> PathBuf {
        self.path.join("logs")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }

    pub(super) fn pid_file(&self, name: &str) -> PathBuf {
        self.process_ids().join(format!("{name}.pid"))
    }

    /// The keys of a kept state: they belong to the addresses, which issuers and redirect URIs name.
    pub(super) fn kept_file(&self, addresses: Addresses) -> PathBuf {
        self.path.join(format!("kept{}.json", addresses.suffix()))
    }

    /// They outlive a start: a browser may trust them.
    pub(super) fn certificates(&self) -> PathBuf {
        self.path.join("tls")
    }

    fn process_ids(&self) -> PathBuf {
        self.path.join("run")
    }
}
