//! `account-api --config FILE`.

use std::process::Command;

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_account-api"))
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn bad_settings_are_refused_with_the_name_of_the_setting() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("refused.toml");
    std::fs::write(&path, "listen = \"127.0.0.1:0\"\nresource_identifier = 5\n").unwrap();
    let (code, told) = run(&["--config", path.to_str().unwrap()]);
    assert_eq!(code, Some(2));
    assert!(told.contains("line 2"), "{told}");

    let (code, told) = run(&["--config", "/nowhere/settings.toml"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("can't be read"), "{told}");
}
