//! Where the demonstration's files are: beside the executables that cargo built.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

/// Cargo's target directory, recognised by the tag that cargo puts there; else the directory
/// above the one that holds the executable.
///
/// # Errors
/// Where the system can't tell the path of this executable.
pub fn target_directory() -> io::Result<PathBuf> {
    let executable = env::current_exe()?;
    let tagged = executable
        .ancestors()
        .find(|path| path.join("CACHEDIR.TAG").is_file());
    let above = executable.parent().and_then(Path::parent);
    tagged
        .or(above)
        .map(Path::to_owned)
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the executable has no directory"))
}

/// A service's executable, built beside this one.
///
/// # Errors
/// Where it has not been built.
pub fn service_executable(name: &str) -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    let path = own.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        let reason = format!(
            "{} is missing: run `cargo build --workspace --bins`",
            path.display()
        );
        Err(io::Error::new(io::ErrorKind::NotFound, reason))
    }
}
