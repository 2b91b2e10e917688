use serde::{Deserialize, Serialize};

/// How the body of a record is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Protocol buffers.
    #[default]
    Protobuf,
    /// Their JSON mapping, with the fields' own names.
    Json,
}

impl Encoding {
    /// The media type, for the header `content-type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/protobuf",
            Self::Json => "application/json",
        }
    }
}
