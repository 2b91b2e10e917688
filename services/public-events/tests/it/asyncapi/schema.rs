//! The committed descriptors as JSON Schema of their JSON mapping, comments included.

use std::collections::BTreeMap;

use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use renkei_proto::consent::v1::DESCRIPTORS;

use super::yaml::{Yaml, map, reference, text};

/// Every message and enum of the package, by name, with its comment.
pub(super) struct Schemas {
    pub(super) comments: BTreeMap<String, String>,
    pub(super) schemas: BTreeMap<String, Yaml>,
}

pub(super) fn schemas() -> Schemas {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let mut found = Schemas {
        comments: BTreeMap::new(),
        schemas: BTreeMap::new(),
    };
    for file in set
        .file
        .iter()
        .filter(|file| !file.name().starts_with("google/"))
    {
        let info = file.source_code_info.as_ref().unwrap();
        let comments: BTreeMap<&[i32], String> = info
            .location
            .iter()
            .map(|at| (at.path.as_slice(), one_paragraph(at.leading_comments())))
            .collect();
        // 4 and 5 are the places of messages and enums in a file, 2 of fields and values in those.
        for (m, message) in (0..).zip(&file.message_type) {
            let of_field = |f| comments[&[4, m, 2, f][..]].clone();
            let comment = comments[&[4, m][..]].clone();
            found.add(
                message.name(),
                comment.clone(),
                of_message(message, comment, of_field),
            );
        }
        for (e, an_enum) in (0..).zip(&file.enum_type) {
            let of_value = |v| comments[&[5, e, 2, v][..]].clone();
            let comment = comments[&[5, e][..]].clone();
            let schema = of_enum(an_enum, &comment, of_value);
            found.add(an_enum.name(), comment, schema);
        }
    }
    found
}

impl Schemas {
    fn add(&mut self, name: &str, comment: String, schema: Yaml) {
        self.comments.insert(name.to_owned(), comment);
        self.schemas.insert(name.to_owned(), schema);
    }
}

fn one_paragraph(comment: &str) -> String {
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_message(
    message: &DescriptorProto,
    comment: String,
    comment_of: impl Fn(i32) -> String,
) -> Yaml {
    let fields = (0..).zip(&message.field);
    let properties = fields
        .map(|(f, field)| (field.name().to_owned(), of_field(field, comment_of(f))))
        .collect();
    map([
        ("type", text("object")),
        ("description", text(comment)),
        ("properties", Yaml::Map(properties)),
    ])
}

fn of_field(field: &FieldDescriptorProto, comment: String) -> Yaml {
    let number = ("x-protobuf-field", Yaml::Bare(field.number().to_string()));
    let one = one_value(field);
    if field.label() == Label::Repeated {
        return map([
            ("type", text("array")),
            ("description", text(comment)),
            number,
            ("items", Yaml::Map(one)),
        ]);
    }
    let mut members = vec![("description".to_owned(), text(comment))];
    members.push((number.0.to_owned(), number.1));
    match one.first() {
        // Beside a reference nothing else counts.
        Some((key, _)) if key == "$ref" => {
            members.push(("allOf".to_owned(), Yaml::List(vec![Yaml::Map(one)])));
        }
        _ => members.extend(one),
    }
    Yaml::Map(members)
}

fn one_value(field: &FieldDescriptorProto) -> Vec<(String, Yaml)> {
    let schema = match field.r#type() {
        Type::String => map([("type", text("string"))]),
        Type::Bool => map([("type", text("boolean"))]),
        Type::Uint32 => map([
            ("type", text("integer")),
            ("minimum", Yaml::Bare("0".into())),
        ]),
        // The JSON mapping writes 64 bits as text.
        Type::Int64 => map([("type", text("string")), ("pattern", text("^-?[0-9]+$"))]),
        Type::Message if field.type_name() == ".google.protobuf.Timestamp" => {
            map([("type", text("string")), ("format", text("date-time"))])
        }
        Type::Message | Type::Enum => {
            let name = field.type_name().rsplit('.').next().unwrap();
            reference(&format!("#/components/schemas/{name}"))
        }
        other => panic!(
            "{}: say here how {other:?} is written in JSON",
            field.name()
        ),
    };
    let Yaml::Map(members) = schema else {
        unreachable!("built as a map above");
    };
    members
}

/// Readers pass over values that they don't know, so the list is no `enum`.
fn of_enum(
    an_enum: &EnumDescriptorProto,
    comment: &str,
    comment_of: impl Fn(i32) -> String,
) -> Yaml {
    let values = (0..).zip(&an_enum.value).map(|(v, value)| {
        format!(
            "- `{}` ({}): {}",
            value.name(),
            value.number(),
            comment_of(v)
        )
    });
    let description = [comment.to_owned(), String::new()]
        .into_iter()
        .chain(values)
        .collect::<Vec<_>>()
        .join("\n");
    map([("type", text("string")), ("description", text(description))])
}
