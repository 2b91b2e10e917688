//! Apache's own jars, fetched by Maven and compared with the committed list.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::error::{KafkaError, While};
use super::java::run;
use crate::console;

/// Names Apache Kafka's version, once for jars and image.
const POM: &str = include_str!("../../kafka/pom.xml");
/// In the format of `sha256sum`.
const SHA256SUMS: &str = include_str!("../../kafka/SHA256SUMS");

/// The version that `pom.xml` names.
pub(super) fn version() -> &'static str {
    POM.split_once("<kafka.version>")
        .and_then(|(_, rest)| rest.split_once('<'))
        .map_or("", |(version, _)| version)
}

/// The directory of the jars, where they have been fetched before.
pub(super) fn find(cache: &Path) -> Option<PathBuf> {
    let directory = directory(cache);
    directory.is_dir().then_some(directory)
}

/// Fetches the jars with Maven, which takes its repository and proxy from its own settings.
///
/// # Errors
/// Where Maven fails, or a jar is not the one that the list names.
pub(super) fn fetch(cache: &Path) -> Result<PathBuf, KafkaError> {
    let directory = directory(cache);
    console::say(format_args!(
        "Fetching Apache Kafka {} (45 MB of jars, pinned by hash) with Maven into {}.",
        version(),
        directory.display()
    ));
    // Fetched and compared beside, then renamed: what is interrupted leaves nothing that looks whole.
    let partial = cache.join(format!("partial-{}", std::process::id()));
    fs::create_dir_all(&partial).while_(|| format!("creating {}", partial.display()))?;
    let outcome = fetch_beside(&partial, &directory);
    fs::remove_dir_all(&partial).while_(|| format!("removing {}", partial.display()))?;
    outcome.map(|()| directory)
}

fn fetch_beside(partial: &Path, directory: &Path) -> Result<(), KafkaError> {
    let pom = partial.join("pom.xml");
    fs::write(&pom, POM).while_(|| format!("writing {}", pom.display()))?;
    let fetched = partial.join("jars");
    run(Command::new("mvn")
        .args(["--quiet", "--batch-mode", "--strict-checksums", "--file"])
        .arg(&pom)
        .arg("dependency:copy-dependencies")
        .arg(format!("-DoutputDirectory={}", fetched.display())))?;
    compare(&fetched)?;
    match fs::rename(&fetched, directory) {
        // Another process may have been faster; its directory holds the same.
        Err(_) if directory.is_dir() => Ok(()),
        outcome => outcome.while_(|| format!("renaming {}", fetched.display())),
    }
}

/// Named after the list, too: another list never finds this one's jars.
fn directory(cache: &Path) -> PathBuf {
    let list = hex(&Sha256::digest(SHA256SUMS));
    let short = list.get(..12).unwrap_or(&list);
    cache.join(format!("{}-{short}", version()))
}

/// Every jar of the list is there with its hash, and no other.
fn compare(directory: &Path) -> Result<(), KafkaError> {
    let mut expected: BTreeMap<&str, &str> = SHA256SUMS
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(hash, jar)| (jar, hash))
        .collect();
    let reading = || format!("reading {}", directory.display());
    for entry in fs::read_dir(directory).while_(reading)? {
        let path = entry.while_(reading)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let differs = |reason: String| KafkaError::Jar {
            jar: name.to_string(),
            reason,
        };
        let Some(hash) = expected.remove(name.as_ref()) else {
            return Err(differs("it is not in the list".to_owned()));
        };
        let found = hash_of(&path)?;
        if found != hash {
            return Err(differs(format!("its SHA-256 is {found}")));
        }
    }
    match expected.first_key_value() {
        Some((jar, _)) => Err(KafkaError::Jar {
            jar: (*jar).to_owned(),
            reason: "Maven did not fetch it".to_owned(),
        }),
        None => Ok(()),
    }
}

fn hash_of(path: &Path) -> Result<String, KafkaError> {
    let reading = || format!("reading {}", path.display());
    let mut file = File::open(path).while_(reading)?;
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut hasher).while_(reading)?;
    Ok(hex(&hasher.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jar_is_pinned_by_a_hash_and_kafkas_are_of_the_poms_version() {
        for line in SHA256SUMS.lines() {
            let (hash, jar) = line.split_once("  ").expect("sha256sum's format");
            assert_eq!(hash.len(), 64, "{line}");
            let of_kafka = jar.starts_with("kafka");
            assert!(!of_kafka || jar.contains(version()), "{jar}");
        }
        assert!(SHA256SUMS.contains(&format!("kafka-tools-{}.jar", version())));
    }

    #[test]
    fn a_jar_that_the_list_does_not_name_is_refused() {
        let directory = std::env::temp_dir().join(format!("jars-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("creates");
        fs::write(directory.join("planted.jar"), "planted").expect("writes");
        let error = compare(&directory).expect_err("refused");
        fs::remove_dir_all(&directory).expect("the test's own directory");
        assert!(
            error.to_string().contains("planted.jar is not what"),
            "{error}"
        );
    }

    #[test]
    fn a_jar_with_another_content_is_refused() {
        let directory = std::env::temp_dir().join(format!("jars-other-{}", std::process::id()));
        fs::create_dir_all(&directory).expect("creates");
        fs::write(directory.join("re2j-1.8.jar"), "planted").expect("writes");
        let error = compare(&directory).expect_err("refused");
        fs::remove_dir_all(&directory).expect("the test's own directory");
        assert!(error.to_string().contains("its SHA-256 is"), "{error}");
    }
}
