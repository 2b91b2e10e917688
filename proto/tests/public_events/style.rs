//! The style that buf's STANDARD and COMMENTS rules ask for, as far as this schema needs them.

use std::collections::BTreeMap;

use prost_types::{FileDescriptorProto, FileDescriptorSet};

const PACKAGE: &str = "renkei.consent.v1";

/// Places of a descriptor's members (`FileDescriptorProto`, `DescriptorProto`,
/// `EnumDescriptorProto`), of which paths to comments are made.
const MESSAGES: i32 = 4;
const ENUMS: i32 = 5;
const FIELDS: i32 = 2;
const VALUES: i32 = 2;

/// One line for each offence, with the name of what offends.
pub(crate) fn offences(set: &FileDescriptorSet) -> Vec<String> {
    set.file
        .iter()
        .filter(|file| !file.name().starts_with("google/"))
        .flat_map(of_file)
        .collect()
}

fn of_file(file: &FileDescriptorProto) -> Vec<String> {
    let comments = comments(file);
    let mut found = Vec::new();
    if file.package() != PACKAGE {
        found.push(format!("{}: the package must be {PACKAGE}", file.name()));
    }
    let mut say = |name: &str, path: &[i32], well_named: bool| {
        if !well_named {
            found.push(format!("{name}: not named as such things are"));
        }
        if !comments.contains_key(path) {
            found.push(format!("{name}: no comment"));
        }
    };
    for (m, message) in (0..).zip(&file.message_type) {
        let name = message.name();
        say(name, &[MESSAGES, m], is_pascal_case(name));
        for (f, field) in (0..).zip(&message.field) {
            let name = format!("{name}.{}", field.name());
            say(
                &name,
                &[MESSAGES, m, FIELDS, f],
                is_snake_case(field.name()),
            );
        }
        if !message.nested_type.is_empty() || !message.enum_type.is_empty() {
            say(&format!("{name}: nested types"), &[MESSAGES, m], false);
        }
    }
    for (e, an_enum) in (0..).zip(&file.enum_type) {
        let name = an_enum.name();
        let prefix = upper_snake_case(name) + "_";
        say(name, &[ENUMS, e], is_pascal_case(name));
        for (v, value) in (0..).zip(&an_enum.value) {
            let named = value.name().starts_with(&prefix)
                && (value.number() == 0) == (value.name() == format!("{prefix}UNSPECIFIED"));
            say(value.name(), &[ENUMS, e, VALUES, v], named);
        }
    }
    found
}

fn comments(file: &FileDescriptorProto) -> BTreeMap<&[i32], &str> {
    let info = file.source_code_info.as_ref();
    let locations = info.into_iter().flat_map(|info| &info.location);
    locations
        .filter(|at| !at.leading_comments().trim().is_empty())
        .map(|at| (at.path.as_slice(), at.leading_comments()))
        .collect()
}

fn is_pascal_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn upper_snake_case(pascal: &str) -> String {
    let mut upper = String::new();
    for c in pascal.chars() {
        if c.is_ascii_uppercase() && !upper.is_empty() {
            upper.push('_');
        }
        upper.push(c.to_ascii_uppercase());
    }
    upper
}

#[test]
fn an_enum_without_its_zero_and_a_field_without_a_comment_are_named() {
    use prost_types::{
        DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    };
    let file = FileDescriptorProto {
        package: Some("renkei.consent.v2".to_owned()),
        message_type: vec![DescriptorProto {
            name: Some("Sold".to_owned()),
            field: vec![FieldDescriptorProto {
                name: Some("theItem".to_owned()),
                ..Default::default()
            }],
            ..Default::default()
        }],
        enum_type: vec![EnumDescriptorProto {
            name: Some("PaperSize".to_owned()),
            value: vec![EnumValueDescriptorProto {
                name: Some("PAPER_SIZE_A4".to_owned()),
                number: Some(0),
                ..Default::default()
            }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let found = offences(&FileDescriptorSet { file: vec![file] }).join("\n");
    for offence in [
        ": the package must be renkei.consent.v1",
        "Sold: no comment",
        "Sold.theItem: not named as such things are",
        "Sold.theItem: no comment",
        "PAPER_SIZE_A4: not named as such things are",
    ] {
        assert!(found.contains(offence), "{offence} is not in:\n{found}");
    }
}
