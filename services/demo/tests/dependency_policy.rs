//! Dependencies point one way. What deny.toml can't say about the packages of this workspace is
//! said here, from what `cargo metadata` reports.

#![expect(clippy::expect_used, reason = "a test's helper may fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None` for an ordinary dependency, else `dev` or `build`.
    kind: Option<String>,
    /// The directory of a package of this workspace.
    path: Option<String>,
    features: Vec<String>,
    uses_default_features: bool,
}

impl Dependency {
    /// Part of the product, not only of its tests.
    fn is_shipped(&self) -> bool {
        self.kind.as_deref() != Some("dev")
    }
}

fn packages() -> BTreeMap<String, Package> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let metadata: Metadata = serde_json::from_slice(&output.stdout).expect("cargo's format");
    metadata
        .packages
        .into_iter()
        .map(|package| (package.name.clone(), package))
        .collect()
}

fn of_workspace(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some() && dependency.is_shipped())
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn packages_of_the_workspace_depend_on_each_other_in_one_direction_only() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("renkei-proto", &[][..]),
        ("consent-domain", &[]),
        ("telemetry", &[]),
        ("tls", &[]),
        ("shared-keys", &["consent-domain"]),
        // What partners learn is a translation of facts: no transport in it.
        (
            "public-events",
            &["consent-domain", "renkei-proto", "shared-keys"],
        ),
        (
            "consent",
            &[
                "consent-domain",
                "public-events",
                "renkei-proto",
                "shared-keys",
                "telemetry",
                "tls",
            ],
        ),
        (
            "consent-relay",
            &[
                "consent-domain",
                "public-events",
                "renkei-proto",
                "shared-keys",
                "telemetry",
                "tls",
            ],
        ),
        ("account-api", &["renkei-proto", "telemetry", "tls"]),
        ("sandbox-bank", &["renkei-proto", "telemetry", "tls"]),
        ("partner-app", &[]),
        // It measures from within, and is in no image.
        (
            "bench",
            &[
                "consent",
                "consent-domain",
                "consent-relay",
                "demo",
                "public-events",
                "renkei-proto",
                "sandbox-bank",
            ],
        ),
        // It knows the services by their addresses and pages, and none of their code.
        ("demo", &[]),
    ]);
    for (name, package) in packages() {
        let allowed = allowed.get(name.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("{name} is not in the policy"));
        for dependency in of_workspace(&package) {
            assert!(
                allowed.contains(&dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn the_sample_partner_uses_nothing_of_ours_in_its_tests_either() {
    let packages = packages();
    let partner_app = packages.get("partner-app").expect("it is there");
    let ours: Vec<&str> = partner_app
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some())
        .map(|dependency| dependency.name.as_str())
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[test]
fn what_is_told_is_translated_without_transport_clock_or_entropy() {
    const PURE: [&str; 15] = [
        "aes-gcm",
        "base64",
        "chrono",
        "consent-domain",
        "hmac",
        "prost",
        "prost-reflect",
        "prost-types",
        "renkei-proto",
        "serde",
        "serde_json",
        "sha2",
        "shared-keys",
        "thiserror",
        "zeroize",
    ];
    let packages = packages();
    for name in ["public-events", "shared-keys"] {
        let package = packages.get(name).expect("it is there");
        for dependency in package.dependencies.iter().filter(|one| one.is_shipped()) {
            // Ids are read and written; making one would draw randomness or read the clock.
            let reads_only = dependency.name == "uuid"
                && !["v1", "v4", "v6", "v7"]
                    .iter()
                    .any(|made| dependency.features.iter().any(|on| on == made));
            assert!(
                reads_only || PURE.contains(&dependency.name.as_str()),
                "{name} must not depend on {}",
                dependency.name
            );
        }
    }
}

#[test]
fn the_domain_is_built_from_crates_that_read_no_clock_socket_or_entropy() {
    const PURE: [&str; 4] = ["chrono", "serde", "serde_json", "thiserror"];
    let packages = packages();
    let domain = packages.get("consent-domain").expect("it is there");
    for dependency in domain
        .dependencies
        .iter()
        .filter(|dependency| dependency.is_shipped())
    {
        let name = dependency.name.as_str();
        assert!(
            PURE.contains(&name),
            "consent-domain must not depend on {name}"
        );
        if name == "chrono" {
            let clock = ["clock", "now"];
            let reads = dependency
                .features
                .iter()
                .any(|on| clock.contains(&on.as_str()));
            assert!(
                !reads && !dependency.uses_default_features,
                "chrono would read the clock"
            );
        }
    }
}
