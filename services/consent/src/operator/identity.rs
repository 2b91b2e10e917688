use consent_domain::InvalidId;
use serde::Serialize;
use utoipa::ToSchema;

/// Names an operator in facts and in the record of acts: 1 to 64 characters of `A-Za-z0-9._-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperatorId(String);

impl OperatorId {
    /// Reads it.
    ///
    /// # Errors
    /// [`InvalidId`].
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(InvalidId { kind: "OperatorId" })
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for OperatorId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// The id.
    pub id: OperatorId,
    /// As people call it; never stored with an act.
    pub name: String,
}

/// What an operator may at a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Auditor,
    /// Reads and acts.
    Operator,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 2] = [Self::Auditor, Self::Operator];

    /// The role's name in the database and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Operator => "operator",
        }
    }

    /// The role of that name, if there is one.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// What a handler asks of whoever calls it.
pub trait Need: 'static {
    /// At least this role.
    const ROLE: Role;
}

/// The handler reads.
#[derive(Debug, Clone, Copy)]
pub struct Reads;

/// The handler changes something.
#[derive(Debug, Clone, Copy)]
pub struct Acts;

impl Need for Reads {
    const ROLE: Role = Role::Auditor;
}

impl Need for Acts {
    const ROLE: Role = Role::Operator;
}
