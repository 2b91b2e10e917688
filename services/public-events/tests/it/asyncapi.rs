//! docs/asyncapi.yaml: written from the committed descriptors, their comments and the golden records.
//!
//! `UPDATE_ASYNCAPI=1` (or `make asyncapi`) writes it anew.

mod document;
mod schema;
mod yaml;

use std::path::Path;

#[test]
fn the_asyncapi_document_is_what_the_schema_and_the_golden_records_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/asyncapi.yaml");
    let today = document::document().to_string();
    if std::env::var_os("UPDATE_ASYNCAPI").is_some_and(|value| value == "1") {
        std::fs::write(&path, &today).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == today,
        "docs/asyncapi.yaml is out of date: make asyncapi"
    );
}
