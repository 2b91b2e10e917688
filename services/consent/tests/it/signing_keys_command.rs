//! `consent signing-key` and `consent key-encryption`, as an operator types them.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Output,
};

use consent::security_events::push::{Authorization, PushTarget, set_target};
use consent_domain::{BankCode, ClientId};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    bench::{BANK, Bench},
    oauth_partner::Wish,
    signing_keys_given::{WRAPPING, wrapping},
};

const ANOTHER: &str = "__________________________________________8";

/// Settings files of a test; they go with it.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("keys-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&directory).unwrap();
        Self(directory)
    }

    fn write(&self, name: &str, settings: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, settings).unwrap();
        path
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn consent(config: &Path, arguments: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_consent"))
        .args(arguments)
        .env("RENKEI_CONFIG", config)
        .output()
        .expect("the program runs")
}

const ORDERED: [&str; 4] = ["--by", "sato", "--reason", "yearly"];

fn told(output: &Output) -> Vec<Value> {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    lines(output)
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_published_activated_and_revoked() {
    let bench = Bench::new().await;
    let files = Files::new();
    let config = files.write("consent.toml", &bench.settings());
    let signing_key = |arguments: &[&str]| {
        let ordered: &[&str] = if arguments[0] == "list" {
            &[]
        } else {
            &ORDERED
        };
        consent(&config, &[&["signing-key"], arguments, ordered].concat())
    };

    let before = told(&signing_key(&["list"]));
    let published = told(&signing_key(&["publish"]));
    let kid = published[0]["kid"].as_str().unwrap().to_owned();
    let early = signing_key(&["activate", "--kid", &kid]);
    let forced = told(&signing_key(&["activate", "--kid", &kid, "--now"]));
    let revoked = told(&signing_key(&["revoke", "--kid", &kid]));
    let after = told(&signing_key(&["list"]));
    let unordered = consent(&config, &["signing-key", "revoke", "--kid", &kid]);

    assert_eq!((before.len(), &before[0]["state"]), (1, &"active".into()));
    assert!(!early.status.success());
    let why = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(why.contains("--now"), "{why}");
    assert_eq!(forced[0]["retired"], before[0]["kid"]);
    assert!(forced[0]["breaks"].is_string());
    let states: Vec<&str> = after
        .iter()
        .map(|key| key["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["retired", "revoked", "active"]);
    assert_eq!(after[2]["kid"], revoked[0]["signs_now"]);
    let text = serde_json::to_string(&after).unwrap();
    assert!(
        !text.contains("wrapped") && !text.contains("\"d\""),
        "{text}"
    );
    assert!(!unordered.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_encryption_key_is_changed_while_replicas_run() {
    let bench = Bench::new().await;
    bench.sequence().await;
    let tokens = bench.granted(Wish::default()).await;
    let authorization = Zeroizing::new("Bearer marked-secret".to_owned());
    let target = PushTarget {
        bank: &BankCode::parse(BANK).unwrap(),
        client: &ClientId::parse("partner-a").unwrap(),
        url: "http://127.0.0.1:1/",
        authorization: Some(Authorization::parse(&authorization).unwrap()),
        after: None,
    };
    set_target(&bench.pool, &wrapping(WRAPPING), target, "sato")
        .await
        .unwrap();
    let with = |key: &str, additional: &[&str]| {
        let wrapping = format!("key_encryption_key = \"{WRAPPING}\"");
        let keys = format!(
            "key_encryption_key = \"{key}\"\nadditional_key_encryption_keys = {additional:?}"
        );
        bench.settings().replace(&wrapping, &keys)
    };
    let port = || TcpListener::bind("127.0.0.1:0").unwrap();
    let accepting = bench
        .start_replica_with(port(), &with(WRAPPING, &[ANOTHER]))
        .await;
    let files = Files::new();
    let takes_over = files.write("both.toml", &with(ANOTHER, &[WRAPPING]));
    let alone = files.write("alone.toml", &with(ANOTHER, &[]));

    let waiting = consent(&takes_over, &["key-encryption", "check"]);
    let locked_out = consent(&alone, &["key-encryption", "check"]);
    let rewrap = [&["key-encryption", "rewrap"], ORDERED.as_slice()].concat();
    let rewrapped = told(&consent(&takes_over, &rewrap));
    let checked = told(&consent(&alone, &["key-encryption", "check"]));

    assert!(!waiting.status.success());
    let counted: Vec<&Value> = rewrapped
        .iter()
        .map(|keys| &keys["under_additional_keys"])
        .collect();
    assert_eq!(counted, [5, 1, 1]);
    assert!(!locked_out.status.success());
    assert_eq!(
        lines(&locked_out)[1]["unopened"].as_array().unwrap().len(),
        1
    );
    assert!(
        checked
            .iter()
            .all(|keys| keys["under_additional_keys"] == 0)
    );
    // Who accepts both goes on, who knows the former alone keeps what it has, and the new one starts.
    accepting.app.keys.refresh(&bench.pool).await.unwrap();
    assert_eq!(bench.refreshed(&tokens, 0).await.kid(), tokens.kid());
    let of_the_former = bench.replicas[0].app.keys.refresh(&bench.pool).await;
    assert!(of_the_former.is_err());
    let new = bench.start_replica_with(port(), &with(ANOTHER, &[])).await;
    let (a, b) = (accepting.app.keys.ring(), new.app.keys.ring());
    let bank = BankCode::parse(BANK).unwrap();
    assert_eq!(a.jwks(&bank), b.jwks(&bank));
    let acts: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM operator_acts WHERE act = 'rewrap_keys' AND operator = 'sato'",
    )
    .fetch_one(&bench.pool)
    .await
    .unwrap();
    assert_eq!(acts, 1);
}
