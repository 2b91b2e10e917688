//! The schema of public events: its style, and that no change breaks whoever reads it already.
//!
//! `UPDATE_DESCRIPTORS=1` (or `make proto`) writes the committed descriptor set anew, unless the
//! change would break a reader.

#![cfg(test)]

mod breaking;
mod style;

use std::path::Path;

use prost::Message as _;
use prost_types::FileDescriptorSet;
use renkei_proto::consent::v1::DESCRIPTORS;

const FILES: [&str; 4] = [
    "consent/v1/access.proto",
    "consent/v1/events.proto",
    "consent/v1/platform.proto",
    "consent/v1/registration.proto",
];

/// The set as the files say, with imports and comments.
fn compiled() -> (Vec<u8>, FileDescriptorSet) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = protox::Compiler::new([root]).unwrap();
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_files(FILES.map(|file| root.join(file)))
        .unwrap();
    (
        compiler.encode_file_descriptor_set(),
        compiler.file_descriptor_set(),
    )
}

fn committed() -> FileDescriptorSet {
    FileDescriptorSet::decode(DESCRIPTORS).unwrap()
}

fn every_file_of_the_folder_is_compiled(root: &Path) {
    let mut found: Vec<String> = std::fs::read_dir(root.join("consent/v1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".proto"))
        .map(|name| format!("consent/v1/{name}"))
        .collect();
    found.sort();
    assert_eq!(found, FILES);
}

#[test]
fn the_committed_descriptors_are_what_the_files_say_and_break_nobody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    every_file_of_the_folder_is_compiled(root);
    let (bytes, today) = compiled();
    let breaks = breaking::changes(&committed(), &today);
    assert!(breaks.is_empty(), "these break readers: {breaks:#?}");
    if std::env::var_os("UPDATE_DESCRIPTORS").is_some_and(|value| value == "1") {
        std::fs::write(root.join("consent/v1/consent.binpb"), bytes).unwrap();
        return;
    }
    assert!(
        bytes == DESCRIPTORS,
        "proto/consent/v1/consent.binpb is out of date: make proto"
    );
}

#[test]
fn the_files_keep_to_the_style() {
    let offences = style::offences(&compiled().1);
    assert!(offences.is_empty(), "{offences:#?}");
}
