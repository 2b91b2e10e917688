use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn read() -> Value {
    serde_json::from_str(&document().unwrap()).unwrap()
}

fn codes(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::Object(examples)) = members.get("examples") {
                found.extend(examples.keys().cloned());
            }
            members.values().for_each(|member| codes(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| codes(item, found)),
        _ => {}
    }
}

/// The table of problems in docs/account-api.md is written for people; both must know the same codes.
#[test]
fn the_document_has_the_codes_that_the_handbook_has() {
    let handbook = include_str!("../../../../docs/account-api.md");
    let (_, table) = handbook.split_once("## Problems").unwrap();
    let written: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once('`'))
        .map(|(code, _)| code.to_owned())
        // A path that is none has no place in a document of paths.
        .filter(|code| code != "not_found")
        .collect();
    let mut found = BTreeSet::new();
    codes(&read(), &mut found);
    assert_eq!(found, written);
}

#[test]
fn every_read_needs_the_access_token_and_health_does_not() {
    let document = read();
    for (path, item) in document["paths"].as_object().unwrap() {
        let secured = item["get"].get("security").is_some();
        assert_eq!(secured, path.starts_with("/v1/"), "{path}");
    }
    assert_eq!(
        document["components"]["securitySchemes"]["access_token"]["scheme"],
        "bearer"
    );
}
