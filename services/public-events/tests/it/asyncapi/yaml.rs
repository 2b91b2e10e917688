use std::fmt::{self, Write as _};

/// A document in the order in which it is to be read.
pub(super) enum Yaml {
    Map(Vec<(String, Yaml)>),
    List(Vec<Yaml>),
    Text(String),
    /// A number or a truth value, as written.
    Bare(String),
}

pub(super) fn map<const N: usize>(members: [(&str, Yaml); N]) -> Yaml {
    let members = members.into_iter();
    Yaml::Map(
        members
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

pub(super) fn text(text: impl Into<String>) -> Yaml {
    Yaml::Text(text.into())
}

pub(super) fn reference(to: &str) -> Yaml {
    map([("$ref", text(to))])
}

impl From<&serde_json::Value> for Yaml {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Object(members) => Self::Map(
                members
                    .iter()
                    .map(|(key, value)| (key.clone(), value.into()))
                    .collect(),
            ),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::String(text) => Self::Text(text.clone()),
            other => Self::Bare(other.to_string()),
        }
    }
}

impl fmt::Display for Yaml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        write(self, 0, &mut out);
        f.write_str(out.trim_start_matches('\n'))?;
        f.write_char('\n')
    }
}

/// Writes what stands after `key:` or `-`, with what goes before it.
fn write(value: &Yaml, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Yaml::Map(members) if members.is_empty() => out.push_str(" {}"),
        Yaml::List(items) if items.is_empty() => out.push_str(" []"),
        Yaml::Map(members) => {
            for (key, value) in members {
                let _ = write!(out, "\n{indent}{}:", scalar(key));
                write(value, depth + 1, out);
            }
        }
        Yaml::List(items) => {
            for item in items {
                let _ = write!(out, "\n{indent}-");
                let mut nested = String::new();
                write(item, depth + 1, &mut nested);
                // A map begins on the line of its dash.
                let begins = format!("\n{indent}  ");
                match nested.strip_prefix(&begins) {
                    Some(rest) => {
                        let _ = write!(out, " {rest}");
                    }
                    None => out.push_str(&nested),
                }
            }
        }
        Yaml::Text(text) if text.contains('\n') => {
            out.push_str(" |-");
            for line in text.lines() {
                out.push('\n');
                if !line.is_empty() {
                    let _ = write!(out, "{indent}{line}");
                }
            }
        }
        Yaml::Text(text) => {
            let _ = write!(out, " {}", scalar(text));
        }
        Yaml::Bare(word) => {
            let _ = write!(out, " {word}");
        }
    }
}

/// Quoted unless nobody could take it for something else. A JSON string is one of YAML's too.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-/. ".contains(c))
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
