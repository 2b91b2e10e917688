//! Operators of the demonstration: two who act, since one approves what the other asks for, and an auditor.

use crate::agent::seed_example::BANK_CODE;

/// Somebody at the operators' console.
#[derive(Debug, Clone, Copy)]
pub struct Operator {
    /// What is typed to sign in.
    pub id: &'static str,
    /// As people call them.
    pub name: &'static str,
    /// The console's password.
    pub password: &'static str,
    /// `operator` or `auditor`.
    pub role: &'static str,
}

/// The bank at which they have their roles.
pub const BANK: &str = BANK_CODE;

/// The one who also keeps partners' records, which are the same at every bank.
pub const PLATFORM: &str = "jimu01";

/// All of them.
pub const OPERATORS: [Operator; 3] = [
    Operator {
        id: "jimu01",
        name: "事務 一郎",
        password: "Rokin-Jimu-2026",
        role: "operator",
    },
    Operator {
        id: "jimu02",
        name: "事務 二葉",
        password: "Rokin-Jimu-2027",
        role: "operator",
    },
    Operator {
        id: "kansa01",
        name: "監査 三郎",
        password: "Rokin-Kansa-2026",
        role: "auditor",
    },
];
