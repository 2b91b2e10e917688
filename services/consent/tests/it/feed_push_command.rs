//! `consent push-target`, as an operator types it.

use std::process::Output;

use crate::bench::{BANK, Bench};

fn consent(config: &std::path::Path, arguments: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_consent"))
        .arg("push-target")
        .args(arguments)
        .arg("--config")
        .arg(config)
        .output()
        .expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_set_listed_and_removed() {
    let bench = Bench::new().await;
    bench.sequence().await;
    let directory = std::env::temp_dir().join(format!("push-target-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&directory).unwrap();
    let (config, secret) = (
        directory.join("consent.toml"),
        directory.join("authorization"),
    );
    std::fs::write(&config, bench.settings()).unwrap();
    std::fs::write(&secret, "Bearer marked-secret\n").unwrap();
    let whose = ["--bank", BANK, "--client", "partner-a"];
    let with = |first: &[&'static str], rest: &[&'static str]| {
        let mut arguments: Vec<&str> = first.to_vec();
        arguments.extend(whose);
        arguments.extend(rest);
        consent(&config, &arguments)
    };

    let refused: Vec<Output> = [
        "https://10.0.0.1/",
        "http://partner.example/",
        "https://partner.example/without-authorities",
    ]
    .map(|url| with(&["set"], &["--url", url]))
    .into();
    let ahead = with(
        &["set"],
        &["--url", "http://127.0.0.1:1/", "--after", "99999"],
    );
    let set = consent(
        &config,
        &[
            &["set"],
            whose.as_slice(),
            &["--url", "http://127.0.0.1:1/", "--operator", "sato"],
            &["--authorization-file", secret.to_str().unwrap()],
        ]
        .concat(),
    );
    let listed = consent(&config, &["list"]);
    let removed = with(&["remove"], &[]);
    let empty = consent(&config, &["list"]);

    std::fs::remove_dir_all(&directory).unwrap();
    for output in refused.iter().chain([&ahead]) {
        assert!(!output.status.success(), "{}", said(output));
    }
    assert!(
        said(&ahead).contains("has not come to this number"),
        "{}",
        said(&ahead)
    );
    assert!(set.status.success(), "{}", said(&set));
    let listed = said(&listed);
    assert!(
        listed.contains("2963 partner-a http://127.0.0.1:1/"),
        "{listed}"
    );
    assert!(
        listed.contains("set_by=sato") && !listed.contains("marked-secret"),
        "{listed}"
    );
    assert!(removed.status.success(), "{}", said(&removed));
    assert!(said(&empty).contains("there is no push target"));
}
