//! What runs Kafka's Java programs: the machine's Java with Apache's jars, else Apache's image.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::KafkaError;
use super::jars;
use crate::console;
use crate::postgres::last_lines;

/// What Kafka 4's broker needs.
const MINIMUM_JAVA: u32 = 17;
const DEBIAN_PACKAGES: [&str; 2] = ["maven", "default-jre-headless"];

/// How one of Kafka's programs becomes a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Java {
    /// The machine's Java with the jars of a directory.
    Installed {
        /// The `java` program.
        program: PathBuf,
        /// The directory of the jars.
        jars: PathBuf,
    },
    /// The same jars and a Java in Apache's image, on the host's network.
    Image {
        /// Its name and version.
        name: String,
        /// `uid:gid` of the user who started this process, who owns the files.
        user: String,
    },
}

impl Java {
    /// Finds what there is; else installs it, or says what to install.
    ///
    /// `cache`: where the jars are kept.
    pub(super) fn find_or_install(cache: &Path) -> Result<Self, KafkaError> {
        let mut tried = Vec::new();
        match installed(cache) {
            Ok(Some(java)) => return Ok(java),
            Ok(None) => tried.push("no Java 17 with Maven".to_owned()),
            Err(error) => {
                console::say(&error);
                tried.push("Maven failed".to_owned());
            }
        }
        if answers(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"])) {
            let name = format!("apache/kafka:{}", jars::version());
            console::say(format_args!("Kafka's programs run in the image {name}."));
            let user = format!("{}:{}", own_id("-u")?, own_id("-g")?);
            return Ok(Java::Image { name, user });
        }
        tried.push("no Docker engine".to_owned());
        if install_packages()?
            && let Some(java) = installed(cache)?
        {
            return Ok(java);
        }
        Err(KafkaError::NotFound {
            tried: tried.join(", "),
        })
    }

    /// A command that runs `main_class`, with `options` for Java before it. Files that it is
    /// given are under `directory`. `name` is that of the container, where there is one.
    pub(super) fn command(
        &self,
        main_class: &str,
        options: &[&str],
        directory: &Path,
        name: &str,
    ) -> Command {
        let mut command;
        match self {
            Java::Installed { program, jars } => {
                command = Command::new(program);
                // As a variable: a process list shows what it is about instead.
                command.env("CLASSPATH", class_path(jars));
            }
            Java::Image { name: image, user } => {
                let mut mount = OsString::from(directory);
                mount.push(":");
                mount.push(directory);
                command = Command::new("docker");
                command
                    .args(["run", "--rm", "--init", "--network=host", "--name", name])
                    .arg("--volume")
                    .arg(mount)
                    .args(["--user", user, "--entrypoint", "java"])
                    .arg(image)
                    .args(["-classpath", "/opt/kafka/libs/*"]);
            }
        }
        // One compiler and one collector thread: programs that live for seconds.
        command
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"])
            .args(options)
            .arg(main_class);
        command
    }
}

/// Every jar of the directory.
fn class_path(jars: &Path) -> OsString {
    let mut path = OsString::from(jars);
    path.push("/*");
    path
}

/// Java and the jars of this machine; the jars are fetched where only they are missing.
fn installed(cache: &Path) -> Result<Option<Java>, KafkaError> {
    let Some(program) = find_java() else {
        return Ok(None);
    };
    let jars = match jars::find(cache) {
        Some(jars) => jars,
        None if answers(Command::new("mvn").arg("--version")) => jars::fetch(cache)?,
        None => return Ok(None),
    };
    Ok(Some(Java::Installed { program, jars }))
}

/// `JAVA_HOME`'s, else the one on `PATH`.
fn find_java() -> Option<PathBuf> {
    let home = env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java"));
    home.into_iter()
        .chain([PathBuf::from("java")])
        .find(|program| {
            Command::new(program)
                .arg("-version")
                .output()
                .ok()
                .and_then(|output| major_version(&String::from_utf8_lossy(&output.stderr)))
                .is_some_and(|version| version >= MINIMUM_JAVA)
        })
}

/// From `openjdk version "17.0.15" 2025-04-15`; Java 8 calls itself `1.8`.
fn major_version(printed: &str) -> Option<u32> {
    let (_, quoted) = printed.split_once("version \"")?;
    let digits = quoted.find(|character: char| !character.is_ascii_digit())?;
    quoted.get(..digits)?.parse().ok()
}

/// Installs Debian's packages where root asks for it; whether they were.
fn install_packages() -> Result<bool, KafkaError> {
    if own_id("-u")? != "0" || !Path::new("/etc/debian_version").exists() {
        return Ok(false);
    }
    console::say(format_args!(
        "Java or Maven is missing: running `apt-get install -y {}`.",
        DEBIAN_PACKAGES.join(" ")
    ));
    let install = || {
        run(Command::new("apt-get")
            .args(["install", "-y", "--no-install-recommends"])
            .args(DEBIAN_PACKAGES)
            .env("DEBIAN_FRONTEND", "noninteractive"))
    };
    if install().is_err() {
        // A fresh image has no package lists.
        run(Command::new("apt-get").arg("update"))?;
        install()?;
    }
    Ok(true)
}

/// The standard library has no call for it.
fn own_id(option: &str) -> Result<String, KafkaError> {
    run(Command::new("id").arg(option)).map(|printed| printed.trim().to_owned())
}

fn answers(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Runs a command to its end; returns what it printed to standard output.
///
/// # Errors
/// With the last lines of what it printed, where it can't be started or fails.
pub(super) fn run(command: &mut Command) -> Result<String, KafkaError> {
    // Its arguments may hold a password.
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |output: String| KafkaError::Command {
        command: program,
        output,
    };
    match command.output() {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let printed = [output.stdout, output.stderr].concat();
            Err(failed(last_lines(&String::from_utf8_lossy(&printed))))
        }
        Err(error) => Err(failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_stands_in_what_java_prints() {
        let printed = "openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment";
        assert_eq!(major_version(printed), Some(17));
        assert_eq!(major_version("java version \"1.8.0_402\""), Some(1));
        assert_eq!(major_version("no java here"), None);
    }
}
