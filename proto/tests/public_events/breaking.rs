//! What would break a reader that was built from the descriptors before: in the binary form a number
//! or a type that moved, in JSON a name.

use std::collections::BTreeMap;

use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// One line for each break, with the name of what broke.
pub(crate) fn changes(before: &FileDescriptorSet, after: &FileDescriptorSet) -> Vec<String> {
    let (before, after) = (Schema::of(before), Schema::of(after));
    let mut breaks = Vec::new();
    for (name, fields) in &before.messages {
        match after.messages.get(name) {
            None => breaks.push(format!("message {name} is gone")),
            Some(now) => fields_changed(name, fields, now, &mut breaks),
        }
    }
    for (name, values) in &before.enums {
        match after.enums.get(name) {
            None => breaks.push(format!("enum {name} is gone")),
            Some(now) => values_changed(name, values, now, &mut breaks),
        }
    }
    breaks
}

fn fields_changed(message: &str, before: &Fields, after: &Fields, breaks: &mut Vec<String>) {
    for (number, field) in before {
        let name = format!("{message}.{} (= {number})", field.name);
        match after.get(number) {
            None => breaks.push(format!("field {name} is gone")),
            Some(now) if now.name != field.name => {
                breaks.push(format!("field {name} is called {} now", now.name));
            }
            Some(now) if now.shape != field.shape => {
                breaks.push(format!(
                    "field {name} was {}, is {}",
                    field.shape, now.shape
                ));
            }
            Some(_) => {}
        }
    }
}

fn values_changed(name: &str, before: &Values, after: &Values, breaks: &mut Vec<String>) {
    for (number, value) in before {
        match after.get(number) {
            None => breaks.push(format!("value {name}.{value} (= {number}) is gone")),
            Some(now) if now != value => {
                breaks.push(format!(
                    "value {name}.{value} (= {number}) is called {now} now"
                ));
            }
            Some(_) => {}
        }
    }
}

struct Field {
    name: String,
    /// Type, cardinality and oneof, in one comparable line.
    shape: String,
}
type Fields = BTreeMap<i32, Field>;
type Values = BTreeMap<i32, String>;

#[derive(Default)]
struct Schema {
    messages: BTreeMap<String, Fields>,
    enums: BTreeMap<String, Values>,
}

impl Schema {
    fn of(set: &FileDescriptorSet) -> Self {
        let mut schema = Self::default();
        for file in &set.file {
            let package = file.package();
            for message in &file.message_type {
                schema.add_message(package, message);
            }
            for an_enum in &file.enum_type {
                schema.add_enum(package, an_enum);
            }
        }
        schema
    }

    fn add_message(&mut self, parent: &str, message: &DescriptorProto) {
        let name = format!("{parent}.{}", message.name());
        let fields = message.field.iter();
        let fields = fields.map(|field| (field.number(), read(field, message)));
        self.messages.insert(name.clone(), fields.collect());
        for nested in &message.nested_type {
            self.add_message(&name, nested);
        }
        for nested in &message.enum_type {
            self.add_enum(&name, nested);
        }
    }

    fn add_enum(&mut self, parent: &str, an_enum: &EnumDescriptorProto) {
        let values = an_enum.value.iter();
        let values = values.map(|value| (value.number(), value.name().to_owned()));
        let name = format!("{parent}.{}", an_enum.name());
        self.enums.insert(name, values.collect());
    }
}

fn read(field: &FieldDescriptorProto, message: &DescriptorProto) -> Field {
    let oneof = field
        .oneof_index
        .and_then(|index| message.oneof_decl.get(usize::try_from(index).ok()?))
        .map_or(String::new(), |oneof| format!(" in {}", oneof.name()));
    Field {
        name: field.name().to_owned(),
        shape: format!(
            "{:?} {:?} {}{oneof}",
            field.label(),
            field.r#type(),
            field.type_name()
        ),
    }
}

/// A set of one message and one enum, for changing.
fn small_set() -> FileDescriptorSet {
    use prost_types::{
        EnumValueDescriptorProto, FileDescriptorProto, field_descriptor_proto::Type,
    };
    let field = |name: &str, number| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        r#type: Some(Type::String.into()),
        ..Default::default()
    };
    let value = |name: &str, number| EnumValueDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        ..Default::default()
    };
    FileDescriptorSet {
        file: vec![FileDescriptorProto {
            package: Some("shop.v1".to_owned()),
            message_type: vec![DescriptorProto {
                name: Some("Sold".to_owned()),
                field: vec![field("item", 1), field("buyer", 2)],
                ..Default::default()
            }],
            enum_type: vec![EnumDescriptorProto {
                name: Some("Size".to_owned()),
                value: vec![value("SIZE_UNSPECIFIED", 0), value("SIZE_SMALL", 1)],
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

fn after(change: impl FnOnce(&mut prost_types::FileDescriptorProto)) -> Vec<String> {
    let before = small_set();
    let mut now = before.clone();
    change(&mut now.file[0]);
    changes(&before, &now)
}

#[test]
fn additions_break_nobody() {
    let breaks = after(|file| {
        let mut field = file.message_type[0].field[0].clone();
        field.number = Some(3);
        field.name = Some("colour".to_owned());
        file.message_type[0].field.push(field);
        let mut value = file.enum_type[0].value[1].clone();
        value.number = Some(2);
        file.enum_type[0].value.push(value);
        let message = file.message_type[0].clone();
        file.message_type.push(DescriptorProto {
            name: Some("Returned".to_owned()),
            ..message
        });
    });
    assert_eq!(breaks, Vec::<String>::new());
}

#[test]
fn a_field_that_goes_moves_or_changes_is_named() {
    let gone = after(|file| drop(file.message_type[0].field.pop()));
    assert_eq!(gone, ["field shop.v1.Sold.buyer (= 2) is gone"]);
    let moved = after(|file| file.message_type[0].field[1].number = Some(7));
    assert_eq!(moved, ["field shop.v1.Sold.buyer (= 2) is gone"]);
    let renamed = after(|file| file.message_type[0].field[1].name = Some("who".to_owned()));
    assert_eq!(
        renamed,
        ["field shop.v1.Sold.buyer (= 2) is called who now"]
    );
    let retyped = after(|file| {
        let bytes = prost_types::field_descriptor_proto::Type::Bytes;
        file.message_type[0].field[1].r#type = Some(bytes.into());
    });
    assert_eq!(retyped.len(), 1, "{retyped:?}");
    assert!(retyped[0].starts_with("field shop.v1.Sold.buyer (= 2) was "));
    let repeated = after(|file| {
        let label = prost_types::field_descriptor_proto::Label::Repeated;
        file.message_type[0].field[1].label = Some(label.into());
    });
    assert_eq!(repeated.len(), 1, "{repeated:?}");
}

#[test]
fn an_enum_value_that_goes_or_is_renamed_is_named() {
    let gone = after(|file| drop(file.enum_type[0].value.pop()));
    assert_eq!(gone, ["value shop.v1.Size.SIZE_SMALL (= 1) is gone"]);
    let renamed = after(|file| file.enum_type[0].value[1].name = Some("SIZE_TINY".to_owned()));
    assert_eq!(
        renamed,
        ["value shop.v1.Size.SIZE_SMALL (= 1) is called SIZE_TINY now"]
    );
}

#[test]
fn another_package_and_a_lost_message_are_named() {
    let package = after(|file| file.package = Some("shop.v2".to_owned()));
    assert_eq!(
        package,
        ["message shop.v1.Sold is gone", "enum shop.v1.Size is gone"]
    );
    let message = after(|file| file.message_type.clear());
    assert_eq!(message, ["message shop.v1.Sold is gone"]);
}
